"""Decoders of key ceremonies, key epochs and what destroys them."""

from ceremony_people import GROUP, Committee, reshare_deal, reshare_room

from doublelock.protocol import (
    ceremony,
    ceremony_steps,
    dealing,
    dkg,
    keyepoch,
    prime_group,
    resharing,
    schnorr,
    transcript,
)
from doublelock.protocol.ceremony import Kind, Round

from .decoder_target import Target


def ceremonies() -> dict[str, Target]:
    people = Committee(3, 2)
    room = people.room()
    dealt = people.deal()
    messages = [one.message for one in dealt]
    computed = [dkg.receive(one, messages) for one in dealt]
    done = [dkg.finish(one, [each.message for each in computed]) for one in computed]
    again = Committee(3, 2, "refresh", Kind.RESHARING, 2)
    dealers = dict(enumerate(again.secrets, start=1))
    old_key, shares = done[0].key, [one.share for one in done]
    new_room = reshare_room(old_key, again, dealers)
    passed = reshare_deal(new_room, shares, dealers, "refresh")
    reshared = resharing.receive(new_room, 1, again.secrets[0], passed)
    certified = ceremony.certify_static_key(
        people.name, GROUP, 1, people.secrets[0], people.identities[0]
    ).encode()
    message = ceremony.sign_message(
        people.name, next(iter(Round)), 1, messages[0], people.identities[0]
    ).encode()
    opening = ceremony_steps.Opening(people.name).encode()
    step = next(iter(ceremony_steps.Step))
    signed_step = ceremony_steps.sign_step(people.name, step, b"payload", people.identities[0])
    half = keyepoch.court_half(keyepoch.EpochId(people.name.deployment, 2, 681), 77)
    court = ceremony_steps.encode_court_half(half.public_key, half.possession)
    certificate = done[0].certificate
    ciphertext = prime_group.seal_xchacha20(b"k" * 32, b"n" * 24, b"share")
    signature = schnorr.sign(GROUP, 7, b"message")
    return {
        "ceremony.decode_name": Target(
            ceremony.decode_name, (people.name.encode(),), ceremony.CeremonyName.encode
        ),
        "ceremony.decode_static_key": Target(
            lambda data: ceremony.decode_static_key(GROUP, data),
            (certified,),
            ceremony.CertifiedStaticKey.encode,
        ),
        "ceremony.decode_message": Target(
            ceremony.decode_message, (message,), ceremony.SignedRoundMessage.encode
        ),
        "ceremony_steps.decode_opening": Target(
            ceremony_steps.decode_opening, (opening,), ceremony_steps.Opening.encode
        ),
        "ceremony_steps.accept_step": Target(
            lambda data: ceremony_steps.accept_step(people.name, step, data, people.public[0]),
            (signed_step,),
        ),
        "ceremony_steps.decode_court_half": Target(
            ceremony_steps.decode_court_half,
            (court,),
            lambda one: ceremony_steps.encode_court_half(one.public_key, one.possession),
        ),
        "dealing.decode_dealing": Target(
            lambda data: dealing.decode_dealing(room, data),
            (messages[0],),
            dealing.Dealing.encode,
        ),
        "dealing.check_dealings": Target(
            lambda data: dealing.check_dealings(room, [data, *messages[1:]], [1, 2, 3]),
            (messages[0],),
        ),
        "dkg.decode_dealt": Target(
            lambda data: dkg.decode_dealt(GROUP, data), (dealt[0].encode(),), dkg.Dealt.encode
        ),
        "dkg.decode_computed": Target(
            lambda data: dkg.decode_computed(GROUP, data),
            (computed[0].encode(),),
            dkg.Computed.encode,
        ),
        "resharing.decode_reshared": Target(
            lambda data: resharing.decode_reshared(GROUP, data),
            (reshared.encode(GROUP),),
            lambda one: one.encode(GROUP),
        ),
        "transcript.decode_certificate": Target(
            lambda data: transcript.decode_certificate(room, data),
            (certificate.encode(),),
            transcript.Certificate.encode,
        ),
        "transcript.read_commitments": Target(
            lambda data: transcript.read_commitments(room, data), (certificate.transcript,)
        ),
        "prime_group.open_xchacha20": Target(
            lambda data: prime_group.open_xchacha20(b"k" * 32, b"n" * 24, data), (ciphertext,)
        ),
        "prime_group.Bls12381G2.open": Target(
            lambda data: GROUP.open(b"k" * 32, b"n" * 24, data), (ciphertext,)
        ),
        "schnorr.verify": Target(
            lambda data: schnorr.verify(GROUP, GROUP.base_multiple(7), b"message", data),
            (signature,),
        ),
    }
