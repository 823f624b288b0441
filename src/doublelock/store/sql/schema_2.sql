-- Version 2. Push subscriptions and days of use; read marks are whispers now and leave no row.

DROP TABLE cursors;

-- One endpoint a device; the key signs for all of them, and is of no use without them.
CREATE TABLE push (
    device BLOB PRIMARY KEY,
    endpoint TEXT NOT NULL
) STRICT;

CREATE TABLE push_key (one INTEGER PRIMARY KEY CHECK (one = 1), key BLOB NOT NULL) STRICT;

CREATE TABLE device_days (
    device BLOB PRIMARY KEY,
    account BLOB NOT NULL,
    day INTEGER NOT NULL
) STRICT;
CREATE INDEX device_days_by_account ON device_days (account);

-- Accounts that want no days kept.
CREATE TABLE without_days (account BLOB PRIMARY KEY) STRICT;
