-- One charge for each key. A charge whose key may be used again has none.
ALTER TABLE charges ADD COLUMN key text UNIQUE;
