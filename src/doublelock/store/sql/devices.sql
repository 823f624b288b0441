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

-- name: drop_all_mail
DELETE FROM mail WHERE device = ?;

-- name: count_relayed
SELECT count(*), coalesce(sum(substr(payload, 1, 32) = ?3), 0) FROM mail
WHERE device = ?1 AND kind = ?2;

-- name: put_day
INSERT INTO device_days (device, account, day) VALUES (?, ?, ?)
ON CONFLICT (device) DO UPDATE SET day = max(day, excluded.day);

-- name: days
SELECT device, day FROM device_days WHERE account = ?;

-- name: drop_day
DELETE FROM device_days WHERE device = ?;

-- name: drop_days
DELETE FROM device_days WHERE account = ?;

-- name: keep_no_days
INSERT OR IGNORE INTO without_days (account) VALUES (?);

-- name: keep_days
DELETE FROM without_days WHERE account = ?;

-- name: without_days
SELECT account FROM without_days;
