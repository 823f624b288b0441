"""Application messages: order, duplicates, forgeries."""

import pytest
from doublelock_mls import MAX_PLAINTEXT, MlsError, inspect_message
from mls_people import NOW, KeyLog, grow, moved, told


def refused(group: object, message: bytes) -> str:
    with pytest.raises(MlsError) as caught:
        group.process(message, NOW)  # type: ignore[attr-defined]
    return caught.value.code


def test_a_message_names_its_sender_and_epoch() -> None:
    log = KeyLog()
    alice, bob = log.device("alice"), log.device("bob")
    at_alice, at_bob = grow(alice, [bob])
    sent = at_alice.encrypt(b"seed and hash", b"aad")
    heard = told(at_bob, sent.ciphertext)
    assert heard.plaintext == b"seed and hash"
    assert heard.authenticated_data == b"aad"
    assert heard.credential == alice.credential
    assert heard.signature_key == alice.signature_key
    assert (heard.sender, heard.epoch, heard.generation) == (0, sent.epoch, sent.generation)
    outside = inspect_message(sent.ciphertext)
    assert outside.wire_format == "private-message"
    assert outside.content_type == "application"
    assert outside.epoch == 1
    assert outside.authenticated_data == b"aad"
    assert outside.group_id == at_alice.group_id


def test_out_of_order_and_duplicates() -> None:
    log = KeyLog()
    at_alice, at_bob = grow(log.device("alice"), [log.device("bob")])
    sent = [at_alice.encrypt(str(n).encode()) for n in range(10)]
    for n in (9, 0, 5, 1, 8, 2, 7, 3, 6, 4):
        assert told(at_bob, sent[n].ciphertext).plaintext == str(n).encode()
    for one in sent:
        assert refused(at_bob, one.ciphertext) == "key-used"
    assert told(at_bob, at_alice.encrypt(b"next").ciphertext).plaintext == b"next"


def test_a_late_message_of_an_older_epoch_opens_for_as_long_as_we_keep_it() -> None:
    log = KeyLog()
    at_alice = log.device("alice", prior_epochs=2)
    bob = log.device("bob", prior_epochs=2)
    alice_group, bob_group = grow(at_alice, [bob])
    late = [alice_group.encrypt(b"late").ciphertext, alice_group.encrypt(b"too late").ciphertext]
    for _ in range(2):
        commit = bob_group.commit(now=NOW)
        bob_group.apply_pending_commit()
        moved(alice_group, commit.message)
    assert told(bob_group, late[0]).plaintext == b"late"
    bob_group.commit(now=NOW)
    bob_group.apply_pending_commit()
    assert refused(bob_group, late[1]) == "epoch-gone"


def test_a_message_of_a_later_epoch_waits() -> None:
    log = KeyLog()
    at_alice, at_bob = grow(log.device("alice"), [log.device("bob")])
    commit = at_alice.commit(now=NOW)
    at_alice.apply_pending_commit()
    early = at_alice.encrypt(b"early").ciphertext
    assert refused(at_bob, early) == "wrong-epoch"
    moved(at_bob, commit.message)
    assert told(at_bob, early).plaintext == b"early"


def test_one_does_not_process_ones_own_message() -> None:
    log = KeyLog()
    at_alice, _ = grow(log.device("alice"), [log.device("bob")])
    assert refused(at_alice, at_alice.encrypt(b"echo").ciphertext) == "own-message"


def test_an_outsider_and_another_group_are_refused() -> None:
    log = KeyLog()
    alice, bob, eve = log.device("alice"), log.device("bob"), log.device("eve")
    _, at_bob = grow(alice, [bob])
    elsewhere = eve.create_group(b"another", NOW)
    assert refused(at_bob, elsewhere.encrypt(b"hello").ciphertext) == "wrong-group"
    impostor = eve.create_group(at_bob.group_id, NOW)
    impostor.commit(now=NOW)
    impostor.apply_pending_commit()
    assert impostor.epoch == at_bob.epoch
    assert refused(at_bob, impostor.encrypt(b"hello").ciphertext) == "decryption-failed"
    assert refused(at_bob, impostor.commit(now=NOW).message) in {
        "invalid-signature",
        "invalid-membership-tag",
    }


def test_a_member_cannot_speak_as_another() -> None:
    """The forged sender: Mallory loads Alice's leaf's state under a key of her own."""
    log = KeyLog()
    alice, bob, mallory = log.device("alice"), log.device("bob"), log.device("mallory")
    at_alice, _, at_mallory = grow(alice, [bob, mallory])
    stored = at_alice.take_changes()
    assert stored.tree is not None
    with pytest.raises(MlsError) as caught:
        mallory.load_group(stored.state, stored.tree)
    assert caught.value.code == "not-a-member"
    genuine = at_mallory.encrypt(b"I am Alice").ciphertext
    assert told(at_alice, genuine).credential == mallory.credential


def test_every_changed_byte_is_refused() -> None:
    log = KeyLog()
    at_alice, at_bob = grow(log.device("alice"), [log.device("bob")])
    genuine = at_alice.encrypt(b"genuine", b"aad").ciphertext
    for place in range(len(genuine)):
        forged = bytearray(genuine)
        forged[place] ^= 0x40
        with pytest.raises(MlsError):
            at_bob.process(bytes(forged), NOW)
    # Forgeries of the inner part cost their one generation; everything after still opens.
    assert told(at_bob, at_alice.encrypt(b"after").ciphertext).plaintext == b"after"


def test_sizes_come_first() -> None:
    log = KeyLog()
    at_alice, at_bob = grow(log.device("alice"), [log.device("bob")])
    with pytest.raises(MlsError) as caught:
        at_alice.encrypt(bytes(MAX_PLAINTEXT + 1))
    assert caught.value.code == "too-large"
    assert refused(at_bob, bytes(3 << 20)) == "too-large"
    assert told(at_bob, at_alice.encrypt(bytes(MAX_PLAINTEXT)).ciphertext).generation == 0


def test_the_exporter_agrees_and_depends_on_all_its_inputs() -> None:
    log = KeyLog()
    at_alice, at_bob = grow(log.device("alice"), [log.device("bob")])
    secret = at_alice.export_secret(b"doublelock/v1/test", b"context", 32)
    assert secret == at_bob.export_secret(b"doublelock/v1/test", b"context", 32)
    assert secret != at_bob.export_secret(b"doublelock/v1/test", b"other", 32)
    assert secret != at_bob.export_secret(b"doublelock/v1/else", b"context", 32)
    with pytest.raises(MlsError):
        at_alice.export_secret(b"label", b"", 8161)
