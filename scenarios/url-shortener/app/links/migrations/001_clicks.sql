-- Customers pay by the click.
ALTER TABLE links ADD COLUMN clicks bigint NOT NULL DEFAULT 0;
