"""A copy of the project's policies, with every suite and template that they name."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from ipgov.core import settings
from spoiling import Policies


@pytest.fixture
def policies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Policies]:
    shutil.copytree(settings.settings().policies, tmp_path / "policies")
    shutil.copytree(settings.settings().root / "reports" / "templates", tmp_path / "reports" / "templates")
    (tmp_path / "expectations").mkdir()
    for suite in settings.settings().expectations.glob("*.json"):
        (tmp_path / "expectations" / suite.name).write_text("{}")
    monkeypatch.setenv("IPGOV_ROOT", str(tmp_path))
    settings.settings.cache_clear()
    yield Policies(tmp_path / "policies")
    settings.settings.cache_clear()
