/** Notices after a warrant: verified here, shown as what the service says (spec R-16). */

import { sha256 } from "@noble/hashes/sha2.js";
import type { Notice } from "../messenger.ts";
import { hex } from "../protocol/encoding.ts";
import { WireRefused } from "../protocol/errors.ts";
import type { FromServerOf } from "../protocol/frames.ts";
import { verifyNotice } from "../protocol/notice.ts";
import type { Chronicle } from "./chronicle.ts";
import type { Core } from "./core.ts";
import { asRefusal } from "./groups.ts";
import { put } from "./vault.ts";

export class Notices {
  readonly #core: Core;
  readonly #chronicle: Chronicle;

  constructor(core: Core, chronicle: Chronicle) {
    this.#core = core;
    this.#chronicle = chronicle;
  }

  /** Takes a notice of the law desk; the caller flushes. */
  async take(mail: FromServerOf<"Mail">): Promise<void> {
    const { monitor, account, clock } = this.#core;
    try {
      await monitor.syncLaw();
      const verified = verifyNotice(mail.payload, monitor.law, account, clock());
      const { terms } = verified;
      // Operator, court and every custodian may tell: once is enough.
      const told = ["told", `${hex(terms.warrant)}/${verified.logIndex}`] as const;
      if ((await this.#core.vault.read(told)) !== undefined) return;
      this.#core.write(put(told, mail.sequence));
      const id = hex(sha256(mail.payload)).slice(0, 32);
      const notice: Notice = {
        id,
        kind: terms.kind,
        agency: terms.agency,
        offence: terms.offence,
        legalBasis: terms.legalBasis,
        firstDay: terms.firstDay,
        lastDay: terms.lastDay,
        gagEndMs: terms.gagEndMs,
        committee: terms.committee,
        warrant: hex(terms.warrant),
        signers: verified.signers,
        logIndex: verified.logIndex,
        logSize: monitor.laws.size,
      };
      this.#core.write([["notice", id], mail.payload]);
      await this.#chronicle.notice(mail.sequence, mail.timeMs, notice);
    } catch (problem) {
      const { code, detail } = asRefusal(problem);
      await this.#chronicle.service(mail.sequence, mail.timeMs, {
        kind: "notice-refused",
        refusal: { code, detail },
      });
    }
  }

  /** A notice as it was signed. */
  async document(id: string): Promise<Uint8Array> {
    const data = await this.#core.vault.read(["notice", id]);
    if (data === undefined) throw new WireRefused("not-found");
    return data;
  }
}
