-- name: put_handle
INSERT OR IGNORE INTO handles (account, handle) VALUES (?, ?);

-- name: handle
SELECT handle FROM handles WHERE account = ?;

-- name: put_key_package
INSERT INTO key_packages (account, device, last_resort, package) VALUES (?, ?, ?, ?);

-- name: drop_last_resort
DELETE FROM key_packages WHERE device = ? AND last_resort = 1;

-- name: count_key_packages
SELECT count(*) FROM key_packages WHERE device = ? AND last_resort = 0;

-- name: next_key_package
SELECT key, last_resort, package FROM key_packages WHERE account = ? AND device = ?
ORDER BY last_resort, key LIMIT 1;

-- name: drop_key_package
DELETE FROM key_packages WHERE key = ?;

-- name: drop_key_packages
DELETE FROM key_packages WHERE device = ?;

-- name: put_mail
INSERT INTO mail (device, time_ms, kind, conversation, at, payload) VALUES (?, ?, ?, ?, ?, ?);

-- name: mail
SELECT key, device, time_ms, kind, conversation, at, payload FROM mail
WHERE device = ? AND key > ? ORDER BY key LIMIT ?;

-- name: drop_mail
DELETE FROM mail WHERE device = ? AND key <= ?;

-- name: put_cursor
INSERT INTO cursors (device, conversation, delivered, read) VALUES (?, ?, ?, ?)
ON CONFLICT (device, conversation) DO UPDATE SET
    delivered = max(delivered, excluded.delivered), read = max(read, excluded.read);

-- name: cursors
SELECT conversation, delivered, read FROM cursors WHERE device = ? ORDER BY key;
