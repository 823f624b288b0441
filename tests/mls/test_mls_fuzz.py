"""Hostile bytes: a named refusal, or the genuine effect, and nothing else."""

import itertools
from collections.abc import Callable
from functools import cache

import pytest
from doublelock_mls import Client, MlsError, import_key_package, inspect_message
from hypothesis import given, settings
from hypothesis import strategies as st
from mls_people import NOW, GhostError, KeyLog, Vault, grow, watch, welcome_for

pytestmark = pytest.mark.filterwarnings("error")


class Scene:
    """One of each message, made once."""

    def __init__(self) -> None:
        self.log = KeyLog()
        log = self.log
        self.alice, self.bob, self.carol = (log.device(n) for n in ("alice", "bob", "carol"))
        self.at_alice, self.at_bob = grow(self.alice, [self.bob])
        self.package = self.carol.generate_key_package(NOW)
        self.pending = self.at_alice.commit(
            add=[self.package.message], context_data=b"next", update_path=True, now=NOW
        )
        self.welcome = welcome_for(self.pending, self.package)
        self.info = self.at_bob.group_info()
        self.tree = self.at_bob.ratchet_tree()
        _, self.resync = self.bob.rejoin(self.info, self.tree)
        self.vault = Vault()
        self.vault.save(self.at_bob)
        self.observer = watch(log, self.at_bob)
        self.snapshot = self.observer.snapshot()
        twin = self.vault.load(self.bob)
        self.wish = twin.propose_self_remove()
        self.text = self.at_alice.encrypt(b"text", b"aad").ciphertext

    def messages(self) -> list[bytes]:
        return [
            self.text,
            self.pending.message,
            self.resync,
            self.wish,
            self.welcome,
            self.info,
            self.package.message,
        ]


@cache
def scene() -> Scene:
    return Scene()


Edit = tuple[int, int, bytes]
EDITS = st.lists(
    st.tuples(st.integers(0, 1 << 16), st.integers(0, 12), st.binary(max_size=12)),
    min_size=1,
    max_size=4,
)


def mutated(genuine: bytes, edits: list[Edit]) -> bytes:
    result = bytearray(genuine)
    for place, drop, insert in edits:
        start = place % (len(result) + 1)
        result[start : start + drop] = insert
    return bytes(result)


def bears(call: Callable[[], object]) -> None:
    code = "none"
    try:
        call()
    except MlsError as error:
        code = error.code
    except GhostError:
        code = "ghost"
    assert code
    assert code != "internal"


@settings(max_examples=400)
@given(which=st.integers(0, 6), edits=EDITS)
def test_mutated_messages(which: int, edits: list[Edit]) -> None:
    at = scene()
    message = mutated(at.messages()[which], edits)
    bears(lambda: inspect_message(message))
    bears(lambda: at.vault.load(at.bob).process(message, NOW))
    bears(lambda: at.observer.stage(message, NOW))
    bears(lambda: at.observer.check_group_info(message))


@settings(max_examples=200)
@given(edits=EDITS, which=st.integers(0, 2))
def test_mutated_joins(edits: list[Edit], which: int) -> None:
    at = scene()
    parts = [at.welcome, at.pending.tree, at.package.private]
    parts[which] = mutated(parts[which], edits)
    bears(lambda: at.carol.join(*parts))


@settings(max_examples=200)
@given(edits=EDITS, which=st.integers(0, 1))
def test_mutated_resyncs_and_observations(edits: list[Edit], which: int) -> None:
    at = scene()
    parts = [at.info, at.tree]
    parts[which] = mutated(parts[which], edits)
    bears(lambda: at.bob.rejoin(*parts))
    bears(lambda: at.log.observers().observe(*parts))
    stored = [at.snapshot, at.tree]
    stored[which] = mutated(stored[which], edits)
    bears(lambda: at.log.observers().load(*stored))


@settings(max_examples=200)
@given(edits=EDITS, which=st.integers(0, 1))
def test_mutated_states(edits: list[Edit], which: int) -> None:
    at = scene()
    stored = [at.vault.state, at.vault.tree]
    stored[which] = mutated(stored[which], edits)

    def use() -> None:
        group = at.bob.load_group(stored[0], stored[1])
        group.process(at.text, NOW)
        group.commit(now=NOW)
        group.apply_pending_commit()
        group.take_changes()

    bears(use)


@settings(max_examples=200)
@given(edits=EDITS)
def test_mutated_key_packages(edits: list[Edit]) -> None:
    at = scene()
    package = mutated(at.package.message, edits)
    bears(lambda: at.log.observers().validate_key_package(package, NOW))
    bears(lambda: at.vault.load(at.bob).commit(add=[package], now=NOW))
    bears(lambda: import_key_package(package, bytes(32), bytes(32)))


@settings(max_examples=300)
@given(message=st.binary(max_size=300))
def test_noise(message: bytes) -> None:
    at = scene()
    bears(lambda: inspect_message(message))
    bears(lambda: at.vault.load(at.bob).process(message, NOW))
    bears(lambda: at.carol.join(message, at.pending.tree, at.package.private))
    bears(lambda: at.log.observers().validate_key_package(message, NOW))


def test_every_prefix_of_every_message() -> None:
    at = scene()
    group = at.vault.load(at.bob)
    for message in at.messages():
        for length in itertools.chain(range(0, len(message), 7), [len(message) - 1]):
            with pytest.raises(MlsError):
                inspect_message(message[:length])
            with pytest.raises(MlsError):
                group.process(message[:length], NOW)


def test_a_huge_announced_length_costs_nothing() -> None:
    at = scene()
    for head in (b"\x00\x01\x00\x02", b"\x00\x01\x00\x03\x00\x01", b"\x00\x01\x00\x01"):
        for length in (b"\x80\xff\xff\xff", b"\xbf\xff\xff\xff", b"\xff\xff\xff\xff"):
            with pytest.raises(MlsError):
                at.at_bob.process(head + length + b"short", NOW)


@pytest.mark.parametrize("seed", [b"", bytes(31), bytes(33), bytes(64)])
def test_seeds_have_32_bytes(seed: bytes) -> None:
    with pytest.raises(MlsError) as caught:
        Client(b"x", seed, lambda *_: None, lambda _: None)
    assert caught.value.code == "bad-signature-key"


@pytest.mark.parametrize("credential", [b"", bytes(1025)])
def test_credentials_are_bounded(credential: bytes) -> None:
    with pytest.raises(MlsError):
        Client(credential, bytes(32), lambda *_: None, lambda _: None)


@pytest.mark.parametrize("now", [1 << 41, (1 << 64) - 1])
def test_times_are_bounded(now: int) -> None:
    at = scene()
    with pytest.raises(MlsError) as caught:
        at.alice.generate_key_package(now)
    assert caught.value.code == "bad-time"
    with pytest.raises(MlsError) as caught:
        at.at_bob.process(at.text, now)
    assert caught.value.code == "bad-time"
