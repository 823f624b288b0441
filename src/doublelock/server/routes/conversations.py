"""Conversations: creating, handshakes, trees, timelines, timers (spec W-33, W-34)."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from doublelock.protocol import limits
from doublelock.protocol.api import (
    Conversations,
    ConversationState,
    CreateConversation,
    DeviceName,
    PostCommit,
    PostedCommit,
    SetTimer,
)
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import WireRefused
from doublelock.protocol.frames import Changed, encode
from doublelock.protocol.session import DeviceSubject
from doublelock.server.conversations import Conversation
from doublelock.server.item_frames import encode_stored
from doublelock.server.parts import Parts
from doublelock.server.routes.exchange import answer, path_id, query_number, raw, read_body

_ITEMS: int = 2048
_BYTES: int = 4 * 1024 * 1024


def routes(parts: Parts) -> list[Route]:
    """Return these routes."""

    async def find(request: Request) -> Conversation:
        found = await parts.conversations.get(path_id(request, "id"))
        if found is None:
            raise WireRefused(Code.NOT_FOUND)
        return found

    async def find_mine(request: Request) -> tuple[Conversation, DeviceSubject]:
        me = parts.gate.caller(request).device
        conversation = await find(request)
        if me.device not in conversation.members:
            raise WireRefused(Code.NOT_A_MEMBER)
        return conversation, me

    async def find_ours(request: Request) -> Conversation:
        # A device that was added while away, or whose state broke, may not be a leaf yet or now.
        me = parts.gate.caller(request).device
        conversation = await find(request)
        if me.account not in conversation.members.values():
            raise WireRefused(Code.NOT_A_MEMBER)
        return conversation

    async def mine(request: Request) -> Response:
        me = parts.gate.caller(request).device
        found = await parts.conversations.of_device(me.device)
        return answer(
            Conversations(
                conversations=tuple(item.id for item in found),
                heads=tuple(item.durable for item in found),
            )
        )

    async def create(request: Request) -> Response:
        me = parts.gate.caller(request).device
        body = await read_body(request, CreateConversation, 2 * limits.RATCHET_TREE)
        conversation = await parts.ordering.create(me.account, me.device, body)
        return answer(_state(conversation), 201)

    async def state(request: Request) -> Response:
        conversation, _ = await find_mine(request)
        return answer(_state(conversation))

    async def post(request: Request) -> Response:
        me = parts.gate.caller(request).device
        conversation = await find(request)
        if me.device not in conversation.members:
            raise WireRefused(Code.NOT_A_MEMBER)
        parts.gate.spend_handshake(me, conversation.id)
        body = await read_body(request, PostCommit, limits.REQUEST)
        ordered, epoch = await parts.ordering.post(conversation, me.account, me.device, body)
        return answer(
            PostedCommit(
                sequence=ordered.sequence,
                time_ms=ordered.time_ms,
                epoch=epoch,
                previous=ordered.previous,
                index=ordered.index,
                size=ordered.size,
                path=ordered.path,
                signature=ordered.signature,
            )
        )

    async def tree(request: Request) -> Response:
        conversation = await find_ours(request)
        if "epoch" in request.query_params:
            epoch = query_number(request, "epoch")
            data = await parts.store.read(
                lambda tables: tables.groups.tree(conversation.key, epoch)
            )
        else:
            # The store's own epoch: the one in memory may not be durable yet.
            group = await parts.store.read(lambda tables: tables.groups.group(conversation.key))
            data = None if group is None else group.tree
        if data is None:
            raise WireRefused(Code.NOT_FOUND)
        return raw(data)

    async def group_info(request: Request) -> Response:
        conversation = await find_ours(request)
        group = await parts.store.read(lambda tables: tables.groups.group(conversation.key))
        if group is None or not group.group_info:
            raise WireRefused(Code.NOT_FOUND)
        return raw(group.group_info)

    async def items(request: Request) -> Response:
        conversation, _ = await find_mine(request)
        after = query_number(request, "after")
        through = conversation.durable
        rows = await parts.store.read(
            lambda tables: tables.timeline.after(conversation.key, after, _ITEMS, _BYTES, through)
        )
        return raw(b"".join([encode_stored(conversation.id, row) for row in rows]))

    async def timer(request: Request) -> Response:
        conversation, me = await find_mine(request)
        body = await read_body(request, SetTimer)
        await parts.ordering.check_speaks(conversation, me.account)
        await parts.store.write(
            lambda tables: tables.groups.set_timer(conversation.key, body.timer_ms)
        )
        conversation.timer_ms = body.timer_ms
        parts.fanout.spread(conversation, encode(Changed(conversation.id, 1, body.timer_ms)))
        parts.fanout.flush()
        return Response(status_code=204)

    return [
        Route("/v1/conversations", mine, methods=["GET"]),
        Route("/v1/conversations", create, methods=["POST"]),
        Route("/v1/conversations/{id}", state, methods=["GET"]),
        Route("/v1/conversations/{id}/commits", post, methods=["POST"]),
        Route("/v1/conversations/{id}/tree", tree, methods=["GET"]),
        Route("/v1/conversations/{id}/group-info", group_info, methods=["GET"]),
        Route("/v1/conversations/{id}/items", items, methods=["GET"]),
        Route("/v1/conversations/{id}/timer", timer, methods=["PUT"]),
    ]


def _state(conversation: Conversation) -> ConversationState:
    return ConversationState(
        conversation=conversation.id,
        random=conversation.row.random,
        creator=conversation.row.creator,
        epoch=conversation.epoch,
        head=conversation.durable,
        timer_ms=conversation.timer_ms,
        members=tuple(
            DeviceName(account=account, device=device)
            for device, account in conversation.members.items()
        ),
    )
