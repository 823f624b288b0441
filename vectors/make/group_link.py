"""group_link.json: links into groups, and requests that count or do not (spec G-20 to G-22)."""

from dataclasses import replace

from doublelock.protocol.documents import encode_base64url
from doublelock.protocol.encoding import u8
from doublelock.protocol.group_link import GroupLink, JoinRequest, make_join_request
from vectors.make.keylog_people import account_of, device_of, invited, key_of
from vectors.make.world import CONVERSATION, DEPLOYMENT, TIME_MS, bytes_of

_SKEW = 60_000
_DAY = 86_400_000
_LINK = GroupLink(
    "https://chat.example",
    DEPLOYMENT,
    CONVERSATION,
    account_of("alice"),
    device_of("alice 1"),
    TIME_MS + _DAY,
    bytes_of("group link"),
    b"Quay 7",
)
_NEWCOMER = replace(
    _LINK, invitation=invited("bob", ("alice", "alice 1"))[1], seed=bytes_of("invite bob")
)


def _line(link: GroupLink) -> dict[str, object]:
    return {
        "line": link.encode(),
        "address": link.address,
        "deployment": link.deployment.hex(),
        "conversation": link.conversation.hex(),
        "inviter": link.inviter.hex(),
        "device": link.device.hex(),
        "expires_ms": link.expires_ms,
        "secret": link.secret.hex(),
        "name": link.name.hex(),
        "seed": link.seed.hex(),
        "invitation": "" if link.invitation is None else link.invitation.encode().hex(),
    }


def _asked(link: GroupLink, time_ms: int = TIME_MS, signer: str = "bob 1") -> JoinRequest:
    key = key_of(signer)
    return make_join_request(link, account_of("bob"), device_of("bob 1"), key.sign, time_ms)


def _request(
    request: JoinRequest, code: str | None, why: str, **terms: object
) -> dict[str, object]:
    return {
        "why": why,
        "request": request.encode().hex(),
        "account": account_of("bob").hex(),
        "device": device_of("bob 1").hex(),
        "key": key_of("bob 1").public.encoded.hex(),
        "answered_ms": 0,
        "now_ms": TIME_MS,
        "code": code,
        **terms,
    }


def build() -> dict[str, object]:
    """Return the file."""
    line = _LINK.encode()
    fragment = line.partition("/#")[2]
    padded = _NEWCOMER.encode().partition("/#")[2]
    bad = (
        ("no address", f"/#{fragment}", "form"),
        ("another scheme", f"ftp://chat.example/#{fragment}", "form"),
        ("an invite", f"https://a.example/#{encode_base64url(u8(1) + bytes(200))}", "form"),
        ("padded", line + "=", "form"),
        ("cut", f"https://a.example/#{fragment[:80]}", "size"),
        ("half an invitation", f"https://a.example/#{padded[:260]}", "size"),
        ("too long", f"https://a.example/#{'A' * 1100}", "size"),
    )
    good = _asked(_LINK)
    others = (
        replace(_LINK, secret=bytes_of("another")),
        replace(_LINK, conversation=type(CONVERSATION)(bytes_of("another"))),
        replace(_LINK, inviter=account_of("carol")),
        replace(_LINK, device=device_of("alice 2")),
        replace(_LINK, expires_ms=_LINK.expires_ms + 1),
    )
    refused = "invitation-refused"
    requests = [
        _request(good, None, "counts"),
        _request(_asked(_LINK, TIME_MS + _SKEW), None, "as far ahead as the skew allows"),
        *(_request(_asked(other), refused, "made for another link") for other in others),
        _request(good, refused, "of another account", account=account_of("carol").hex()),
        _request(good, refused, "of another device", device=device_of("bob 2").hex()),
        _request(_asked(_LINK, signer="carol 1"), "bad-signature", "signed by another"),
        _request(_asked(_LINK, TIME_MS + _SKEW + 1), refused, "made ahead of time"),
        _request(good, "invitation-expired", "too late", now_ms=_LINK.expires_ms + 1),
        _request(good, "invitation-used", "answered already", answered_ms=TIME_MS),
    ]
    short = good.encode()
    return {
        "about": "Links into groups, and requests to join by them.",
        "rules": ["G-20", "G-21", "G-22"],
        "skew_ms": _SKEW,
        "good": [_line(_LINK), _line(_NEWCOMER)],
        "bad": [{"why": why, "line": text, "code": code} for why, text, code in bad],
        "requests": requests,
        "malformed": [
            {"why": "cut", "request": short[:-1].hex(), "code": "size"},
            {"why": "longer", "request": (short + b"\0").hex(), "code": "size"},
            {"why": "another version", "request": (b"\2" + short[1:]).hex(), "code": "form"},
        ],
    }
