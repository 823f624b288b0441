"""The agency's desk: apply, inventory, open, evidence."""
