-- The shop: 300 products, 60,000 reviews, 120,000 orders with 240,000 lines. The same rows each time.

CREATE TABLE products (
    id           integer PRIMARY KEY,
    name         text    NOT NULL,
    category     text    NOT NULL,
    description  text    NOT NULL,
    price_cents  integer NOT NULL CHECK (price_cents > 0),
    revision     integer NOT NULL DEFAULT 1
);

CREATE TABLE reviews (
    id          integer  PRIMARY KEY,
    product_id  integer  NOT NULL REFERENCES products,
    stars       smallint NOT NULL CHECK (stars BETWEEN 1 AND 5),
    title       text     NOT NULL
);

CREATE TABLE order_lines (
    order_id    integer NOT NULL,
    product_id  integer NOT NULL REFERENCES products,
    quantity    integer NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (order_id, product_id)
);

INSERT INTO products
SELECT n,
       (ARRAY['Plain', 'Sturdy', 'Folding', 'Walnut', 'Steel', 'Linen', 'Classic', 'Small', 'Large', 'Quiet'])[1 + n % 10]
           || ' ' ||
       (ARRAY['kettle', 'lamp', 'chair', 'shelf', 'clock', 'basket', 'mirror', 'blanket', 'teapot', 'stool', 'vase'])
           [1 + n % 11]
           || ' no. ' || n,
       (ARRAY['kitchen', 'light', 'seating', 'storage', 'bedroom', 'garden', 'office'])[1 + n % 7],
       'Made to last, easy to clean, packed without plastic. Item ' || n || ' comes with a guarantee of '
           || 2 + n % 4 || ' years and is sent within ' || 1 + n % 3 || ' working days.',
       490 + (n * 7919) % 20000
FROM generate_series(1, 300) AS n;

-- Every product has 200 reviews and 800 order lines.
INSERT INTO reviews
SELECT n,
       1 + (n * 7919) % 300,
       1 + (n * 31 / 7) % 5,
       (ARRAY['As expected', 'Would buy again', 'Came late', 'Well made', 'Smaller than I thought'])[1 + (n / 11) % 5]
FROM generate_series(1, 60000) AS n;

INSERT INTO order_lines
SELECT n, 1 + (n * 7919) % 300, 1 + n % 3
FROM generate_series(1, 120000) AS n;

INSERT INTO order_lines
SELECT n, 1 + (n * 7919 + 1 + n / 300 * 37 % 299) % 300, 1 + n % 2
FROM generate_series(1, 120000) AS n;

CREATE INDEX reviews_product ON reviews (product_id);
CREATE INDEX order_lines_product ON order_lines (product_id);
