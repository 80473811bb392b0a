"""The disk is full at one write after another of a step: nothing is half-done, and later all of it is."""

# ruff: noqa: PT017 - what is told is one of several outcomes

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from ipgov.core.database import reading
from ipgov.core.errors import EnvironmentProblemError
from ipgov.core.tables import metadata
from ipgov.procedures import submission_intake
from played_nation import Nation
from sqlalchemy import func, select


def rows() -> dict[str, int]:
    with reading() as connection:
        return {
            t.name: connection.execute(select(func.count()).select_from(t)).scalar_one()
            for t in metadata.sorted_tables
        }


def everything(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_intake_does_nothing_and_then_everything(nation: Nation, monkeypatch: pytest.MonkeyPatch) -> None:
    nation.open(2023)
    keys = sorted(s.key for s in nation.send(2023))[:1]
    day = nation.days(2023).late_until.date
    before, kept = rows(), everything(nation.objects)
    left, synced = [0], os.fsync

    def fsync(handle: int) -> None:
        if left[0] <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        left[0] -= 1
        synced(handle)

    failures = 0
    for n in range(0, 100, 3):
        left[0] = n
        monkeypatch.setattr(os, "fsync", fsync)
        try:
            result = submission_intake.receive(keys, day, nation.at(day))
        except EnvironmentProblemError as error:
            failures += 1
            assert "无法写入" in error.message
            assert "磁盘空间已满" in error.message
            assert rows() == before
            assert not [k for k in everything(nation.objects) if ".ipgov-put-" in k]
        else:
            break
    monkeypatch.setattr(os, "fsync", synced)
    assert failures >= 2
    assert result.written == 1
    assert rows()["submission"] == before["submission"] + 1
    done = rows()
    submission_intake.receive(keys, day, nation.at(day))
    assert rows() == done, "nothing twice"
    assert kept.items() <= everything(nation.objects).items()
