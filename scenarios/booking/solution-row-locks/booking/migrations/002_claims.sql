-- A booking is there before it is paid, and is paid once it has a charge.
ALTER TABLE bookings ALTER COLUMN charge_id DROP NOT NULL;
CREATE INDEX bookings_doubtful ON bookings (created_at) WHERE charge_id IS NULL;
