-- The shop: 5,000 products, their stock, and 2,000 orders of the past. The same rows each time.

CREATE TABLE products (
    id           integer PRIMARY KEY,
    name         text    NOT NULL,
    category     text    NOT NULL,
    description  text    NOT NULL,
    price_cents  integer NOT NULL CHECK (price_cents > 0)
);

CREATE TABLE stock (
    product_id  integer PRIMARY KEY REFERENCES products,
    available   integer NOT NULL CHECK (available >= 0)
);

CREATE TABLE orders (
    id           text        PRIMARY KEY,
    email        text        NOT NULL,
    status       text        NOT NULL DEFAULT 'new',
    total_cents  integer     NOT NULL,
    charge_id    text,
    created_at   timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE order_lines (
    order_id     text    NOT NULL REFERENCES orders,
    product_id   integer NOT NULL REFERENCES products,
    quantity     integer NOT NULL CHECK (quantity > 0),
    price_cents  integer NOT NULL,
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
FROM generate_series(1, 5000) AS n;

INSERT INTO stock SELECT n, 1000 + (n * 31) % 500 FROM generate_series(1, 5000) AS n;

INSERT INTO orders
SELECT 'past-' || n,
       'customer' || n % 700 || '@example.com',
       'shipped',
       490 + (((n * 17) % 5000 + 1) * 7919) % 20000,
       md5('charge' || n),
       timestamptz '2026-01-01' + n * interval '3 hours'
FROM generate_series(1, 2000) AS n;

INSERT INTO order_lines
SELECT 'past-' || n, (n * 17) % 5000 + 1, 1, 490 + (((n * 17) % 5000 + 1) * 7919) % 20000
FROM generate_series(1, 2000) AS n;

CREATE INDEX orders_open ON orders (created_at) WHERE status <> 'shipped';
