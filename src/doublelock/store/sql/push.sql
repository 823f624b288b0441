-- name: put
INSERT INTO push (device, endpoint) VALUES (?, ?)
ON CONFLICT (device) DO UPDATE SET endpoint = excluded.endpoint;

-- name: drop
DELETE FROM push WHERE device = ?;

-- name: all
SELECT device, endpoint FROM push;

-- name: put_key
INSERT OR IGNORE INTO push_key (one, key) VALUES (1, ?);

-- name: key
SELECT key FROM push_key;
