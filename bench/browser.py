"""The browser's figures: web/bench measures the built client in Chromium, and prints JSON."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import msgspec

from bench.figure import Figure

_WEB: Final = Path(__file__).parents[1] / "web"


def run() -> list[Figure]:
    """Return the figures; the last line of what the script prints has them."""
    told = subprocess.run(
        ["npm", "run", "--silent", "bench"],
        cwd=_WEB,
        env={**os.environ, "DOUBLELOCK_PYTHON": sys.executable},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return msgspec.json.decode(told.stdout.splitlines()[-1], type=list[Figure])
