"""The vectors of what clients verify: frames, names, groups, logs, charters and notices."""

import hashlib
import json
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import pytest
from vectors.make import FOLDER

from doublelock.client.invite import decode_invite
from doublelock.protocol import frames, merkle, safety_code
from doublelock.protocol.charter import (
    read_terms,
    receipt_key_at,
    requires_capsule,
    verify_amendment,
    verify_genesis,
)
from doublelock.protocol.errors import Refusal
from doublelock.protocol.group_rules import (
    Change,
    Leaf,
    Rules,
    decode_context,
    decode_credential,
    speaks_for,
)
from doublelock.protocol.handover import LogName, verify_checkpoint
from doublelock.protocol.identifiers import AccountId, DeploymentId, DeviceId
from doublelock.protocol.keylog import AccountVersion, KeyLog
from doublelock.protocol.keylog_entry import hash_entry
from doublelock.protocol.lawstate import LawState
from doublelock.protocol.note import parse_vkey
from doublelock.protocol.notice import verify_notice
from doublelock.protocol.policy import Policy, PolicyGroup, PolicyLog, PolicyWitness
from doublelock.protocol.session import decode_subject, verify_session
from doublelock.protocol.tlog_proof import verify_proof

Case = dict[str, Any]


def load(name: str) -> Case:
    loaded: Case = json.loads((FOLDER / f"{name}.json").read_text())
    return loaded


def cases(name: str, part: str) -> list[Any]:
    return [pytest.param(each, id=each.get("why")) for each in load(name)[part]]


def outcome(act: Callable[[], object]) -> str | None:
    """Return the code of a refusal, or None."""
    try:
        act()
    except Refusal as refusal:
        return refusal.code
    return None


def raw(case: Case, key: str) -> bytes:
    return bytes.fromhex(case[key])


@pytest.mark.parametrize("case", cases("frames", "good"))
def test_frame(case: Case) -> None:
    decode = frames.decode_from_device if case["from"] == "device" else frames.decode_from_server
    (data,) = frames.split(raw(case, "encoded"))
    frame = decode(data)
    assert type(frame).__name__ == case["kind"]
    assert frames.encode(frame) == raw(case, "encoded")


@pytest.mark.parametrize("case", cases("frames", "bad"))
def test_bad_frame(case: Case) -> None:
    with pytest.raises(Refusal) as refusal:
        frames.decode_from_device(raw(case, "encoded"))
    assert refusal.value.code == case["code"]


@pytest.mark.parametrize("case", load("frames")["split"]["bad"])
def test_bad_stream_message(case: Case) -> None:
    with pytest.raises(Refusal) as refusal:
        list(frames.split(raw(case, "message")))
    assert refusal.value.code == case["code"]


def replay() -> KeyLog:
    world = load("keylog")
    log = KeyLog(
        DeploymentId(raw(world, "deployment")), raw(world, "genesis_key"), world["skew_ms"]
    )
    for index, line in enumerate(world["log"]):
        entry = raw(line, "entry")
        assert outcome(partial(log.apply, index, entry)) == line["code"], line["why"]
        assert line["code"] is not None or hash_entry(entry) == raw(line, "hash")
    return log


def test_key_log() -> None:
    log = replay()
    for case in load("keylog")["accounts"]:
        version = log.account(AccountId(raw(case, "account")))
        assert [device.hex() for device in version.devices] == case["devices"]
        assert (version.index, version.lineage) == (case["index"], case["lineage"])


def leaf(case: Case) -> Leaf:
    account, device = decode_credential(raw(case, "credential"))
    assert (account, device) == (raw(case, "account"), raw(case, "device"))
    return Leaf(account, device, raw(case, "key"))


@pytest.mark.parametrize("case", cases("context", "changes"))
def test_group_change(case: Case) -> None:
    world = load("context")
    rules = Rules(
        DeploymentId(raw(world, "deployment")),
        escrow=True,
        key_log=replay(),
        skew_ms=load("keylog")["skew_ms"],
    )
    change = Change(
        leaf(case["committer"]),
        case["external"],
        tuple(map(leaf, case["added"])),
        tuple(map(leaf, case["removed"])),
        tuple(map(leaf, case["left"])),
        raw(case, "context"),
        None if case["after"] is None else raw(case, "after"),
        lambda: tuple(map(leaf, case["roster"])),
        case["time_ms"],
    )
    act = partial(rules.check_change, raw(world, "conversation"), change)
    assert outcome(act) == case["code"]


