"""An installation is told where it lives by IPGOV_ variables, and a wrong one is not passed over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ipgov.core.errors import GovernanceError, UnknownError
from ipgov.core.settings import settings


@pytest.fixture(autouse=True)
def read_anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    import os

    for name in [n for n in os.environ if n.startswith("IPGOV_")]:
        monkeypatch.delenv(name)
    settings.cache_clear()
    yield
    settings.cache_clear()


def test_defaults_serve_a_checkout() -> None:
    root = Path(__file__).parents[2]
    assert settings().root == root
    assert settings().objects_location == str(root / ".state" / "objects")
    for folder in (settings().policies, settings().sql, settings().expectations):
        assert folder.is_dir()


def test_variables_are_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("IPGOV_STATE", str(tmp_path))
    assert settings().objects_location == str(tmp_path / "objects")
    settings.cache_clear()
    monkeypatch.setenv("IPGOV_OBJECT_STORE", "s3://gov/x")
    assert settings().objects_location == "s3://gov/x"


def test_variable_that_is_no_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPGOV_DATABSE_URL", "x")
    with pytest.raises(UnknownError, match="没有名为 IPGOV_DATABSE_URL 的设置；可用：IPGOV_"):
        settings()


def test_value_that_does_not_fit_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPGOV_MAX_WORKBOOK_BYTES", "many")
    with pytest.raises(GovernanceError, match="设置有误：IPGOV_MAX_WORKBOOK_BYTES 为“many”"):
        settings()
