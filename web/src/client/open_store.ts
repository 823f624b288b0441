/** What lies open in this device's IndexedDB; the page itself reads it, before its worker answers. */

const NAME = "doublelock";
/** The sealed rows, and what lies open by its name. */
export const ROWS = "rows";
export const OPEN = "open";

/** What a request gives. Throws DOMException. */
export function answered<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((give, fail) => {
    request.onsuccess = () => give(request.result);
    request.onerror = () => fail(request.error);
  });
}

/** This device's database, made where there is none. Throws DOMException. */
export async function openDatabase(): Promise<IDBDatabase> {
  const request = indexedDB.open(NAME, 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore(ROWS);
    request.result.createObjectStore(OPEN);
  };
  const database = await answered(request);
  database.onversionchange = () => database.close();
  return database;
}

/** Deletes it, and everything in it. Throws DOMException. */
export async function deleteDatabase(): Promise<void> {
  await answered(indexedDB.deleteDatabase(NAME));
}

/** What lies open under names, in one reading. Throws DOMException. */
export async function readOpen(names: readonly string[]): Promise<unknown[]> {
  const database = await openDatabase();
  try {
    const store = database.transaction(OPEN).objectStore(OPEN);
    return await Promise.all(names.map((name) => answered<unknown>(store.get(name))));
  } finally {
    database.close();
  }
}
