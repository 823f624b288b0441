"""Names for accounts: the server says which handle an account has, and the account id proves it."""

from collections.abc import Iterable
from typing import Final

from doublelock.client.core import Core
from doublelock.protocol import limits
from doublelock.protocol.api import Directory, Handles
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import WireRefused
from doublelock.protocol.identifiers import AccountId, name_account

_PAGE: Final = limits.GROUP_MEMBERS


async def find_handles(core: Core, accounts: Iterable[AccountId]) -> dict[AccountId, str]:
    """Return the handles of accounts; those for which the server gives no true one are left out.

    Raises WireRefused.
    """
    salt = bytes(core.monitor.charter.terms.account_salt)
    wanted = sorted(set(accounts))
    found: dict[AccountId, str] = {}
    for start in range(0, len(wanted), _PAGE):
        page = wanted[start : start + _PAGE]
        answer = await core.http.ask(
            "POST", "/v1/directory", Handles(accounts=tuple(page)), Directory
        )
        if len(answer.handles) != len(page):
            raise WireRefused(Code.SERVER_ANSWER, "directory")
        for account, handle in zip(page, answer.handles, strict=True):
            if handle and name_account(salt, handle) == account:
                found[account] = handle
    return found
