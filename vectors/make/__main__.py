"""`python -m vectors.make`: write every vector file again."""

from vectors.make import FOLDER, NAMES, make

for name in NAMES:
    (FOLDER / f"{name}.json").write_text(make(name))
