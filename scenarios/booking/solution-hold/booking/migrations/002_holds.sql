-- A seat is held until a moment, or sold (null). A booking is paid once it has a charge, or has lapsed.
CREATE UNIQUE INDEX tickets_once ON tickets (show, seat);
ALTER TABLE tickets ADD COLUMN held_until timestamptz;
ALTER TABLE bookings ALTER COLUMN charge_id DROP NOT NULL, ADD COLUMN lapsed boolean NOT NULL DEFAULT false;
CREATE INDEX bookings_doubtful ON bookings (created_at) WHERE charge_id IS NULL AND NOT lapsed;
