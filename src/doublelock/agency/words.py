"""What a warrant asks, in words that a person can sign by: nothing of it is left out."""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Final

from doublelock.protocol.charter_terms import WarrantKind
from doublelock.protocol.days import iso_time
from doublelock.protocol.identifiers import name_account
from doublelock.protocol.record import display
from doublelock.protocol.report import describe_item_words
from doublelock.protocol.scope import ScopeItem
from doublelock.protocol.warrant import Warrant, WarrantTerms

_KINDS: Final = {
    WarrantKind.CONTENT_STORED: "to read stored messages",
    WarrantKind.METADATA: "to learn who wrote where and when (no message is opened)",
}
_NOBODY: Final[Mapping[bytes, str]] = MappingProxyType({})


def name_people(salt: bytes, handles: Collection[str]) -> Mapping[bytes, str]:
    """Return the handles by the account ids that they prove to be."""
    return {bytes(name_account(salt, handle)): handle for handle in handles}


def describe_warrant(warrant: Warrant, names: Mapping[bytes, str] = _NOBODY) -> tuple[str, ...]:
    """Return what a warrant asks, one plain sentence each; see `describe_terms`."""
    return describe_terms(warrant.terms, names)


def describe_terms(terms: WarrantTerms, names: Mapping[bytes, str] = _NOBODY) -> tuple[str, ...]:
    """Return what terms ask, one plain sentence each.

    Accounts and conversations stand in full, for those are what is signed; `names` adds handles.
    """
    limit = (
        (f"At most {terms.unnamed_senders} people whom it does not name may be among them.",)
        if terms.unnamed_senders
        else ()
    )
    renews = (f"It renews the warrant {terms.renews.hex()}.",) if terms.renews is not None else ()
    said = (
        f"{terms.agency} asks {_KINDS[terms.kind]}. Its reference: {terms.reference}.",
        f"Offence: {terms.offence}. Legal basis: {terms.legal_basis}.",
        *(_describe_item(item, names) for item in terms.scope),
        *limit,
        *renews,
        f"It is good from {iso_time(terms.valid_from_ms)} to {iso_time(terms.valid_until_ms)}.",
        f"The people concerned are told after {iso_time(terms.gag_end_ms)}.",
        *(("It is urgent: the judge confirms afterwards.",) if terms.urgent else ()),
    )
    # An applicant's words may hold controls that would rewrite what a terminal shows.
    return tuple(
        display(line.encode("utf-8", "replace")).replace("\n", "\N{SYMBOL FOR LINE FEED}")
        for line in said
    )


def _describe_item(item: ScopeItem, names: Mapping[bytes, str]) -> str:
    def account(one: bytes) -> str:
        handle = names.get(bytes(one))
        return f"account {one.hex()}" + (f" ({handle})" if handle else "")

    return describe_item_words(
        [account(one) for one in item.senders],
        [f"conversation {one.hex()}" for one in item.conversations],
        item.first_day,
        item.last_day,
        [account(one) for one in item.without_senders],
        [f"conversation {one.hex()}" for one in item.without_conversations],
    )
