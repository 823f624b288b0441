"""safety_code.json: what two people compare (spec Y-11)."""

from doublelock.protocol.keylog import AccountVersion
from doublelock.protocol.safety_code import make_safety_code
from vectors.make.keylog import replay
from vectors.make.keylog_people import account_of
from vectors.make.world import DEPLOYMENT


def _side(version: AccountVersion) -> dict[str, object]:
    return {
        "account": version.account.hex(),
        "lineage": version.lineage,
        "keys": [key.hex() for key in version.keys],
    }


def build() -> dict[str, object]:
    """Return the file."""
    log, _ = replay()
    pairs = (("alice", "bob"), ("bob", "alice"), ("alice", "carol"))
    cases = []
    for left, right in pairs:
        one, other = log.account(account_of(left)), log.account(account_of(right))
        code = make_safety_code(DEPLOYMENT, one, other)
        cases.append(
            {
                "one": _side(one),
                "other": _side(other),
                "digits": code.digits,
                "qr": code.qr.hex(),
                "line": code.line,
            }
        )
    return {
        "about": "Safety codes of two accounts; the order is free.",
        "rules": ["Y-11"],
        "deployment": DEPLOYMENT.hex(),
        "good": cases,
        "bad_lines": [
            {"line": "", "code": "form"},
            {"line": "doublelock-safety:", "code": "form"},
            {"line": cases[0]["line"][:-2], "code": "form"},
            {"line": cases[0]["line"] + "00", "code": "form"},
            {"line": cases[0]["line"].upper(), "code": "form"},
            {"line": cases[0]["line"].replace(":01", ":02"), "code": "form"},
            {"line": cases[0]["line"].replace("safety", "link"), "code": "form"},
        ],
    }
