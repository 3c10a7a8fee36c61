-- A product page wants the reviews of one product.
CREATE INDEX reviews_of_product ON reviews (product_id);
