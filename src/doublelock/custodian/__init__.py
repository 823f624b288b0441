"""A custodian's release daemon: outbound only, over the shared holder."""
