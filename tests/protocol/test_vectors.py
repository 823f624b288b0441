"""Our vectors say what the code does, and the code accepts and refuses what they say."""

import json
from pathlib import Path
from typing import Any

import pytest
from vectors.make import FOLDER, NAMES, make

from doublelock.protocol.bundle import (
    check_files,
    hash_manifest,
    read_manifest,
    write_manifest,
)
from doublelock.protocol.capsule import LabelKey, day_key, open_capsule, seal, verify_capsule
from doublelock.protocol.codes import ADVICE, Code
from doublelock.protocol.curve import G1, G2
from doublelock.protocol.ed25519 import VerifyKey
from doublelock.protocol.envelope import open_body, verify_body
from doublelock.protocol.errors import Refusal
from doublelock.protocol.header import Form, Header, hash_header
from doublelock.protocol.identifiers import AccountId, ConversationId, DeploymentId, DeviceId
from doublelock.protocol.label import Label
from doublelock.protocol.lawlog import stamp, verify_entry
from doublelock.protocol.receipt import Receipt, ReceiptFields, verify_receipt
from doublelock.protocol.record import decode_record, display

Case = dict[str, Any]


def load(name: str) -> Case:
    loaded: Case = json.loads((FOLDER / f"{name}.json").read_text())
    return loaded


def cases(name: str, part: str) -> list[Any]:
    named = load(name)[part] if (FOLDER / f"{name}.json").exists() else []
    return [pytest.param(case, id=case.get("why", str(at))) for at, case in enumerate(named)]


def raw(case: Case, key: str) -> bytes:
    return bytes.fromhex(case[key])


