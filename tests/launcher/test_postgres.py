"""The embedded PostgreSQL where its folder lies deep, and its end."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

import psutil
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


def test_killed_server_starts_again_with_what_was_committed() -> None:
    with tempfile.TemporaryDirectory(prefix="ipg") as home:
        folder = Path(home) / "pg"
        postgres.start(folder, survive=True)
        try:
            with postgres.connect(folder) as connection:
                connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
                first = postgres.postmaster(folder)
                others = first.children()
                first.kill()  # where nobody collects it, it stays a zombie
            limit = time.monotonic() + 10
            while postgres.postmaster(folder) is not None:
                assert time.monotonic() < limit
                time.sleep(0.01)
            # its number may have become a stranger's
            lines = (folder / "postmaster.pid").read_text(encoding="utf-8").splitlines()
            text = "\n".join([str(os.getpid()), *lines[1:]])
            (folder / "postmaster.pid").write_text(text + "\n", encoding="utf-8")
            (folder / ".s.PGSQL.5432.lock").write_text(text + "\n", encoding="utf-8")
            postgres.start(folder, survive=True)
            assert not [p for p in others if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
            with postgres.connect(folder) as connection:
                assert connection.execute("SELECT one FROM kept").fetchall() == [(1,)]
        finally:
            postgres.stop(folder)


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
