"""The published passive-client and message-protection vectors, suite 0x0001 (RFC 9420)."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from doublelock_mls import (
    Client,
    CommitView,
    Group,
    MlsError,
    ObserverClient,
    import_key_package,
    inspect_message,
)

SHARED = Path(os.environ.get("DOUBLELOCK_SHARED", Path(__file__).parents[2] / "../shared"))
VECTORS = SHARED / "vectors" / "mls"

# When each file's key packages are alive.
TIMES = {
    "passive-client-welcome": 1_690_000_000,
    "passive-client-handling-commit": 1_735_964_000,
    "passive-client-random": 1_735_964_000,
}

# The tree is in the Welcome; the argument has its form only.
EMPTY_TREE = "00"

pytestmark = [
    pytest.mark.vectors,
    pytest.mark.skipif(not VECTORS.is_dir(), reason="the published MLS vectors are not here"),
]


def anybody(credential: bytes, signature_key: bytes, context: str) -> None:
    assert credential
    assert len(signature_key) == 32
    assert context in {"commit", "new-group", "key-package"}


def anything(commit: CommitView) -> None:
    assert commit.group_id


def cases(name: str) -> Iterator[Any]:
    path = VECTORS / f"{name}.json"
    if not path.is_file():
        return
    for number, case in enumerate(json.loads(path.read_text())):
        if case["cipher_suite"] == 1:
            yield pytest.param(case | {"now": TIMES.get(name)}, id=f"{name}-{number}")


def joined(case: dict[str, Any], psks: dict[bytes, bytes] | None) -> Group:
    package = bytes.fromhex(case["key_package"])
    known = ObserverClient(anybody, anything).validate_key_package(package, case["now"])
    seed = bytes.fromhex(case["signature_priv"])
    client = Client(known.credential, seed, anybody, anything, interop_psks=psks)
    assert client.signature_key == known.signature_key
    keys = import_key_package(
        package, bytes.fromhex(case["init_priv"]), bytes.fromhex(case["encryption_priv"])
    )
    tree = bytes.fromhex(case["ratchet_tree"] or "")
    group, _ = client.join(bytes.fromhex(case["welcome"]), tree, keys.private)
    return group


@pytest.mark.parametrize(
    "case",
    [
        *cases("passive-client-welcome"),
        *cases("passive-client-handling-commit"),
        *cases("passive-client-random"),
    ],
)
def test_passive_client(case: dict[str, Any]) -> None:
    psks = {bytes.fromhex(p["psk_id"]): bytes.fromhex(p["psk"]) for p in case["external_psks"]}
    group = joined(case, psks)
    assert group.epoch_authenticator.hex() == case["initial_epoch_authenticator"]
    for epoch in case["epochs"]:
        for proposal in epoch["proposals"]:
            group.process(bytes.fromhex(proposal), case["now"])
        group.process(bytes.fromhex(epoch["commit"]), case["now"])
        assert group.epoch_authenticator.hex() == epoch["epoch_authenticator"]


@pytest.mark.parametrize("case", [*cases("message-protection")])
def test_message_protection_outside(case: dict[str, Any]) -> None:
    for name in ("proposal_priv", "proposal_pub", "commit_priv", "commit_pub", "application_priv"):
        info = inspect_message(bytes.fromhex(case[name]))
        content, _, wire = name.partition("_")
        assert info.content_type == content
        assert info.wire_format == {"priv": "private-message", "pub": "public-message"}[wire]
        assert info.group_id == bytes.fromhex(case["group_id"])
        assert info.epoch == case["epoch"]
        assert info.authenticated_data is not None


@pytest.mark.parametrize("case", [*cases("welcome")])
def test_welcome_names_its_key_package(case: dict[str, Any]) -> None:
    package = inspect_message(bytes.fromhex(case["key_package"]))
    welcome = inspect_message(bytes.fromhex(case["welcome"]))
    assert welcome.wire_format == "welcome"
    assert package.references[0] in welcome.references


@pytest.mark.parametrize("case", [*cases("passive-client-random")])
def test_what_we_do_not_use_is_refused_and_changes_nothing(case: dict[str, Any]) -> None:
    """Valid MLS, but with proposals that only others may commit: not here."""
    group = joined(case | {"ratchet_tree": case["ratchet_tree"] or EMPTY_TREE}, None)
    code = "none"
    handshakes = (m for epoch in case["epochs"] for m in (*epoch["proposals"], epoch["commit"]))
    for handshake in handshakes:
        before = group.take_changes().state
        try:
            group.process(bytes.fromhex(handshake), case["now"])
        except MlsError as refused:
            code = refused.code
            break
    assert code == "proposal-refused"
    assert group.take_changes().state == before
