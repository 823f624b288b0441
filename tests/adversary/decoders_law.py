"""Decoders of charters, warrants, law-log lines, releases and evidence."""

from law_world import EPOCH, NOW, key, public, scalar
from test_evidence import Scene

from doublelock.protocol import (
    amendment,
    case,
    charter,
    curve,
    destruction,
    documents,
    ed25519,
    evidence,
    inventory,
    jws,
    keyepoch,
    limits,
    metadata,
    notice,
    partial,
    release_request,
    releases,
    warrant,
)
from doublelock.protocol.charter import write_terms
from doublelock.protocol.documents import Bytes32
from doublelock.protocol.partial import PartialSet, make_partials
from doublelock.protocol.scope import InventoryRow

from .decoder_target import Target, from_text, scene


def law() -> dict[str, Target]:
    one = scene()
    world, permit = one.world, one.permit
    committee = world.charter.committee(1)
    genesis = world.charter.document
    signed_warrant = world.document(world.terms(), "1-agency", "1-minister", "1-judge")
    wanted = release_request.encode_request(one.request.signed.raw, 1, one.request.labels)
    partials = make_partials(2, scalar("share"), permit.labels)
    body = releases.make_body(permit, ((EPOCH, 1),), partials)
    given = releases.sign_release(permit, 2, body.encode(), key("1-custodian2").sign)
    verified = releases.verify_release(given.encode(), world.deployment, permit.digest, committee)
    manifest = evidence.Manifest(
        1,
        Bytes32(world.deployment),
        Bytes32(one.warrant.commitment),
        (),
        NOW,
        (),
        evidence.add_custody((), NOW, "agency", "opened", b"d" * 32),
    )
    signers = [(public("1-agency"), key("1-agency").sign)]
    wrapped = jws.sign(documents.encode(manifest), jws.Purpose.EVIDENCE, signers)
    stored = inventory.StoredEnvelope(3, b"h" * 266, b"b" * 200)
    operator = [(public("operator"), key("operator").sign)]
    drafted = amendment.draft_amendment(world.charter, world.charter.terms, NOW)
    proposed = jws.sign(drafted, jws.Purpose.CHARTER, operator)
    receipts = [(public("receipts"), key("receipts").sign)]
    given_out = jws.sign(
        metadata.write_metadata(one.warrant, NOW, ()), jws.Purpose.METADATA, receipts
    )
    label = one.label
    row = InventoryRow(label.conversation, label.account, label.day, label.key_epoch)
    listing = inventory.write_inventory(
        world.deployment,
        1,
        one.warrant.commitment,
        NOW,
        [inventory.list_label(row, [(stored.sequence, inventory.hash_envelope(stored))])],
        [inventory.InventoryHead(Bytes32(label.conversation), 9, Bytes32(b"h" * 32))],
    )
    listed = jws.sign(listing, jws.Purpose.INVENTORY, [(public("receipts"), key("receipts").sign)])
    statement = keyepoch.decode_signed(_key_epoch(one))
    destroyed = destruction.sign_destruction(
        destruction.Destruction(
            statement_epoch(one), keyepoch.Role.COURT, public("1-court"), 1, NOW
        ),
        key("1-court"),
    )
    told = notice.make_notice(
        one.warrant,
        one.alice,
        world.lines[-1],
        b"proof",
        [(public("1-court"), key("1-court").sign)],
    )
    return {
        "charter.read_terms": Target(charter.read_terms, (write_terms(world.charter.terms),)),
        "charter.verify_genesis": Target(
            lambda data: charter.verify_genesis(data, world.deployment), (genesis,)
        ),
        "charter.verify_amendment": Target(
            lambda data: charter.verify_amendment(world.charter, data), (genesis,)
        ),
        "charter.read_amendment": Target(
            lambda data: charter.read_amendment(world.charter, data), (proposed,)
        ),
        "amendment.read_editable": Target(
            amendment.read_editable, (amendment.write_editable(world.charter),)
        ),
        "metadata.verify_metadata": Target(
            lambda data: metadata.verify_metadata(data, (world.charter,), one.warrant, ()),
            (given_out,),
        ),
        "case.read_warrant": Target(
            lambda data: case.read_warrant(data, world.state, NOW), (signed_warrant,)
        ),
        "case.merge_warrant": Target(
            lambda data: case.merge_warrant([data], one.warrant.commitment, world.state, NOW),
            (signed_warrant,),
        ),
        "warrant.verify_warrant": Target(
            lambda data: warrant.verify_warrant(data, world.charter), (signed_warrant,)
        ),
        "jws.read_payload": Target(
            lambda data: jws.read_payload(data, limits.CHARTER), (genesis, signed_warrant)
        ),
        "jws.verify": Target(
            lambda data: jws.verify(
                data, jws.Purpose.CHARTER, [public("operator")], limits.CHARTER
            ),
            (genesis,),
        ),
        "jws.merge": Target(
            lambda data: jws.merge(signed_warrant, data, limits.WARRANT), (signed_warrant,)
        ),
        "documents.decode": Target(
            lambda data: documents.decode(data, evidence.Manifest, limits.INVENTORY),
            (documents.encode(manifest),),
        ),
        "documents.decode_base64url": Target(
            from_text(documents.decode_base64url),
            (b"AAEC", b"AA"),
            lambda one: documents.encode_base64url(one).encode(),
            (ValueError,),
        ),
        "release_request.decode_request": Target(
            lambda data: release_request.decode_request(world.deployment, data),
            (wanted,),
        ),
        "releases.verify_release": Target(
            lambda data: releases.verify_release(data, world.deployment, permit.digest, committee),
            (given.encode(),),
        ),
        "releases.SealedRelease.decode": Target(
            releases.SealedRelease.decode, (given.encode(),), releases.SealedRelease.encode
        ),
        "releases.decode_body": Target(
            lambda data: releases.decode_body(data, verified, len(permit.labels)),
            (body.encode(),),
            releases.ReleaseBody.encode,
        ),
        "partial.PartialSet.decode": Target(
            PartialSet.decode, (partials.encode(),), PartialSet.encode
        ),
        "evidence.verify_manifest": Target(
            lambda data: evidence.verify_manifest(data, world.charter, [public("1-agency")]),
            (wrapped,),
        ),
        "inventory.verify_inventory": Target(
            lambda data: inventory.verify_inventory(data, (world.charter,), one.warrant), (listed,)
        ),
        "notice.verify_notice": Target(
            lambda data: notice.verify_notice(data, world.state, one.alice, 2 * NOW), (told,)
        ),
        "keyepoch.decode_signed": Target(
            keyepoch.decode_signed, (_key_epoch(one),), keyepoch.SignedKeyEpoch.encode
        ),
        "keyepoch.decode_statement": Target(
            keyepoch.decode_statement,
            (statement.statement,),
            keyepoch.KeyEpochStatement.encode,
        ),
        "destruction.decode_destruction": Target(
            destruction.decode_destruction, (destroyed,), lambda one: one[0].encode() + one[1]
        ),
        "destruction.verify_destruction": Target(
            lambda data: destruction.verify_destruction(
                data, ed25519.verify_key(public("1-court"))
            ),
            (destroyed,),
        ),
        "partial.verify_partials": Target(
            lambda data: partial.verify_partials(
                PartialSet.decode(data),
                permit.labels,
                curve.g2_secret_multiple(curve.G2_GENERATOR, scalar("share")),
                b"r" * 32,
            ),
            (partials.encode(),),
        ),
    }


def statement_epoch(one: Scene) -> keyepoch.EpochId:
    return keyepoch.EpochId(one.world.deployment, 1, EPOCH)


def _key_epoch(one: Scene) -> bytes:
    return bytes(one.world.key_epoch(1, EPOCH).statement)
