-- Drivers look at the charges of a ride.
CREATE INDEX charges_ride ON charges (ride);
