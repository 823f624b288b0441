-- name: create
INSERT OR IGNORE INTO conversations (conversation, creator, random, time_ms) VALUES (?, ?, ?, ?);

-- name: find
SELECT key, conversation, creator, random, timer_ms, erased FROM conversations
WHERE conversation = ?;

-- name: by_key
SELECT key, conversation, creator, random, timer_ms, erased FROM conversations WHERE key = ?;

-- name: all
SELECT key, conversation, creator, random, timer_ms, erased FROM conversations ORDER BY key;

-- name: of_device
SELECT c.key, c.conversation, c.creator, c.random, c.timer_ms, c.erased
FROM members m JOIN conversations c ON c.key = m.conversation
WHERE m.device = ? ORDER BY c.key;

-- name: of_account
SELECT DISTINCT c.key, c.conversation, c.creator, c.random, c.timer_ms, c.erased
FROM members m JOIN conversations c ON c.key = m.conversation
WHERE m.account = ? ORDER BY c.key;

-- name: members
SELECT account, device FROM members WHERE conversation = ? ORDER BY key;

-- name: add_member
INSERT OR REPLACE INTO members (conversation, account, device) VALUES (?, ?, ?);

-- name: remove_member
DELETE FROM members WHERE conversation = ? AND account = ? AND device = ?;

-- name: put_group
INSERT INTO groups (conversation, epoch, snapshot, tree, group_info) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (conversation) DO UPDATE SET epoch = excluded.epoch, snapshot = excluded.snapshot,
    tree = excluded.tree, group_info = excluded.group_info;

-- name: group
SELECT epoch, snapshot, tree, group_info FROM groups WHERE conversation = ?;

-- name: epoch
SELECT epoch FROM groups WHERE conversation = ?;

-- name: keep_tree
INSERT OR REPLACE INTO trees (conversation, epoch, tree) VALUES (?, ?, ?);

-- name: tree
SELECT tree FROM trees WHERE conversation = ?1 AND epoch = ?2
UNION ALL SELECT tree FROM groups WHERE conversation = ?1 AND epoch = ?2 LIMIT 1;

-- name: set_timer
UPDATE conversations SET timer_ms = ?2 WHERE key = ?1;
