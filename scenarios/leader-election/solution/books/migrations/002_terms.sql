-- The term in which the journal is kept now: who comes with an older one has been replaced.
CREATE TABLE leadership (term integer NOT NULL);
INSERT INTO leadership VALUES (0);
