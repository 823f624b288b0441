"""A member that speaks MLS by the Python binding, driven by JSON lines on stdin and stdout.

Each line is `{"do": name, ...}`; bytes are hexadecimal. One process plays many devices, each in at
most one group, so that a test can mix them with the TypeScript engine's.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

from doublelock_mls import Application, Client, Commit, CommitView, Group, KeyPackage, MlsError

Line = dict[str, Any]


class Device:
    """One device with its group, if any."""

    def __init__(self, credential: bytes, seed: bytes) -> None:
        self.client = Client(credential, seed, self.check_identity, self.check_commit)
        self.packages: dict[bytes, KeyPackage] = {}
        self.group: Group | None = None
        self.tree = b""
        self.epochs: dict[int, bytes] = {}

    def check_identity(self, credential: bytes, key: bytes, context: str) -> None:
        """Let everybody in but the ghost, whose credential says so."""
        if credential.startswith(b"ghost"):
            raise MlsError("ghost", "no such device")

    def check_commit(self, view: CommitView) -> None:
        """Let every commit pass."""

    @property
    def there(self) -> Group:
        """The group that this device is in."""
        assert self.group is not None
        return self.group


devices: dict[str, Device] = {}


def device(line: Line) -> Device:
    """Return the device that a line names."""
    return devices[line["who"]]


def raw(line: Line, name: str) -> bytes:
    """Return a line's bytes."""
    return bytes.fromhex(line[name])


def start(line: Line) -> Line:
    """Make a device."""
    devices[line["who"]] = Device(raw(line, "credential"), raw(line, "seed"))
    return {}


def package(line: Line) -> Line:
    """Make a key package and keep its private part."""
    made = device(line).client.generate_key_package(line["now"])
    device(line).packages[made.reference] = made
    return {"message": made.message.hex(), "reference": made.reference.hex()}


def create(line: Line) -> Line:
    """Create a group."""
    who = device(line)
    who.group = who.client.create_group(raw(line, "group"), line["now"], raw(line, "context"))
    return {}


def join(line: Line) -> Line:
    """Join from a welcome."""
    who = device(line)
    private = who.packages.pop(raw(line, "reference")).private
    who.group, adder = who.client.join(raw(line, "welcome"), raw(line, "tree"), private)
    return {"adder": adder}


def rejoin(line: Line) -> Line:
    """Make an external commit; the group is taken when the server took it."""
    who = device(line)
    who.group, commit = who.client.rejoin(raw(line, "info"), raw(line, "tree"))
    return {"commit": commit.hex()}


def commit(line: Line) -> Line:
    """Make a commit and leave it pending."""
    context = raw(line, "context") if "context" in line else None
    made = device(line).there.commit(
        add=[bytes.fromhex(each) for each in line.get("add", [])],
        remove=line.get("remove", []),
        context_data=context,
        authenticated_data=raw(line, "data"),
        now=line["now"],
    )
    return {
        "message": made.message.hex(),
        "welcomes": [[name.hex(), welcome.hex()] for name, welcome in made.welcomes],
        "tree": made.tree.hex(),
        "info": made.group_info.hex(),
        "epoch": made.epoch,
    }


def apply(line: Line) -> Line:
    """Apply the pending commit."""
    return describe(device(line).there.apply_pending_commit())


def clear(line: Line) -> Line:
    """Drop the pending commit."""
    device(line).there.clear_pending_commit()
    return {}


def leave(line: Line) -> Line:
    """Ask to be removed."""
    return {"message": device(line).there.propose_self_remove(raw(line, "data")).hex()}


def encrypt(line: Line) -> Line:
    """Encrypt an application message."""
    made = device(line).there.encrypt(raw(line, "plaintext"), raw(line, "data"))
    return {"message": made.ciphertext.hex(), "epoch": made.epoch, "generation": made.generation}


def process(line: Line) -> Line:
    """Process a message."""
    return describe(device(line).there.process(raw(line, "message"), line["now"]))


def describe(event: object) -> Line:
    """Return an event as JSON has it."""
    if isinstance(event, Application):
        return {
            "kind": "application",
            "sender": event.sender,
            "credential": event.credential.hex(),
            "plaintext": event.plaintext.hex(),
            "data": event.authenticated_data.hex(),
        }
    if isinstance(event, Commit):
        return {
            "kind": "commit",
            "committer": event.committer,
            "external": event.external,
            "epoch": event.epoch,
            "added": [[each.leaf_index, each.credential.hex()] for each in event.added],
            "removed": [[each.leaf_index, each.credential.hex()] for each in event.removed],
            "path": event.path,
            "context_changed": event.context_changed,
            "context": None if event.context_data is None else event.context_data.hex(),
            "self_removed": event.self_removed,
            "data": event.authenticated_data.hex(),
        }
    return {"kind": "proposal"}


def state(line: Line) -> Line:
    """Return what all members must agree on."""
    group = device(line).there
    return {
        "epoch": group.epoch,
        "authenticator": group.epoch_authenticator.hex(),
        "exporter": group.export_secret(b"interop", b"context", 32).hex(),
        "tree": group.ratchet_tree().hex(),
        "context": (group.context_data or b"").hex(),
        "members": [
            [each.leaf_index, each.credential.hex(), each.signature_key.hex()]
            for each in group.members()
        ],
    }


def restart(line: Line) -> Line:
    """Store the group and load it again."""
    who = device(line)
    change = who.there.take_changes()
    who.tree = who.tree if change.tree is None else change.tree
    who.epochs.update(change.epochs)
    for epoch in [each for each in who.epochs if each < change.drop_epochs_below]:
        del who.epochs[epoch]
    who.group = who.client.load_group(change.state, who.tree, list(who.epochs.items()))
    return {}


def info(line: Line) -> Line:
    """Return the group info of the current epoch."""
    return {"info": device(line).there.group_info().hex()}


ACTIONS: dict[str, Callable[[Line], Line]] = {
    each.__name__: each
    for each in (
        start,
        package,
        create,
        join,
        rejoin,
        commit,
        apply,
        clear,
        leave,
        encrypt,
        process,
        state,
        restart,
        info,
    )
}


def main() -> None:
    """Answer every line."""
    for text in sys.stdin:
        line = json.loads(text)
        try:
            answer = ACTIONS[line["do"]](line)
        except MlsError as refusal:
            answer = {"code": refusal.code, "detail": refusal.message}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
