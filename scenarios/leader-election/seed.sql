-- What was handed in and what was written down of it. Both are empty in the morning.

CREATE TABLE inbox (
    id          text        PRIMARY KEY,
    amount      integer     NOT NULL CHECK (amount > 0),
    booked      boolean     NOT NULL DEFAULT false,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE journal (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number     integer     NOT NULL,
    entry      text        NOT NULL,
    amount     integer     NOT NULL,
    balance    bigint      NOT NULL,
    keeper     text        NOT NULL,
    term       integer     NOT NULL,
    booked_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
