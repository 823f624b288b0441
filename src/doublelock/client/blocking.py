"""Whom a person does not wish to hear: kept on this device alone, told to nobody (spec V-21)."""

from typing import Final

from doublelock.client.vault import Vault
from doublelock.protocol.identifiers import AccountId

_PREFIX: Final = "blocked/"


class Blocking:
    """The people whom one device's person has blocked."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._accounts = {AccountId(account): None for account in vault.facts(_PREFIX)}

    def block(self, account: AccountId) -> None:
        """Hear nothing of somebody any more: neither here, nor in groups that both are in."""
        self._vault.write_fact(_PREFIX + account.hex(), account)
        self._accounts[account] = None

    def unblock(self, account: AccountId) -> None:
        """Hear somebody again, and what they wrote in between."""
        self._vault.drop_fact(_PREFIX + account.hex())
        self._accounts.pop(account, None)

    def accounts(self) -> list[AccountId]:
        """Return who is blocked."""
        return list(self._accounts)

    def __contains__(self, account: bytes) -> bool:
        """Say whether somebody is blocked."""
        return account in self._accounts
