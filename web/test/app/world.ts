/** A small world for tests of the interface: people, talk, and everything that can look odd. */

import type {
  Amendment,
  Body,
  CommitteeFacts,
  Conversation,
  Counted,
  Message,
  MonthKey,
  Notice,
  Person,
  Trust,
} from "../../src/messenger.ts";
import { SERVICE } from "../../src/messenger.ts";
import { display } from "../../src/protocol/record.ts";
import { drawPicture, drawPortrait } from "./drawings.ts";

export const LONG = "long".padEnd(16, "0");
const MINUTE = 60_000;
const DAY = 86_400_000;

/** A repeatable stream of numbers from 0 to 1. */
export function stream(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

const NAMES = [
  "Ada Okafor",
  "Bruno Keller",
  "Chiara Conti",
  "דנה לוי",
  "Emre Yıldız",
  "Fatima Zahra",
  "Goran Petrović",
  "Hana Sato",
  "Ingrid Solheim",
  "أمل حداد",
  "Kofi Mensah",
  "Lena Fischer",
  "Mateo Ruiz",
  "Nadia Haddad",
  "Olu Adeyemi",
  "Petra Nováková",
  "Quentin Moreau",
  "Rosa Lindqvist",
  "Samir Patel",
  "Tomasz Zieliński",
  "Uma Krishnan",
  "Viktor Horváth",
  "Wanjiru Kamau",
  "Ximena Torres",
  "Yusuf Demir",
  "Zoë van Dijk",
];
const GROUPS = [
  "Harbour crew",
  "Tuesday choir",
  "ועד הבית",
  "Lock keepers",
  "Night shift",
  "Book circle: very long name of a group",
  "Allotment 12",
  "Kitchen rota",
  "رحلة الجبل",
  "Release desk",
];
const TALK = [
  "The tide is early today, we cast off at *six*.",
  "Did you see the new crane? It is _enormous_.",
  "On my way 🚲",
  "Can you bring the blue folder? It is on the second shelf, behind the lamp that nobody ever switches on.",
  "Yes",
  "No idea, ask @ada.okafor",
  "https://example.org/harbour/timetable?week=48 has the new times.",
  "We moved the meeting to 14:30; the room is the same.",
  "Thank you!",
  "I counted twice: `413` crates, and ~412~ is what the list says.",
  "בוקר טוב, מישהו יודע מתי מגיע המשלוח?",
  "המשלוח מגיע ב־14:30, רציף 7 (ליד המנוף הכחול).",
  "صباح الخير، هل وصلت الأوراق؟",
  "Let us wait for Petra, she has the key.\nAnd the coffee.",
  "👍",
  "Sounds good. See you at the gate, then we walk together to the far end of the pier and look at the hull from outside before it gets dark.",
  "```\nhull  ok\nmast  ok\nkeel  ?\n```",
  "Haha 😂",
];

/** A made-up id of 16 hex digits for a number. */
export function idOf(kind: string, n: number): string {
  return `${kind}${n.toString(16).padStart(16 - kind.length, "0")}`;
}

export function makePeople(nowMs: number): Person[] {
  const portraits = [0, 4, 7, 10].map((n) => [n, drawPortrait(n)] as const);
  const byIndex = new Map(portraits);
  return NAMES.map((name, n) => ({
    account: idOf("ac", n),
    handle: handleOf(name, n),
    name,
    picture: byIndex.get(n) ?? null,
    verification: n === 1 ? "verified" : n === 2 ? "changed" : "unverified",
    devices: 1 + (n % 3),
    committee: 1,
    presence: n % 5 === 1 ? "here" : "unknown",
    lastSeenMs: n % 4 === 3 ? null : nowMs - n * 47 * MINUTE,
    blocked: false,
  }));
}

function handleOf(name: string, n: number): string {
  const plain = name
    .normalize("NFD")
    .replace(/[^a-zA-Z ]/g, "")
    .trim()
    .toLowerCase()
    .replace(/ +/g, ".");
  return plain === "" ? `member.${n}` : plain;
}

/** 200 conversations, the first few hand-made, and their messages by conversation. */
export function makeConversations(
  people: readonly Person[],
  nowMs: number,
): { conversations: Conversation[]; messages: Map<string, Message[]> } {
  const conversations: Conversation[] = [];
  const messages = new Map<string, Message[]>();
  for (let n = 0; n < 198; n += 1) {
    const group = n % 3 === 0;
    const peer = people[n % people.length];
    if (peer === undefined) continue;
    const id = idOf("co", n);
    const round = Math.floor(n / people.length);
    const name = group ? `${GROUPS[n % GROUPS.length] ?? ""}${n >= 30 ? ` ${n}` : ""}` : peer.name;
    const endMs = nowMs - n * n * 3 * MINUTE - 2 * MINUTE;
    const count = n === 0 ? 60 : 24;
    const talk =
      n === 0 ? showcase(id, people, endMs) : chatter(id, group ? people : [peer], count, endMs, n);
    messages.set(id, talk);
    const unread = n === 3 ? 4 : n === 5 ? 128 : n === 8 ? 1 : 0;
    conversations.push({
      ...blank(id, name),
      kind: group ? "group" : "direct",
      peer: group ? null : peer.account,
      picture: group ? (n === 0 ? drawPortrait(30) : null) : peer.picture,
      members: group ? 3 + (n % 40) : 2,
      role: n % 2 === 0 ? "admin" : "member",
      unread,
      mentioned: n === 3,
      readAt: (talk.at(-1 - unread)?.at ?? 0) as number,
      muted: n === 5 || n === 9,
      blocked: false,
      pinned: n === 0 && round === 0,
      draft:
        n === 7
          ? { text: "I will ask Petra and", mentions: [], replyTo: null, editing: null }
          : null,
      timerSeconds: n === 4 ? 604_800 : 0,
      state: n === 11 ? "stopped" : n === 12 ? "left" : "member",
      refusal: n === 11 ? { code: "ghost-member", detail: "unknown device 7f00" } : null,
      verification: group ? "unverified" : peer.verification,
      joinRequests: n === 0 ? 2 : 0,
    });
  }
  conversations.push({
    ...blank(LONG, "Ten thousand"),
    kind: "group",
    members: people.length,
    readAt: 10_000,
  });
  messages.set(LONG, chatter(LONG, people, 10_000, nowMs - 5 * DAY, 77));
  conversations.push({ ...blank(SERVICE, "service"), kind: "service", unread: 1, readAt: 1 });
  messages.set(SERVICE, service(nowMs));
  return {
    conversations: conversations.map((each) => summed(each, messages.get(each.id) ?? [])),
    messages,
  };
}

function blank(id: string, name: string): Conversation {
  return {
    id,
    kind: "direct",
    name,
    picture: null,
    peer: null,
    members: 2,
    role: "member",
    addPolicy: "admins",
    preview: null,
    timeMs: 0,
    unread: 0,
    mentioned: false,
    readAt: 0,
    draft: null,
    blocked: false,
    muted: false,
    pinned: false,
    timerSeconds: 0,
    state: "member",
    refusal: null,
    verification: "unverified",
    joinRequests: 0,
  };
}

/** A conversation with time and preview of its last message. */
export function summed(conversation: Conversation, messages: readonly Message[]): Conversation {
  const last = messages.at(-1);
  if (last === undefined) return conversation;
  return {
    ...conversation,
    timeMs: last.timeMs,
    preview: {
      author: last.author,
      authorName: last.authorName,
      mine: last.mine,
      kind: last.body.kind,
      text: "text" in last.body ? last.body.text.slice(0, 200) : "",
      state: last.state,
    },
  };
}

interface Author {
  readonly account: string;
  readonly name: string;
}

function message(
  conversation: string,
  at: number,
  timeMs: number,
  author: Author | null,
  body: Body,
): Message {
  const mine = author === null ? false : author.account === "me";
  return {
    id: idOf("e", at) + conversation.slice(-8),
    conversation,
    at,
    timeMs,
    author: author?.account ?? null,
    authorName: author?.name ?? "",
    mine,
    state: mine ? "read" : null,
    refusal: null,
    body,
    replyTo: null,
    edited: false,
    reactions: [],
    mentionsMe: false,
    expiresMs: null,
  };
}

const ME: Author = { account: "me", name: "Noa" };

export function text(letters: string): Body {
  return { kind: "text", text: letters, mentions: [] };
}

function chatter(
  id: string,
  people: readonly Person[],
  count: number,
  endMs: number,
  seed: number,
): Message[] {
  const next = stream(seed + 1);
  const all: Message[] = [];
  let timeMs = endMs;
  let author: Author = ME;
  for (let at = count; at > 0; at -= 1) {
    if (next() < 0.55) {
      const other = people[Math.floor(next() * people.length)];
      author =
        next() < 0.35 || other === undefined ? ME : { account: other.account, name: other.name };
    }
    const letters = TALK[Math.floor(next() * TALK.length)] ?? "";
    const made = message(
      id,
      at,
      timeMs,
      author,
      text(id === LONG ? `${letters} (${at})` : letters),
    );
    const marked = next() < 0.08 ? [{ mark: "👍", names: ["Ada", "Bruno"], mine: false }] : [];
    all.push({ ...made, reactions: marked });
    timeMs -= next() < 0.2 ? 50 * MINUTE * next() + (next() < 0.1 ? DAY : 0) : MINUTE * next();
  }
  return all.reverse();
}

/** One of everything. */
function showcase(id: string, people: readonly Person[], endMs: number): Message[] {
  const [ada, bruno, , dana] = people as [Person, Person, Person, Person];
  const by = (person: Person): Author => ({ account: person.account, name: person.name });
  const odd = new Uint8Array([
    0x63, 0x61, 0x66, 0xe9, 0x20, 0x07, 0x1b, 0x5b, 0x33, 0x31, 0x6d, 0x21,
  ]);
  const reversed = new TextEncoder().encode("invoice\u202efdp.exe is no document");
  const file = (name: string, mediaType: string, size: number, local = true) => ({
    name,
    mediaType,
    size,
    local,
  });
  const rows: [Author | null, Body, Partial<Message>?][] = [
    [null, { kind: "line", line: { kind: "created", by: ada.name } }],
    [
      null,
      {
        kind: "line",
        line: { kind: "added", by: ada.name, names: [bruno.name, dana.name, "Noa"] },
      },
    ],
    [by(ada), text("Welcome aboard! This is where the *harbour crew* talks.")],
    [
      by(ada),
      text("Rota and tide tables are pinned at https://example.org/rota (ask me for the code)."),
    ],
    [by(dana), text("בוקר טוב! אני על רציף 7, ליד the blue crane, עד 14:30.")],
    [ME, text("Morning. _Finally_ a place for all of this 🙂"), { state: "read" }],
    [
      by(bruno),
      {
        kind: "text",
        text: "@noa can you take the early shift on Friday?",
        mentions: [{ start: 0, end: 4, account: "me" }],
      },
      { mentionsMe: true },
    ],
    [
      ME,
      text("Friday is fine."),
      {
        replyTo: {
          id: "",
          authorName: bruno.name,
          mine: false,
          kind: "text",
          text: "@noa can you take the early shift on Friday?",
        },
        reactions: [
          { mark: "🙏", names: [bruno.name], mine: false },
          { mark: "👍", names: [ada.name, dana.name, "Noa"], mine: true },
        ],
      },
    ],
    [
      by(ada),
      {
        kind: "picture",
        file: file("crane.jpg", "image/jpeg", 184_320),
        width: 1200,
        height: 800,
        thumbnail: drawPicture(3),
        text: "The new crane, from the far end.",
        mentions: [],
      },
      { reactions: [{ mark: "😮", names: [dana.name], mine: false }] },
    ],
    [
      by(ada),
      {
        kind: "voice",
        file: file("voice.webm", "audio/wav", 48_000),
        durationMs: 12_400,
        peaks: peaks(),
      },
    ],
    [
      ME,
      {
        kind: "file",
        file: file("tide table, week 48.pdf", "application/pdf", 1_284_000),
        text: "",
        mentions: [],
      },
      { state: "delivered" },
    ],
    [by(bruno), text("Careful with the old list, half of it is wrong."), { edited: true }],
    [by(bruno), { kind: "deleted" }],
    [null, { kind: "line", line: { kind: "timer", by: ada.name, seconds: 604_800 } }],
    [by(bruno), { kind: "refused", refusal: { code: "capsule-mismatch", detail: "" } }],
    [by(dana), text(display(odd))],
    [by(dana), text(display(reversed))],
    [by(ada), text("🎉")],
    [
      null,
      {
        kind: "line",
        line: { kind: "code-changed", name: "Chiara Conti", account: people[2]?.account ?? "" },
      },
    ],
    [by(ada), text("```\n06:00  gate\n06:15  hull\n07:00  coffee\n```")],
    [ME, text("Perfect, thank you both."), { state: "sent", expiresMs: endMs + 7 * DAY }],
    [
      ME,
      text("I will bring the *blue folder*."),
      { state: "failed", refusal: { code: "server-unreachable", detail: "" } },
    ],
    [by(ada), text("See you on Friday then!")],
  ];
  return rows.map(([author, body, more], index) => {
    const timeMs = endMs - (rows.length - index) * 7 * MINUTE - (index < 5 ? DAY : 0);
    return { ...message(id, index + 1, timeMs, author, body), ...more };
  });
}

function peaks(): Uint8Array {
  const next = stream(5);
  return Uint8Array.from({ length: 48 }, (_, n) => 40 + 200 * Math.abs(Math.sin(n / 4)) * next());
}

export function makeNotice(nowMs: number): Notice {
  const today = Math.floor(nowMs / DAY);
  return {
    id: "no01",
    kind: "content-stored",
    agency: "Harbour Police, Cybercrime Unit",
    offence: "smuggling",
    legalBasis: "Criminal Procedure Act, section 17(2)",
    firstDay: today - 96,
    lastDay: today - 94,
    gagEndMs: nowMs - DAY,
    committee: 1,
    warrant: "9f2c".padEnd(64, "41d7"),
    signers: ["operator", "court"],
    logIndex: 214,
    logSize: 231,
  };
}

function service(nowMs: number): Message[] {
  const amended: Body = {
    kind: "line",
    line: { kind: "amended", inForce: false, ...makeAmendment(nowMs) },
  };
  return [
    message(SERVICE, 1, nowMs - 3 * DAY, null, amended),
    message(SERVICE, 2, nowMs - 40 * MINUTE, null, { kind: "notice", notice: makeNotice(nowMs) }),
  ];
}

const counted: Counted = {
  filed: 14,
  approved: 9,
  refused: 4,
  cancelled: 1,
  lapsed: 1,
  requests: 8,
  labels: 142,
  accounts: 11,
  releases: 32,
  notices: 9,
  overdue: 0,
  content: { warrants: 7, labels: 118, accounts: 9 },
  metadata: { warrants: 2, labels: 24, accounts: 2 },
  last30Days: { labels: 21, accounts: 2 },
};

function makeAmendment(nowMs: number): Amendment {
  const committee = "Harbour Committee";
  return {
    sequence: 1,
    effectiveMs: nowMs + 20 * DAY,
    changes: [
      { committee, kind: null, term: "retentionDays", before: 365, after: 180 },
      { committee, kind: null, term: "custodians", before: null, after: "Chamber of Engineers" },
      { committee, kind: null, term: "custodians", before: "Consumers' Union", after: null },
      { committee, kind: "content-stored", term: "gagMs", before: 91 * DAY, after: 30 * DAY },
    ],
  };
}

function makeMonths(nowMs: number): MonthKey[] {
  const now = new Date(nowMs);
  const month = (away: number): MonthKey => ({
    firstDay: Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + away, 1) / DAY,
    state: away > 0 ? "coming" : away === 0 ? "current" : away < -3 ? "destroyed" : "past",
    custodiansDone: away < -3 ? 5 : 0,
    courtDone: away < -3,
    preserved: away === -5 ? 3 : 0,
  });
  return [3, 2, 1, 0, -1, -2, -3, -4, -5].map(month);
}

