-- What each key was used for, and what was answered.
CREATE TABLE keys (
    key         text        PRIMARY KEY,
    sale        jsonb       NOT NULL,
    charge_id   uuid        REFERENCES charges,
    expires_at  timestamptz NOT NULL
);
