"""partial.json: partials of two committees and the keys that they make (spec E-11 to E-14)."""

from doublelock.protocol.partial import COURT, combine_batch, make_partials
from vectors.make.world import (
    CUSTODIANS,
    LABEL,
    OTHER_COMMITTEE,
    THRESHOLD,
    bytes_of,
    court,
    holder_keys,
    share,
)


def build() -> dict[str, object]:
    """Return the file."""
    cases = []
    for label in (LABEL, OTHER_COMMITTEE):
        keys = holder_keys(label.committee)
        sets = [make_partials(i, share(label.committee, i), [label]) for i in CUSTODIANS]
        from_court = make_partials(COURT, court(label.committee), [label])
        (key,) = combine_batch([label], sets[2:], from_court, keys, bytes_of("random"))
        cases.append(
            {
                "label": label.encode().hex(),
                "threshold": THRESHOLD,
                "mpk": keys.mpk.encoded.hex(),
                "court_key": keys.court.encoded.hex(),
                "verification_shares": {
                    str(i): point.encoded.hex() for i, point in keys.custodians.items()
                },
                "partials": {str(given.index): given.points[0].encoded.hex() for given in sets},
                "court_partial": from_court.points[0].encoded.hex(),
                "encoded_sets": [given.encode().hex() for given in (*sets, from_court)],
                "label_key": key.point.encoded.hex(),
            }
        )
    return {
        "about": "Partials (48, G1) of five custodians and the court; any three and the court make "
        "the label's key.",
        "rules": ["E-11", "E-12", "E-13", "E-14"],
        "good": cases,
    }
