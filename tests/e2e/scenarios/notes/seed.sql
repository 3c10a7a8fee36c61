CREATE TABLE notes (key text PRIMARY KEY, text text NOT NULL);
