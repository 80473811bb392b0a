"""The whole stack, its processes killed while a year runs: what is left is what an undisturbed year leaves.

Here one kill of each of the worst victims in one year; ``make faults COUNT=50`` kills at random instants.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
import stacks

pytestmark = pytest.mark.scheduler

KILLS = ((2.0, "task"), (4.0, "postmaster"), (4.0, "scheduler"), (4.0, "backend"), (3.0, "api-server"))


def test_a_year_whose_processes_are_killed() -> None:
    with tempfile.TemporaryDirectory(prefix="ipg") as folder:
        home = Path(folder)
        stacks.prepared(home / "p")
        undisturbed = stacks.year(home / "p", home / "u", (), 1)
        assert undisturbed.told is not None, undisturbed.problem + undisturbed.output
        assert undisturbed.told.rows["issue"]
        killed = stacks.year(home / "p", home / "k", KILLS, 1)
        assert killed.told is not None, killed.problem + killed.output
        assert len(killed.kills) == len(KILLS), killed.kills
        assert "内置 PostgreSQL 意外退出，第 1 次重启" in killed.output
        assert undisturbed.told.differences(killed.told) == []
