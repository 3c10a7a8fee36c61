-- A ride may come to a second worker while the first one is still at it.
-- Rides that are in the books twice stay there once.
DELETE FROM charges later USING charges first WHERE later.ride = first.ride AND later.ctid > first.ctid;
CREATE UNIQUE INDEX charges_once ON charges (ride);
