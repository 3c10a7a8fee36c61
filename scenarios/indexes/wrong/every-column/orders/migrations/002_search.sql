-- Whatever anybody will ever look for, there is an index.
CREATE INDEX orders_of_customer ON orders (customer_id, created_at);
CREATE INDEX orders_worklist ON orders (status, warehouse, created_at);
CREATE INDEX orders_of_country ON orders (status, country, created_at);
CREATE INDEX orders_customer_id ON orders (customer_id);
CREATE INDEX orders_warehouse ON orders (warehouse);
CREATE INDEX orders_country ON orders (country);
CREATE INDEX orders_email ON orders (email);
CREATE INDEX orders_items ON orders (items);
CREATE INDEX orders_weight_grams ON orders (weight_grams);
CREATE INDEX orders_total_cents ON orders (total_cents);
CREATE INDEX orders_carrier ON orders (carrier);
CREATE INDEX orders_tracking ON orders (tracking);
CREATE INDEX orders_created_at ON orders (created_at);
CREATE INDEX orders_updated_at ON orders (updated_at);
