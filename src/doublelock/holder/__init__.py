"""The holder that custodians and court share: vault, law watch, ceremonies and releases."""
