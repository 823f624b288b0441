"""Mail that one device sends another through the server, which cannot read it (spec W-41)."""

from dataclasses import dataclass
from typing import Final

from doublelock.protocol.encoding import Reader
from doublelock.protocol.identifiers import ACCOUNT_SIZE, DEVICE_SIZE, AccountId, DeviceId

ENVELOPE: Final = ACCOUNT_SIZE + DEVICE_SIZE


@dataclass(frozen=True, slots=True)
class Relayed:
    """Who sent it, by the server's word, and the sealed bytes: what is inside proves who did."""

    account: AccountId
    device: DeviceId
    sealed: bytes

    def encode(self) -> bytes:
        """Return the payload of the mail: account 32, device 16, sealed."""
        return self.account + self.device + self.sealed


def decode_relayed(payload: bytes) -> Relayed:
    """Return relayed mail from its payload. Raises Malformed."""
    reader = Reader(payload)
    account = AccountId(reader.take(ACCOUNT_SIZE))
    return Relayed(account, DeviceId(reader.take(DEVICE_SIZE)), reader.rest())
