-- The books: 2,000 rides of the past. The same rows each time.

CREATE TABLE charges (
    ride        text        NOT NULL,
    fare        integer     NOT NULL,
    charge_id   text        NOT NULL,
    charged_at  timestamptz NOT NULL DEFAULT now()
);

INSERT INTO charges
SELECT 'past-' || n, 500 + (n * 7919) % 4000, md5('charge' || n), timestamptz '2026-01-01' + n * interval '3 hours'
FROM generate_series(1, 2000) AS n;
