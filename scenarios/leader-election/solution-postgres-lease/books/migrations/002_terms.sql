-- Who keeps the journal, in which term, and until when if nothing more is heard.
CREATE TABLE leadership (term integer NOT NULL, keeper text NOT NULL, expires_at timestamptz NOT NULL);
INSERT INTO leadership VALUES (0, '', now());
