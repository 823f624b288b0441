"""`make bench`: every figure, or those of the parts named on the command line.

`--markdown FILE` writes the tables to a file as well, part by part as they come.
"""

import importlib
import sys
from pathlib import Path

from bench.figure import print_figures, write_figures

PARTS = ("escrow", "opening", "log", "mls", "client", "server", "browser")


def main(names: list[str]) -> int:
    """Run the parts named, all without a name; each has `run() -> list[Figure]`."""
    file = None
    if names[:1] == ["--markdown"] and len(names) > 1:
        file, names = Path(names[1]), names[2:]
        file.write_text("")
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        print(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    for name in names or PARTS:
        figures = importlib.import_module(f"bench.{name}").run()
        print_figures(name, figures)
        if file is not None:
            with file.open("a") as out:
                out.write(write_figures(name, figures) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
