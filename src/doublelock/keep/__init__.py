"""Files at rest: sealed under a passphrase or key file, written atomically, mode 0600."""
