-- A ride may come to a second worker while the first one is still at it.
CREATE UNIQUE INDEX charges_once ON charges (ride);
