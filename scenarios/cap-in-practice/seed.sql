-- One site's notes. Each site has a Postgres of its own that begins with this: there are none at first.

CREATE TABLE notes (
    key         text             PRIMARY KEY,
    value       bigint           NOT NULL,
    written_at  double precision NOT NULL
);
