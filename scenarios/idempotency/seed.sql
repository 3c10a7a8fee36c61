-- 200 prepaid accounts with 10,000.00 each. The same rows each time.

CREATE TABLE accounts (
    id       integer PRIMARY KEY,
    balance  integer NOT NULL CHECK (balance >= 0)
);

CREATE TABLE charges (
    id          uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    reference   text        NOT NULL,
    account     integer     NOT NULL REFERENCES accounts,
    amount      integer     NOT NULL CHECK (amount > 0),
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);

INSERT INTO accounts SELECT n, 1000000 FROM generate_series(1, 200) AS n;
