/** What the engine refuses, by name; and that a refused message leaves the group as it was. */

import { describe, expect, it } from "vitest";
import { Client, inspectMessage } from "../../src/mls/client.ts";
import { MlsError } from "../../src/mls/failure.ts";
import { utf8 } from "../../src/protocol/encoding.ts";
import { GroupRefused } from "../../src/protocol/errors.ts";
import { OPEN, TypeScriptDevice } from "../interop/device.ts";

const NOW = 1_300_000_000;
const GROUP = new Uint8Array(32).fill(1);

async function group(...names: readonly string[]) {
  const devices = names.map((name) => new TypeScriptDevice(name));
  const [first, ...others] = devices;
  if (first === undefined) throw new Error("nobody");
  await first.create(GROUP, NOW, utf8("context"));
  const packages = await Promise.all(others.map((each) => each.package(NOW)));
  const made = await first.commit({ add: packages.map(({ message }) => message) }, NOW);
  await first.apply();
  for (const [at, other] of others.entries()) {
    const reference = packages[at]?.reference ?? "";
    const welcome = made.welcomes.find(([name]) => name === reference)?.[1];
    await other.join(reference, welcome ?? new Uint8Array(), made.tree);
  }
  return devices as [TypeScriptDevice, TypeScriptDevice, ...TypeScriptDevice[]];
}

const refused = (code: string) => expect.objectContaining({ code });

describe("messages", () => {
  it("a duplicate, one's own, and one of another group", async () => {
    const [alice, bob] = await group("alice", "bob");
    const sent = await alice.encrypt(utf8("once"), utf8(""));
    await bob.process(sent, NOW);
    await expect(bob.process(sent, NOW)).rejects.toEqual(refused("key-used"));
    await expect(alice.process(sent, NOW)).rejects.toEqual(refused("own-message"));
    const stranger = new TypeScriptDevice("carol");
    await stranger.create(new Uint8Array(32).fill(2), NOW, utf8("context"));
    await expect(stranger.process(sent, NOW)).rejects.toEqual(refused("wrong-group"));
  });

  it("one of a later epoch, and one of an epoch that is gone", async () => {
    const [alice, bob, carol] = await group("alice", "bob", "carol");
    const old = await alice.encrypt(utf8("old"), utf8(""));
    for (let count = 0; count < 6; count++) {
      const made = await alice.commit({}, NOW);
      await alice.apply();
      await bob.process(made.message, NOW);
    }
    await expect(bob.process(old, NOW)).rejects.toEqual(refused("epoch-gone"));
    const ahead = await alice.encrypt(utf8("ahead"), utf8(""));
    await expect(carol?.process(ahead, NOW)).rejects.toEqual(refused("wrong-epoch"));
  });

  it("any changed bit, and then takes the honest message", async () => {
    const [alice, bob] = await group("alice", "bob");
    const sent = await alice.encrypt(utf8("honest"), utf8("data"));
    const made = await alice.commit({}, NOW);
    for (const honest of [sent, made.message]) {
      for (let at = 0; at < honest.length; at += Math.ceil(honest.length / 40)) {
        const bad = honest.slice();
        bad[at] = (bad[at] ?? 0) ^ 0x10;
        await expect(bob.process(bad, NOW)).rejects.toBeInstanceOf(MlsError);
      }
      for (const size of [0, 1, 5, honest.length - 1]) {
        await expect(bob.process(honest.slice(0, size), NOW)).rejects.toBeInstanceOf(MlsError);
      }
      await bob.process(honest, NOW);
    }
  });
});

