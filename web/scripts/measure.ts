/** How long the costly operations take, in milliseconds; runs in Node (`npm run measure`) and in a page. */

import { sha256 } from "@noble/hashes/sha2.js";
import { Client } from "../src/mls/client.ts";
import { seal } from "../src/protocol/capsule.ts";
import { G2_GENERATOR, g2SecretMultiple } from "../src/protocol/curve.ts";
import { SigningKey } from "../src/protocol/ed25519.ts";
import { utf8 } from "../src/protocol/encoding.ts";
import { Label } from "../src/protocol/label.ts";

const GROUP = new Uint8Array(32).fill(1);
const NOW = 1_300_000_000;

async function median(count: number, act: (at: number) => unknown): Promise<number> {
  const times: number[] = [];
  for (let at = 0; at < count; at++) {
    const start = performance.now();
    await act(at);
    times.push(performance.now() - start);
  }
  times.sort((left, right) => left - right);
  return times[Math.floor(count / 2)] ?? Number.NaN;
}

/** Medians by name. */
export async function measure(members = 50): Promise<Record<string, number>> {
  const out: Record<string, number> = {};
  const mpk = g2SecretMultiple(G2_GENERATOR, 12345n);
  const seed = new Uint8Array(32).fill(9);
  const label = (day: number) => new Label(GROUP, 1, 480, GROUP, GROUP, day);
  out["capsule, first"] = await median(1, () => seal(seed, label(0), mpk));
  out["capsule"] = await median(21, (at) => seal(seed, label(at + 1), mpk));
  const key = new SigningKey(seed);
  const signature = key.sign(seed);
  out["Ed25519 sign"] = await median(51, () => key.sign(seed));
  out["Ed25519 verify"] = await median(51, () => key.public.verify(signature, seed));

  const hooks = { identity() {}, commit() {} };
  const device = (at: number) =>
    new Client(utf8(`device ${at}`), sha256(utf8(`seed ${at}`)), hooks);
  const clients = Array.from({ length: members }, (_, at) => device(at));
  const [first, last] = [clients[0], clients.at(-1)];
  if (first === undefined || last === undefined) throw new Error("too few members");
  const group = await first.createGroup(GROUP, NOW, utf8("context"));
  const packages = await Promise.all(clients.slice(1).map((each) => each.generateKeyPackage(NOW)));
  const own = packages.at(-1);
  const start = performance.now();
  const made = await group.commit({ add: packages.map(({ message }) => message), now: NOW });
  out[`MLS: add ${members - 1}`] = performance.now() - start;
  await group.applyPendingCommit();
  const welcome = made.welcomes.at(-1)?.[1];
  if (welcome === undefined || own === undefined) throw new Error("no welcome");
  const joining = performance.now();
  const joined = await last.join(welcome, made.tree, own.private);
  out[`MLS: join ${members}`] = performance.now() - joining;
  out[`MLS: update of ${members}, make`] = await median(5, async () => {
    await group.clearPendingCommit();
    await group.commit({ now: NOW });
  });
  const message = await group.commit({ now: NOW }).catch(async () => {
    await group.clearPendingCommit();
    return group.commit({ now: NOW });
  });
  await group.applyPendingCommit();
  const taking = performance.now();
  await joined.group.process(message.message, NOW);
  out[`MLS: update of ${members}, take in`] = performance.now() - taking;
  const sent: Uint8Array[] = [];
  out["MLS: encrypt"] = await median(21, async () => {
    sent.push((await group.encrypt(seed, seed)).ciphertext);
  });
  out["MLS: decrypt"] = await median(21, async (at) => {
    await joined.group.process(sent[at] ?? seed, NOW);
  });
  const change = await group.takeChanges();
  out[`MLS: state of ${members}, KiB`] = change.state.length / 1024;
  return out;
}
