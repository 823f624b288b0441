-- Version 1. Rowid tables with indices: WITHOUT ROWID is half as fast for rows of this size.

CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;

-- A sender is an (account, device); items name it by number.
CREATE TABLE senders (
    key INTEGER PRIMARY KEY,
    account BLOB NOT NULL,
    device BLOB NOT NULL,
    UNIQUE (device, account)
) STRICT;

CREATE TABLE conversations (
    key INTEGER PRIMARY KEY,
    conversation BLOB NOT NULL UNIQUE,
    creator BLOB NOT NULL,
    random BLOB NOT NULL,
    time_ms INTEGER NOT NULL,
    timer_ms INTEGER NOT NULL DEFAULT 0,
    erased INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE batches (
    key INTEGER PRIMARY KEY,
    size INTEGER NOT NULL,
    signature BLOB NOT NULL
) STRICT;

CREATE TABLE items (
    key INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    time_ms INTEGER NOT NULL,
    sender INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    batch INTEGER NOT NULL,
    leaf INTEGER NOT NULL,
    previous BLOB NOT NULL,
    path BLOB NOT NULL,
    header BLOB NOT NULL,
    body BLOB NOT NULL,
    mls BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX items_by_sequence ON items (conversation, sequence);

-- The first item of each label: written once a day and sender, not once a message.
CREATE TABLE labels (
    key INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL,
    day INTEGER NOT NULL,
    account BLOB NOT NULL,
    first INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX labels_by_conversation ON labels (conversation, day, account, first);
CREATE INDEX labels_by_account ON labels (account, day, conversation, first);

CREATE TABLE groups (
    conversation INTEGER PRIMARY KEY,
    epoch INTEGER NOT NULL,
    snapshot BLOB NOT NULL,
    tree BLOB NOT NULL,
    group_info BLOB NOT NULL
) STRICT;

CREATE TABLE trees (
    key INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    tree BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX trees_by_epoch ON trees (conversation, epoch);

CREATE TABLE members (
    key INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL,
    account BLOB NOT NULL,
    device BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX members_by_conversation ON members (conversation, device);
CREATE INDEX members_by_device ON members (device, conversation);
CREATE INDEX members_by_account ON members (account, conversation);

CREATE TABLE handles (account BLOB PRIMARY KEY, handle TEXT NOT NULL) STRICT;

CREATE TABLE key_packages (
    key INTEGER PRIMARY KEY,
    account BLOB NOT NULL,
    device BLOB NOT NULL,
    last_resort INTEGER NOT NULL,
    package BLOB NOT NULL
) STRICT;
CREATE INDEX key_packages_by_device ON key_packages (device, last_resort);

CREATE TABLE mail (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    device BLOB NOT NULL,
    time_ms INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    conversation BLOB NOT NULL,
    at INTEGER NOT NULL,
    payload BLOB NOT NULL
) STRICT;
CREATE INDEX mail_by_device ON mail (device, key);

CREATE TABLE cursors (
    key INTEGER PRIMARY KEY,
    device BLOB NOT NULL,
    conversation BLOB NOT NULL,
    delivered INTEGER NOT NULL,
    read INTEGER NOT NULL,
    UNIQUE (device, conversation)
) STRICT;

CREATE TABLE blobs (
    key INTEGER PRIMARY KEY,
    blob BLOB NOT NULL UNIQUE,
    account BLOB NOT NULL,
    device BLOB NOT NULL,
    size INTEGER NOT NULL,
    digest BLOB NOT NULL,
    complete INTEGER NOT NULL,
    time_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX blobs_by_account ON blobs (account, size);
CREATE INDEX blobs_by_time ON blobs (time_ms);

CREATE TABLE charters (key INTEGER PRIMARY KEY, document BLOB NOT NULL UNIQUE) STRICT;

CREATE TABLE key_epochs (key INTEGER PRIMARY KEY, document BLOB NOT NULL UNIQUE) STRICT;

CREATE TABLE law (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    "case" BLOB NOT NULL,
    kind TEXT NOT NULL,
    author BLOB NOT NULL,
    time_ms INTEGER NOT NULL,
    log_index INTEGER NOT NULL,
    document BLOB NOT NULL
) STRICT;
CREATE INDEX law_by_case ON law ("case", key);

CREATE TABLE ceremonies (
    key INTEGER PRIMARY KEY,
    ceremony BLOB NOT NULL UNIQUE,
    time_ms INTEGER NOT NULL,
    document BLOB NOT NULL
) STRICT;

CREATE TABLE ceremony_messages (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    ceremony BLOB NOT NULL,
    round INTEGER NOT NULL,
    author BLOB NOT NULL,
    message BLOB NOT NULL,
    UNIQUE (ceremony, round, author)
) STRICT;
