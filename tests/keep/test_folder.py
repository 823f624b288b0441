"""A state folder: what was written is there whole, sealed, and only for who holds its key."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from doublelock.keep import KeyFile, Passphrase, StateFolder, make_key_file, sealing
from doublelock.protocol import limits
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import VaultRefused


@pytest.fixture
def key_file(tmp_path: Path) -> KeyFile:
    return make_key_file(tmp_path / "key")


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ARGON2_MEMORY_KIB", 8 * 1024)
    monkeypatch.setattr(limits, "ARGON2_PASSES", 1)


def refused(code: Code) -> "pytest.RaisesExc[VaultRefused]":
    return pytest.raises(VaultRefused, check=lambda refusal: refusal.code is code)


def test_content_comes_back_and_is_nowhere_in_clear(tmp_path: Path, key_file: KeyFile) -> None:
    with StateFolder.create(tmp_path / "state", key_file) as folder:
        folder.write("shares/1-480", b"a very secret share")
        folder.write_open("head", b"public")
    with StateFolder.open(tmp_path / "state", key_file) as folder:
        assert folder.read("shares/1-480") == b"a very secret share"
        assert folder.read_open("head") == b"public"
        assert folder.find("shares/2-480") is None
        assert folder.names("shares") == ["shares/1-480"]
    for path in (tmp_path / "state").rglob("*"):
        mode = path.stat().st_mode & 0o777
        assert mode == (0o700 if path.is_dir() else 0o600), path
        if path.is_file():
            assert b"secret share" not in path.read_bytes()


@pytest.mark.usefixtures("cheap")
def test_a_passphrase_opens_and_another_does_not(tmp_path: Path, key_file: KeyFile) -> None:
    StateFolder.create(tmp_path / "s", Passphrase("correct horse")).close()
    with StateFolder.open(tmp_path / "s", Passphrase("correct horse")) as folder:
        folder.write("a", b"1")
        folder.change_unlocking(key_file)
    with refused(Code.VAULT_WRONG_KEY):
        StateFolder.open(tmp_path / "s", Passphrase("correct horse"))
    with refused(Code.VAULT_WRONG_KEY):
        StateFolder.open(tmp_path / "s", make_key_file(tmp_path / "other"))
    with StateFolder.open(tmp_path / "s", key_file) as folder:
        assert folder.read("a") == b"1"
        folder.change_unlocking(Passphrase("battery"))
    with refused(Code.VAULT_WRONG_KEY):
        StateFolder.open(tmp_path / "s", Passphrase("staple"))
    with refused(Code.VAULT_WRONG_KEY):
        Passphrase("")


@pytest.mark.usefixtures("cheap")
@pytest.mark.parametrize("offset", [0, 4, 8, 12])
def test_hostile_argon_parameters_cost_nothing(tmp_path: Path, offset: int) -> None:
    StateFolder.create(tmp_path / "s", Passphrase("p")).close()
    path = tmp_path / "s" / "folder.key"
    data = bytearray(path.read_bytes())
    at = len(sealing.MAGIC) + 1 + 16
    data[at : at + 9] = {
        0: b"\xff\xff\xff\xff\0\0\0\1\1",
        4: b"\0\0\x20\0\xff\xff\xff\xff\1",
        8: b"\0\0\x20\0\0\0\0\1\0",
        12: bytes(9),
    }[offset]
    path.write_bytes(bytes(data))
    with refused(Code.VAULT_DAMAGED):
        StateFolder.open(tmp_path / "s", Passphrase("p"))


def test_files_cannot_stand_in_for_each_other(tmp_path: Path, key_file: KeyFile) -> None:
    with StateFolder.create(tmp_path / "s", key_file) as folder:
        folder.write("shares/1", b"one")
        folder.write("shares/2", b"two")
        os.replace(folder.path / "shares/1", folder.path / "shares/2")
        with refused(Code.VAULT_DAMAGED):
            folder.read("shares/2")


@given(cut=st.integers(0, 200), flip=st.integers(0, 200), data=st.binary(max_size=64))
def test_cut_or_changed_is_damaged(cut: int, flip: int, data: bytes) -> None:
    sealed = sealing.seal(b"k" * 32, "a", data)
    for bad in (
        sealed[: cut % len(sealed)],
        sealed + b"\0",
        sealed[: flip % len(sealed)]
        + bytes([sealed[flip % len(sealed)] ^ 0x40])
        + sealed[flip % len(sealed) + 1 :],
    ):
        with refused(Code.VAULT_DAMAGED):
            sealing.unseal(b"k" * 32, "a", bad)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(noise=st.binary(max_size=300))
def test_a_noisy_folder_key_is_refused(tmp_path: Path, noise: bytes) -> None:
    for head in (b"", sealing.MAGIC, sealing.MAGIC + b"\x02"):
        with pytest.raises(VaultRefused):
            sealing.unwrap_key(KeyFile(tmp_path / "none"), head + noise)


def test_exposed_secrets_are_refused(tmp_path: Path, key_file: KeyFile) -> None:
    with StateFolder.create(tmp_path / "s", key_file) as folder:
        folder.write("a", b"1")
        (folder.path / "a").chmod(0o640)
        with refused(Code.VAULT_EXPOSED):
            folder.read("a")
        (folder.path / "b").symlink_to(folder.path / "a")
        with refused(Code.VAULT_EXPOSED):
            folder.read("b")
    key_file.path.chmod(0o604)
    with refused(Code.VAULT_EXPOSED):
        StateFolder.open(tmp_path / "s", key_file)
    key_file.path.chmod(0o600)
    (tmp_path / "s").chmod(0o777)
    with refused(Code.VAULT_EXPOSED):
        StateFolder.open(tmp_path / "s", key_file)


def test_one_process_at_a_time_even_after_a_kill(tmp_path: Path, key_file: KeyFile) -> None:
    StateFolder.create(tmp_path / "s", key_file).close()
    script = (
        "import sys,pathlib\n"
        "from doublelock.keep import KeyFile, StateFolder\n"
        "p=pathlib.Path(sys.argv[1])\n"
        "f=StateFolder.open(p/'s', KeyFile(p/'key'))\n"
        "print('open', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        with refused(Code.VAULT_LOCKED):
            StateFolder.open(tmp_path / "s", key_file)
        other.kill()
        other.wait()
    StateFolder.open(tmp_path / "s", key_file).close()


def test_names_stay_inside(tmp_path: Path, key_file: KeyFile) -> None:
    with StateFolder.create(tmp_path / "s", key_file) as folder:
        for name in ("../x", "/etc/x", "a//b", "", ".hidden", "a/../b", "A"):
            with refused(Code.VAULT_MISSING):
                folder.write(name, b"")
        with refused(Code.VAULT_WRITE):
            folder.write("folder.key", b"")
    with refused(Code.VAULT_LOCKED):
        folder.read("a")


def test_destroyed_is_gone_and_absent_is_fine(tmp_path: Path, key_file: KeyFile) -> None:
    with StateFolder.create(tmp_path / "s", key_file) as folder:
        folder.write("share", b"secret")
        with (folder.path / "share").open("rb") as still_open:
            folder.destroy("share")
            assert set(still_open.read()) == {0}
        folder.destroy("share")
        with refused(Code.VAULT_MISSING):
            folder.read("share")


def test_nothing_is_replaced_by_accident(tmp_path: Path, key_file: KeyFile) -> None:
    StateFolder.create(tmp_path / "s", key_file).close()
    with refused(Code.VAULT_EXISTS):
        StateFolder.create(tmp_path / "s", key_file)
    with refused(Code.VAULT_EXISTS):
        make_key_file(key_file.path)
    with refused(Code.VAULT_MISSING):
        StateFolder.open(tmp_path / "none", key_file)
    key_file.path.write_bytes(b"")
    with refused(Code.VAULT_DAMAGED):
        StateFolder.open(tmp_path / "s", key_file)


def test_a_reader_looks_in_beside_the_owner_and_changes_nothing(
    tmp_path: Path, key_file: KeyFile
) -> None:
    with StateFolder.create(tmp_path / "state", key_file) as owner:
        owner.write("secret", b"first")
        with StateFolder.look_into(tmp_path / "state", key_file) as reader:
            assert reader.read("secret") == b"first"
            owner.write("secret", b"second")
            assert reader.read("secret") == b"second"
            with refused(Code.VAULT_LOCKED):
                reader.write("secret", b"mine")
            with refused(Code.VAULT_LOCKED):
                reader.write_open("other", b"mine")
            with refused(Code.VAULT_LOCKED):
                reader.destroy("secret")
            with refused(Code.VAULT_LOCKED):
                reader.change_unlocking(key_file)
        with refused(Code.VAULT_LOCKED):
            reader.read("secret")
        assert owner.read("secret") == b"second"
    with refused(Code.VAULT_WRONG_KEY):
        StateFolder.look_into(tmp_path / "state", make_key_file(tmp_path / "other"))


def test_what_a_killed_write_left_is_erased(tmp_path: Path, key_file: KeyFile) -> None:
    with StateFolder.create(tmp_path / "state", key_file) as folder:
        folder.write("shares/1-480", b"whole")
        left = tmp_path / "state" / "shares" / ".1-480.0123456789ab"
        left.write_bytes(b"half a share")
        other = tmp_path / "state" / ".1-480.0123456789ab"
        other.write_bytes(b"elsewhere")
        folder.clear_unfinished("shares")
        assert not left.exists()
        assert other.exists()
        assert folder.read("shares/1-480") == b"whole"
