-- A seat is held until a moment, or sold (null). A booking is paid once it has a charge, or has lapsed.
-- Seats that were sold twice before belong to whom they were sold first.
DELETE FROM tickets later USING tickets first
WHERE later.show = first.show AND later.seat = first.seat AND later.ctid > first.ctid;
CREATE UNIQUE INDEX tickets_once ON tickets (show, seat);
ALTER TABLE tickets ADD COLUMN held_until timestamptz;
ALTER TABLE bookings ALTER COLUMN charge_id DROP NOT NULL, ADD COLUMN lapsed boolean NOT NULL DEFAULT false;
CREATE INDEX bookings_doubtful ON bookings (created_at) WHERE charge_id IS NULL AND NOT lapsed;
