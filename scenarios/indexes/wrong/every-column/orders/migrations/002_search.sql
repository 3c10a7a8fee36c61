-- Whatever anybody will ever filter by, there is an index.
CREATE INDEX orders_customer_id ON orders (customer_id);
CREATE INDEX orders_warehouse ON orders (warehouse);
CREATE INDEX orders_country ON orders (country);
CREATE INDEX orders_coupon ON orders (coupon);
CREATE INDEX orders_items ON orders (items);
CREATE INDEX orders_weight_grams ON orders (weight_grams);
CREATE INDEX orders_total_cents ON orders (total_cents);
CREATE INDEX orders_carrier ON orders (carrier);
CREATE INDEX orders_updated_at ON orders (updated_at);
