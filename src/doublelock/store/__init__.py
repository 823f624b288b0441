"""What the server keeps: one interface, SQL in .sql files, one store per database (spec W-14)."""
