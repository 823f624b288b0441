"""The law on the command line: real processes, from nothing to evidence, and every way it stops."""

import json
import shutil
from base64 import b64decode
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from deployment import Deployment, wait_for

SAID = [
    ("ada", b"one of ada's"),
    ("bob", b"bob's own"),
    ("ada", b"\xff\x00 odd bytes \x1b[31m"),
    ("cy", b"cy's own"),
]
TODAY = datetime.now(UTC).date().isoformat()
ASKED = ["--offence", "fraud", "--legal-basis", "Criminal Code 263", "--reference", "Case 7/2026"]
DAYS = ["--first-day", TODAY]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    here = Deployment(tmp_path_factory.mktemp("deployment"))
    try:
        here.found()
        here.wait_for_keys()
        here.chat(SAID)
        yield here
    finally:
        here.stop()


def apply(town: Deployment, *scope: str) -> str:
    place = town.place("agency")
    said = town.run("agency", "apply", *scope, *DAYS, *ASKED, "--yes", *place, "--json")
    case = str(json.loads(said)["case"])
    wait_for(lambda: town.stands(case) == "AwaitingApproval")
    return case


def approve(town: Deployment, case: str) -> None:
    for who in ("minister", "judge"):
        town.ask(who, "approve", case[:10], "--yes")
    wait_for(lambda: town.stands(case) == "Approved")


def test_a_case_from_application_to_evidence(town: Deployment) -> None:
    case = apply(town, "--sender", "ada")
    asked = json.loads(town.call("judge", "pending", *town.place("judge"), "--json"))
    assert asked["case"] == case
    shown = town.call("judge", "show", case[:8], "--handle", "ada", *town.place("judge"))
    assert "(ada)" in shown
    assert "Case 7/2026" in shown
    approve(town, case)
    assert town.refused("judge", "approve", case[:8], "--yes") == "conflict"
    made = town.ask("agency", "request", case[:8])
    assert (made["labels"], made["people"], made["messages"]) == (1, 1, 2)

    wait_for(lambda: len(town.law().releases) == 3)
    (request,) = town.ask("agency", "status", case)["requests"]
    assert sorted(request["released_by"]) == [
        "Bar association (custodian 1)",
        "District court (court)",
        "University (custodian 2)",
    ]
    place = town.place("agency")
    said = town.run("agency", "open", case[:8], "--out", "evidence", *place, "--json")
    opened = json.loads(said)
    assert opened["messages"] == 2
    assert (opened["passed_over"], opened["faults"]) == ([], [])
    lines = (town.folder / "evidence" / "readable.jsonl").read_text().splitlines()
    exact = [b64decode(json.loads(line)["base64"]) for line in lines]
    assert exact == [words for who, words in SAID if who == "ada"]

    pinned = ["--deployment", town.deployment]
    for package in ("evidence", "evidence.zip"):
        run = town.run if package.endswith("zip") else town.call
        said = run("verify", "package", package, *pinned)
        assert "2 messages under the warrant Case 7/2026" in said
    stated = town.ask("server", "statistics", "--first-day", TODAY, "--address", town.address)
    assert (stated["filed"], stated["releases"]) == (1, 3)
    where = ["--address", town.address, *pinned]
    wait_for(lambda: town.law().size > stated["line"])
    assert "1 statistics of the operator" in town.call("verify", "logs", *where)
    town.call("verify", "mirror", "mirror", *where)
    logs = json.loads(town.run("verify", "logs", "mirror", *pinned, "--json"))
    tally = logs["committees"]["1"]
    assert (logs["void"], tally["filed"], tally["approved"], tally["requests"]) == (0, 1, 1, 1)
    assert (tally["labels"], tally["releases"]) == (1, 3)

    status = town.call("custodian", "status", "--state", str(town.folder / "custodian-1"))
    assert "released 1 labels" in status
    assert "Answered:      1 requests" in status
    refuse_tampering(town, pinned)


