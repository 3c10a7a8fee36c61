-- Where a code was given twice before, it belongs to whom it was given first.
DELETE FROM links later USING links first WHERE later.code = first.code AND later.id > first.id;
CREATE UNIQUE INDEX links_code ON links (code);
