/** What is said of a call that was refused. */

/** A named refusal: `code` is one of protocol/codes.ts; `detail` is for experts, never a secret. */
export interface RefusalFacts {
  readonly code: string;
  readonly detail: string;
}

/** What a refused method rejects with. A proxy over a worker makes it anew on this side. */
export class MessengerRefused extends Error {
  readonly facts: RefusalFacts;

  constructor(facts: RefusalFacts) {
    super(facts.detail === "" ? facts.code : `${facts.code} (${facts.detail})`);
    this.name = "MessengerRefused";
    this.facts = facts;
  }
}