@pytest.mark.parametrize("case", cases("context", "good"))
def test_group_context(case: Case) -> None:
    context = decode_context(raw(case, "encoded"))
    assert context.encode() == raw(case, "encoded")
    assert context.conversation == raw(case, "conversation")
    for one in case["speaks"]:
        assert speaks_for(context, AccountId(raw(one, "account"))) is one["speaks"]


@pytest.mark.parametrize("case", cases("context", "bad"))
def test_bad_group_context(case: Case) -> None:
    with pytest.raises(Refusal) as refusal:
        decode_context(raw(case, "encoded"))
    assert refusal.value.code == case["code"]


@pytest.mark.parametrize("case", cases("safety_code", "good"))
def test_safety_code(case: Case) -> None:
    def side(given: Case) -> AccountVersion:
        keys = tuple(map(bytes.fromhex, given["keys"]))
        account = AccountId(raw(given, "account"))
        return AccountVersion(account, 0, 0, 1, given["lineage"], 1, keys, account)

    deployment = DeploymentId(raw(load("safety_code"), "deployment"))
    code = safety_code.make_safety_code(deployment, side(case["one"]), side(case["other"]))
    assert (code.digits, code.qr.hex()) == (case["digits"], case["qr"])
    assert code.line == case["line"]
    assert safety_code.read_safety_line(f" {case['line']}\n") == code.qr


@pytest.mark.parametrize("case", cases("safety_code", "bad_lines"))
def test_bad_safety_line(case: Case) -> None:
    with pytest.raises(Refusal) as refusal:
        safety_code.read_safety_line(case["line"])
    assert refusal.value.code == case["code"]


@pytest.mark.parametrize("case", cases("session", "good"))
def test_session(case: Case) -> None:
    world = load("session")
    verify_session(
        DeploymentId(raw(world, "deployment")),
        raw(world, "challenge"),
        decode_subject(raw(case, "subject")),
        world["expires_ms"],
        raw(world, "key"),
        raw(case, "signature"),
    )


@pytest.mark.parametrize("case", cases("session", "bad"))
def test_bad_session_subject(case: Case) -> None:
    with pytest.raises(Refusal) as refusal:
        decode_subject(raw(case, "subject"))
    assert refusal.value.code == case["code"]


@pytest.mark.parametrize("case", cases("invite", "good"))
def test_invite(case: Case) -> None:
    invite = decode_invite(case["line"])
    assert invite.encode() == case["line"]
    assert (invite.address, invite.seed.hex()) == (case["address"], case["seed"])
    assert invite.invitation.encode() == raw(case, "invitation")


@pytest.mark.parametrize("case", cases("invite", "bad"))
def test_bad_invite(case: Case) -> None:
    with pytest.raises(Refusal) as refusal:
        decode_invite(case["line"])
    assert refusal.value.code == case["code"]


def policy() -> Policy:
    world = load("tlog")
    names = tuple(f"w{number}" for number in range(1, 4))
    witnesses = tuple(
        PolicyWitness(name, parse_vkey(vkey))
        for name, vkey in zip(names, world["witnesses"], strict=True)
    )
    group = PolicyGroup("quorum", world["quorum"], names)
    return Policy((PolicyLog(parse_vkey(world["log"])),), witnesses, (group,), "quorum")


@pytest.mark.parametrize("case", cases("tlog", "good"))
def test_note(case: Case) -> None:
    assert policy().verify(case["note"].encode()).quorum_time_s == case["quorum_time_s"]


@pytest.mark.parametrize("case", cases("tlog", "bad"))
def test_bad_note(case: Case) -> None:
    with pytest.raises(Refusal) as refusal:
        policy().verify(raw(case, "note"))
    assert refusal.value.code == case["code"]


@pytest.mark.parametrize("case", cases("tlog", "proofs"))
def test_proof(case: Case) -> None:
    verified = verify_proof(case["proof"].encode(), raw(case, "entry"), policy())
    assert verified.index == case["index"]


@pytest.mark.parametrize("case", cases("tlog", "bad_proofs"))
def test_bad_proof(case: Case) -> None:
    with pytest.raises(Refusal) as refusal:
        verify_proof(raw(case, "proof"), raw(case, "entry"), policy())
    assert refusal.value.code == case["code"]


@pytest.mark.parametrize("case", cases("tlog", "consistency"))
def test_consistency(case: Case) -> None:
    proof = tuple(map(bytes.fromhex, case["proof"]))
    roots = raw(case, "old_root"), raw(case, "new_root")
    merkle.verify_consistency(case["old"], case["new"], proof, *roots)


@pytest.mark.parametrize("case", cases("tlog", "bad_vkeys"))
def test_bad_vkey(case: Case) -> None:
    with pytest.raises(Refusal) as refusal:
        parse_vkey(case["vkey"])
    assert refusal.value.code == case["code"]


