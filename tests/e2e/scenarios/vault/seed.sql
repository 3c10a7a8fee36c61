CREATE TABLE texts (key text PRIMARY KEY, text text NOT NULL);
