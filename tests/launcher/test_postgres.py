"""The embedded PostgreSQL where its folder lies deep, and its end."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from ipgov.core.errors import EnvironmentProblemError
from ipgov.launcher import postgres
from sqlalchemy import create_engine, text


def test_folder_too_deep_for_a_socket(tmp_path: Path) -> None:
    folder = tmp_path / "深" / ("x" * 100) / "pg"
    folder.parent.mkdir(parents=True)
    postgres.start(folder, survive=True)
    try:
        where = postgres.socket_folder(folder)
        assert Path(tempfile.gettempdir()) in where.parents
        assert where.stat().st_mode & 0o777 == 0o700
        assert len(os.fsencode(where / ".s.PGSQL.5432")) <= 107
        postgres.ensure_database(folder, "airflow", owner=postgres.AIRFLOW)
        with create_engine(postgres.url(folder, "airflow", postgres.AIRFLOW)).connect() as connection:
            assert connection.execute(text("SELECT current_user")).scalar() == "airflow"
            assert connection.execute(text("SHOW listen_addresses")).scalar() == ""
        postgres.mark(folder, "airflow", "版本 'x'")
        assert postgres.marker(folder, "airflow") == "版本 'x'"
    finally:
        postgres.stop(folder)
    assert not (folder / "postmaster.pid").exists()
    postgres.stop(folder)  # nothing to do
    shutil.rmtree(where.parents[1])


def test_stop_leaves_a_stranger_with_the_same_number_alone(tmp_path: Path) -> None:
    (tmp_path / "postmaster.pid").write_text(f"{os.getpid()}\n", encoding="utf-8")
    postgres.stop(tmp_path)
    assert (tmp_path / "postmaster.pid").exists()


def test_runtime_folder_of_another_account_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    with pytest.raises(EnvironmentProblemError, match="属于他人"):
        postgres._private(tmp_path / "run")
