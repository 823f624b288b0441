/**
 * One device's local state in IndexedDB: every value sealed by AES-256-GCM for its table and row.
 *
 * Keys (conversation ids, numbers) and the lockbox lie open. What must be written together is one
 * `write`: all of it or nothing, on the disk before the promise resolves.
 */

import type { Secret } from "../messenger.ts";
import { concat, utf8 } from "../protocol/encoding.ts";
import { VaultRefused } from "../protocol/errors.ts";
import { closeBox, type Lockbox, openBox, source } from "./lockbox.ts";
import * as openStore from "./open_store.ts";
import { OPEN, ROWS } from "./open_store.ts";
import { pack, unpack } from "./pack.ts";

/** Names, in what lies open, the deployment's id (32 bytes) that a registration pinned. */
export const PINNED = "pinned";
const NONCE = 12;

/** A row's place: its table, and what names it there. */
export type Row = readonly [table: string, ...name: (string | number)[]];

/** A row's new value (secret), or undefined to delete it. */
export type Write = readonly [row: Row, value: Uint8Array | undefined];

/** What lies open: whose vault this is, and what unlocks it. */
export interface Door {
  readonly handle: string;
  readonly box: Lockbox;
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return openStore.answered(request).catch(refuse);
}

function named(problem: DOMException | null): VaultRefused {
  return new VaultRefused("vault-write", problem?.name ?? "");
}

async function openDatabase(): Promise<IDBDatabase> {
  return openStore.openDatabase().catch(refuse);
}

function refuse(problem: unknown): never {
  throw problem instanceof DOMException ? named(problem) : problem;
}

/** The vault's door, or undefined where there is no vault. Throws VaultRefused. */
export function findDoor(): Promise<Door | undefined> {
  return readOpen<Door>("door");
}

/** What lies open under a name. */
export async function readOpen<T>(name: string): Promise<T | undefined> {
  const [found] = await openStore.readOpen([name]).catch(refuse);
  return found as T | undefined;
}

/** Lays something open that is no secret. */
export async function writeOpen(name: string, value: unknown): Promise<void> {
  const database = await openDatabase();
  try {
    const change = database.transaction(OPEN, "readwrite");
    change.objectStore(OPEN).put(value, name);
    await finished(change);
  } finally {
    database.close();
  }
}

/** Deletes the vault and everything in it. */
export async function eraseVault(): Promise<void> {
  await openStore.deleteDatabase().catch(refuse);
}

export class Vault {
  readonly #database: IDBDatabase;
  readonly #key: CryptoKey;

  private constructor(database: IDBDatabase, key: CryptoKey) {
    this.#database = database;
    this.#key = key;
  }

  /** Makes a vault under a secret. Throws VaultRefused(vault-exists). */
  static async make(handle: string, secret: Secret): Promise<Vault> {
    const key = crypto.getRandomValues(new Uint8Array(32));
    const box = await closeBox(key, secret);
    const database = await openDatabase();
    const change = database.transaction(OPEN, "readwrite", { durability: "strict" });
    const store = change.objectStore(OPEN);
    if ((await done(store.count("door"))) > 0) {
      database.close();
      throw new VaultRefused("vault-exists");
    }
    store.put({ handle, box } satisfies Door, "door");
    await finished(change);
    return new Vault(database, await importKey(key));
  }

  /** Opens the vault. Throws VaultRefused(vault-missing, vault-wrong-key). */
  static async open(secret: Secret): Promise<Vault> {
    const door = await findDoor();
    if (door === undefined) throw new VaultRefused("vault-missing");
    // What the passphrase costs is computed beside this thread.
    const opening = openDatabase();
    opening.catch(() => undefined);
    try {
      const key = await importKey(await openBox(door.box, secret));
      return new Vault(await opening, key);
    } catch (problem) {
      opening.then((database) => database.close()).catch(() => undefined);
      throw problem;
    }
  }

  /** Wraps the vault's key under another secret. Throws VaultRefused(vault-wrong-key). */
  async changeSecret(old: Secret, fresh: Secret): Promise<void> {
    const door = await findDoor();
    if (door === undefined) throw new VaultRefused("vault-missing");
    const box = await closeBox(await openBox(door.box, old), fresh);
    const change = this.#database.transaction(OPEN, "readwrite", { durability: "strict" });
    change.objectStore(OPEN).put({ ...door, box } satisfies Door, "door");
    await finished(change);
  }

  close(): void {
    this.#database.close();
  }

