"""A person's client: session, sync, vault, monitor."""
