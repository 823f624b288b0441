"""Decoders of accounts, groups, links, sessions and the wire between client and server."""

import inspect

from law_world import NOW, World
from test_evidence import ALICE

from doublelock.client.invite import Invite, decode_invite
from doublelock.protocol import (
    api,
    bundle,
    documents,
    frames,
    group_rules,
    keylog_entry,
    link_request,
    mail,
    session,
)
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.group_rules import ConversationKind

from .decoder_target import Target, from_text, scene


def people() -> dict[str, Target]:
    one = scene()
    subjects = (
        session.encode_subject(session.DeviceSubject(one.alice, b"d" * 16)),  # type: ignore[arg-type]
        session.encode_subject(session.PartySubject(b"k" * 32)),
    )
    context = group_rules.make_context(
        ConversationKind.GROUP,
        one.world.deployment,
        b"d" * 16,  # type: ignore[arg-type]
        b"n" * 32,
        escrow=True,
        admins=[one.alice],
    )
    credential = group_rules.encode_credential(one.alice, b"d" * 16)  # type: ignore[arg-type]
    device = frames.encode(frames.Send(1, b"h" * 138, b"b" * 40, b"m" * 50))[4:]
    server = frames.encode(frames.Live(b"c" * 32, 7))
    item = frames.encode(
        frames.Item(
            b"c" * 32,
            7,
            NOW,
            b"a" * 32,
            b"d" * 16,
            1,
            b"h" * 138,
            b"b" * 40,
            b"m" * 50,
            b"p" * 32,
            0,
            1,
            b"",
            b"s" * 64,
        )
    )
    refused = frames.encode(frames.Refused(1, "too-fast", "later"))[4:]
    question = session.session_bytes(
        one.world.deployment, b"c" * 32, session.PartySubject(ALICE.public.encoded), NOW
    )
    other = SigningKey(b"\x31" * 32)
    linking = link_request.make_link_request(
        one.world.deployment,
        one.context.key_log.key_log.account(one.alice),
        other.public.encoded,
        other.sign,
        NOW,
    )
    bodies = (
        api.encode_body(api.AskChallenge(subject=subjects[0])),
        api.encode_body(api.Register(handle="ann", entry=one.entries[0])),
    )
    return {
        "link_request.decode_link_request": Target(
            from_text(link_request.decode_link_request),
            (linking.text().encode(),),
            lambda one: one.text().encode(),
        ),
        "bundle.read_manifest": Target(
            bundle.read_manifest,
            (bundle.write_manifest("1.0", {"index.html": b"<!doctype html>", "a/b-1.js": b"1"}),),
            documents.encode,
        ),
        "mail.decode_relayed": Target(
            mail.decode_relayed, (b"a" * 32 + b"d" * 16 + b"sealed",), mail.Relayed.encode
        ),
        "session.decode_subject": Target(session.decode_subject, subjects, session.encode_subject),
        "session.verify_session": Target(
            lambda data: session.verify_session(
                one.world.deployment,
                b"c" * 32,
                session.PartySubject(ALICE.public.encoded),
                NOW,
                ALICE.public.encoded,
                data,
            ),
            (ALICE.sign(question),),
        ),
        "group_rules.decode_context": Target(
            group_rules.decode_context, (context.encode(),), group_rules.Context.encode
        ),
        "group_rules.decode_credential": Target(
            group_rules.decode_credential,
            (credential,),
            lambda one: group_rules.encode_credential(*one),
        ),
        "group_rules.read_leaf": Target(
            lambda data: group_rules.read_leaf(data[:49], data[49:]), (credential + b"k" * 32,)
        ),
        "frames.decode_from_device": Target(frames.decode_from_device, (device,)),
        "frames.decode_from_server": Target(
            frames.decode_from_server, (server[4:], item[4:], refused)
        ),
        "frames.frames_from_server": Target(frames.frames_from_server, (server + item,)),
        "frames.split": Target(lambda data: list(frames.split(data)), (server + item, item)),
        "api.decode_body": Target(
            lambda data: (
                api.decode_body(data, api.AskChallenge) if len(data) % 2 else _every_body(data)
            ),
            bodies,
        ),
        "api.decode_deployment": Target(
            api.decode_deployment,
            (_deployment(one.world),),
        ),
        "invite": Target(
            from_text(decode_invite),
            (
                Invite(
                    "http://127.0.0.1:1",
                    one.world.deployment,
                    keylog_entry.make_invitation(
                        one.world.deployment, ALICE.sign, ALICE.public.encoded, 1, NOW
                    ),
                    b"s" * 32,
                )
                .encode()
                .encode(),
            ),
            lambda one: one.encode().encode(),
        ),
    }


def _deployment(world: World) -> bytes:
    made = api.Deployment(
        deployment=world.deployment.hex(),
        http="http://127.0.0.1:1",
        stream="ws://127.0.0.1:2/v1/stream",
        time_ms=NOW,
    )
    return api.encode_deployment(made)


def _every_body(data: bytes) -> list[object]:
    """Decode as every body that the server reads; the first refusal ends it."""
    kinds = [
        one
        for one in vars(api).values()
        if inspect.isclass(one) and issubclass(one, api.Body) and one is not api.Body
    ]
    return [api.decode_body(data, kind) for kind in kinds]
