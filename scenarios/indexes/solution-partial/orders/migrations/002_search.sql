-- The lists are of few states: their indexes hold the orders in these states only, and a delivered order is in neither.
CREATE INDEX orders_of_customer ON orders (customer_id, created_at DESC);
CREATE INDEX orders_open ON orders (warehouse, created_at) WHERE status = 'open';
CREATE INDEX orders_returned ON orders (country, created_at DESC) WHERE status = 'returned';
DROP INDEX orders_status;
