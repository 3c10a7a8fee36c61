-- Is this seat sold? Whose tickets are these?
CREATE INDEX tickets_seat ON tickets (show, seat);
CREATE INDEX tickets_booking ON tickets (booking);
