"""link_request.json: a further device's line, its code, the entry it becomes (spec Y-13)."""

from dataclasses import replace

from doublelock.protocol.documents import encode_base64url
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.identifiers import DeploymentId
from doublelock.protocol.keylog import AccountVersion
from doublelock.protocol.link_request import LinkRequest, make_link_request, sign_link_request
from vectors.make.world import ACCOUNT, DEPLOYMENT, TIME_MS, bytes_of, flip, refusal_of

_SCHEME = "doublelock-link:"
OLD = sorted(
    (SigningKey(bytes_of(f"sibling {number}")) for number in (1, 2)),
    key=lambda one: one.public.encoded,
)
NEW = SigningKey(bytes_of("new sibling"))
NOW = AccountVersion(
    account=ACCOUNT,
    index=41,
    time_ms=TIME_MS - 1000,
    number=3,
    lineage=1,
    committee=2,
    keys=tuple(one.public.encoded for one in OLD),
    inviter=ACCOUNT,
)


def _line(data: bytes) -> str:
    return _SCHEME + encode_base64url(data)


def build() -> dict[str, object]:
    """Return the file."""
    key = NEW.public.encoded
    request = make_link_request(DEPLOYMENT, NOW, key, NEW.sign, TIME_MS)
    data = request.encode()
    bad_lines = (
        ("another scheme", "doublelock-lunk:" + encode_base64url(data), "form"),
        ("padded", _line(data) + "=", "form"),
        ("of another version", _line(b"\2" + data[1:]), "form"),
        ("cut", _line(data[:-1]), "size"),
        ("a byte too many", _line(data + b"\0"), "size"),
        ("too long", _SCHEME + "A" * 2048, "size"),
    )
    refused = (
        ("another deployment", replace(request, deployment=DeploymentId(bytes_of("elsewhere")))),
        ("an entry later", replace(request, number=request.number + 1)),
        ("another entry before", replace(request, previous=request.previous - 1)),
        ("a proof too few", replace(request, proofs=request.proofs[:1])),
        ("another key", replace(request, key=OLD[0].public.encoded)),
        ("a broken proof", replace(request, proofs=(flip(request.proofs[0], 40),) * 2)),
    )
    return {
        "about": "A link request to an account of two devices, and the entries that sign it.",
        "rules": ["Y-13"],
        "deployment": DEPLOYMENT.hex(),
        "account": {
            "account": NOW.account.hex(),
            "index": NOW.index,
            "number": NOW.number,
            "lineage": NOW.lineage,
            "committee": NOW.committee,
            "keys": [one.hex() for one in NOW.keys],
        },
        "seed": bytes_of("new sibling").hex(),
        "time_ms": TIME_MS,
        "line": request.text(),
        "code": request.code,
        "entries": [
            {"author_seed": _seed(author).hex(), "entry": _sign(request, author).hex()}
            for author in OLD
        ],
        "bad": [{"why": why, "line": line, "code": code} for why, line, code in bad_lines],
        "refused": [
            {
                "why": why,
                "line": one.text(),
                "code": refusal_of(lambda one=one: _sign(one, OLD[0])),  # type: ignore[misc]
            }
            for why, one in refused
        ],
    }


def _seed(key: SigningKey) -> bytes:
    return next(
        seed
        for number in (1, 2)
        if SigningKey(seed := bytes_of(f"sibling {number}")).public == key.public
    )


def _sign(request: LinkRequest, author: SigningKey) -> bytes:
    key = author.public.encoded
    return sign_link_request(request, DEPLOYMENT, NOW, key, author.sign).encode()