describe("commits", () => {
  it("a second one while the first waits", async () => {
    const [alice] = await group("alice", "bob");
    await alice.commit({}, NOW);
    await expect(alice.commit({}, NOW)).rejects.toEqual(refused("commit-pending"));
    await alice.clear();
    await expect(alice.apply()).rejects.toEqual(refused("no-pending-commit"));
  });

  it("a key package whose time is over, at the sender and at the receiver", async () => {
    const [alice, bob] = await group("alice", "bob");
    const { message } = await new TypeScriptDevice("carol").package(NOW);
    const late = NOW + 100 * 86_400;
    await expect(alice.commit({ add: [message] }, late)).rejects.toEqual(
      refused("invalid-lifetime"),
    );
    const made = await alice.commit({ add: [message] }, NOW);
    await expect(bob.process(made.message, late)).rejects.toEqual(refused("invalid-lifetime"));
    await bob.process(made.message, NOW);
  });

  it("what the hooks refuse, in their own words", async () => {
    const ghost = new Client(utf8("ghost"), new Uint8Array(32).fill(9), OPEN);
    const { message } = await ghost.generateKeyPackage(NOW);
    const [alice] = await group("alice", "bob");
    await expect(alice.commit({ add: [message] }, NOW)).rejects.toEqual(refused("ghost"));
    const strict = new TypeScriptDevice("dave", {
      ...OPEN,
      commit() {
        throw new GroupRefused("not-allowed", "nothing is");
      },
    });
    await strict.create(GROUP, NOW, utf8("context"));
    await expect(strict.commit({}, NOW)).rejects.toBeInstanceOf(GroupRefused);
    expect((await strict.state()).epoch).toBe(0);
  });

  it("an external commit by a device without a leaf", async () => {
    const [alice] = await group("alice", "bob");
    const made = await alice.commit({}, NOW);
    await alice.apply();
    const stranger = new TypeScriptDevice("carol");
    await expect(stranger.rejoin(made.info, made.tree, NOW)).rejects.toEqual(
      refused("not-a-member"),
    );
  });

  it("encryption while somebody's wish to leave waits", async () => {
    const [alice, bob] = await group("alice", "bob");
    const wish = await bob.leave();
    await alice.process(wish, NOW);
    await expect(alice.process(wish, NOW)).rejects.toEqual(refused("proposal-refused"));
    await expect(alice.encrypt(utf8("x"), utf8(""))).rejects.toEqual(refused("commit-required"));
  });
});

describe("storage", () => {
  it("keeps a pending commit over a restart", async () => {
    const [alice, bob] = await group("alice", "bob");
    const made = await alice.commit({ data: utf8("kept") }, NOW);
    await alice.restart();
    const told = await alice.process(made.message, NOW);
    expect(await bob.process(made.message, NOW)).toEqual(told);
    expect(await alice.state()).toEqual(await bob.state());
  });

  it("burns what was sent after the state was stored", async () => {
    const [alice, bob] = await group("alice", "bob");
    const change = await alice.group.takeChanges();
    const kept = { ...change, tree: change.tree ?? new Uint8Array() };
    const first = await alice.group.encrypt(utf8("one"));
    const again = await alice.client.loadGroup(kept, [first.epoch, first.generation + 1]);
    const second = await again.encrypt(utf8("two"));
    expect(second.generation).toBe(first.generation + 1);
    await bob.process(first.ciphertext, NOW);
    await bob.process(second.ciphertext, NOW);
    await expect(alice.client.loadGroup(kept, [first.epoch + 1, 0])).rejects.toEqual(
      refused("state-behind"),
    );
  });

  it("refuses another device's state, and damaged bytes", async () => {
    const [alice, bob] = await group("alice", "bob");
    const change = await alice.group.takeChanges();
    const kept = { ...change, tree: change.tree ?? new Uint8Array() };
    await expect(bob.client.loadGroup(kept)).rejects.toEqual(refused("not-a-member"));
    const cut = { ...kept, state: kept.state.slice(0, -1) };
    await expect(alice.client.loadGroup(cut)).rejects.toThrow();
  });
});

it("reads messages without their group", async () => {
  const [alice] = await group("alice", "bob");
  const sent = await alice.encrypt(utf8("x"), utf8("data"));
  expect(inspectMessage(sent)).toMatchObject({ wireFormat: "private", epoch: 1 });
  const made = await alice.commit({}, NOW);
  expect(inspectMessage(made.message)).toMatchObject({ wireFormat: "public", sender: 0 });
  expect(inspectMessage(made.info)).toMatchObject({ wireFormat: "group-info", epoch: 2 });
  expect(() => inspectMessage(utf8("nonsense"))).toThrow(MlsError);
});
