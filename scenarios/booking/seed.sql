-- Four evenings in a hall with 1,000 seats each; seat 1 is the best one. The same rows each time.

CREATE TABLE shows (
    id     integer PRIMARY KEY,
    title  text    NOT NULL,
    price  integer NOT NULL CHECK (price > 0)
);

CREATE TABLE seats (
    show  integer NOT NULL REFERENCES shows,
    seat  integer NOT NULL,
    PRIMARY KEY (show, seat)
);

CREATE TABLE bookings (
    id          text        PRIMARY KEY,
    show        integer     NOT NULL REFERENCES shows,
    seats       integer[]   NOT NULL,
    amount      integer     NOT NULL CHECK (amount > 0),
    charge_id   text        NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE tickets (
    show     integer NOT NULL,
    seat     integer NOT NULL,
    booking  text    NOT NULL REFERENCES bookings,
    FOREIGN KEY (show, seat) REFERENCES seats
);

INSERT INTO shows VALUES (1, 'Thursday', 3900), (2, 'Friday', 5200), (3, 'Saturday', 6400), (4, 'Sunday', 4500);
INSERT INTO seats SELECT show, seat FROM generate_series(1, 4) AS show, generate_series(1, 1000) AS seat;