def label_of(case: Case) -> Label:
    return Label(
        DeploymentId(raw(case, "deployment")),
        case["committee"],
        case["key_epoch"],
        ConversationId(raw(case, "conversation")),
        AccountId(raw(case, "account")),
        case["day"],
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_file_is_what_the_code_makes(name: str) -> None:
    path = FOLDER / f"{name}.json"
    written = path.read_text() if path.exists() else ""
    assert written == make(name), f"{path.name} is old: run `make vectors` and look at the change"


def test_no_vector_file_is_forgotten() -> None:
    ours = {f"{name}.json" for name in NAMES}
    assert ours <= {path.name for path in Path(FOLDER).glob("*.json")}


def test_every_code_has_advice() -> None:
    assert set(ADVICE) == set(Code)


@pytest.mark.parametrize("case", cases("label", "good"))
def test_label(case: Case) -> None:
    label = label_of(case)
    assert label.encode() == raw(case, "encoded")
    assert Label.decode(raw(case, "encoded")) == label
    assert label.point().encoded == raw(case, "point")


@pytest.mark.parametrize("case", cases("label", "bad"))
def test_bad_label(case: Case) -> None:
    with pytest.raises(Refusal) as refusal:
        Label.decode(raw(case, "encoded"))
    assert refusal.value.code == case["code"]


@pytest.mark.parametrize("case", cases("capsule", "good"))
def test_capsule(case: Case) -> None:
    label, mpk, seed = label_of(case), G2.decode(raw(case, "mpk")), raw(case, "seed")
    sealed = seal(seed, label, mpk)
    assert sealed.capsule == raw(case, "capsule")
    assert verify_capsule(sealed.capsule, seed, label, mpk) == sealed
    key = LabelKey(label, G1.decode(raw(case, "label_key")))
    assert open_capsule(sealed.capsule, key, mpk) == sealed


@pytest.mark.parametrize("case", cases("capsule", "open_refused"))
def test_capsule_that_must_not_open(case: Case) -> None:
    key = LabelKey(label_of(case), G1.decode(raw(case, "label_key")))
    with pytest.raises(Refusal) as refusal:
        open_capsule(raw(case, "capsule"), key, G2.decode(raw(case, "mpk")))
    assert refusal.value.code == case["code"]


@pytest.mark.parametrize("case", cases("capsule", "verify_refused"))
def test_capsule_that_is_not_of_its_seed(case: Case) -> None:
    mpk = G2.decode(raw(case, "mpk"))
    with pytest.raises(Refusal) as refusal:
        verify_capsule(raw(case, "capsule"), raw(case, "seed"), label_of(case), mpk)
    assert refusal.value.code == case["code"]


@pytest.mark.parametrize("case", cases("k_day", "good"))
def test_day_key(case: Case) -> None:
    form = Form(case["form"])
    assert day_key(raw(case, "seed"), raw(case, "capsule"), label_of(case), form) == raw(
        case, "k_day"
    )


def test_day_keys_differ_by_form_label_and_capsule() -> None:
    keys = [case["k_day"] for case in load("k_day")["good"]]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("case", cases("header", "good"))
def test_header(case: Case) -> None:
    header = Header.decode(raw(case, "encoded"))
    assert header.encode() == raw(case, "encoded")
    assert hash_header(raw(case, "encoded")) == raw(case, "hash")
    assert header.capsule == raw(case, "capsule")
    assert (header.committee, header.key_epoch, header.day, header.form) == (
        case["committee"],
        case["key_epoch"],
        case["day"],
        case["form"],
    )


@pytest.mark.parametrize("case", cases("header", "bad"))
def test_bad_header(case: Case) -> None:
    with pytest.raises(Refusal) as refusal:
        Header.decode(raw(case, "encoded"))
    assert refusal.value.code == case["code"]


@pytest.mark.parametrize("case", cases("record", "good"))
def test_record(case: Case) -> None:
    assert type(decode_record(raw(case, "encoded"))).__name__ == case["kind"]


@pytest.mark.parametrize("case", cases("record", "bad"))
def test_bad_record(case: Case) -> None:
    with pytest.raises(Refusal) as refusal:
        decode_record(raw(case, "encoded"))
    assert refusal.value.code == case["code"]


@pytest.mark.parametrize("case", cases("record", "display"))
def test_display(case: Case) -> None:
    assert display(raw(case, "content")) == case["shown"]


def open_case(case: Case) -> bytes:
    header = Header.decode(raw(case, "header"))
    opened = open_body(
        raw(case, "k_day"), header, hash_header(raw(case, "header")), raw(case, "body")
    )
    world = load("envelope")
    key = VerifyKey(raw(world, "device_key"))
    return verify_body(opened, key, DeploymentId(raw(world, "deployment"))).record_bytes


@pytest.mark.parametrize("case", cases("envelope", "good"))
def test_envelope(case: Case) -> None:
    assert open_case(case) == raw(case, "record")


@pytest.mark.parametrize("case", cases("envelope", "bad"))
def test_bad_envelope(case: Case) -> None:
    with pytest.raises(Refusal) as refusal:
        open_case(case)
    assert refusal.value.code == case["code"]


def verify_case(case: Case) -> bytes:
    fields = ReceiptFields(
        ConversationId(raw(case, "conversation")),
        case["sequence"],
        raw(case, "previous"),
        case["time_ms"],
        AccountId(raw(case, "account")),
        DeviceId(raw(case, "device")),
        raw(case, "header_hash"),
        raw(case, "body_hash"),
        raw(case, "mls_hash"),
    )
    receipt = Receipt(
        fields, case["index"], case["size"], raw(case, "path"), raw(case, "signature")
    )
    world = load("receipt")
    key = VerifyKey(raw(world, "receipt_key"))
    return verify_receipt(receipt, DeploymentId(raw(world, "deployment")), key).hash


@pytest.mark.parametrize("case", cases("receipt", "good"))
def test_receipt(case: Case) -> None:
    assert verify_case(case) == raw(case, "hash")


@pytest.mark.parametrize("case", cases("receipt", "bad"))
def test_bad_receipt(case: Case) -> None:
    with pytest.raises(Refusal) as refusal:
        verify_case(case)
    assert refusal.value.code == case["code"]


@pytest.mark.parametrize("case", cases("bundle", "good"))
def test_bundle(case: Case) -> None:
    files = {path: bytes.fromhex(data) for path, data in case["files"].items()}
    data = case["manifest"].encode()
    backwards = dict(reversed(files.items()))
    assert write_manifest(case["version"], backwards) == data
    assert hash_manifest(data) == raw(case, "hash")
    check_files(read_manifest(data), files)


@pytest.mark.parametrize("case", cases("bundle", "bad"))
def test_bad_bundle(case: Case) -> None:
    with pytest.raises(Refusal) as refused:
        read_manifest(case["manifest"].encode())
    assert refused.value.code == case["code"]


@pytest.mark.parametrize("case", cases("bundle", "entries"))
def test_bundle_entry(case: Case) -> None:
    deployment = DeploymentId(raw(load("bundle"), "deployment"))
    verified = verify_entry(deployment, case["signed"].encode())
    assert type(verified.entry).__name__ == case["kind"]
    assert verified.author == raw(load("bundle"), "operator")
    assert (verified.raw, verified.hash) == (case["entry"].encode(), raw(case, "hash"))
    assert stamp(case["signed"].encode(), case["time_ms"]) == case["line"].encode()
