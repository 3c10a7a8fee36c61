-- What was answered to each key.
CREATE TABLE keys (
    key         text        PRIMARY KEY,
    charge_id   uuid        REFERENCES charges,
    expires_at  timestamptz NOT NULL
);
