-- What is asked for is found by its index, and Postgres can combine them.
CREATE INDEX orders_customer ON orders (customer_id);
CREATE INDEX orders_warehouse ON orders (warehouse);
CREATE INDEX orders_country ON orders (country);
