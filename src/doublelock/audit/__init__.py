"""Anyone's check: verify logs and evidence packages offline."""
