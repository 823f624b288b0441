/** A device's mailbox: welcomes, departures, notices, letters; each taken once, in order (W-11). */

import { hex, u64 } from "../protocol/encoding.ts";
import { WireRefused } from "../protocol/errors.ts";
import { type FromServerOf, MailKind } from "../protocol/frames.ts";
import { asRefusal } from "./groups.ts";
import type { Parts } from "./parts.ts";
import type { Room } from "./room.ts";
import type { Stream } from "./stream.ts";

/** What a mailbox asks of the connection. */
interface Connection {
  push(frames: Parameters<Stream["push"]>[0]): void;
  catchUp(room: Room): void;
}

export class Mailbox {
  readonly #parts: Parts;
  readonly #connection: Connection;
  /** Up to where everything was taken. */
  #through = 0;
  #seen = 0;
  #held: FromServerOf<"Mail">[] = [];

  constructor(parts: Parts, connection: Connection) {
    this.#parts = parts;
    this.#connection = connection;
  }

  async load(): Promise<void> {
    const kept = await this.#parts.core.vault.read(["fact", "mailbox"]);
    this.#through = kept === undefined ? 0 : Number(new DataView(kept.buffer).getBigUint64(0));
  }

  /** The sequence up to which everything was taken. */
  get through(): number {
    return this.#through;
  }

  /** The connection is gone: what is held comes again with the next. */
  disconnected(): void {
    this.#held = [];
  }

  /** Takes one, or holds it until what it waits for is here; flushes. */
  async take(mail: FromServerOf<"Mail">): Promise<void> {
    const { core, joining, notices, links, alarms } = this.#parts;
    if (mail.mail === MailKind.WELCOME) {
      try {
        if (!(await joining.takeWelcome(mail))) {
          this.#held.push(mail);
          return;
        }
      } catch (problem) {
        const refusal = asRefusal(problem);
        if (refusal instanceof WireRefused) throw refusal;
        const { code, detail } = refusal;
        alarms.raise({ kind: "server-deceived", refusal: { code, detail } });
      }
    } else if (mail.mail === MailKind.DEPARTURE) {
      const room = core.rooms.get(hex(mail.conversation));
      if (room?.status === "member" && room.sequence < mail.at) {
        // Only the commit itself says who took this device out: it comes first.
        this.#held.push(mail);
        if (!room.catching) this.#connection.catchUp(room);
        return;
      }
    } else if (mail.mail === MailKind.NOTICE && mail.sequence > this.#through) {
      await notices.take(mail);
    } else if (mail.mail === MailKind.OWN && mail.sequence > this.#through) {
      await this.#letter(mail);
    } else if (mail.mail === MailKind.OTHERS && mail.sequence > this.#through) {
      await links.take(mail);
    }
    this.#seen = Math.max(this.#seen, mail.sequence);
    // The mark never passes what is held: a new connection brings that again.
    if (this.#held.length === 0 && this.#seen > this.#through) {
      this.#through = this.#seen;
      core.write([["fact", "mailbox"], u64(this.#through)]);
    }
    await core.flush();
    if (this.#held.length > 0) return;
    this.#connection.push([{ kind: "MailboxDone", through: this.#through }]);
  }

  /** Takes the mail that waited for what a room has now. */
  async takeHeld(room: Room): Promise<void> {
    const held = this.#held.filter((mail) => hex(mail.conversation) === room.name);
    this.#held = this.#held.filter((mail) => !held.includes(mail));
    for (const mail of held) await this.take(mail);
  }

  async #letter(mail: FromServerOf<"Mail">): Promise<void> {
    try {
      await this.#parts.siblings.take(mail);
    } catch (problem) {
      const refusal = asRefusal(problem);
      if (refusal instanceof WireRefused) throw refusal;
      const { code, detail } = refusal;
      this.#parts.alarms.raise({ kind: "server-deceived", refusal: { code, detail } });
    }
  }
}
