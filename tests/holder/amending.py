"""Amendments in a running world: everybody signs, the operator files, the clock moves on."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from doublelock.demo.world import World
from doublelock.holder.daemon import HolderDaemon
from doublelock.holder.desk import file_document
from doublelock.holder.membership import pin
from doublelock.keep import StateFolder
from doublelock.protocol import jws
from doublelock.protocol.amendment import draft_amendment
from doublelock.protocol.charter import Charter, CharterTerms, verify_amendment
from doublelock.protocol.charter_terms import Committee, Custodian, Party
from doublelock.protocol.documents import Bytes32
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.session import PartySubject
from doublelock.server.config import ServerConfig
from doublelock.transport.http import HttpClient, Identity


def name_custodians(seeds: Sequence[bytes]) -> tuple[Custodian, ...]:
    return tuple(
        Custodian(index, f"Custodian {index}", Bytes32(SigningKey(seed).public.encoded))
        for index, seed in enumerate(seeds, 1)
    )


def change_committee(charter: Charter, number: int, **changes: Any) -> CharterTerms:
    def changed(committee: Committee) -> Committee:
        if committee.number != number:
            return committee
        return msgspec.structs.replace(committee, **changes)

    return msgspec.structs.replace(
        charter.terms, committees=tuple(map(changed, charter.terms.committees))
    )


def operator(world: World) -> HttpClient:
    key = SigningKey(world.founded.operator)
    subject = PartySubject(key.public.encoded)
    return HttpClient(world.server.http, identity=Identity(world.deployment, subject, key.sign))


async def amend(
    world: World, current: Charter, terms: CharterTerms, new: Sequence[SigningKey] = ()
) -> Charter:
    """File what operator, courts and all custodians of the founding, and `new` keys, signed."""
    founded = world.founded
    seeds = [founded.operator]
    for committee in founded.committees:
        seeds += [committee.court, *committee.custodians]
    named = {bytes(key) for key in _keys(current.terms)} | {bytes(key) for key in _keys(terms)}
    signers = [(key.public.encoded, key.sign) for key in (*map(SigningKey, seeds), *new)]
    named |= {key.public.encoded for key in new}
    payload = draft_amendment(current, terms, world.clock())
    document = jws.sign(payload, jws.Purpose.CHARTER, [one for one in signers if one[0] in named])
    async with operator(world) as http:
        await file_document(http, "charter", document)
    return verify_amendment(current, document)


def _keys(terms: CharterTerms) -> list[bytes]:
    keys: list[bytes] = [terms.operator.key]
    for committee in terms.committees:
        keys += [one.key for one in committee.custodians]
        keys += [committee.court.key] if committee.court is not None else []
    return keys


def open_newcomer(
    world: World, name: str, seed: bytes, charter: Charter, open_: Any
) -> HolderDaemon:
    """Open a holder that only an amendment names."""
    place, unlocking = world.folder / name, world.enrol(name, seed)[1]
    with StateFolder.open(place, unlocking) as folder:
        charters = [world.founded.charter, charter.document]
        pin(folder, world.server.http, charters, world.deployment)
    daemon: HolderDaemon = open_(place, unlocking)
    return daemon


OPERATOR, RECEIPT = SigningKey(b"\x41" * 32), SigningKey(b"\x42" * 32)
"""What takes the place of the operator's key and the receipts' where an amendment says so."""


def hold_new_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every server of the test have the new keys in its folder."""
    whole = World._config

    def config(self: World, *rest: Any) -> ServerConfig:
        made = whole(self, *rest)
        return replace(made, keys=replace(made.keys, later=(OPERATOR, RECEIPT)))

    monkeypatch.setattr(World, "_config", config)


async def change_keys(world: World) -> None:
    """File the amendment that names both new keys."""
    charter = world.monitor.charter
    terms = charter.terms
    operator = Party(terms.operator.name, Bytes32(OPERATOR.public.encoded))
    terms = msgspec.structs.replace(
        terms, operator=operator, receipt_key=Bytes32(RECEIPT.public.encoded)
    )
    await amend(world, charter, terms, (OPERATOR, RECEIPT))


async def look_until(world: World, done: Any, looks: int = 60) -> None:
    """Let everybody look, and the witnesses see, until something holds."""
    for _ in range(looks):
        await world.look()
        await world.server.law.law_publishing.publish()
        await world.holders[0].watch.update(world.clock())
        if done(world.holders[0].watch.state):
            return
    raise AssertionError("it did not come about")
