-- The back office asks for open orders and for returned ones.
CREATE INDEX orders_status ON orders (status);
