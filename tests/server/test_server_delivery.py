"""Send, accept, deliver, refuse: W-12 to W-15 over real sockets."""

from server_world import NOON, World

from doublelock.protocol.codes import Code
from doublelock.protocol.ed25519 import VerifyKey
from doublelock.protocol.frames import Accepted, Bye, Cursor, Item, Live, Mail, Refused
from doublelock.protocol.header import Form
from doublelock.protocol.identifiers import AccountId, ConversationId, DeviceId
from doublelock.protocol.receipt import (
    Receipt,
    accept_receipt,
    begin_chain,
    describe_item,
    verify_receipt,
)


def receipt_of(item: Item) -> Receipt:
    fields = describe_item(
        ConversationId(item.conversation),
        item.sequence,
        item.previous,
        item.time_ms,
        AccountId(item.account),
        DeviceId(item.device),
        item.header,
        item.body,
        item.mls,
    )
    return Receipt(fields, item.index, item.size, item.path, item.signature)


async def test_a_message_is_accepted_and_delivered_with_a_receipt(world: World) -> None:
    async with world.serve() as server:
        anna, bert = await world.join(server, "anna"), await world.join(server, "bert")
        conversation = await anna.create()
        await anna.add(conversation, bert)
        line_a = await anna.connect()
        line_b = await bert.connect(Cursor(conversation, 0))
        send = anna.envelope(conversation)
        accepted = await line_a.ask(send)
        assert isinstance(accepted, Accepted)
        assert accepted.sequence == 2
        mail = await line_b.next(Mail)
        assert (mail.conversation, mail.at) == (conversation, 1)
        items = await line_b.items(2)
        chain = begin_chain(conversation)
        for item in items:
            verified = verify_receipt(
                receipt_of(item), world.deployment, VerifyKey(world.receipt.public.encoded)
            )
            chain = accept_receipt(chain, verified, NOON, 0).chain
        assert (items[1].header, items[1].body, items[1].mls) == (send.header, send.body, send.mls)
        assert items[1].signature == accepted.signature


async def test_what_does_not_fit_is_refused_by_name(world: World) -> None:
    async with world.serve() as server:
        anna, bert = await world.join(server, "anna"), await world.join(server, "bert")
        conversation = await anna.create()
        old = anna.envelope(conversation)
        await anna.add(conversation, bert)
        line = await anna.connect()
        stranger = await bert.create()
        anna.groups[stranger] = bert.groups[stranger]
        cases = {
            Code.EPOCH_SUPERSEDED: old,
            Code.SENDER_MISMATCH: anna.envelope(conversation, device=bert.device),
            Code.DAY_MISMATCH: anna.envelope(conversation, day=NOON // 86_400_000 - 1),
            Code.NOT_A_MEMBER: anna.envelope(stranger),
            Code.FORM: anna.envelope(conversation, form=Form.EPHEMERAL),
        }
        for code, send in cases.items():
            answer = await line.ask(send)
            assert isinstance(answer, Refused)
            assert answer.code == code.value
        other = await line.ask(anna.envelope(conversation, account=bert.account))
        assert isinstance(other, Refused)
        assert isinstance(await line.ask(anna.envelope(conversation)), Accepted)


async def test_a_retry_is_stored_once_and_answered_alike(world: World) -> None:
    async with world.serve() as server:
        anna = await world.join(server, "anna")
        conversation = await anna.create()
        line = await anna.connect()
        send = anna.envelope(conversation)
        first = await line.ask(send)
        again = await line.ask(send)
        assert first == again
    async with world.serve() as server:
        anna.reach(server)
        line = await anna.connect()
        after_restart = await line.ask(send)
        assert after_restart == first
        next_one = await line.ask(anna.envelope(conversation))
        assert isinstance(next_one, Accepted)
        assert next_one.sequence == 2


async def test_a_cursor_brings_everything_exactly_once_under_load(world: World) -> None:
    async with world.serve() as server:
        anna, bert = await world.join(server, "anna"), await world.join(server, "bert")
        conversation = await anna.create()
        await anna.add(conversation, bert)
        line = await anna.connect()
        line.stream.push([anna.envelope(conversation) for _ in range(300)])
        first = await bert.connect(Cursor(conversation, 1))
        got = [item.sequence for item in await first.items(100)]
        await first.stream.close()
        line.stream.push([anna.envelope(conversation) for _ in range(300)])
        second = await bert.connect(Cursor(conversation, got[-1]))
        got += [item.sequence for item in await second.items(601 - got[-1])]
        assert got == list(range(2, 602))


async def test_catching_up_ends_with_live(world: World) -> None:
    async with world.serve() as server:
        anna = await world.join(server, "anna")
        conversation = await anna.create()
        line = await anna.connect()
        await line.ask(anna.envelope(conversation))
        again = await anna.connect(Cursor(conversation, 0))
        assert (await again.next(Item)).sequence == 1
        assert await again.next(Live) == Live(conversation, 1)
        assert (await line.next(Bye)).code == Code.CONNECTION_REPLACED.value
