-- What waits, in its order; where the journal ends; where an entry stands in it.
CREATE INDEX inbox_waiting ON inbox (created_at) WHERE NOT booked;
CREATE INDEX journal_number ON journal (number);
CREATE INDEX journal_entry ON journal (entry);
