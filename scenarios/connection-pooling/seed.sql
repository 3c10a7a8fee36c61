-- The shop: 5,000 products, four reviews of each, and their stock. The same rows each time.

CREATE TABLE products (
    id           integer PRIMARY KEY,
    name         text    NOT NULL,
    category     text    NOT NULL,
    description  text    NOT NULL,
    price_cents  integer NOT NULL CHECK (price_cents > 0)
);

CREATE TABLE reviews (
    id          integer  PRIMARY KEY,
    product_id  integer  NOT NULL REFERENCES products,
    stars       smallint NOT NULL CHECK (stars BETWEEN 1 AND 5),
    author      text     NOT NULL,
    words       text     NOT NULL
);

CREATE TABLE stock (
    product_id  integer PRIMARY KEY REFERENCES products,
    available   integer NOT NULL CHECK (available >= 0)
);

CREATE TABLE orders (
    id           text        PRIMARY KEY,
    product_id   integer     NOT NULL REFERENCES products,
    quantity     integer     NOT NULL CHECK (quantity > 0),
    total_cents  integer     NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now()
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
FROM generate_series(1, 5000) AS n;

INSERT INTO reviews
SELECT n,
       1 + (n * 2654435761) % 5000,
       1 + (n * 7) % 5,
       'customer' || (n * 13) % 3000,
       (ARRAY['Just what I wanted.', 'Good, but slow to arrive.', 'Better than its picture.', 'My second one.'])[1 + n % 4]
FROM generate_series(1, 20000) AS n;

INSERT INTO stock SELECT n, 100000 FROM generate_series(1, 5000) AS n;

CREATE INDEX reviews_of_product ON reviews (product_id, id);
CREATE INDEX products_in_category ON products (category, id);
