"""The whole path on real sockets: ceremony, chat, double lock, log, releases, opening, evidence."""

import json
import shutil
from base64 import b64decode
from pathlib import Path

import pytest
from law_path import ODD, TODAY, Town, town
from msgspec.structs import asdict

from doublelock.agency.opening import Opening
from doublelock.audit import copy_deployment, verify_evidence, verify_logs
from doublelock.protocol import package
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import EvidenceRefused, Refusal
from doublelock.protocol.identifiers import DeploymentId
from doublelock.protocol.record import Details, Media, Text

NAME = b"Harbour <watch>"


async def test_a_warrant_opens_exactly_what_it_names(tmp_path: Path) -> None:
    async with town(tmp_path / "world") as here:
        room = await here.room("ada", "bob", "cy")
        ada, bob = here.world.people["ada"], here.world.people["bob"]
        await here.say(room, ada, ODD[:3])
        await here.say(room, bob, [b"bob's own"])
        picture = tmp_path / "picture.png"
        picture.write_bytes(bytes(range(256)) * 600)
        file = await ada.attachments.upload(picture, name=b"picture.png")
        await ada.send(room, Media(**asdict(file), width=640, height=480, thumbnail=b"t" * 99))
        await ada.send(room, Details(NAME, b"p" * 40))
        await here.say(room, ada, ODD[3:])

        warrant = await here.warrant(here.scope("ada"))
        case = warrant.commitment
        made = await here.agency.request(case)
        assert [(one.account, one.day) for one in made.labels] == [(ada.account, TODAY)]
        assert made.messages == 7

        await here.seen()
        looks = await here.world.look()
        assert [one.refusal for look in looks for one in look.answers] == [None] * 6
        await here.seen()
        assert [one for look in await here.world.look() for one in look.answers] == []

        opening = await here.agency.open_case(case)
        assert opening.culprits == ()
        assert opening.faults == ()
        said = [
            one.message.body.record.content
            for one in opening.messages
            if isinstance(one.message.body.record, Text)
        ]
        assert said == ODD
        await _refuse_what_changes_meanwhile(here, opening, tmp_path / "changed")
        sizes = await here.agency.write(opening, tmp_path / "evidence", ("ada",))
        assert sizes[package.MESSAGES] > 0
        await copy_deployment(here.world.server.http, here.world.deployment, tmp_path / "mirror")
        deployment = here.world.deployment

    for path in (tmp_path / "evidence", tmp_path / "evidence.zip"):
        verified = verify_evidence(path, deployment)
        assert len(verified.content.messages) == 7
        assert len(verified.checks) >= 8
    logs = verify_logs(tmp_path / "mirror", deployment)
    assert logs.law.state.void == 0
    lines = (tmp_path / "evidence" / package.READABLE).read_text().splitlines()
    exact = [b64decode(json.loads(line)["base64"]) for line in lines]
    assert [one for one in exact if one not in (b"", NAME)] == [one for one in ODD if one]
    kinds = [json.loads(line)["kind"] for line in lines]
    assert (kinds.count("attachment"), kinds.count("conversation's name")) == (1, 1)
    assert exact[kinds.index("conversation's name")] == NAME
    page = (tmp_path / "evidence" / package.REPORT).read_text()
    assert "<script" not in page
    assert "\u202e" not in page
    assert "ada" in page
    attached = tmp_path / "evidence" / "attachments"
    assert [one.read_bytes() for one in attached.iterdir()] == [bytes(range(256)) * 600]
    _refuse_tampering(tmp_path, deployment)


async def _refuse_what_changes_meanwhile(here: Town, opening: Opening, place: Path) -> None:
    """Content is verified once, on writing: a file that changes after that makes no package."""
    honest = package.verify_content

    def then_change(files: package.Files, deployment: DeploymentId) -> package.VerifiedContent:
        content = honest(files, deployment)
        [attached] = (place / "attachments").iterdir()
        attached.write_bytes(b"something else")
        return content

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(package, "verify_content", then_change)
        with pytest.raises(EvidenceRefused) as caught:
            await here.agency.write(opening, place, ("ada",))
    assert caught.value.code is Code.EVIDENCE_MANIFEST
    assert not place.with_name("changed.zip").exists()


def _refuse_tampering(tmp_path: Path, deployment: DeploymentId) -> None:
    """Whatever is changed in the package, by whomever, is refused."""
    source = tmp_path / "evidence"
    for number, name in enumerate(sorted(package_names(source))):
        for change in ("flip", "cut", "drop"):
            copy = tmp_path / f"bad-{number}-{change}"
            shutil.copytree(source, copy)
            path = copy / name
            data = bytearray(path.read_bytes())
            if change == "drop":
                path.unlink()
            elif not data:
                path.write_bytes(b"x")
            elif change == "flip":
                data[len(data) // 2] ^= 1
                path.write_bytes(bytes(data))
            else:
                path.write_bytes(bytes(data[:-1]))
            with pytest.raises(Refusal):
                verify_evidence(copy, deployment)
            shutil.rmtree(copy)
    (source / "added.txt").write_bytes(b"an extra file")
    with pytest.raises(EvidenceRefused) as caught:
        verify_evidence(source, deployment)
    assert caught.value.code is Code.EVIDENCE_MANIFEST
    with pytest.raises(Refusal):
        verify_evidence(source, DeploymentId(b"\x01" * 32))


def package_names(folder: Path) -> list[str]:
    return [str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file()]
