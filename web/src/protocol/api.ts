/** HTTP bodies, both ways: msgpack maps, strictly typed (spec W-30 to W-45). */

import * as limits from "./limits.ts";
import {
  arrayOf,
  body,
  bytes,
  type Codec,
  decodeValue,
  encodeValue,
  type Of,
  text,
  truth,
  whole,
} from "./msgpack.ts";

export const CONTENT_TYPE = "application/msgpack";

const id16 = bytes(16);
const id32 = bytes(32);
const number = whole();
const words = text(512);
const subject = bytes(33, 49);
const signature = bytes(64);
const keyPackage = bytes(0, limits.MLS_KEY_PACKAGE);
const tree = bytes(0, limits.RATCHET_TREE);
const deviceName = body({ account: id32, device: id16 });

/** A refusal: `code` is a `Code`'s value. */
export const problem = body({ code: words, detail: { ...words, absent: "" } });
/** `GET /v1/charters`: the genesis charter and every amendment, oldest first, as signed. */
export const charters = body({
  documents: arrayOf(bytes(0, limits.CHARTER), limits.CHARTERS),
});
export const askChallenge = body({ subject });
export const challenge = body({ challenge: id32, expiresMs: number });
export const openSession = body({ subject, challenge: id32, signature });
/** A token for `Authorization` and `Hello`, good until `expiresMs`. */
export const session = body({ token: id32, expiresMs: number });
export const register = body({
  handle: text(limits.HANDLE),
  entry: bytes(1, limits.LOG_ENTRY),
});
export const appendEntry = body({ entry: bytes(1, limits.LOG_ENTRY) });
/** The entry is in the log at `index`; wait for a cosigned checkpoint above it. */
export const appended = body({ index: number });
export const handles = body({ accounts: arrayOf(id32, limits.GROUP_MEMBERS) });
/** In the order asked for; empty when the account is unknown. */
export const directory = body({ handles: arrayOf(words, limits.GROUP_MEMBERS) });
export const publishKeyPackages = body({
  packages: arrayOf(keyPackage, limits.KEY_PACKAGES),
  lastResort: keyPackage,
});
export const keyPackageCount = body({ left: number });
export const claimKeyPackages = body({ devices: arrayOf(deviceName, limits.GROUP_MEMBERS) });
/** In the order asked for; empty where a device has none. */
export const claimedKeyPackages = body({ packages: arrayOf(keyPackage, limits.GROUP_MEMBERS) });
export const createConversation = body({
  conversation: id32,
  random: id32,
  groupInfo: tree,
  tree,
});
const welcomeFor = body({ account: id32, device: id16, welcome: bytes(1, limits.MLS_WELCOME) });
/** A PublicMessage: a commit with its welcomes and next GroupInfo, or a wish to leave. */
export const postCommit = body({
  commit: bytes(1, limits.MLS_COMMIT),
  welcomes: arrayOf(welcomeFor, limits.GROUP_MEMBERS),
  groupInfo: tree,
});
/** The commit is durable and ordered; `epoch` is the group's epoch after it. */
export const postedCommit = body({
  sequence: number,
  timeMs: number,
  epoch: number,
  previous: id32,
  index: number,
  size: number,
  path: bytes(0, limits.RECEIPT_PATH * 32),
  signature,
});
export const conversationState = body({
  conversation: id32,
  random: id32,
  creator: id16,
  epoch: number,
  head: number,
  timerMs: number,
  members: arrayOf(deviceName, limits.GROUP_MEMBERS),
});
export const setTimer = body({ timerMs: number });
export const startBlob = body({ size: whole(limits.BLOB, 1), digest: id32 });
/** A blob's name, which is a capability of 32 random bytes, and how much of it is there. */
export const blob = body({ blob: id32, size: number, received: number });
/** The account's devices, each with the last day on which it connected (-1: not known). */
export const devices = body({
  devices: arrayOf(
    body({ device: id16, day: whole(limits.LAST_DAY, -1), push: truth }),
    limits.DEVICES_PER_ACCOUNT,
  ),
  days: truth,
});
/** Sealed bytes for one device. */
export const sendMail = body({
  account: id32,
  device: id16,
  sealed: bytes(1, limits.OWN_MAIL),
});
export const pushState = body({ key: bytes(65), subscribed: truth });
export const subscribe = body({ endpoint: text(1024) });
/** The web client's manifest, its line in the law log, and the tlog-proof. */
export const bundle = body({
  manifest: bytes(1, limits.BUNDLE_MANIFEST),
  line: bytes(1, limits.TILE_ENTRY),
  proof: bytes(1, limits.TLOG_PROOF),
});

export type WelcomeFor = Of<typeof welcomeFor>;
export type PostCommit = Of<typeof postCommit>;
export type PostedCommit = Of<typeof postedCommit>;

/** A body as msgpack. */
export function encodeBody<T>(codec: Codec<T>, value: T): Uint8Array {
  return encodeValue(codec.write(value));
}

/** The body of a kind from msgpack. Throws Malformed(form). */
export function decodeBody<T>(codec: Codec<T>, data: Uint8Array): T {
  return codec.read(decodeValue(data));
}
