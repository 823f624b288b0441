"""An amendment from the command line: edited, shown, signed by each, filed, and then in force."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from click.testing import CliRunner, Result
from small_world import NOON, running, small_world

from doublelock.client.client import Client
from doublelock.client.events import CharterAmended
from doublelock.commands.amendments import amend, consent_of
from doublelock.demo.world import World
from doublelock.holder.identity import keep_identity
from doublelock.keep import StateFolder, make_key_file
from doublelock.protocol.charter import Role
from doublelock.protocol.days import DAY_MS
from doublelock.protocol.documents import encode_base64url
from doublelock.protocol.ed25519 import SigningKey


class Elsewhere:
    """A running world on a loop of its own, so that commands can run theirs here."""

    def __init__(self, folder: Path) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._running = running(folder)
        self.world: World = self.run(self._running.__aenter__())

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def stop(self) -> None:
        self.run(self._running.__aexit__(None, None, None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@contextmanager
def elsewhere(tmp_path: Path) -> Iterator[Elsewhere]:
    here = Elsewhere(asyncio.run(small_world(tmp_path)))
    try:
        yield here
    finally:
        here.stop()


def found_operator(world: World, place: Path) -> None:
    """Give the operator a state folder as `serve found` makes it, with this world's keys."""
    founded = world.founded
    with StateFolder.create(place, make_key_file(place.with_suffix(".key"))) as folder:
        for name, seed in (
            ("operator", founded.operator),
            ("receipt", founded.receipt),
            ("key-log", founded.key_log_seed[1]),
            ("law-log", founded.law_log_seed[1]),
        ):
            folder.write(f"keys/{name}", seed)
        folder.write_open("charters/00000000", founded.charter)
        folder.write_open("deployment", founded.deployment.hex().encode())


def test_an_amendment_goes_from_hand_to_hand_and_takes_effect(tmp_path: Path) -> None:
    with elsewhere(tmp_path) as here:
        world = here.world
        found_operator(world, tmp_path / "operator")
        newcomer = encode_base64url(SigningKey(b"\x21" * 32).public.encoded)
        place = tmp_path / "newcomer"
        with StateFolder.create(place, make_key_file(place.with_suffix(".key"))) as made:
            keep_identity(made, b"\x21" * 32)
        # The operator edits: another agency's word goes; one more custodian comes.
        asked = _operator(amend, tmp_path, world, "terms")
        terms = json.loads(asked.stdout)
        first = terms["committees"][0]
        first["retention_days"] = 120
        first["custodians"].append(
            {
                "index": 4,
                "name": "Uni\u001b[2Jversity",
                "key": newcomer,
            }
        )
        edited, paper = tmp_path / "terms.json", tmp_path / "amendment.json"
        edited.write_text(json.dumps(terms))
        drafted = _operator(amend, tmp_path, world, "draft", str(edited), "--out", str(paper))
        assert "committee 1, retention_days: 92 -> 120" in drafted.stderr
        assert "committee 1, custodians: new: number 4, Uni\ufffd[2Jversity" in drafted.stderr
        lacking = "court of committee 1, custodians of committee 1 (0 of 2)"
        assert f"Signatures lacking: {lacking}." in drafted.stderr
        refused = _operator(amend, tmp_path, world, "file", str(paper), good=False)
        assert "charter-signatures" in repr(refused.exception)
        # Court and custodians read it, each at its own machine, while their daemons run.
        copies = []
        for role, name in (
            (Role.COURT, "court-1"),
            (Role.CUSTODIAN, "custodian-1-1"),
            (Role.CUSTODIAN, "custodian-1-3"),
            (Role.CUSTODIAN, "newcomer"),
        ):
            copy = tmp_path / f"{name}.json"
            read = _consent(role, name, world, tmp_path, paper, copy)
            assert "retention_days: 92 -> 120" in read.stderr
            copies.append(str(copy))
        # Whom the amendment does not concern cannot sign it.
        stranger = _consent(Role.CUSTODIAN, "witness", world, tmp_path, paper, paper, good=False)
        assert stranger.exit_code != 0
        filed = _operator(amend, tmp_path, world, "file", *copies)
        assert "takes effect 2010-01-11T13:" in filed.stdout
        here.run(_told(world))
        here.run(_goes_on(world))
        folder = world.folder
    asyncio.run(_restarted(folder))


def _operator(
    command: click.Command, tmp_path: Path, world: World, *words: str, good: bool = True
) -> Result:
    place = tmp_path / "operator"
    more = ["--state", str(place), "--key-file", str(place.with_suffix(".key"))]
    more += ["--address", world.server.http, "--clock", "2010-01-04T12:01:00Z"]
    result = CliRunner().invoke(command, [*words, *more])
    assert (result.exit_code == 0) == good, (result.output, result.exception)
    return result


def _consent(
    role: Role,
    name: str,
    world: World,
    tmp_path: Path,
    paper: Path,
    copy: Path,
    *,
    good: bool = True,
) -> Result:
    place = tmp_path / name if name == "newcomer" else world.folder / name
    key = place.with_suffix(".key") if name == "newcomer" else world.key_file(name)
    words = [str(paper), "--out", str(copy), "--yes", "--state", str(place), "--key-file", str(key)]
    words += ["--address", world.server.http, "--deployment", world.deployment.hex()]
    words += ["--clock", "2010-01-04T12:01:00Z"]
    result = CliRunner().invoke(consent_of(role), words)
    assert (result.exit_code == 0) == good, (result.output, result.exception)
    return result


async def _told(world: World) -> None:
    """A client is told before it takes effect, and takes it when it does."""
    await world.server.law.law_publishing.publish()
    await world.monitor.sync_law()
    ann = await world.person("ann")
    async with asyncio.timeout(10):
        told = [event async for event in _amendments(ann)]
    (event,) = told
    assert event.effective_ms > world.clock() + 6 * DAY_MS
    assert event.charter.terms.committees[0].retention_days == 120
    assert world.monitor.charter is event.before


async def _amendments(client: Client) -> AsyncIterator[CharterAmended]:
    """Yield the first amendment that a client tells of."""
    async for event in client.receive():
        if isinstance(event, CharterAmended):
            yield event
            return


async def _goes_on(world: World) -> None:
    """When the delay has passed, the server, the clients and the holders go by it."""
    old = world.server.parts.charter()
    world.clock.advance_to(NOON + 8 * DAY_MS)
    await world.server.law.law_publishing.publish()
    new = world.server.parts.charter()
    assert (old.terms.sequence, new.terms.sequence) == (0, 1)
    assert world.server.law.desk.charter is new
    await world.monitor.sync_law()
    assert world.monitor.charter.hash == new.hash
    law = await world.holders[0].watch.update(world.clock())
    assert law.charter(world.clock()).hash == new.hash


async def _restarted(folder: Path) -> None:
    async with running(folder, NOON + 9 * DAY_MS) as world:
        assert world.server.parts.charter().terms.sequence == 1
        assert world.server.law.desk.state.void == 0
        assert world.monitor.charter.terms.committees[0].retention_days == 120
