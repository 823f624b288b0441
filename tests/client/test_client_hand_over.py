"""A device's history, handed over encrypted to a new one of the account (spec D)."""

import asyncio
from pathlib import Path

import pytest
from client_world import World, next_event, world_at
from test_client_devices import add_device, begin, finish, request_of

from doublelock.client.client import Client
from doublelock.client.events import HandedOver, RefusedItem
from doublelock.client.hand_over import HANDED_OVER
from doublelock.protocol.api import CONTENT_TYPE, SendMail, encode_body
from doublelock.protocol.codes import Code
from doublelock.protocol.identifiers import ConversationId, DeviceId
from doublelock.protocol.letter import HistoryPiece, KeyLetter, Route, sign_letter
from doublelock.protocol.record import (
    AnyRecord,
    Delete,
    Details,
    Edit,
    Reaction,
    Reply,
    Text,
    decode_record,
)


def standing(client: Client, conversation: ConversationId) -> list[tuple[AnyRecord, str]]:
    return [(decode_record(one.record), one.detail) for one in client.history(conversation)]


async def send_letter(world: World, sender: Client, to: Client, sealed: bytes) -> None:
    body = encode_body(SendMail(account=to.account, device=to.device, sealed=sealed))
    await sender._core.http.send("POST", "/v1/mail", body, kind=CONTENT_TYPE)


async def test_a_new_device_gets_what_there_was(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann, bob = await world.person("ann"), await world.person("bob")
        chat = await ann.create_conversation(["bob"])
        await ann.send(chat, Details(b"Quay 7"))
        first, done = await ann.post(chat, Text(b"high at five"))
        await done
        await ann.send(chat, Edit(first, b"high at six"))
        await bob.send(chat, Reaction(first, b"+1"))
        gone, done = await bob.post(chat, Text(b"forget this"))
        await done
        await bob.send(chat, Delete(gone))
        last = await bob.send(chat, Reply(first, b"seen"))
        await ann.reached(chat, last)

        second = await add_device(world, ann, "ann-2")
        handed = await next_event(second, HandedOver)
        assert (handed.device, handed.count, handed.refusal) == (ann.device, 2, None)
        assert standing(second, chat) == [
            (Text(b"high at six"), HANDED_OVER),
            (Reply(first, b"seen"), HANDED_OVER),
        ]
        found = second.details(chat)
        assert found is not None
        assert found.name == b"Quay 7"
        async with asyncio.timeout(20):
            while chat not in second.conversations():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        last = await bob.send(chat, Text(b"to both"))
        await second.reached(chat, last)
        assert standing(second, chat)[-1] == (Text(b"to both"), "")
        assert await second.took_history(20) == 2
        assert await ann.devices.handed(second.device, 20)
        assert second.devices.name_of(ann.device).startswith("Terminal")


async def test_only_names_when_the_history_is_not_wished(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann, _ = await world.person("ann"), await world.person("bob")
        chat = await ann.create_conversation(["bob"])
        await ann.send(chat, Details(b"Quay 7"))
        await ann.send(chat, Text(b"before"))
        linking = await begin(world, ann, "ann-2")
        await ann.devices.approve(request_of(linking), history=False)
        second = await finish(world, linking)
        assert await second.took_history(20) == 0
        assert second.history(chat) == []
        found = second.details(chat)
        assert found is not None
        assert found.name == b"Quay 7"


async def test_a_message_that_is_to_disappear_is_not_taken_over(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann, _ = await world.person("ann"), await world.person("bob")
        chat = await ann.create_conversation(["bob"])
        await ann.send(chat, Text(b"to stay"))
        await ann.set_timer(chat, 3600)
        await ann.send(chat, Text(b"to go"))
        second = await add_device(world, ann, "ann-2")
        assert await second.took_history(20) == 1
        assert standing(second, chat)[0] == (Text(b"to stay"), HANDED_OVER)


async def test_the_server_sees_neither_key_nor_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world_at(tmp_path) as world:
        ann, _ = await world.person("ann"), await world.person("bob")
        chat = await ann.create_conversation(["bob"])
        words = b"the text that nobody else may read"
        await ann.send(chat, Text(words))
        kept: list[HistoryPiece] = []
        second = await add_device(world, ann, "ann-2")
        hand_over = second._session.siblings._hand_over
        keep = hand_over.keep

        def note(piece: HistoryPiece, sender: DeviceId) -> None:
            kept.append(piece)
            keep(piece, sender)

        monkeypatch.setattr(hand_over, "keep", note)
        assert await second.took_history(20) == 1
        (piece,) = kept
        seen = b"".join(
            path.read_bytes() for path in (tmp_path / "server").rglob("*") if path.is_file()
        )
        assert piece.blob in seen or piece.blob.hex().encode() in seen
        for secret in (words, piece.file_key):
            assert secret not in seen


async def test_a_letter_that_no_sibling_signed_is_refused(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann = await world.person("ann")
        second = await add_device(world, ann, "ann-2")
        assert await second.took_history(20) == 0
        route = Route(ann._core.deployment, ann.account, ann.device, second.device)
        key = KeyLetter(bytes(31) + b"\1", world.clock() + 1, True)
        await send_letter(
            world, ann, second, sign_letter(route, key, second._core.signing_key.sign)
        )
        refused = await next_event(second, RefusedItem)
        assert refused.refusal.code == Code.BAD_SIGNATURE


async def test_a_damaged_file_is_told_and_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world_at(tmp_path) as world:
        ann, _ = await world.person("ann"), await world.person("bob")
        chat = await ann.create_conversation(["bob"])
        await ann.send(chat, Text(b"before"))
        hand_over = ann._session.siblings._hand_over
        upload = hand_over._upload

        async def other_key(key: bytes, plain: bytes) -> tuple[bytes, bytes]:
            return await upload(bytes(32), plain)

        monkeypatch.setattr(hand_over, "_upload", other_key)
        second = await add_device(world, ann, "ann-2")
        handed = await next_event(second, HandedOver)
        assert handed.refusal is not None
        assert handed.refusal.code == Code.ATTACHMENT_DAMAGED
        assert second.history(chat) == []
