"""keylog.json: names, and a key log with what each entry does or why it has no effect (spec Y)."""

from doublelock.protocol.identifiers import make_message_id, name_conversation
from doublelock.protocol.keylog import Applied, KeyLog
from doublelock.protocol.keylog_entry import hash_entry
from vectors.make.keylog_people import GENESIS, SALT, SKEW_MS, account_of, device_of, key_of, steps
from vectors.make.world import DEPLOYMENT, TIME_MS, bytes_of, refusal_of


def replay() -> tuple[KeyLog, list[dict[str, object]]]:
    """Return the log after every step, and the steps as JSON has them."""
    log = KeyLog(DEPLOYMENT, GENESIS.public.encoded, SKEW_MS)
    told: list[dict[str, object]] = []
    for index, step in enumerate(steps()):
        line: dict[str, object] = {"why": step.why, "entry": step.entry.hex(), "code": step.code}
        applied: list[Applied] = []
        code = refusal_of(lambda: applied.append(log.apply(index, step.entry)))  # noqa: B023
        assert code == step.code, f"{step.why}: {code}"
        for each in applied:
            line |= {
                "hash": hash_entry(step.entry).hex(),
                "added": [device.hex() for device in each.added],
                "removed": [device.hex() for device in each.removed],
                "author": each.author.hex(),
            }
        told.append(line)
    return log, told


def build() -> dict[str, object]:
    """Return the file."""
    log, told = replay()
    return {
        "about": "A key log, entry by entry: what has a code has no effect but takes its index.",
        "rules": ["Y-2", "Y-3", "Y-4", "Y-5", "Y-6", "Y-7", "Y-8", "Y-9", "W-2", "G-1"],
        "deployment": DEPLOYMENT.hex(),
        "genesis_key": GENESIS.public.encoded.hex(),
        "skew_ms": SKEW_MS,
        "names": {
            "salt": SALT.hex(),
            "handles": [
                {"handle": handle, "account": account_of(handle).hex()}
                for handle in ("alice", "bob", "jos\u00e9")
            ],
            "devices": [
                {"key": key_of(name).public.encoded.hex(), "device": device_of(name).hex()}
                for name in ("alice 1", "alice 2")
            ],
            "conversation": {
                "creator": device_of("alice 1").hex(),
                "random": bytes_of("nonce").hex(),
                "id": name_conversation(device_of("alice 1"), bytes_of("nonce"), DEPLOYMENT).hex(),
            },
            "message_id": {
                "time_ms": TIME_MS,
                "random": bytes_of("message id", 10).hex(),
                "id": make_message_id(TIME_MS, bytes_of("message id", 10)).hex(),
            },
        },
        "log": told,
        "time_ms": log.time_ms,
        "accounts": [
            {
                "account": account.hex(),
                "index": version.index,
                "time_ms": version.time_ms,
                "number": version.number,
                "lineage": version.lineage,
                "committee": version.committee,
                "inviter": version.inviter.hex(),
                "devices": [device.hex() for device in version.devices],
            }
            for account in log.accounts()
            for version in (log.account(account),)
        ],
    }
