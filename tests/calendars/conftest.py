"""A copy of ``policies/calendars/`` to which a test adds its own files."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ipgov.core import settings


@pytest.fixture
def calendar_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "policies" / "calendars"
    shutil.copytree(settings.settings().policies / "calendars", folder)
    monkeypatch.setenv("IPGOV_ROOT", str(tmp_path))
    settings.settings.cache_clear()
    yield folder
    settings.settings.cache_clear()


@pytest.fixture
def enter(calendar_folder: Path) -> Callable[[str, str], None]:
    def write(name: str, text: str) -> None:
        (calendar_folder / name).write_text(text, encoding="utf-8")

    return write
