"""kill -9 and SIGTERM under load: what was acknowledged is there, once, in its place (W-14)."""

import asyncio
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from server_world import Device, Line, fixed_world

from doublelock.protocol.codes import Code
from doublelock.protocol.errors import WireRefused
from doublelock.protocol.frames import Accepted, Bye, Cursor, Item, Refused, Send

MESSAGE_ID = slice(34, 50)


@dataclass
class Address:
    """Where a server in another process listens."""

    http: str
    stream: str
    process: "subprocess.Popen[str]"


@contextmanager
def host(folder: Path) -> Iterator[Address]:
    script = Path(__file__).with_name("crash_host.py")
    process = subprocess.Popen(
        [sys.executable, str(script), str(folder)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        http, stream = process.stdout.readline().split()
        yield Address(http, stream, process)
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


async def send_until_killed(
    anna: Device, sends: list[Send], kill_after: int, process: "subprocess.Popen[str]"
) -> dict[bytes, int]:
    """Send everything at once; kill the server after so many answers; return what was accepted."""
    line = await anna.connect()
    line.stream.push(sends)
    by_request = {send.request: send.header[MESSAGE_ID] for send in sends}
    accepted: dict[bytes, int] = {}
    try:
        while len(accepted) < len(sends):
            frame = await line.any()
            assert not isinstance(frame, Refused)
            if isinstance(frame, Accepted):
                accepted[by_request[frame.request]] = frame.sequence
                if len(accepted) == kill_after:
                    process.kill()
    except WireRefused:
        pass
    return accepted


async def test_nothing_acknowledged_is_lost_or_doubled(tmp_path: Path) -> None:
    world = fixed_world(tmp_path / "server")
    async with world.serve() as server:
        anna, bert = await world.join(server, "anna"), await world.join(server, "bert")
        conversation = await anna.create()
        await anna.add(conversation, bert)
    chance = random.Random(7)
    accepted: dict[bytes, int] = {}
    everything: list[bytes] = []
    left: list[Send] = []
    for _ in range(3):
        sends = left + [anna.envelope(conversation) for _ in range(400)]
        everything += [send.header[MESSAGE_ID] for send in sends[len(left) :]]
        with host(tmp_path / "server") as address:
            for device in (anna, bert):
                device.server = address  # type: ignore[assignment]
                device.reach(address)  # type: ignore[arg-type]
            got = await send_until_killed(anna, sends, chance.randrange(1, 390), address.process)
            for device in (anna, bert):
                await device.leave()
        for name, sequence in got.items():
            assert accepted.setdefault(name, sequence) == sequence
        left = [send for send in sends if send.header[MESSAGE_ID] not in accepted]
    async with world.serve() as server:
        for device in (anna, bert):
            device.reach(server)
        line = await anna.connect()
        for send in left:
            answer = await line.ask(send)
            assert isinstance(answer, Accepted)
            accepted[send.header[MESSAGE_ID]] = answer.sequence
        reader = await bert.connect(Cursor(conversation, 1))
        items = await asyncio.wait_for(reader.items(len(everything)), 20)
        assert [item.sequence for item in items] == list(range(2, len(everything) + 2))
        stored = {item.header[MESSAGE_ID]: item.sequence for item in items}
        assert stored == accepted
        assert set(stored) == set(everything)


async def test_a_stopped_server_acknowledged_all_that_it_stored_and_nothing_else(
    tmp_path: Path,
) -> None:
    """SIGTERM while messages and readers are on their way: every send is stored or refused."""
    world = fixed_world(tmp_path / "server")
    async with world.serve() as server:
        anna, bert = await world.join(server, "anna"), await world.join(server, "bert")
        conversation = await anna.create()
        await anna.add(conversation, bert)
    accepted: dict[bytes, int] = {}
    delivered: dict[bytes, int] = {}
    for stop_after in (1, 150):
        sends = [anna.envelope(conversation) for _ in range(1_000)]
        by_request = {send.request: send.header[MESSAGE_ID] for send in sends}
        farewells: list[Code] = []
        with host(tmp_path / "server") as address:
            for device in (anna, bert):
                device.server = address  # type: ignore[assignment]
                device.reach(address)  # type: ignore[arg-type]
            reader, line = await bert.connect(), await anna.connect()

            async def send_all(line: Line, sends: list[Send]) -> None:
                for at in range(0, len(sends), 20):
                    try:
                        line.stream.push(sends[at : at + 20])
                    except WireRefused:
                        return
                    await asyncio.sleep(0)

            sending = asyncio.create_task(send_all(line, sends))
            answers = 0
            try:
                while True:
                    frame = await line.any()
                    if isinstance(frame, Accepted):
                        accepted[by_request[frame.request]] = frame.sequence
                        answers += 1
                        if answers == stop_after:
                            address.process.terminate()
                    elif isinstance(frame, Refused):
                        assert frame.code == Code.STOPPING
                    elif isinstance(frame, Bye):
                        farewells.append(Code(frame.code))
            except WireRefused:
                pass
            await sending
            try:
                while True:
                    item = await reader.any()
                    if isinstance(item, Item):
                        delivered[item.header[MESSAGE_ID]] = item.sequence
            except WireRefused:
                pass
            assert farewells == [Code.STOPPING]
            assert await asyncio.to_thread(address.process.wait, 20) == 0
            for device in (anna, bert):
                await device.leave()
    async with world.serve() as server:
        bert.reach(server)
        again = await bert.connect(Cursor(conversation, 1))
        items = await asyncio.wait_for(again.items(len(accepted)), 20)
        stored = {item.header[MESSAGE_ID]: item.sequence for item in items}
        assert again.welcome is not None
        assert [head.after for head in again.welcome.heads] == [len(accepted) + 1]
    assert stored == accepted == delivered
