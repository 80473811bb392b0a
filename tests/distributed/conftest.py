"""What these tests share with others: the compose file as a program reads it, the laboratory of kills."""

from __future__ import annotations

import sys
from pathlib import Path

for _folder in ("deployment", "faults"):
    sys.path.insert(0, str(Path(__file__).parents[1] / _folder))
