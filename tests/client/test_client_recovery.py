"""Crashes, losses, repeats, restored vaults: nothing lost, nothing twice, no key twice (G-10)."""

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from client_world import World, next_event, texts, world_at

from doublelock.client.client import Client
from doublelock.client.events import Connection, Joined, Left, Message
from doublelock.protocol.frames import FromServer, Item
from doublelock.protocol.identifiers import ConversationId
from doublelock.protocol.record import Text


def _forget(message_id: bytes) -> None:
    del message_id


async def pair(world: World) -> tuple[Client, Client, ConversationId]:
    ann, bob = await world.person("ann"), await world.person("bob")
    chat = await ann.create_conversation(["bob"])
    await next_event(bob, Joined)
    return ann, bob, chat


async def test_reopened_clients_go_on(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann, bob, chat = await pair(world)
        await ann.send(chat, Text(b"one"))
        ann = await world.reopen(ann)
        last = await ann.send(chat, Text(b"two"))
        await bob.reached(chat, last)
        bob = await world.reopen(bob)
        last = await bob.send(chat, Text(b"three"))
        await ann.reached(chat, last)
        assert texts(ann, chat) == texts(bob, chat) == [b"one", b"two", b"three"]


async def test_who_is_removed_while_away_learns_it_from_the_commit(tmp_path: Path) -> None:
    """What was sent before reaches it still; nothing after, and its mailbox is empty then."""
    async with world_at(tmp_path) as world:
        ann, bob, chat = await pair(world)
        cid = await world.person("cid")
        await ann.add(chat, ["cid"])
        await next_event(cid, Joined)
        await bob._session.close()
        before = await ann.send(chat, Text(b"before"))
        await ann.renew(chat)
        await ann.remove(chat, ["bob"])
        last = await ann.send(chat, Text(b"after"))
        await cid.reached(chat, last)
        bob = await world.reopen(bob)
        async with asyncio.timeout(20):  # nothing more comes of it: a command may go on
            await bob.settled(0.05)
        assert (await next_event(bob, Left)).by == ann.account
        assert texts(bob, chat) == [b"before"]
        assert chat not in bob.conversations()
        assert before < last
        # Taken: a further opening has nothing to say.
        bob = await world.reopen(bob)
        await bob._session.up.wait()
        last = await ann.send(chat, Text(b"later"))
        await cid.reached(chat, last)
        assert texts(bob, chat) == [b"before"]


async def test_a_fault_of_the_client_is_told_and_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What nobody expected ends no connection in silence, and shows nothing of its words."""
    async with world_at(tmp_path) as world:
        ann, bob, chat = await pair(world)
        honest, faults = bob._session._take, ["the passphrase is xyzzy"]

        async def stumble(frame: FromServer) -> None:
            if faults:
                raise ValueError(faults.pop())
            await honest(frame)

        monkeypatch.setattr(bob._session, "_take", stumble)
        last = await ann.send(chat, Text(b"hello"))
        told = await next_event(bob, Connection)
        while told.up:
            told = await next_event(bob, Connection)
        assert told.refusal is not None
        assert "ValueError" in told.refusal.detail
        assert "xyzzy" not in str(told.refusal)
        await bob.reached(chat, last)
        assert texts(bob, chat) == [b"hello"]


async def test_offline_messages_wait_and_seal_when_they_go(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann, bob, chat = await pair(world)
        await bob._session.close()
        bob._session.sending.disconnected()
        bob._core.room(chat).live = False
        for number in range(3):
            await bob.post(chat, Text(b"offline %d" % number))
        assert all(not out.mls for out in bob._core.vault.outbox())
        await ann.renew(chat)
        world.clock.now += 86_400_000
        bob = await world.reopen(bob)
        shown = [(await next_event(ann, Message)).record for _ in range(3)]
        assert shown == [Text(b"offline %d" % number) for number in range(3)]
        assert not bob._core.vault.outbox()


async def test_server_restart_loses_nothing(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann, bob, chat = await pair(world)
        await ann.send(chat, Text(b"before"))
        await world.stop_server()
        waiting = asyncio.create_task(ann.send(chat, Text(b"during")))
        await asyncio.sleep(0.05)
        await world.start_server()
        last = await asyncio.wait_for(waiting, 20)
        async with asyncio.timeout(20):
            await bob.reached(chat, last)
        assert texts(bob, chat) == [b"before", b"during"]


async def test_answer_lost_is_no_duplicate(tmp_path: Path) -> None:
    """The server has the message, the sender does not know: it finds it in the timeline."""
    async with world_at(tmp_path) as world:
        ann, bob, chat = await pair(world)
        drop = ann._core.vault.drop_outgoing
        ann._core.vault.drop_outgoing = _forget  # type: ignore[method-assign]
        await ann.send(chat, Text(b"once"))
        assert len(ann._core.vault.outbox()) == 1
        ann._core.vault.drop_outgoing = drop  # type: ignore[method-assign]
        # As if the process had died before the answer was written.
        room = ann._core.room(chat)
        ann._core.vault._database.execute("DELETE FROM own_messages")
        ann._core.vault._database.execute("DELETE FROM history")
        room.sequence -= 1
        room.chain = None
        room.dirty = True
        ann = await world.reopen(ann)
        await ann.reached(chat, 2)
        last = await ann.send(chat, Text(b"twice"))
        await bob.reached(chat, last)
        assert texts(bob, chat) == texts(ann, chat) == [b"once", b"twice"]
        assert not ann._core.vault.outbox()


async def test_repeated_and_early_items(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann, bob, chat = await pair(world)
        session = bob._session
        original = session._take
        seen: list[Item] = []

        async def twice_and_gaps(frame: FromServer) -> None:
            """Drop the first message, then deliver every other one twice: it must all come."""
            if isinstance(frame, Item) and frame.header:
                seen.append(frame)
                if len(seen) == 1:
                    return
                await original(frame)
            await original(frame)

        session._take = twice_and_gaps  # type: ignore[method-assign]
        for number in range(5):
            last = await ann.send(chat, Text(b"%d" % number))
        async with asyncio.timeout(20):
            await bob.reached(chat, last)
        assert texts(bob, chat) == [b"0", b"1", b"2", b"3", b"4"]
        told = [event for event in bob.pending_events() if isinstance(event, Message)]
        assert [event.record for event in told] == [Text(b"%d" % n) for n in range(5)]


async def test_lost_group_state_comes_back_by_resync(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann, bob, chat = await pair(world)
        await ann.send(chat, Text(b"one"))
        await next_event(bob, Message)
        bob = await world.reopen(bob, connect=False)
        bob._core.vault.drop_group(chat)
        await ann.send(chat, Text(b"missed"))
        await bob.connect()
        event = await next_event(bob, Joined)
        assert event.missed >= 1
        last = await ann.send(chat, Text(b"two"))
        await bob.reached(chat, last)
        assert texts(bob, chat)[-1] == b"two"
        last = await bob.send(chat, Text(b"back"))
        await ann.reached(chat, last)
        assert texts(ann, chat)[-1] == b"back"
        assert len(ann.members(chat)) == 2


async def test_restored_vault_never_uses_a_key_twice(tmp_path: Path) -> None:
    """An old copy of the folder notices that it is old, and gets new keys before it sends."""
    async with world_at(tmp_path) as world:
        ann, bob, chat = await pair(world)
        await ann.send(chat, Text(b"one"))
        ann = await world.reopen(ann, connect=False)
        world.clients.remove(ann)
        await ann.close()
        shutil.copytree(tmp_path / "ann", tmp_path / "backup")
        ann = await world.reopen(ann)
        await ann.send(chat, Text(b"two"))
        epoch = ann._core.group(ann._core.room(chat)).epoch
        world.clients.remove(ann)
        await ann.close()
        shutil.rmtree(tmp_path / "ann")
        shutil.copytree(tmp_path / "backup", tmp_path / "ann")
        ann = await world.reopen(ann)
        await next_event(ann, Joined)
        assert ann._core.group(ann._core.room(chat)).epoch > epoch
        last = await ann.send(chat, Text(b"three"))
        await bob.reached(chat, last)
        assert texts(bob, chat) == [b"one", b"two", b"three"]


_CRASHING = """
import asyncio, os, signal, sys
from pathlib import Path
from doublelock.client.client import Client
from doublelock.client import sending
from doublelock.keep import KeyFile
from doublelock.protocol.identifiers import ConversationId, DeploymentId
from doublelock.protocol.record import Text
from doublelock.protocol.frames import Send
sys.path.insert(0, sys.argv[5])
import client_world

folder, chat = Path(sys.argv[1]), bytes.fromhex(sys.argv[2])
when, address = sys.argv[3], sys.argv[4]

class World:
    async def file(self, log, path):
        return (folder.parent / f"{log}.{path.replace('/', '_')}").read_bytes()

async def main():
    data = (folder.parent / "deployment").read_bytes()
    http = client_world.HttpClient(address)
    monitor = client_world.LoopbackMonitor(http, DeploymentId(data), client_world.Clock())
    monitor.world = World()
    await monitor.start()
    client = await Client.open(
        folder, KeyFile(folder.parent / "people.key"), clock=client_world.Clock(), monitor=monitor
    )
    await client.connect()
    await client.send(ConversationId(chat), Text(b"first"))
    push = client._session.sending._push
    def die(frames):
        if isinstance(frames[0], Send):
            if when == "after":
                push(frames)
                asyncio.get_running_loop().call_later(0.2, os.kill, os.getpid(), signal.SIGKILL)
                client._session._stream._listener.waiting.clear()
                client._session._take = never
                return True
            os.kill(os.getpid(), signal.SIGKILL)
        return push(frames)
    async def never(frame):
        await asyncio.sleep(60)
    client._session.sending._push = die
    await client.send(ConversationId(chat), Text(b"second"))

asyncio.run(main())
"""


async def _crash(tmp_path: Path, when: str) -> None:
    async with world_at(tmp_path) as world:
        ann, bob, chat = await pair(world)
        world.clients.remove(ann)
        await ann.close()
        assert world.server is not None
        (tmp_path / "deployment").write_bytes(world.founded.deployment)
        for log, bundle in (("key", "tile/entries/000.p/2"), ("law", "tile/entries/000.p/2")):
            for path in ("checkpoint", bundle):
                name = tmp_path / f"{log}.{path.replace('/', '_')}"
                name.write_bytes(await world.file(log, path))
        run = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            _CRASHING,
            str(tmp_path / "ann"),
            chat.hex(),
            when,
            world.server.http,
            str(Path(__file__).parent),
            stderr=subprocess.PIPE,
            env={**os.environ},
        )
        _, errors = await asyncio.wait_for(run.communicate(), 60)
        assert run.returncode == -signal.SIGKILL, errors.decode()
        ann = await world.reopen(ann)
        async with asyncio.timeout(20):
            while ann._session.sending.waiting:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        last = await ann.send(chat, Text(b"third"))
        await bob.reached(chat, last)
        assert texts(bob, chat) == [b"first", b"second", b"third"]
        assert texts(ann, chat) == [b"first", b"second", b"third"]
        generations = [item.refusal for item in bob.history(chat)]
        assert not any(generations), "a key used twice would have been refused"


async def test_killed_between_sealing_and_sending(tmp_path: Path) -> None:
    await _crash(tmp_path, "before")


async def test_killed_after_sending_before_the_answer(tmp_path: Path) -> None:
    await _crash(tmp_path, "after")


async def test_what_is_posted_together_lands_in_order_once(tmp_path: Path) -> None:
    """One given up by its poster ends no other, and is itself on its way already."""
    async with world_at(tmp_path) as world:
        ann, bob, chat = await pair(world)
        posts = [asyncio.create_task(ann.post(chat, Text(b"%d" % at))) for at in range(60)]
        await asyncio.sleep(0)
        posts[7].cancel()
        done = await asyncio.gather(*posts, return_exceptions=True)
        assert [at for at, one in enumerate(done) if isinstance(one, BaseException)] == [7]
        sequences = [await one[1] for one in done if not isinstance(one, BaseException)]
        assert sequences == sorted(set(sequences))
        await bob.reached(chat, max(sequences))
        assert texts(bob, chat) == texts(ann, chat) == [b"%d" % at for at in range(60)]
        assert not ann._core.vault.outbox()


async def test_a_vault_that_cannot_write_sends_nothing_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world_at(tmp_path) as world:
        ann, bob, chat = await pair(world)

        def fail(*_: object) -> None:
            raise sqlite3.OperationalError("disk full")

        with monkeypatch.context() as patch:
            patch.setattr(ann._core.vault, "write_sent", fail)
            posts = (ann.post(chat, Text(b"lost %d" % at)) for at in range(3))
            failures = await asyncio.gather(*posts, return_exceptions=True)
        assert [type(failure) for failure in failures] == [sqlite3.OperationalError] * 3
        assert ann._session.sending.waiting == 0
        assert not ann._core.vault.outbox()
        last = await ann.send(chat, Text(b"kept"))
        await bob.reached(chat, last)
        assert texts(bob, chat) == texts(ann, chat) == [b"kept"]