  /** Writes rows as one transaction; durable when it resolves. Throws VaultRefused(vault-write). */
  async write(writes: readonly Write[]): Promise<void> {
    if (writes.length === 0) return;
    const sealed = await Promise.all(
      writes.map(async ([row, value]) => [row, value && (await this.#seal(row, value))] as const),
    );
    let change: IDBTransaction;
    try {
      change = this.#database.transaction(ROWS, "readwrite", { durability: "strict" });
      const store = change.objectStore(ROWS);
      for (const [row, value] of sealed) {
        if (value === undefined) store.delete([...row]);
        else store.put(value, [...row]);
      }
    } catch (problem) {
      throw new VaultRefused("vault-write", problem instanceof Error ? problem.name : "");
    }
    await finished(change);
  }

  /** A row's value, or undefined. Throws VaultRefused(vault-damaged). */
  async read(row: Row): Promise<Uint8Array | undefined> {
    const store = this.#database.transaction(ROWS).objectStore(ROWS);
    const sealed = (await done(store.get([...row]))) as Uint8Array | undefined;
    return sealed && this.#unseal(row, sealed);
  }

  /** The unpacked value of a row, or undefined. */
  async find<T>(row: Row): Promise<T | undefined> {
    const data = await this.read(row);
    return data && unpack<T>(data);
  }

  /** Every row below a prefix, in the order of the names, at most `limit`, from either end. */
  async list(
    prefix: Row,
    how: {
      readonly after?: string | number;
      readonly before?: string | number;
      readonly limit?: number;
      readonly last?: boolean;
    } = {},
  ): Promise<(readonly [row: Row, value: Uint8Array])[]> {
    const low = how.after === undefined ? [...prefix] : [...prefix, how.after];
    // An array sorts behind every text and number, so it bounds what begins with the prefix.
    const high = how.before === undefined ? [...prefix, []] : [...prefix, how.before];
    const range = IDBKeyRange.bound(low, high, true, true);
    const store = this.#database.transaction(ROWS).objectStore(ROWS);
    const found = await (how.last === true
      ? backwards(store, range, how.limit)
      : forwards(store, range, how.limit));
    return Promise.all(
      found.map(async ([row, sealed]) => [row, await this.#unseal(row, sealed)] as const),
    );
  }

  async #seal(row: Row, value: Uint8Array): Promise<Uint8Array> {
    const nonce = crypto.getRandomValues(new Uint8Array(NONCE));
    const how = { name: "AES-GCM", iv: nonce, additionalData: source(nameOf(row)) };
    const sealed = await crypto.subtle.encrypt(how, this.#key, source(value));
    return concat(nonce, new Uint8Array(sealed));
  }

  async #unseal(row: Row, sealed: Uint8Array): Promise<Uint8Array> {
    const how = {
      name: "AES-GCM",
      iv: source(sealed.slice(0, NONCE)),
      additionalData: source(nameOf(row)),
    };
    try {
      const data = await crypto.subtle.decrypt(how, this.#key, source(sealed.slice(NONCE)));
      return new Uint8Array(data);
    } catch {
      throw new VaultRefused("vault-damaged", row[0]);
    }
  }
}

/** Rows in their order, in one reading. */
async function forwards(
  store: IDBObjectStore,
  range: IDBKeyRange,
  limit: number | undefined,
): Promise<(readonly [Row, Uint8Array])[]> {
  const [keys, values] = await Promise.all([
    done(store.getAllKeys(range, limit)),
    done<Uint8Array[]>(store.getAll(range, limit)),
  ]);
  return values.map((value, at) => [keys[at] as unknown as Row, value] as const);
}

/** The last rows, in their order; a store hands out no more than one at a time that way. */
async function backwards(
  store: IDBObjectStore,
  range: IDBKeyRange,
  limit = Number.POSITIVE_INFINITY,
): Promise<(readonly [Row, Uint8Array])[]> {
  const rows: (readonly [Row, Uint8Array])[] = [];
  await new Promise<void>((give, fail) => {
    const request = store.openCursor(range, "prev");
    request.onerror = () => fail(named(request.error));
    request.onsuccess = () => {
      const cursor = request.result;
      if (cursor === null) return give();
      rows.push([cursor.key as unknown as Row, cursor.value as Uint8Array]);
      if (rows.length >= limit) give();
      else cursor.continue();
    };
  });
  return rows.reverse();
}

/** A write of a plain value. */
export function put(row: Row, value: unknown): Write {
  return [row, pack(value)];
}

function nameOf(row: Row): Uint8Array {
  return utf8(JSON.stringify(row));
}

function importKey(key: Uint8Array): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", source(key), "AES-GCM", false, ["encrypt", "decrypt"]);
}

function finished(change: IDBTransaction): Promise<void> {
  return new Promise((give, fail) => {
    change.oncomplete = () => give();
    change.onabort = () => fail(named(change.error));
    change.onerror = () => fail(named(change.error));
  });
}
