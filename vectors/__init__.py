"""Our own test vectors: JSON files that Python and TypeScript both read, and what makes them."""
