-- A seat has one ticket. A booking is there before it is paid, and is paid once it has a charge.
-- Seats that were sold twice before belong to whom they were sold first.
DELETE FROM tickets later USING tickets first
WHERE later.show = first.show AND later.seat = first.seat AND later.ctid > first.ctid;
CREATE UNIQUE INDEX tickets_once ON tickets (show, seat);
ALTER TABLE bookings ALTER COLUMN charge_id DROP NOT NULL;
CREATE INDEX bookings_doubtful ON bookings (created_at) WHERE charge_id IS NULL;