@pytest.mark.parametrize("case", cases("charter", "bad"))
def test_bad_charter(case: Case) -> None:
    deployment = DeploymentId(raw(load("charter"), "deployment"))
    with pytest.raises(Refusal) as refusal:
        verify_genesis(case["document"].encode(), deployment)
    assert refusal.value.code == case["code"]


@pytest.mark.parametrize("case", cases("charter", "bad_terms"))
def test_bad_terms(case: Case) -> None:
    with pytest.raises(Refusal) as refusal:
        read_terms(raw(case, "payload"))
    assert refusal.value.code == case["code"]


@pytest.mark.parametrize("case", cases("charter", "amendments"))
def test_amendment(case: Case) -> None:
    world = load("charter")
    charter = verify_genesis(world["document"].encode(), DeploymentId(raw(world, "deployment")))
    document = case["document"].encode()
    assert outcome(partial(verify_amendment, charter, document)) == case["code"]
    if case["code"] is None:
        assert verify_amendment(charter, document).hash == raw(case, "hash")


def test_whose_receipts_count_when() -> None:
    world = load("charter")
    genesis = verify_genesis(world["document"].encode(), DeploymentId(raw(world, "deployment")))
    charters = (genesis, verify_amendment(genesis, world["receipt_keys"]["amendment"].encode()))
    for case in world["receipt_keys"]["cases"]:
        assert receipt_key_at(charters, case["time_ms"]) == raw(case, "key")


def test_which_committee_seals_on_which_day() -> None:
    world = load("charter")
    genesis = verify_genesis(world["document"].encode(), DeploymentId(raw(world, "deployment")))
    amendment = verify_amendment(genesis, world["capsules"]["amendment"].encode())
    charters = (genesis, amendment)
    for case in world["capsules"]["cases"]:
        where = case["committee"], case["day"]
        if isinstance(case["outcome"], str):
            assert outcome(partial(requires_capsule, charters, *where)) == case["outcome"]
        else:
            assert requires_capsule(charters, *where) is case["outcome"], case["why"]
    retention = world["capsules"]["retention"]
    kept_from = [charter.terms.retained_from(retention["now_ms"]) for charter in charters]
    assert kept_from == retention["from_ms"]


@cache
def folded() -> LawState:
    """The law log of lawlog.json, folded."""
    world = load("lawlog")
    charter = verify_genesis(world["charter"].encode(), DeploymentId(raw(world, "deployment")))
    state = LawState.begin(charter)
    for index, line in enumerate(world["lines"]):
        document = line.get("document", "").encode()
        before = state.void
        state = state.apply(index, raw(line, "line"), {hashlib.sha256(document).digest(): document})
        assert (state.last_void if state.void > before else None) == line["code"], line["why"]
    return state


def test_law_log() -> None:
    world, state = load("lawlog"), folded()
    assert (state.root, state.void) == (raw(world, "root"), world["void"])
    assert [each.hash.hex() for each in state.charters] == world["charters"]


@cache
def handed(size: int) -> LawState:
    """The law log of handover.json up to a size, folded."""
    world = load("handover")
    if size == 0:
        charter = verify_genesis(world["charter"].encode(), DeploymentId(raw(world, "deployment")))
        return LawState.begin(charter)
    before, line = handed(size - 1), world["lines"][size - 1]
    document = line.get("document", "").encode()
    documents = {hashlib.sha256(document).digest(): document}
    state = before.apply(before.size, raw(line, "line"), documents)
    assert (state.last_void if state.void > before.void else None) == line["code"], line["why"]
    return state


@pytest.mark.parametrize("case", cases("handover", "checkpoints"))
def test_checkpoint(case: Case) -> None:
    state = handed(case["lines"])
    act = partial(
        verify_checkpoint, LogName(case["log"]), state, case["note"].encode(), case["now_ms"]
    )
    assert outcome(act) == case["code"]


def test_handovers() -> None:
    world = load("handover")
    told = [
        {
            "index": one.index,
            "charter": one.charter.hash.hex(),
            "key_size": one.key_size,
            "key_root": one.key_root.hex(),
        }
        for one in handed(len(world["lines"])).handovers
    ]
    assert told == world["handovers"]


@pytest.mark.parametrize("case", cases("lawlog", "notices"))
def test_notice(case: Case) -> None:
    account = AccountId(raw(case, "account"))
    act = partial(verify_notice, case["document"].encode(), folded(), account, case["now_ms"])
    assert outcome(act) == case["code"]


def test_device_names() -> None:
    assert all(
        len(DeviceId(raw(each, "device"))) == 16 for each in load("keylog")["names"]["devices"]
    )