def refuse_tampering(town: Deployment, pinned: list[str]) -> None:
    bad = town.folder / "bad"
    shutil.copytree(town.folder / "evidence", bad)
    lines = (bad / "messages.jsonl").read_bytes()
    (bad / "messages.jsonl").write_bytes(lines[: len(lines) // 2] + b"A" + lines[len(lines) // 2 :])
    err = town.call("verify", "package", "bad", *pinned, code=1)
    assert err.startswith("Refused: ")
    err = town.call("verify", "package", "evidence", "--deployment", "00" * 32, code=1)
    assert "charter-genesis" in err
    assert "--deployment" in town.call("verify", "package", "evidence", code=2)
    lines = (town.folder / "mirror" / "proofs" / "law-log.txt").read_bytes()
    (town.folder / "mirror" / "proofs" / "law-log.txt").write_bytes(lines[:200] + lines[201:])
    town.call("verify", "logs", "mirror", *pinned, code=1)
    town.call("verify", "logs", *pinned, code=2)


def test_judge_and_operator_refuse(town: Deployment) -> None:
    by_judge = apply(town, "--sender", "bob")
    wrong = town.refused("minister", "approve", by_judge, "--handle", "ada", "--yes")
    assert wrong == "not-found"
    town.ask("minister", "approve", by_judge, "--yes")
    town.ask("judge", "refuse", by_judge, "--ground", "proportionality", "--yes")
    wait_for(lambda: town.stands(by_judge) == "Rejected")
    assert town.refused("agency", "request", by_judge) == "warrant-unapproved"
    assert town.refused("minister", "approve", by_judge, "--yes") == "conflict"

    by_operator = apply(town, "--sender", "bob")
    where = ["--address", town.address]
    town.ask("server", "refuse", by_operator[:12], "--ground", "form", *where, "--yes")
    wait_for(lambda: town.stands(by_operator) == "Rejected")
    assert town.refused("server", "refuse", "ffff", "--ground", "form", *where, "--yes") == (
        "not-found"
    )


def test_a_cancelled_warrant_stops_holders_who_got_the_file(town: Deployment) -> None:
    """Handed over by hand before the log has it, the file alone stops a running custodian."""
    case = apply(town, "--sender", "cy")
    approve(town, case)
    town.call("agency", "cancel", case, "--yes", "--out", "stop", *town.place("agency"))
    for who in ("custodian-1", "court"):
        role = who.split("-")[0]
        state = ["--state", str(town.folder / who)]
        assert case in town.call(role, "cancel", "stop", *state)
    assert "1 handed over" in town.call("court", "status", "--state", str(town.folder / "court"))
    (town.folder / "nonsense").write_bytes(b"{}")
    town.call("court", "cancel", "nonsense", "--state", str(town.folder / "court"), code=1)
    wait_for(lambda: town.stands(case) == "Cancelled")
    assert town.refused("agency", "request", case) == "warrant-unapproved"


def test_metadata_tells_who_wrote_where(town: Deployment) -> None:
    case = apply(town, "--kind", "metadata", "--sender", "bob")
    assert town.refused("agency", "metadata", case) == "warrant-unapproved"
    approve(town, case)
    given = town.ask("agency", "metadata", case, "--out", "bob.jws")
    (label,) = given["labels"]
    assert (label["handle"], label["day"], len(label["envelopes"])) == ("bob", TODAY, 1)
    assert label["conversation"] == town.conversation.hex()
    assert (town.folder / "bob.jws").stat().st_size > 0
    status = town.ask("agency", "status", case)
    assert status["notices"] == {"owed": 1, "delivered": 0, "overdue": 0}
    assert town.refused("agency", "request", case) == "warrant-kind"
    where = ["--address", town.address, "--deployment", town.deployment]
    assert "1 of these requests gave metadata" in town.call("verify", "logs", *where)


def test_what_is_asked_badly_is_refused_by_name(town: Deployment) -> None:
    assert town.refused("agency", "apply", "--sender", "adda", *DAYS, *ASKED, "--yes") == (
        "unknown-account"
    )
    assert town.refused("agency", "apply", *DAYS, *ASKED, "--yes") == "warrant-wildcard"
    (town.folder / "scope.json").write_text('[{"senders": ["ada"]}]')
    assert town.refused("agency", "apply", "--file", "scope.json", *ASKED, "--yes") == "form"
    assert town.refused("agency", "status", "ffffffff") == "not-found"
    wrong = ["--state", str(town.folder / "judge"), "--key-file", str(town.folder / "agency.key")]
    assert "vault-wrong-key" in town.call("judge", "pending", *wrong, code=1)
    # Nobody is there to confirm, and nothing was signed.
    err = town.call(
        "agency", "apply", "--sender", "ada", *DAYS, *ASKED, *town.place("agency"), code=2
    )
    assert "--yes" in err
    err = town.call(
        "judge",
        "join",
        "--address",
        town.address,
        "--deployment",
        "00" * 32,
        *town.place("judge"),
        code=1,
    )
    assert "charter-genesis" in err
    nobody = ["--address", "http://127.0.0.1:9", "--deployment", town.deployment]
    town.call("judge", "join", *nobody, *town.place("judge"), code=3)


def test_daemons_stop_cleanly_and_begin_again(town: Deployment) -> None:
    """Runs last: everything is asked to stop, and a custodian goes on where it was."""
    assert set(town.stop().values()) == {0}
    state = ["--state", str(town.folder / "custodian-2")]
    before = json.loads(town.call("custodian", "status", *state, "--json"))
    assert before["months_ahead"] == 3
    town.start_holder("custodian-2")
    wait_for(
        lambda: any("server-unreachable" in line for line in town.daemons["custodian-2"].lines)
    )
    assert town.stop() == {"custodian-2": 0}
