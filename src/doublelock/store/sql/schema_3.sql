-- Version 3. Who opened a ceremony; of older ones nobody knows.

ALTER TABLE ceremonies ADD COLUMN author BLOB NOT NULL DEFAULT x'';
