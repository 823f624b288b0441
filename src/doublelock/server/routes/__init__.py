"""HTTP routes, one file a subject; they read, ask the parts that decide, and answer (spec W-30)."""
