CREATE INDEX links_code ON links (code);

-- Clicks that are not yet added up, a row for each.
CREATE TABLE clicks (code text NOT NULL);
CREATE INDEX clicks_code ON clicks (code);
