-- name: put_document
INSERT INTO law ("case", kind, author, time_ms, log_index, document) VALUES (?, ?, ?, ?, ?, ?);

-- name: documents
SELECT key, "case", kind, author, time_ms, log_index, document FROM law
WHERE key > ? ORDER BY key LIMIT ?;

-- name: case
SELECT key, "case", kind, author, time_ms, log_index, document FROM law
WHERE "case" = ? ORDER BY key;

-- name: put_charter
INSERT OR IGNORE INTO charters (document) VALUES (?);

-- name: charters
SELECT document FROM charters ORDER BY key;

-- name: put_key_epoch
INSERT OR IGNORE INTO key_epochs (document) VALUES (?);

-- name: key_epoch
SELECT key FROM key_epochs WHERE document = ?;

-- name: key_epochs
SELECT document FROM key_epochs ORDER BY key;

-- name: put_ceremony
INSERT OR IGNORE INTO ceremonies (ceremony, time_ms, document, author) VALUES (?, ?, ?, ?);

-- name: ceremonies
SELECT ceremony, time_ms, document, author FROM ceremonies ORDER BY key;

-- name: opened_after
SELECT ceremony, time_ms, document, author FROM ceremonies
WHERE author = ? AND time_ms > ? ORDER BY time_ms;

-- name: ceremony
SELECT ceremony, time_ms, document, author FROM ceremonies WHERE ceremony = ?;

-- name: put_ceremony_message
INSERT OR IGNORE INTO ceremony_messages (ceremony, round, author, message) VALUES (?, ?, ?, ?);

-- name: ceremony_messages
SELECT key, ceremony, round, author, message FROM ceremony_messages
WHERE ceremony = ? AND key > ? ORDER BY key LIMIT 256;
