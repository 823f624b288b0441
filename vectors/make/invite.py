"""invite.json: an invite's one line of text; whoever has it can use it."""

from doublelock.protocol.documents import encode_base64url
from doublelock.protocol.encoding import u8
from vectors.make.keylog_people import invited
from vectors.make.world import DEPLOYMENT, bytes_of


def build() -> dict[str, object]:
    """Return the file."""
    seed = bytes_of("invite bob")
    _, invitation = invited("bob", ("alice", "alice 1"))
    data = u8(1) + DEPLOYMENT + seed + invitation.encode()
    fragment = encode_base64url(data)
    line = f"https://chat.example/#{fragment}"
    bad = (
        ("no address", f"/#{fragment}", "form"),
        ("another scheme", f"ftp://chat.example/#{fragment}", "form"),
        ("no fragment", "https://chat.example/", "form"),
        ("padded", line + "=", "form"),
        ("of another version", f"https://a.example/#{encode_base64url(u8(2) + data[1:])}", "form"),
        ("cut", f"https://a.example/#{encode_base64url(data[:-1])}", "size"),
        ("too long", f"https://a.example/#{'A' * 700}", "size"),
    )
    return {
        "about": "Invites: `<address>/#` and base64url of version, deployment, seed, invitation.",
        "rules": ["Y-4"],
        "good": [
            {
                "line": line,
                "address": "https://chat.example",
                "deployment": DEPLOYMENT.hex(),
                "seed": seed.hex(),
                "invitation": invitation.encode().hex(),
            }
        ],
        "bad": [{"why": why, "line": text, "code": code} for why, text, code in bad],
    }
