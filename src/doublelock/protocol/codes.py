"""Every refusal code with its advice; `vectors/codes.json` is this table for other languages."""

from enum import StrEnum
from typing import Final


class Code(StrEnum):
    """A refusal's name: the same on the wire, in Python and in TypeScript."""

    # form
    SIZE = "size"
    FORM = "form"
    NOT_CANONICAL = "not-canonical"
    BAD_POINT = "bad-point"
    BAD_SCALAR = "bad-scalar"
    BAD_SIGNATURE = "bad-signature"
    # envelope
    SENDER_MISMATCH = "sender-mismatch"
    EPOCH_MISMATCH = "epoch-mismatch"
    DAY_MISMATCH = "day-mismatch"
    RECEIPT_TIME = "receipt-time"
    RECEIPT_CHAIN = "receipt-chain"
    RECEIPT_SIGNATURE = "receipt-signature"
    RECEIPT_MISMATCH = "receipt-mismatch"
    HEADER_MISMATCH = "header-mismatch"
    LABEL_MISMATCH = "label-mismatch"
    EPHEMERAL_CONTENT = "ephemeral-content"
    CAPSULE_MISMATCH = "capsule-mismatch"
    CAPSULE_MISSING = "capsule-missing"
    BODY_UNREADABLE = "body-unreadable"
    COMMITMENT_MISMATCH = "commitment-mismatch"
    ATTACHMENT_DAMAGED = "attachment-damaged"
    PARTIAL_WRONG = "partial-wrong"
    PARTIALS_MISSING = "partials-missing"
    # local state
    VAULT_WRONG_KEY = "vault-wrong-key"
    VAULT_DAMAGED = "vault-damaged"
    VAULT_MISSING = "vault-missing"
    VAULT_EXISTS = "vault-exists"
    VAULT_EXPOSED = "vault-exposed"
    VAULT_LOCKED = "vault-locked"
    VAULT_WRITE = "vault-write"
    # sealing and transport
    SEAL_UNREADABLE = "seal-unreadable"
    SERVER_UNREACHABLE = "server-unreachable"
    SERVER_ANSWER = "server-answer"

    # key log
    UNKNOWN_ACCOUNT = "unknown-account"
    ACCOUNT_EXISTS = "account-exists"
    GHOST_DEVICE = "ghost-device"
    DEVICE_REMOVED = "device-removed"
    DEVICE_TAKEN = "device-taken"
    DEVICE_UNCONFIRMED = "device-unconfirmed"
    DEVICE_PENDING = "device-pending"
    SAFETY_CODE_CHANGED = "safety-code-changed"
    ENTRY_ORDER = "entry-order"
    ENTRY_TIME = "entry-time"
    LOG_GAP = "log-gap"
    COMMITTEE_CHANGED = "committee-changed"
    INVITATION_REFUSED = "invitation-refused"
    INVITATION_COMMITTEE = "invitation-committee"
    INVITATION_EXPIRED = "invitation-expired"
    INVITATION_USED = "invitation-used"
    # group
    GROUP_ID = "group-id"
    GROUP_DUPLICATE = "group-duplicate"
    GROUP_CONTEXT = "group-context"
    GROUP_FULL = "group-full"
    GHOST_MEMBER = "ghost-member"
    NOT_ALLOWED = "not-allowed"
    NOT_A_MEMBER = "not-a-member"
    EXTERNAL_JOIN = "external-join"
    # logs
    LOG_UNKNOWN = "log-unknown"
    LOG_QUORUM = "log-quorum"
    LOG_PROOF = "log-proof"
    LOG_FORK = "log-fork"
    LOG_STALE = "log-stale"
    LOG_RANGE = "log-range"
    LOG_MISSING = "log-missing"
    LOG_CORRUPT = "log-corrupt"
    LOG_CLOSED = "log-closed"
    # signed documents
    WRONG_PURPOSE = "wrong-purpose"
    UNKNOWN_SIGNER = "unknown-signer"
    # charter
    CHARTER_GENESIS = "charter-genesis"
    CHARTER_TERMS = "charter-terms"
    CHARTER_SEQUENCE = "charter-sequence"
    CHARTER_SIGNATURES = "charter-signatures"
    CHARTER_DELAY = "charter-delay"
    CHARTER_FIXED = "charter-fixed"
    UNKNOWN_COMMITTEE = "unknown-committee"
    CHARTER_MISSING = "charter-missing"
    # warrant
    WARRANT_TERMS = "warrant-terms"
    WARRANT_KIND = "warrant-kind"
    WARRANT_OFFENCE = "warrant-offence"
    WARRANT_PERIOD = "warrant-period"
    WARRANT_RENEWAL = "warrant-renewal"
    WARRANT_WILDCARD = "warrant-wildcard"
    WARRANT_APPLICANT = "warrant-applicant"
    WARRANT_COMMITTEE = "warrant-committee"
    WARRANT_UNAPPROVED = "warrant-unapproved"
    WARRANT_UNLOGGED = "warrant-unlogged"
    WARRANT_REFUSED = "warrant-refused"
    WARRANT_CANCELLED = "warrant-cancelled"
    WARRANT_LAPSED = "warrant-lapsed"
    WARRANT_EARLY = "warrant-early"
    WARRANT_EXPIRED = "warrant-expired"
    URGENT_OVER = "urgent-over"
    URGENT_NOT_ALLOWED = "urgent-not-allowed"
    # release
    REQUEST_UNLOGGED = "request-unlogged"
    REQUEST_FOREIGN = "request-foreign"
    REQUEST_REPLAYED = "request-replayed"
    LABELS_ROOT = "labels-root"
    LABELS_COUNT = "labels-count"
    LABELS_ORDER = "labels-order"
    LABELS_SUBJECTS = "labels-subjects"
    RELEASE_FOREIGN = "release-foreign"
    LABEL_OUT_OF_SCOPE = "label-out-of-scope"
    LABEL_FUTURE = "label-future"
    LABEL_EPOCH = "label-epoch"
    UNNAMED_SENDERS = "unnamed-senders"
    EPOCH_UNKNOWN = "epoch-unknown"
    EPOCH_DEAD = "epoch-dead"
    CAP_EXCEEDED = "cap-exceeded"
    NOTICE_OVERDUE = "notice-overdue"
    CHECKPOINT_STALE = "checkpoint-stale"
    CHECKPOINT_FUTURE = "checkpoint-future"
    CHECKPOINT_FORKED = "checkpoint-forked"
    CHECKPOINT_FOREIGN = "checkpoint-foreign"
    NOT_A_HOLDER = "not-a-holder"
    # law log
    ENTRY_AUTHOR = "entry-author"
    ENTRY_VOID = "entry-void"
    # web bundle
    BUNDLE_MISMATCH = "bundle-mismatch"
    BUNDLE_UNLOGGED = "bundle-unlogged"
    BUNDLE_WITHDRAWN = "bundle-withdrawn"
    # evidence
    INVENTORY_MISMATCH = "inventory-mismatch"
    ENVELOPE_MISSING = "envelope-missing"
    ENVELOPE_FOREIGN = "envelope-foreign"
    NOTICE_MISMATCH = "notice-mismatch"
    EVIDENCE_MANIFEST = "evidence-manifest"
    EVIDENCE_SCOPE = "evidence-scope"
    EVIDENCE_DEVICE = "evidence-device"
    EVIDENCE_CUSTODY = "evidence-custody"
    TRANSCRIPT_DIFFERS = "transcript-differs"
    # ceremony
    CEREMONY_SETUP = "ceremony-setup"
    CEREMONY_MISMATCH = "ceremony-mismatch"
    CEREMONY_OPENINGS = "ceremony-openings"
    PROOF_OF_POSSESSION = "proof-of-possession"
    SHARE_UNREADABLE = "share-unreadable"
    SHARE_MISMATCH = "share-mismatch"
    DEALER_MISMATCH = "dealer-mismatch"
    TOO_FEW_DEALERS = "too-few-dealers"
    TRANSCRIPT_MISMATCH = "transcript-mismatch"
    EQUIVOCATION = "equivocation"
    SHARE_GENERATION = "share-generation"
    KEY_EPOCH_STATEMENT = "key-epoch-statement"
    KEY_EPOCH_SIGNATURES = "key-epoch-signatures"
    KEY_EPOCH_CHANGED = "key-epoch-changed"
    # wire
    NO_SESSION = "no-session"
    CHALLENGE_SPENT = "challenge-spent"
    NOT_PERMITTED = "not-permitted"
    NOT_FOUND = "not-found"
    CONFLICT = "conflict"
    TOO_FAST = "too-fast"
    QUOTA = "quota"
    EPOCH_SUPERSEDED = "epoch-superseded"
    COMMIT_INVALID = "commit-invalid"
    CONNECTION_REPLACED = "connection-replaced"
    SLOW_READER = "slow-reader"
    STOPPING = "stopping"
    STORAGE = "storage"
    DEFECT = "defect"
    BLOB_DIGEST = "blob-digest"
    BLOB_OFFSET = "blob-offset"


