-- One client's state. Every `value` is sealed for its table and row; keys and numbers are not.

CREATE TABLE IF NOT EXISTS facts (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
);

CREATE TABLE IF NOT EXISTS conversations (
    conversation BLOB PRIMARY KEY,
    value BLOB NOT NULL
);

CREATE TABLE IF NOT EXISTS group_states (
    conversation BLOB PRIMARY KEY,
    value BLOB NOT NULL,
    tree BLOB NOT NULL,
    sent BLOB
);

CREATE TABLE IF NOT EXISTS group_epochs (
    conversation BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (conversation, epoch)
);

CREATE TABLE IF NOT EXISTS key_packages (
    reference BLOB PRIMARY KEY,
    value BLOB NOT NULL
);

CREATE TABLE IF NOT EXISTS outbox (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation BLOB NOT NULL,
    message_id BLOB NOT NULL UNIQUE,
    value BLOB NOT NULL
);

CREATE TABLE IF NOT EXISTS history (
    conversation BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (conversation, sequence)
);

CREATE TABLE IF NOT EXISTS own_messages (
    message_id BLOB PRIMARY KEY,
    sequence INTEGER NOT NULL
);

CREATE TABLE IF NOT EXISTS uploads (
    digest BLOB PRIMARY KEY,
    value BLOB NOT NULL
);

CREATE TABLE IF NOT EXISTS log_entries (
    log TEXT NOT NULL,
    number INTEGER NOT NULL,
    entry BLOB NOT NULL,
    PRIMARY KEY (log, number)
);
