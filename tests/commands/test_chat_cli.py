"""`doublelock chat` as people run it: real processes, a real server, real key epochs.

The tests live one after the other in one deployment, in the order in which a person would.
"""

import asyncio
import base64
import json
import os
import secrets
import signal
import stat
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from doublelock.client.invite import Invite
from doublelock.demo.clock import WallClock
from doublelock.demo.founding import Plan
from doublelock.demo.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

ODD = b"two \xff\x00 odd \x1b[31mred\n[99] 2026-01-01 00:00 bob: forged\r"
FILE = bytes(range(256)) * 700  # three chunks


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    def answers(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    def refused(self, code: str, exit_code: int = 1) -> None:
        assert self.code == exit_code, self.err
        assert f"Refused: {code}" in self.err
        assert "Traceback" not in self.err


@dataclass
class Town:
    world: World
    folder: Path
    bob_invite: Path
    address: str = ""
    running: list[asyncio.subprocess.Process] = field(default_factory=list)

    async def start(self, who: str, *args: str, key: str = "") -> asyncio.subprocess.Process:
        """Start a command on somebody's folder."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "doublelock", "chat", *args),
            *("--state", str(self.folder / who), "--key-file", f"{self.folder / (key or who)}.key"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={
                **{k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"},
                "PYTHONPYCACHEPREFIX": str(self.folder / "bytecode"),
            },
        )
        self.running.append(process)
        return process

    async def run(self, who: str, *args: str, stdin: bytes = b"", key: str = "") -> Ran:
        """Run a command on somebody's folder to its end."""
        process = await self.start(who, *args, key=key)
        out, err = await process.communicate(stdin)
        self.running.remove(process)
        assert process.returncode is not None
        return Ran(process.returncode, out.decode(), err.decode())

    async def done(self, who: str, *args: str, stdin: bytes = b"") -> Ran:
        """Run a command that must succeed."""
        ran = await self.run(who, *args, stdin=stdin)
        assert ran.code == 0, ran.err
        return ran


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    folder = tmp_path_factory.mktemp("chat")
    clock = WallClock()
    plan = Plan(now_ms=clock(), custodians=2, threshold=2, witnesses=1, quorum=1)
    world = World.open(folder / "world", clock, plan)
    await world.start()
    town = Town(world, folder, folder / "bob.invite")
    town.bob_invite.write_text(world.invite().encode() + "\n")
    try:
        world.open_holders()
        await world.hold_ceremonies(lambda _, __: None)
        yield town
    finally:
        for process in town.running:
            process.kill()
            await process.communicate()
        await world.stop()


async def test_people_register_with_an_invite(town: Town) -> None:
    invite = town.world.invite().encode().encode()
    ann, bob = await asyncio.gather(
        town.done("ann", "register", "-", "--as", "ann", "--json", stdin=invite),
        town.done("bob", "register", "--from", str(town.bob_invite), "--as", "bob"),
    )
    (me,) = ann.answers()
    assert (me["handle"], me["deployment"]) == ("ann", town.world.deployment.hex())
    assert me["escrow"] is True
    town.address = me["address"]
    assert "judge-and-quorum contingency" in bob.out
    assert (town.folder / "ann" / "vault.db").stat().st_mode & 0o077 == 0


async def test_refusals_have_names_and_exit_codes(town: Town) -> None:
    away = Invite("http://127.0.0.1:1", town.world.deployment, *_invitation(town))
    used = town.bob_invite.read_bytes()
    ran = await asyncio.gather(
        town.run("eve", "register", "-", "--as", "eve", stdin=used),
        town.run("fay", "register", "-", "--as", "fay", stdin=away.encode().encode()),
        town.run("ann", "list", key="bob"),
        town.run("nobody", "list"),
        town.run("bob", "direct", "nobody"),
    )
    ran[0].refused("invitation-used")
    ran[1].refused("server-unreachable", 3)
    ran[2].refused("vault-wrong-key")
    ran[3].refused("vault-missing")
    ran[4].refused("unknown-account (nobody)")
    assert not (town.folder / "nobody").exists()
    assert not any(used.decode().strip()[-40:] in one.err + one.out for one in ran)


def _invitation(town: Town) -> tuple[Any, bytes]:
    made = town.world.invite()
    return made.invitation, made.seed


async def test_a_direct_conversation_carries_any_bytes(town: Town) -> None:
    (made,) = (await town.done("ann", "direct", "bob", "--json")).answers()
    sent = await town.done("ann", "send", "@bob", "--json", stdin=ODD + b"\n")
    (number,) = [one["number"] for one in sent.answers()]
    shown = await town.done("bob", "history", "@ann")
    assert not any(character < " " and character != "\n" for character in shown.out)
    lines = shown.out.splitlines()
    assert lines[0].startswith(f"[{number}] ")
    assert not any(line.startswith("[99]") for line in lines)
    (message,) = (await town.done("bob", "history", made["short"], "--json")).answers()
    assert base64.b64decode(message["base64"]) == ODD
    assert (message["sender"], message["number"]) == ("ann", number)


async def test_answers_changes_and_marks(town: Town) -> None:
    (first,) = (await town.done("bob", "send", "@ann", "one", "two", "--json")).answers()
    number = str(first["number"])
    await asyncio.gather(
        town.done("bob", "edit", "@ann", number, "three"),
        town.done("ann", "react", "@bob", number, "+1"),
    )
    (await town.run("ann", "edit", "@bob", number, "four")).refused("not-allowed")
    shown = (await town.done("bob", "history", "@ann", "--last", "1")).out
    assert "bob: three (edited)\n      +1 by ann\n" in shown


async def test_both_see_one_safety_code(town: Town) -> None:
    codes = await asyncio.gather(
        town.done("ann", "safety", "bob", "--json"), town.done("bob", "safety", "ann", "--json")
    )
    ann, bob = (ran.answers()[0] for ran in codes)
    assert (ann["digits"], ann["qr"]) == (bob["digits"], bob["qr"])
    assert len(ann["digits"].split()) == 12
    for seen in (bob["digits"], bob["line"]):
        ran = await town.done("ann", "safety", "bob", "--compare", seen, "--json")
        assert ran.answers()[0]["same"] is True
    swapped = bob["line"].replace(":01", ":01ff", 1)[: len(bob["line"])]
    for other in (bob["digits"].replace(bob["digits"][0], "x", 1), "doublelock-safety:01"):
        (await town.run("ann", "safety", "bob", "--compare", other)).refused("form")
    differs = await town.run("ann", "safety", "bob", "--compare", swapped, "--json")
    assert (differs.code, differs.answers()[0]["same"]) == (1, False)


async def test_files_go_over_and_overwrite_nothing(town: Town) -> None:
    file, copy = town.folder / "plan.bin", town.folder / "copy.bin"
    file.write_bytes(FILE)
    sent = await town.done("ann", "attach", "@bob", str(file), "--caption", "look", "--json")
    number = str(sent.answers()[0]["number"])
    await town.done("bob", "save", "@ann", number, str(copy))
    assert copy.read_bytes() == FILE
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    copy.write_bytes(b"mine")
    again = await town.run("bob", "save", "@ann", number, str(copy))
    again.refused("vault-exists")
    assert copy.read_bytes() == b"mine"


async def test_an_invited_person_follows_a_group(town: Town) -> None:
    (invited,) = (await town.done("ann", "invite", "--json")).answers()
    invite = invited["invite"].encode()
    await town.done("cid", "register", "-", "--as", "cid", stdin=invite)
    follow = await town.start("cid", "follow", "--json")
    assert follow.stdout is not None
    (made,) = (await town.done("ann", "group", "bob", "cid", "--json")).answers()
    place = made["conversation"]
    talk = await town.done("bob", "talk", place[:12], stdin=b"hello, group\n\nlast \xfe line")
    assert "Traceback" not in talk.err

    seen: list[dict[str, Any]] = []
    async with asyncio.timeout(30):
        while sum(one["event"] == "message" for one in seen) < 2:
            seen.append(json.loads(await follow.stdout.readline()))
    said = [one for one in seen if one["event"] == "message"]
    assert {(one["sender"], one["conversation"]) for one in said} == {("bob", place)}
    assert [base64.b64decode(one["base64"]) for one in said] == [b"hello, group", b"last \xfe line"]
    assert any(one["event"] == "joined" and one["by"] == "ann" for one in seen)

    (await town.run("cid", "list")).refused("vault-locked")
    follow.send_signal(signal.SIGINT)
    out, err = await follow.communicate()
    town.running.remove(follow)
    assert follow.returncode == 0
    assert b"Traceback" not in out + err
    listed = (await town.done("bob", "list", "--json")).answers()
    assert {(one["kind"], *sorted(one["members"])) for one in listed} == {
        ("direct", "ann"),
        ("group", "ann", "cid"),
    }


async def test_a_second_device_is_linked_and_revoked(town: Town) -> None:
    link = ("link", town.address, "--as", "ann", "--no-wait", "--json")
    (asked,) = (await town.done("ann-2", *link)).answers()
    wrong = await town.run("ann", "approve", asked["request"], "--code", "0" * 20)
    wrong.refused("device-unconfirmed")
    approve = ("approve", "-", "--code", asked["code"], "--json")
    approved, linked = await asyncio.gather(
        town.done("ann", *approve, stdin=asked["request"].encode()),
        town.done("ann-2", "link", "--finish", "--json"),
    )
    assert linked.answers()[0]["code"] == asked["code"]
    (where,) = approved.answers()
    assert (len(where["conversations"]), where["missing"]) == (2, [])

    secret = secrets.token_hex(8)
    await town.done("bob", "send", "@ann", stdin=secret.encode())
    seen, listed = await asyncio.gather(
        town.done("ann-2", "history", "@bob", "--json"), town.done("ann", "devices", "--json")
    )
    *before, last = seen.answers()
    assert last["text"] == secret
    assert before
    assert all(one["handed_over"] for one in before)
    assert "handed_over" not in last
    assert linked.answers()[-1]["taken"] >= len(before)
    assert [one["this"] for one in listed.answers()] == [True, False]
    await town.done("ann", "revoke", where["device"][:8])
    (await town.run("ann-2", "history", "@bob")).refused("device-removed")


async def test_somebody_joins_a_group_by_its_link(town: Town) -> None:
    (made,) = (await town.done("ann", "group", "bob", "--json")).answers()
    place = made["conversation"][:12]
    (await town.run("bob", "group-link", place)).refused("not-allowed")
    (given,) = (await town.done("ann", "group-link", place, "--json")).answers()
    assert given["conversation"] == made["conversation"]
    assert (await town.done("cid", "join", "-", stdin=given["link"].encode())).out.startswith("Ask")
    (asked,) = (await town.done("ann", "requests", "--json")).answers()
    assert (asked["handle"], asked["conversation"]) == ("cid", made["conversation"])
    await town.done("ann", "admit", place, "cid")
    (await town.run("ann", "refuse", place, "cid")).refused("not-found")
    assert "Nobody" in (await town.done("ann", "requests")).out
    listed = (await town.done("cid", "list", "--json")).answers()
    assert made["conversation"] in {one["conversation"] for one in listed}
    await town.done("ann", "group-link", place, "--revoke")


async def test_refusals_of_wrong_lines_and_names_say_what_to_do(town: Town) -> None:
    ran = await asyncio.gather(
        town.run("eve", "register", "-", "--as", "eve", stdin=b"http://half/#AbF1"),
        town.run("gus", "register", "-", "--as", "", stdin=town.world.invite().encode().encode()),
        town.run("bob", "direct", "bob"),
    )
    ran[0].refused("form (no whole invite")
    assert "A handle has 1 to 64 bytes" in ran[1].err
    assert "That is you" in ran[2].err
    assert [one.code for one in ran[1:]] == [2, 2]
    (await town.run("bob", "send", "ann", "hi")).refused("not-found (ann: a direct")
    (await town.run("bob", "send", "@cid", "hi")).refused("not-found (no conversation with @cid")
    (await town.run("bob", "join", "x")).refused("form (no whole link")
    (await town.run("bob", "approve", "x")).refused("form (no whole request")
    wrong = await town.run("bob", "react", "@ann", "x")
    assert (wrong.code, "shows it in brackets" in wrong.err) == (2, True)


async def test_presence_and_blocking(town: Town) -> None:
    for who in ("ann", "bob"):
        (told,) = (await town.done(who, "presence", "on", "--json")).answers()
        assert told == {"presence": True}
    following = await town.start("ann", "follow", "--json")
    assert following.stdout is not None
    await town.done("bob", "talk", "@ann", stdin=b"hello\n")
    while True:
        event = json.loads(await asyncio.wait_for(following.stdout.readline(), 60))
        if event["event"] == "seen" and not event["here"]:
            break
    assert event["by"] == "bob"
    following.send_signal(signal.SIGINT)
    await following.communicate()
    town.running.remove(following)
    seen = {
        one["handle"]: one
        for one in (await town.done("ann", "members", "@bob", "--json")).answers()
    }
    assert seen["bob"]["last_seen_ms"] == event["last_ms"]

    (made,) = (await town.done("ann", "group", "bob", "--json")).answers()
    await town.done("bob", "send", made["short"], "loud")
    await town.done("ann", "block", "@bob")
    assert "bob" in (await town.done("ann", "blocked")).out
    listed = (await town.done("ann", "list", "--json")).answers()
    mine = [one for one in listed if one["conversation"] == made["conversation"]]
    assert [one["new"] for one in mine] == [0]
    assert not [one for one in listed if one["kind"] == "direct" and one["members"] == ["bob"]]
    folded = await town.done("ann", "history", made["short"])
    assert "loud" not in folded.out
    assert "--unfold" in folded.out
    assert "loud" in (await town.done("ann", "history", made["short"], "--unfold")).out
    await town.done("ann", "unblock", "bob")
    assert "loud" in (await town.done("ann", "history", made["short"])).out
