/** The repairs of ts-mls fit, are at work, and do what they are for. */

import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import * as clientState from "ts-mls/clientState.js";
import { nextEpochContext } from "ts-mls/clientState.js";
import { initializeEpoch } from "ts-mls/keySchedule.js";
import { treeHashRoot } from "ts-mls/treeHash.js";
import { describe, expect, it } from "vitest";
import { REPAIRS, repair, VERSION } from "../../scripts/ts_mls_repairs.ts";
import { decodeMessage, decodeTree } from "../../src/mls/codec.ts";
import { decodeStored } from "../../src/mls/stored.ts";
import { SUITE } from "../../src/mls/suite.ts";
import { hex, utf8 } from "../../src/protocol/encoding.ts";
import { TypeScriptDevice } from "../interop/device.ts";

const NOW = 1_300_000_000;
const main = createRequire(import.meta.url).resolve("ts-mls");
const folder = main.slice(0, main.lastIndexOf("/") + 1);

describe("the repairs", () => {
  it("are for the version that is installed", () => {
    const manifest = JSON.parse(readFileSync(`${folder}../../package.json`, "utf8"));
    expect(manifest.version).toBe(VERSION);
  });
  it.each([...new Set(REPAIRS.map(({ file }) => file))])("fit %s", (file) => {
    expect(existsSync(folder + file)).toBe(true);
    const text = readFileSync(folder + file, "utf8");
    expect(repair(file, text)).not.toBe(text);
    expect(() => repair(file, repair(file, text))).toThrow(/repair fits/);
  });
  it("are at work", () => {
    expect(clientState).toHaveProperty("repaired", true);
  });
});

async function pair() {
  const [alice, bob] = [new TypeScriptDevice("alice"), new TypeScriptDevice("bob")];
  await alice.create(new Uint8Array(32).fill(1), NOW, utf8("context"));
  const { message, reference } = await bob.package(NOW);
  const made = await alice.commit({ add: [message] }, NOW);
  await alice.apply();
  await bob.join(reference, made.welcomes[0]?.[1] ?? new Uint8Array(), made.tree);
  return { alice, bob };
}

it("who was removed by the last member left cannot follow", async () => {
  const { alice, bob } = await pair();
  const change = await bob.group.takeChanges();
  const tree = decodeTree(change.tree ?? new Uint8Array());
  const config = {} as Parameters<typeof decodeStored>[3];
  const { state } = decodeStored(change.state, tree, [], config);
  const removal = await alice.commit({ remove: [1] }, NOW);
  await alice.apply();

  // What bob still has: the old epoch's secrets, and the commit as the server shows it.
  const message = decodeMessage(removal.message);
  if (message.wireformat !== "mls_public_message") expect.fail("no public message");
  const { content, auth } = message.publicMessage;
  if (content.contentType !== "commit" || auth.contentType !== "commit") expect.fail("no commit");
  const context = await nextEpochContext(
    state.groupContext,
    "mls_public_message",
    content,
    auth.signature,
    await treeHashRoot(decodeTree(removal.tree), SUITE.hash),
    state.confirmationTag,
    SUITE.hash,
  );
  const zeros = new Uint8Array(32);
  const { initSecret } = state.keySchedule;
  const guess = await initializeEpoch(initSecret, zeros, context, zeros, SUITE.kdf);
  const { authenticator } = await alice.state();
  expect(hex(guess.keySchedule.epochAuthenticator)).not.toBe(authenticator);
});

it("a device may leave and come back in one commit, and knows that it left", async () => {
  const { alice, bob } = await pair();
  const { message, reference } = await bob.package(NOW);
  const made = await alice.commit({ remove: [1], add: [message] }, NOW);
  await alice.apply();
  expect(await bob.process(made.message, NOW)).toMatchObject({ self_removed: true });
  await bob.join(reference, made.welcomes[0]?.[1] ?? new Uint8Array(), made.tree);
  expect(await bob.state()).toEqual(await alice.state());
});

it("a change of the context renews the path, and all read it under the new context", async () => {
  const { alice, bob } = await pair();
  const made = await alice.commit({ context: utf8("another") }, NOW);
  expect(await alice.apply()).toMatchObject({ path: true, context_changed: true });
  await bob.process(made.message, NOW);
  expect(await bob.state()).toEqual(await alice.state());
});
