-- name: put_sender
INSERT OR IGNORE INTO senders (account, device) VALUES (?1, ?2);

-- name: sender
SELECT key FROM senders WHERE device = ?2 AND account = ?1;

-- name: put_batch
INSERT INTO batches (size, signature) VALUES (?, ?);

-- name: put_items
INSERT INTO items (conversation, sequence, time_ms, sender, kind, batch, leaf, previous, path,
    header, body, mls)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: put_labels
INSERT INTO labels (conversation, day, account, first)
SELECT ?1, ?2, ?3, ?4
WHERE NOT EXISTS (SELECT 1 FROM labels WHERE conversation = ?1 AND day = ?2 AND account = ?3);

-- name: after
SELECT i.sequence, i.time_ms, s.account, s.device, i.kind, i.header, i.body, i.mls, i.previous,
    i.leaf, b.size, i.path, b.signature
FROM items i JOIN senders s ON s.key = i.sender JOIN batches b ON b.key = i.batch
WHERE i.conversation = ? AND i.sequence > ? AND i.sequence <= ?
ORDER BY i.sequence LIMIT ?;

-- name: last
SELECT i.sequence, i.time_ms, s.account, s.device, i.kind, i.header, i.body, i.mls, i.previous,
    i.leaf, b.size, i.path, b.signature
FROM items i JOIN senders s ON s.key = i.sender JOIN batches b ON b.key = i.batch
WHERE i.conversation = ? ORDER BY i.sequence DESC LIMIT 1;

-- name: newest_messages
SELECT s.device, substr(i.header, 35, 16), i.time_ms, i.kind
FROM items i JOIN senders s ON s.key = i.sender ORDER BY i.key DESC LIMIT ?;

-- name: label_range
-- A conversation's times never run backwards, so a day is one range of its sequence.
SELECT
    (SELECT first FROM labels WHERE conversation = ?1 AND day = ?2 AND account = ?3),
    (SELECT min(first) FROM labels WHERE conversation = ?1 AND day > ?2);

-- name: label_items
SELECT i.sequence, i.time_ms, s.account, s.device, i.kind, i.header, i.body, i.mls, i.previous,
    i.leaf, b.size, i.path, b.signature
FROM items i JOIN senders s ON s.key = i.sender JOIN batches b ON b.key = i.batch
WHERE i.conversation = ?1 AND i.sequence >= ?2 AND (?3 IS NULL OR i.sequence < ?3)
    AND s.account = ?4 AND i.kind <> 2
ORDER BY i.sequence LIMIT ?5;

-- name: labels
SELECT conversation, day, account, first FROM labels WHERE conversation = ?
ORDER BY day, account;

-- name: labels_of
SELECT conversation, day, account, first FROM labels
WHERE account = ? AND day BETWEEN ? AND ? ORDER BY day, conversation;

-- name: to_erase
SELECT i.key, i.sequence, i.header, i.body, i.mls, i.kind FROM items i
WHERE i.conversation = ?1
    AND i.sequence > (SELECT erased FROM conversations WHERE key = ?1)
    AND i.time_ms < ?2
ORDER BY i.sequence LIMIT ?3;

-- name: erase
UPDATE items SET kind = 3, header = ?2, body = ?3, mls = ?4 WHERE key = ?1;

-- name: erased
UPDATE conversations SET erased = ?2 WHERE key = ?1;
