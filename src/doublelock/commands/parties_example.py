"""The parties file that `doublelock serve example` prints."""

from typing import Final

TEXT: Final = """\
{
  "name": "Harbour Office",
  "origin": "harbour.example",
  "operator": "Harbour IT",
  "quorum": 2,
  "witnesses": [
    {"role": "witness", "name": "w1.example/witness", "key": "PASTE THE LINES OF witness init"},
    {"role": "witness", "name": "w2.example/witness", "key": "..."},
    {"role": "witness", "name": "w3.example/witness", "key": "..."}
  ],
  "committees": [
    {
      "number": 1,
      "name": "Committee of Northland",
      "jurisdiction": "Northland",
      "threshold": 2,
      "parties": [
        {"role": "custodian", "name": "Bar association", "key": "PASTE custodian init"},
        {"role": "custodian", "name": "University", "key": "..."},
        {"role": "custodian", "name": "Ombudsman", "key": "..."},
        {"role": "court", "name": "District court", "key": "PASTE court init"},
        {"role": "agency", "name": "Prosecutor", "key": "PASTE agency init"},
        {"role": "minister", "name": "Minister of Justice", "key": "PASTE minister init"},
        {"role": "judge", "name": "Investigating judge", "key": "PASTE judge init"}
      ],
      "profiles": [
        {
          "kind": "content-stored",
          "offences": ["corruption", "fraud", "threat-to-life"],
          "max_days": 31,
          "validity_days": 14,
          "gag_days": 30,
          "notice_days": 3,
          "renewals": 1,
          "unnamed_senders": 10
        },
        {"kind": "metadata", "offences": ["corruption", "fraud", "threat-to-life"]}
      ],
      "caps": {"accounts": 50, "labels": 20000},
      "retention_days": 92
    }
  ],
  "skew_minutes": 5,
  "checkpoint_age_minutes": 60,
  "epoch_extension_days": 3,
  "amendment_delay_days": 7
}
"""
