"""Gathers cosignatures, publishes what a quorum has seen (C2SP tlog-witness; spec L-12, L-18)."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from typing import Final

import httpx

from doublelock.log.sequencer import Sequencer
from doublelock.protocol import limits
from doublelock.protocol.checkpoint import VerifiedCheckpoint
from doublelock.protocol.codes import Code
from doublelock.protocol.cosignature import VerifiedCosignature
from doublelock.protocol.errors import Malformed, Refusal
from doublelock.protocol.note import (
    Note,
    NoteSignature,
    VerifierKey,
    decode_decimal,
    parse_signatures,
)
from doublelock.protocol.policy import CosignedCheckpoint, Policy
from doublelock.protocol.witnessing import AddCheckpoint

_TRIES: Final = 3
_GRACE_S: Final = 0.25


class Publisher:
    """Publishes one log's heads; `http` is the caller's client, and its timeouts.

    `addresses` are the witnesses' submission prefixes, in any order: who answers is known by its
    key. `policies` gives those that all must be fulfilled, anew for each head: while witnesses
    change there are two (R-40). Remembers the size at which each witness stands, so that a request
    is seldom answered with 409.
    """

    def __init__(
        self,
        log: Sequencer,
        policies: Callable[[], Sequence[Policy]],
        addresses: Sequence[str],
        http: httpx.AsyncClient,
    ) -> None:
        self._log = log
        self._policies = policies
        self._addresses = tuple(addresses)
        self._http = http
        self._sizes: dict[str, int] = {}
        self._one_at_a_time = asyncio.Lock()

    async def publish(self, timeout_s: float = 10.0) -> CosignedCheckpoint:
        """Return the log's latest head once it is cosigned by the quorum, on disk and served.

        Witnesses that are absent, slow or answer nonsense are passed over; when the quorum stands,
        the others get a quarter of a second more. Raises LogRefused LOG_QUORUM naming the missing;
        what was published before then stays so.
        """
        async with self._one_at_a_time:
            head = await self._log.prepare()
            policies = self._policies()
            lines = await self._gather(head, policies, timeout_s)
            note = Note(head.note.text, head.note.signatures + lines)
            *_, cosigned = [policy.verify(note) for policy in policies]
            await self._log.adopt(cosigned)
            return cosigned

    async def _gather(
        self, head: VerifiedCheckpoint, policies: Sequence[Policy], timeout_s: float
    ) -> tuple[NoteSignature, ...]:
        found: dict[VerifierKey, NoteSignature] = {}
        waiting = {
            asyncio.create_task(self._ask(address, head, policies)) for address in self._addresses
        }
        loop = asyncio.get_running_loop()
        until = loop.time() + timeout_s
        try:
            while waiting and loop.time() < until:
                done, waiting = await asyncio.wait(
                    waiting, timeout=until - loop.time(), return_when=asyncio.FIRST_COMPLETED
                )
                for task in done:
                    found.update({seen.key: seen.line for seen in task.result()})
                if all(_fulfilled(policy, found) for policy in policies):
                    until = min(until, loop.time() + _GRACE_S)
        finally:
            # Also when whoever published was stopped: nothing may ask on after the log is closed.
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        return tuple(found.values())

    async def _ask(
        self, address: str, head: VerifiedCheckpoint, policies: Sequence[Policy]
    ) -> Sequence[VerifiedCosignature]:
        """Return what a witness answers and holds; nothing at all when it does not answer so."""
        size = self._sizes.get(address, 0)
        new = head.checkpoint.size
        for _ in range(_TRIES):
            try:
                proof = await self._log.consistency(size, new)
                body = AddCheckpoint(size, proof, head.note).encode()
                url = address.rstrip("/") + "/add-checkpoint"
                status, text = await self._post(url, body)
                if status == httpx.codes.CONFLICT:
                    size = decode_decimal(text.strip("\n"))
                    continue
                if status != httpx.codes.OK:
                    return ()
                lines = parse_signatures(text)
                kept = [seen for policy in policies for seen in policy.accept(head.note, lines)]
            except (httpx.HTTPError, httpx.InvalidURL, Refusal, UnicodeDecodeError):
                return ()
            self._sizes[address] = new
            return kept
        return ()

    async def _post(self, url: str, body: bytes) -> tuple[int, str]:
        """Return status and text of an answer, which a witness may not make larger than a note."""
        data = bytearray()
        async with self._http.stream("POST", url, content=body) as answer:
            async for piece in answer.aiter_bytes():
                data += piece
                if len(data) > limits.NOTE:
                    raise Malformed(Code.SIZE, "witness's answer")
        return answer.status_code, data.decode()


def _fulfilled(policy: Policy, keys: Collection[VerifierKey]) -> bool:
    return policy.fulfilled(witness.name for witness in policy.witnesses if witness.key in keys)