/** Who escrows in a world: both committees, the other one alone, none. */
export type Escrow = "threshold" | "elsewhere" | "none";

export function makeTrust(nowMs: number, which: Escrow): Trust {
  const own = which === "threshold" ? "threshold" : "none";
  const escrow = which === "none" ? "none" : "threshold";
  const log = (size: number, root: string) => ({
    size,
    root: root.padEnd(64, "b05c"),
    checkpointMs: nowMs - MINUTE,
    state: "good" as const,
    refusal: null,
    quorum: 2,
    void: 0,
    witnesses: [
      { name: "witness.example.net/north", cosigned: true },
      { name: "witness.example.org/harbour", cosigned: true },
      { name: "witness.example.com/law-faculty", cosigned: size > 1000 },
    ],
  });
  const committee: CommitteeFacts = {
    number: 1,
    name: "Harbour Committee",
    jurisdiction: "Harbour District",
    escrow: own,
    custodians: [
      "Bar Association",
      "Data Protection Office",
      "Harbour University",
      "Press Council",
      "Consumers' Union",
    ],
    threshold: 3,
    court: "Court of Appeal, Division 4",
    agencies: ["Harbour Police, Cybercrime Unit", "Customs Investigation"],
    ministers: ["Minister of Justice"],
    judges: ["Judge E. Solheim", "Judge R. Adeyemi"],
    profiles: [
      {
        kind: "content-stored",
        approvals: ["minister", "judge"],
        urgent: ["minister"],
        urgentWindowMs: 48 * 3_600_000,
        maxDays: 30,
        validityMs: 30 * DAY,
        gagMs: 91 * DAY,
        noticeMs: 14 * DAY,
        offences: ["homicide", "kidnapping", "smuggling"],
      },
      {
        kind: "metadata",
        approvals: ["judge"],
        urgent: [],
        urgentWindowMs: 0,
        maxDays: 14,
        validityMs: 14 * DAY,
        gagMs: 91 * DAY,
        noticeMs: 14 * DAY,
        offences: ["homicide", "kidnapping", "smuggling", "fraud"],
      },
    ],
    caps: { accounts: 20, labels: 600 },
    retentionDays: 365,
    epochsReady: 4,
    months: makeMonths(nowMs),
    counted,
  };
  return {
    deployment: "4be1".padEnd(64, "09ac"),
    name: "Harbour Messenger",
    operator: "Harbour Services Ltd",
    escrow,
    charter: {
      sequence: 0,
      hash: "4be1".padEnd(64, "09ac"),
      effectiveMs: nowMs - 400 * DAY,
      amendmentDelayMs: 30 * DAY,
      upcoming: makeAmendment(nowMs),
      history: [],
    },
    committees: [
      own === "threshold" ? committee : { ...committee, threshold: 0, custodians: [], court: null },
      {
        ...committee,
        number: 2,
        escrow,
        name: "Island Committee",
        jurisdiction: "Outer Islands",
        counted: { ...counted, releases: 0 },
      },
    ],
    mine: 1,
    lawLog: log(231, "77aa"),
    keyLog: log(4_120, "c3d9"),
    bundle: { version: "0.1.0", hash: "e0a4".padEnd(64, "5f12"), logged: "logged", logIndex: 198 },
    checkedMs: nowMs - MINUTE,
  };
}
