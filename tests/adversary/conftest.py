"""The attacks run in the worlds of the other folders' tests."""

import sys
from pathlib import Path

for folder in ("client", "holder", "protocol", "server"):
    sys.path.insert(0, str(Path(__file__).parents[1] / folder))
