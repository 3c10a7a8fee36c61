CREATE TABLE pages (name text PRIMARY KEY);
INSERT INTO pages VALUES ('home');
