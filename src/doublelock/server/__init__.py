"""One process, two listeners: HTTP and the message stream; it stores what it cannot read."""
