/** The Python binding and the engine in TypeScript, in one group: every kind of change, both ways. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { utf8 } from "../../src/protocol/encoding.ts";
import { isSameGroupInfo } from "../../src/protocol/group_rules.ts";
import { type Device, PythonDevice, TypeScriptDevice } from "../interop/device.ts";
import { PythonProcess } from "../interop/python_member.ts";

const NOW = 1_300_000_000;
const GROUP = new Uint8Array(32).fill(7);
const CONTEXT = utf8("context");

let python: PythonProcess;
beforeAll(() => {
  python = new PythonProcess();
});
afterAll(() => python.stop());

let count = 0;
const pythonDevice = (name: string) => PythonDevice.start(python, `${name} ${count++}`);
const ours = (name: string) => new TypeScriptDevice(`${name} ${count++}`);

async function agree(...devices: readonly Device[]): Promise<void> {
  const [first, ...others] = await Promise.all(devices.map((device) => device.state()));
  for (const other of others) expect(other).toEqual(first);
  const [info, ...infos] = await Promise.all(devices.map((device) => device.info()));
  for (const other of infos) expect(isSameGroupInfo(other, info ?? other)).toBe(true);
}

async function add(
  by: Device,
  newcomers: readonly Device[],
  others: readonly Device[],
): Promise<void> {
  const packages = await Promise.all(newcomers.map((each) => each.package(NOW)));
  const made = await by.commit({ add: packages.map(({ message }) => message) }, NOW);
  await by.apply();
  for (const other of others) await other.process(made.message, NOW);
  for (const [at, newcomer] of newcomers.entries()) {
    const reference = packages[at]?.reference ?? "";
    const welcome = made.welcomes.find(([name]) => name === reference)?.[1];
    if (welcome === undefined) expect.fail("no welcome");
    await newcomer.join(reference, welcome, made.tree);
  }
  await agree(by, ...newcomers, ...others);
}

async function send(from: Device, to: readonly Device[], text: string): Promise<void> {
  const message = await from.encrypt(utf8(text), utf8(`about ${text}`));
  for (const device of to) {
    expect(await device.process(message, NOW)).toMatchObject({
      kind: "application",
      plaintext: Buffer.from(text).toString("hex"),
      data: Buffer.from(`about ${text}`).toString("hex"),
      credential: Buffer.from(from.credential).toString("hex"),
    });
  }
}

describe.each(["python creates", "typescript creates"])("%s", (who) => {
  it("lives through every kind of change", async () => {
    const first = who === "python creates" ? await pythonDevice("a") : ours("a");
    const second = who === "python creates" ? ours("b") : await pythonDevice("b");
    await first.create(GROUP, NOW, CONTEXT);
    await add(first, [second], []);
    await send(first, [second], "one");
    await send(second, [first], "two");

    const third = ours("c");
    const fourth = await pythonDevice("d");
    await add(second, [third, fourth], [first]);
    await send(third, [first, second, fourth], "three");
    await send(fourth, [first, second, third], "four");

    for (const committer of [first, second, third, fourth]) {
      const others = [first, second, third, fourth].filter((each) => each !== committer);
      const made = await committer.commit({ data: utf8("renewed") }, NOW);
      const own = await committer.apply();
      expect(isSameGroupInfo(made.info, await committer.info())).toBe(true);
      for (const other of others) {
        expect(await other.process(made.message, NOW)).toEqual(own);
      }
      await agree(committer, ...others);
    }

    for (const committer of [first, second]) {
      const others = [first, second, third, fourth].filter((each) => each !== committer);
      const context = utf8(`context by ${committer.name}`);
      const made = await committer.commit({ context }, NOW);
      const own = await committer.apply();
      for (const other of others) expect(await other.process(made.message, NOW)).toEqual(own);
      await agree(committer, ...others);
    }

    const [, , leaf] = (await first.state()).members;
    const removal = await first.commit({ remove: [leaf?.[0] ?? -1] }, NOW);
    await first.apply();
    expect(await third.process(removal.message, NOW)).toMatchObject({ self_removed: true });
    for (const other of [second, fourth]) await other.process(removal.message, NOW);
    await agree(first, second, fourth);

    for (const lost of [second, fourth]) {
      const others = [first, second, fourth].filter((each) => each !== lost);
      const helper = others[0] ?? first;
      const current = await helper.commit({}, NOW);
      await helper.apply();
      for (const other of others.slice(1)) await other.process(current.message, NOW);
      const commit = await lost.rejoin(current.info, current.tree, NOW);
      for (const other of others) {
        expect(await other.process(commit, NOW)).toMatchObject({ external: true });
      }
      await agree(first, second, fourth);
      await send(lost, others, "back");
    }

    const wish = await second.leave();
    for (const other of [first, fourth]) {
      expect(await other.process(wish, NOW)).toMatchObject({ kind: "proposal" });
    }
    const farewell = await fourth.commit({}, NOW);
    await fourth.apply();
    await first.process(farewell.message, NOW);
    expect(await second.process(farewell.message, NOW)).toMatchObject({ self_removed: true });
    await agree(first, fourth);
    await send(first, [fourth], "done");
  });
});
