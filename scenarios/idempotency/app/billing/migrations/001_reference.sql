-- Statements and complaints name a sale by its reference.
CREATE INDEX charges_reference ON charges (reference);
