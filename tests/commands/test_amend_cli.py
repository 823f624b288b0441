"""Amendments on the command line: new keys for the operator and the receipts, made to filed."""

import json
from pathlib import Path

from deployment import PARTIES, Deployment, wait_for

from doublelock.protocol.documents import encode_base64url
from doublelock.protocol.ed25519 import SigningKey


def test_the_operator_changes_its_keys(tmp_path: Path) -> None:
    town = Deployment(tmp_path)
    try:
        town.found()
        assert town.refused("server", "amend", "key") == "vault-locked"
        town.daemons["server"].stop()
        operator, receipt = (town.ask("server", "amend", "key")["key"] for _ in range(2))
        town.start_server()
        where = ["--address", town.address]
        place = town.place("server")
        terms = json.loads(town.call("serve", "amend", "terms", *where, *place))
        terms["operator"]["key"] = operator
        edited = town.folder / "terms.json"
        # A key that this server does not hold is not even drafted.
        foreign = encode_base64url(SigningKey(b"\x11" * 32).public.encoded)
        edited.write_text(json.dumps(terms | {"receipt_key": foreign}))
        made = ["amend", "draft", "terms.json", "--out", "amendment.json", *where]
        assert town.refused("server", *made) == "vault-missing"
        edited.write_text(json.dumps(terms | {"receipt_key": receipt}))
        town.call("serve", *made, *place)
        for who in ("custodian-1", "custodian-2", "court"):
            ask = ["consent", "amendment.json", "--yes", *where, *town.place(who)]
            town.call(PARTIES[who][0], *ask)
        town.ask("server", "amend", "file", "amendment.json", *where)
        wait_for(lambda: len(town.law().charters) == 2)
        amended = town.law().charters[1].terms
        assert encode_base64url(bytes(amended.operator.key)) == operator
        assert encode_base64url(bytes(amended.receipt_key)) == receipt
        # Until it takes effect the old key acts.
        town.ask("server", "statistics", *where)
    finally:
        town.stop()
