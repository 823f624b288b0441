"""Reads named statements from the .sql files beside this module, once."""

from importlib.resources import files


def read_sql(name: str) -> str:
    """Return the text of `sql/<name>.sql`."""
    return files("doublelock.store").joinpath("sql", f"{name}.sql").read_text("utf-8")


def read_statements(name: str) -> dict[str, str]:
    """Return the statements of `sql/<name>.sql` by their `-- name:` lines."""
    statements: dict[str, str] = {}
    for part in read_sql(name).split("-- name: ")[1:]:
        title, _, body = part.partition("\n")
        statements[title.strip()] = body.strip().rstrip(";")
    return statements