ADVICE: Final[dict[Code, str]] = {
    Code.SIZE: "The data is larger or smaller than allowed; nothing was changed.",
    Code.FORM: "The data is not of the expected form; nothing was changed.",
    Code.NOT_CANONICAL: "The data is encoded in a way that is not allowed; ask for it again.",
    Code.BAD_POINT: "A key or point is invalid; do not use it, and tell the operator.",
    Code.BAD_SCALAR: "A number is outside its group; do not use it, and tell the operator.",
    Code.BAD_SIGNATURE: "A signature does not hold; do not rely on this data.",
    Code.SENDER_MISMATCH: "The message does not come from whom it says; it was not shown.",
    Code.EPOCH_MISMATCH: "The message is sealed for another committee or month; not shown.",
    Code.DAY_MISMATCH: "The message's day is not the day on which it was received; not shown.",
    Code.RECEIPT_TIME: "The server's times run backwards or ahead; check your device's clock.",
    Code.RECEIPT_CHAIN: "The server's receipts do not follow each other; tell the operator.",
    Code.RECEIPT_SIGNATURE: "The server's receipt does not hold; do not rely on its time or order.",
    Code.RECEIPT_MISMATCH: "The receipt is for other bytes or another sender; not shown.",
    Code.HEADER_MISMATCH: "The message was encrypted for another header or place; not shown.",
    Code.LABEL_MISMATCH: "The message belongs to another label; this key may not open it.",
    Code.EPHEMERAL_CONTENT: "A message's form does not suit what it holds; it was not shown.",
    Code.CAPSULE_MISMATCH: "The sealed key does not match its label; the message was not shown.",
    Code.CAPSULE_MISSING: "The message has no sealed key where the charter demands one.",
    Code.BODY_UNREADABLE: "The message cannot be decrypted; it was not shown.",
    Code.COMMITMENT_MISMATCH: "The message does not match its commitment; it was not shown.",
    Code.ATTACHMENT_DAMAGED: "The file is incomplete or was changed; fetch it again.",
    Code.PARTIAL_WRONG: "A key holder's part is wrong; leave that holder out and name it.",
    Code.PARTIALS_MISSING: "Too few key holders released, or for other labels; ask the others.",
    Code.VAULT_WRONG_KEY: "The passphrase or key file does not open this folder; try again.",
    Code.VAULT_DAMAGED: "A local file was cut or changed from outside; restore it from a backup.",
    Code.VAULT_MISSING: "There is no such local state; look at the path, or create it first.",
    Code.VAULT_EXISTS: "Something is there already; it was not replaced.",
    Code.VAULT_EXPOSED: (
        "Others may read or write this secret; take the rights away (chmod go-rwx)."
    ),
    Code.VAULT_LOCKED: "Another process is using this folder; stop it first.",
    Code.VAULT_WRITE: "The disk did not take the file; look at its space and rights.",
    Code.SEAL_UNREADABLE: "This was not sealed for this key and purpose; ask for it again.",
    Code.SERVER_UNREACHABLE: (
        "The server does not answer; look at the network, and try again later."
    ),
    Code.SERVER_ANSWER: "The server's answer is not of the expected form; tell the operator.",
    Code.UNKNOWN_ACCOUNT: "The key log knows no such account; check the handle.",
    Code.ACCOUNT_EXISTS: "This handle is already registered; choose another.",
    Code.GHOST_DEVICE: "A device without proof in the key log was refused; tell the operator.",
    Code.DEVICE_REMOVED: "This device is no longer listed for its account.",
    Code.DEVICE_TAKEN: "This device key was listed before; make a new device.",
    Code.DEVICE_UNCONFIRMED: (
        "The codes differ: this may be a stranger's device. Approve nothing, and ask for it again."
    ),
    Code.DEVICE_PENDING: (
        "No device of the account has approved this one yet; approve its request there."
    ),
    Code.SAFETY_CODE_CHANGED: "The safety code with somebody here changed; answer that first.",
    Code.ENTRY_ORDER: "The key-log entry does not follow the account's last one; make it again.",
    Code.ENTRY_TIME: "The entry's time does not fit the key log; check the clock and try again.",
    Code.LOG_GAP: "Entries of the log are missing or out of order; fetch them again.",
    Code.COMMITTEE_CHANGED: "An account keeps its committee; nothing was changed.",
    Code.INVITATION_REFUSED: "The invitation does not fit; ask your inviter for a new one.",
    Code.INVITATION_COMMITTEE: (
        "Members invite into their own committee only; ask one of that committee, or the operator."
    ),
    Code.INVITATION_EXPIRED: "The invitation has expired; ask your inviter for a new one.",
    Code.INVITATION_USED: "The invitation was used already; ask your inviter for a new one.",
    Code.GROUP_ID: "The conversation does not prove its name; it was not joined.",
    Code.GROUP_DUPLICATE: "A second conversation of a known name was refused; tell the operator.",
    Code.GROUP_CONTEXT: "The conversation's rules were changed in a way that is not allowed.",
    Code.GROUP_FULL: "The conversation has as many members as it can have.",
    Code.GHOST_MEMBER: "A member that the key log does not know was refused; tell the operator.",
    Code.NOT_ALLOWED: "The member's role does not allow this change; it was refused.",
    Code.NOT_A_MEMBER: "Only members of the conversation can do this.",
    Code.EXTERNAL_JOIN: "Somebody tried to enter from outside and was refused.",
    Code.LOG_UNKNOWN: "No known log key signed this; do not rely on it.",
    Code.LOG_QUORUM: "Too few witnesses cosigned this; wait for the missing ones, then try again.",
    Code.LOG_PROOF: "The log's proof does not hold; do not rely on it, and keep it as evidence.",
    Code.LOG_FORK: "The log shows two histories; keep both as evidence, and tell the witnesses.",
    Code.LOG_STALE: "This is older than what is already known of the log; ask for the latest.",
    Code.LOG_RANGE: "The log has no such entry or size; ask for a newer checkpoint.",
    Code.LOG_MISSING: "The log does not serve what it must; try again, then tell the operator.",
    Code.LOG_CORRUPT: "The log's files do not fit its signed head; restore them before going on.",
    Code.LOG_CLOSED: "The log takes no entries now; try again when it has restarted.",
    Code.WRONG_PURPOSE: "The signature was given for another kind of document; do not rely on it.",
    Code.UNKNOWN_SIGNER: "A signature is by a key that has no part in this; do not rely on it.",
    Code.CHARTER_GENESIS: "This is not the charter that you were given; use no such deployment.",
    Code.CHARTER_TERMS: "The charter contradicts itself; it must be corrected and signed again.",
    Code.CHARTER_SEQUENCE: "The amendment does not follow the charter in force; get the latest.",
    Code.CHARTER_SIGNATURES: "The amendment lacks signatures that the charter in force demands.",
    Code.CHARTER_DELAY: "The amendment takes effect sooner than the charter allows.",
    Code.CHARTER_FIXED: "The amendment changes what can never change in a deployment.",
    Code.CHARTER_MISSING: (
        "The law log names an amendment whose signed document did not come, and nothing below it "
        "can be judged without; ask the operator, a custodian, the court or an auditor for it."
    ),
    Code.UNKNOWN_COMMITTEE: "The charter has no such committee.",
    Code.WARRANT_TERMS: "The warrant contradicts itself; correct it and apply again.",
    Code.WARRANT_KIND: "The charter does not allow this kind of warrant here.",
    Code.WARRANT_OFFENCE: "The charter does not allow this kind of warrant for this offence.",
    Code.WARRANT_PERIOD: "A period of the warrant is longer than the charter allows.",
    Code.WARRANT_RENEWAL: "The charter does not allow this warrant to be renewed in this way.",
    Code.WARRANT_WILDCARD: "The warrant must name senders or conversations.",
    Code.WARRANT_APPLICANT: "The warrant is not signed by the agency that it names.",
    Code.WARRANT_COMMITTEE: "The warrant is for another committee; each needs its own.",
    Code.WARRANT_UNAPPROVED: "An approval that the charter demands is missing.",
    Code.WARRANT_UNLOGGED: "The warrant or an approval is not in the law log; nothing is released.",
    Code.WARRANT_REFUSED: "The warrant was refused; nothing is released for it.",
    Code.WARRANT_CANCELLED: "The warrant was cancelled; nothing is released for it.",
    Code.WARRANT_LAPSED: "The warrant lapsed; nothing is released for it.",
    Code.WARRANT_EARLY: "The warrant is not valid yet.",
    Code.WARRANT_EXPIRED: "The warrant's validity is over; apply again.",
    Code.URGENT_OVER: "The urgent window is over without the missing approval.",
    Code.URGENT_NOT_ALLOWED: "The charter allows no urgent warrant of this kind.",
    Code.REQUEST_UNLOGGED: "The release request is not in the law log; nothing is released.",
    Code.REQUEST_FOREIGN: "The release request belongs to another warrant or party.",
    Code.REQUEST_REPLAYED: "The release request was made before; make a new one.",
    Code.LABELS_ROOT: "The labels are not those of the logged request.",
    Code.LABELS_COUNT: "The numbers of labels or accounts differ from the logged request.",
    Code.LABELS_ORDER: "The labels are not in order or occur twice.",
    Code.LABELS_SUBJECTS: "The request does not commit to everyone it concerns.",
    Code.RELEASE_FOREIGN: "The release is not for this permit or not by this holder; ask again.",
    Code.LABEL_OUT_OF_SCOPE: "A label lies outside what the warrant names.",
    Code.LABEL_FUTURE: "A label's day has not come yet.",
    Code.LABEL_EPOCH: "A label's key epoch is not that of its day.",
    Code.UNNAMED_SENDERS: "More unnamed senders than the warrant and the charter allow.",
    Code.EPOCH_UNKNOWN: "The law log knows no such key epoch.",
    Code.EPOCH_DEAD: "The key epoch's shares are destroyed; nothing can be opened.",
    Code.CAP_EXCEEDED: "The charter's cap for 30 days is used up.",
    Code.NOTICE_OVERDUE: "A notice that the asking party owes is overdue; deliver it first.",
    Code.CHECKPOINT_STALE: "The log's checkpoint is older than the charter allows; get a new one.",
    Code.CHECKPOINT_FUTURE: "The log's checkpoint lies in the future; check the clocks.",
    Code.CHECKPOINT_FORKED: "The log does not continue what was seen before: raise the alarm.",
    Code.CHECKPOINT_FOREIGN: "The checkpoint is not that of this deployment's law log.",
    Code.NOT_A_HOLDER: "The charter gives this key no such part; check folder, role and charter.",
    Code.ENTRY_AUTHOR: "The log entry is not by a party that may make it.",
    Code.ENTRY_VOID: "The log entry breaks a rule and has no effect.",
    Code.INVENTORY_MISMATCH: "What was delivered is not what the server's inventory lists.",
    Code.ENVELOPE_MISSING: "An envelope that the server's inventory lists is missing.",
    Code.ENVELOPE_FOREIGN: "An envelope was delivered that the inventory does not list.",
    Code.NOTICE_MISMATCH: "The notice is not what the law log commits to.",
    Code.EVIDENCE_MANIFEST: "A file of the package or copy is missing or was changed; get another.",
    Code.EVIDENCE_SCOPE: "The message lies outside what the warrant names.",
    Code.EVIDENCE_DEVICE: "The key log does not list this device for this account on that day.",
    Code.EVIDENCE_CUSTODY: "The chain of custody is broken.",
    Code.TRANSCRIPT_DIFFERS: "What came out is not what was sent; keep both and report it.",
    Code.CEREMONY_SETUP: "The key ceremony's parameters do not hold; agree on them again.",
    Code.CEREMONY_OPENINGS: (
        "This custodian has opened as many ceremonies for this month as a day allows; wait until "
        "tomorrow, and look up in the journal why the others did not end."
    ),
    Code.CEREMONY_MISMATCH: "The message is of another ceremony, round or holder; it was ignored.",
    Code.PROOF_OF_POSSESSION: "A holder did not prove its key; start again without it.",
    Code.SHARE_UNREADABLE: "A sealed share cannot be opened; start again without its dealer.",
    Code.SHARE_MISMATCH: "A share does not match its commitment; start again without its dealer.",
    Code.DEALER_MISMATCH: "A dealer did not deal its old share; start again without it.",
    Code.TOO_FEW_DEALERS: "Not enough old holders took part to pass the key on.",
    Code.TRANSCRIPT_MISMATCH: "Holders saw different ceremonies; do not use the key; start again.",
    Code.EQUIVOCATION: "A holder signed two different messages for one round; start without it.",
    Code.SHARE_GENERATION: "Shares of different versions were mixed; use those of one version.",
    Code.KEY_EPOCH_STATEMENT: "The key of a month does not hold; do not seal anything to it.",
    Code.KEY_EPOCH_SIGNATURES: "Not every holder signed the month's key; do not seal to it.",
    Code.KEY_EPOCH_CHANGED: "The month's key was replaced; do not use it, and tell the operator.",
    Code.BUNDLE_MISMATCH: "The web client's files are not those of its manifest; build it again.",
    Code.BUNDLE_UNLOGGED: "This web client is not in the law log; do not use it, ask the operator.",
    Code.BUNDLE_WITHDRAWN: "This web client was withdrawn; use a newer one.",
    Code.NO_SESSION: "Nobody is signed in here, or not any more; sign in and try again.",
    Code.CHALLENGE_SPENT: "The challenge was used, is too old or is not ours; ask for a new one.",
    Code.NOT_PERMITTED: "You have no right to do this; nothing was changed.",
    Code.NOT_FOUND: "There is nothing of this name.",
    Code.CONFLICT: "Somebody else was first; look at what is there and try again.",
    Code.TOO_FAST: "Too many requests at once; wait a moment and try again.",
    Code.QUOTA: "The account has used up its space; delete something or ask the operator.",
    Code.EPOCH_SUPERSEDED: "The group has moved on; take in its commits and seal again.",
    Code.COMMIT_INVALID: "The change of the group does not hold; it was not accepted.",
    Code.CONNECTION_REPLACED: "This device connected again from elsewhere; one connection stays.",
    Code.SLOW_READER: "Messages came faster than they were read; connect again and go on.",
    Code.STOPPING: "The server is stopping; nothing acknowledged is lost, connect again later.",
    Code.STORAGE: "The server could not store this; nothing was changed, try again later.",
    Code.DEFECT: "The program came upon something that it does not expect; report it, try again.",
    Code.BLOB_DIGEST: "The upload does not match its digest; start it again.",
    Code.BLOB_OFFSET: "The upload goes on elsewhere; ask how much is there and send the rest.",
}
