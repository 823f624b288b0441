"""`make bench`: every figure, or those of the parts named on the command line."""

import importlib
import sys

from bench.figure import print_figures

PARTS = ("escrow", "opening", "log", "mls", "client", "server")


def main(names: list[str]) -> int:
    """Run the parts named, all without a name; each has `run() -> list[Figure]`."""
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        print(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    for name in names or PARTS:
        print_figures(name, importlib.import_module(f"bench.{name}").run())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
