/** Every limit on size and count that a client meets. Bytes unless the name says otherwise. */

export const HANDLE = 64;
export const RECORD = 64 * 1024;
export const BODY = RECORD + 64 + 32 + 16 + 64;
export const MLS_APPLICATION = 4 * 1024;
export const MLS_COMMIT = 4 * 1024 * 1024;
export const MLS_WELCOME = 4 * 1024 * 1024;
export const MLS_KEY_PACKAGE = 8 * 1024;
export const RATCHET_TREE = 8 * 1024 * 1024;
export const FRAME = 5 * 1024 * 1024;
export const GROUP_MEMBERS = 1_000;
export const DEVICES_PER_ACCOUNT = 16;
export const BLOB_CHUNK = 64 * 1024;
export const BLOB = 1024 * 1024 * 1024;
export const CUSTODIANS = 64;
export const COMMITTEES = 64;
export const CHARTER = 256 * 1024;
export const LOG_ENTRY = 60 * 1024;
export const NOTE = 256 * 1024;
export const NOTE_SIGNATURES = 100;
export const KEY_NAME = 255;
export const VKEY = 2_048;
export const POLICY_COMPONENTS = 256;
export const TILE_ENTRY = 65_535;
/** A count of entries, 2^53 - 1 here: what JavaScript numbers hold. Python allows 2^62. */
export const TREE_SIZE = Number.MAX_SAFE_INTEGER;
export const PROOF_HASHES = 63;
export const TLOG_PROOF = NOTE + 8 * 1024;
export const WITNESSES = 32;
export const KEY_LOG_ENTRY = 2 * 1024;
export const SIGNERS = 2 + 2 * COMMITTEES + CUSTODIANS * COMMITTEES;
export const SUBJECTS_PER_REQUEST = 1_000;
export const CURSORS = 10_000;
export const EPHEMERAL_BODY = 1024;
export const RECEIPT_PATH = 32;
export const KEY_EPOCH = 32 * 1024;
/** 9999-12-31 as a day, the last that calendars here can name. */
export const LAST_DAY = 2_932_896;
export const NOTICE = 1024 * 1024;
export const CHARTERS = 1_024;
/** Thumbnail in a record, picture of a conversation, bytes. */
export const THUMBNAIL = 24 * 1024;
/** Name of a conversation, bytes. */
export const CONVERSATION_NAME = 256;
/** An answer of HTTP, bytes. */
export const HTTP_ANSWER = 16 * 1024 * 1024;
/** A web client's manifest, bytes. */
export const BUNDLE_MANIFEST = 256 * 1024;
/** Mail from a device of one's own account, bytes. */
export const OWN_MAIL = 64 * 1024;
/** Key packages published at once. */
export const KEY_PACKAGES = 100;
/** What a device is called, bytes. */
export const DEVICE_NAME = 255;
/** A file of a history that is handed over, bytes. */
export const HISTORY_PIECE = 16 * 1024 * 1024;
/** A group's name in a link, bytes. */
export const GROUP_LINK_NAME = 128;
/** The address in a link into a group, characters; what stands behind its #, likewise. */
export const GROUP_LINK_ADDRESS = 512;
export const GROUP_LINK_FRAGMENT = 1024;
