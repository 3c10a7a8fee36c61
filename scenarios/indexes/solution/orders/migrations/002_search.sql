-- One index for each kind of search: first what is compared with =, then what the answer is sorted by.
CREATE INDEX orders_of_customer ON orders (customer_id, created_at);
CREATE INDEX orders_worklist ON orders (status, warehouse, created_at);
CREATE INDEX orders_of_country ON orders (status, country, created_at);
-- Whatever it could find the two above find as well, and each index has to be written with each order.
DROP INDEX orders_status;
