"""One store interface; SQL in .sql files; SQLite."""
