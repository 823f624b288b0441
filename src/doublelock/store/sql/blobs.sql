-- name: start
INSERT INTO blobs (blob, account, device, size, digest, complete, time_ms)
VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: find
SELECT blob, account, device, size, digest, complete, time_ms FROM blobs WHERE blob = ?;

-- name: finish
UPDATE blobs SET complete = 1 WHERE blob = ?;

-- name: used
SELECT coalesce(sum(size), 0) FROM blobs WHERE account = ?;

-- name: before
SELECT blob, account, device, size, digest, complete, time_ms FROM blobs
WHERE time_ms < ? ORDER BY time_ms LIMIT ?;

-- name: drop
DELETE FROM blobs WHERE blob = ?;
