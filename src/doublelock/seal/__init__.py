"""HPKE sealing to a key named in a signed document, and nothing else."""
