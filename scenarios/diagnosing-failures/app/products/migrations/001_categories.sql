-- Lists are by category, the newest product first.
CREATE INDEX products_in_category ON products (category, id);
