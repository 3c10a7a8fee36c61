-- The shop: 6,000 products, and the 160,000 reviews that three good years have brought. The same rows each time.

CREATE TABLE products (
    id           integer PRIMARY KEY,
    name         text    NOT NULL,
    category     text    NOT NULL,
    description  text    NOT NULL,
    price_cents  integer NOT NULL CHECK (price_cents > 0)
);

CREATE TABLE reviews (
    id          integer     PRIMARY KEY,
    product_id  integer     NOT NULL REFERENCES products,
    stars       smallint    NOT NULL CHECK (stars BETWEEN 1 AND 5),
    author      text        NOT NULL,
    words       text        NOT NULL,
    written_at  timestamptz NOT NULL DEFAULT now()
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
FROM generate_series(1, 6000) AS n;

INSERT INTO reviews
SELECT n,
       1 + (hashint4(n) & 65535) % 6000,
       1 + (n * 7) % 5,
       'customer' || (n * 13) % 30000,
       (ARRAY['Just what I wanted.', 'Good, but slow to arrive.', 'Better than its picture.', 'My second one.'])[1 + n % 4]
           || ' I have had it for ' || 1 + n % 23 || ' months now and use it nearly every day.',
       timestamptz '2023-01-01' + n * interval '9 minutes'
FROM generate_series(1, 160000) AS n;
