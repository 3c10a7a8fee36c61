-- Rides that wait to be charged; `refused` are those that nobody can charge.
CREATE TABLE jobs (
    id       bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ride     text    NOT NULL,
    fare     integer NOT NULL,
    refused  boolean NOT NULL DEFAULT false
);
