"""A database that is out of reach, full, closed or slow: a clear message, and the same call done later."""

# ruff: noqa: PT012, SIM117 - the transaction itself is what is tested

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ipgov.core import database as db
from ipgov.core.errors import EnvironmentProblemError, TemporaryProblemError
from ipgov.core.settings import settings
from ipgov.core.tables import unclaimed_object
from ipgov.launcher import postgres as embedded
from sqlalchemy import Connection, func, select, text
from sqlalchemy.engine import make_url

NOW = "2024-01-02 09:00+08"


def add(connection: Connection, key: str = "a") -> None:
    values = {"object_key": key, "sha256": "0" * 64, "reason": "（试）", "received_at": NOW, "known_at": NOW}
    connection.execute(unclaimed_object.insert().values(**values))


def count() -> int:
    with db.reading() as connection:
        return connection.execute(select(func.count()).select_from(unclaimed_object)).scalar_one()


def anew() -> None:
    db.engine().dispose()
    db.engine.cache_clear()
    settings.cache_clear()


@pytest.fixture
def name(database: Path) -> Iterator[str]:
    yield str(make_url(os.environ["IPGOV_DATABASE_URL"]).database)
    anew()


def _ipgov(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from ipgov.cli import main; main()", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("53100", "数据库服务器的磁盘空间已满，请腾出空间后重试"),
        ("53200", "数据库服务器内存不足"),
        ("57014", "语句超过规定时间"),
        ("57P02", "数据库服务器异常终止"),
        ("40001", "与另一项工作冲突"),
    ],
)
def test_what_the_server_reports_is_told_and_may_pass(name: str, state: str, said: str) -> None:
    report = f"DO $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '{state}'; END $$"
    with pytest.raises(TemporaryProblemError, match=said) as told, db.transaction() as connection:
        add(connection)
        connection.execute(text(report))
    assert f"库 {name}" in told.value.message
    assert "数据库称：could not extend file" in told.value.message
    assert count() == 0, "nothing half-done"
    with db.transaction() as connection:
        add(connection)
    assert count() == 1


def test_copy_without_room_is_told_too(name: str) -> None:
    """COPY goes past SQLAlchemy, to the driver itself."""
    with pytest.raises(TemporaryProblemError, match="磁盘空间已满"), db.transaction() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute("DO $$ BEGIN RAISE EXCEPTION 'full' USING ERRCODE = '53100'; END $$")


def test_mistakes_of_the_program_stay_what_they_are(name: str) -> None:
    from sqlalchemy.exc import IntegrityError, ProgrammingError

    with pytest.raises(ProgrammingError), db.reading() as connection:
        connection.execute(text("SELECT nothing"))
    with pytest.raises(IntegrityError), db.transaction() as connection:
        add(connection)
        add(connection)
    with pytest.raises(Exception, match="read-only transaction") as raised, db.reading() as connection:
        add(connection)
    assert not isinstance(raised.value, EnvironmentProblemError)


def test_restart_is_told_and_the_next_call_works(name: str, postgres: Path) -> None:
    with pytest.raises(TemporaryProblemError, match=r"正在关闭或重新启动|连接中断"):
        with db.transaction() as connection:
            add(connection)
            own = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
            with embedded.connect(postgres) as superuser:
                superuser.execute("SELECT pg_terminate_backend(%s, 2000)", (own,))
            add(connection, "b")
    assert count() == 0
    with db.transaction() as connection:
        add(connection)
    assert count() == 1


def test_restart_between_two_calls_is_not_noticed(name: str, postgres: Path) -> None:
    assert count() == 0
    with embedded.connect(postgres) as superuser:
        superuser.execute(
            "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity WHERE datname = %s", (name,)
        )
    assert count() == 0


def test_read_only_database_is_told(name: str, postgres: Path) -> None:
    with embedded.connect(postgres) as superuser:
        superuser.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    anew()
    with pytest.raises(EnvironmentProblemError, match="数据库为只读") as told, db.transaction() as connection:
        add(connection)
    assert not isinstance(told.value, TemporaryProblemError)
    assert count() == 0  # reading goes on
    with embedded.connect(postgres) as superuser:
        superuser.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
    anew()
    with db.transaction() as connection:
        add(connection)


def test_database_without_free_connections_is_told(name: str, postgres: Path) -> None:
    anew()
    with embedded.connect(postgres) as superuser:
        superuser.execute(f'ALTER DATABASE "{name}" CONNECTION LIMIT 0')
        try:
            with pytest.raises(TemporaryProblemError, match="连接数已满"):
                count()
            done = _ipgov("status")
        finally:
            superuser.execute(f'ALTER DATABASE "{name}" CONNECTION LIMIT -1')
    assert done.returncode == 2
    assert "连接数已满" in done.stderr
    assert "Traceback" not in done.stderr
    assert count() == 0


def test_statement_that_takes_too_long_is_ended(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPGOV_DATABASE_STATEMENT_TIMEOUT", "1")
    anew()
    with pytest.raises(TemporaryProblemError, match="IPGOV_DATABASE_STATEMENT_TIMEOUT"):
        with db.transaction() as connection:
            connection.execute(text("SELECT pg_sleep(20)"))


def _closed_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def test_server_out_of_reach_is_told_without_the_password(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"postgresql+psycopg://ipgov_app:geheim@127.0.0.1:{_closed_port()}/gov"
    monkeypatch.setenv("IPGOV_DATABASE_URL", url)
    anew()
    with pytest.raises(
        TemporaryProblemError, match=r"数据库无法连接或连接中断（127.0.0.1:\d+，库 gov）"
    ) as told:
        count()
    assert "geheim" not in told.value.message
    done = _ipgov("status", "--json")
    assert done.returncode == 2
    assert '"error": "数据库无法连接' in done.stdout
    assert "geheim" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_server_that_does_not_answer_is_not_waited_for_without_end(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        monkeypatch.setenv("IPGOV_DATABASE_URL", f"postgresql+psycopg://ipgov_app@127.0.0.1:{port}/gov")
        monkeypatch.setenv("IPGOV_DATABASE_CONNECT_TIMEOUT", "2")
        anew()
        with pytest.raises(TemporaryProblemError, match="数据库无法连接"):
            count()


@pytest.mark.parametrize("url", ["nonsense", "postgresql+nodriver://u:geheim@h/d"])
def test_address_that_is_none_is_told(database: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    db.engine().dispose()
    monkeypatch.setenv("IPGOV_DATABASE_URL", url)
    db.engine.cache_clear()
    settings.cache_clear()
    with pytest.raises(EnvironmentProblemError, match="数据库地址无效") as told:
        count()
    assert "geheim" not in told.value.message


def test_database_that_was_never_made_is_told(database: Path, postgres: Path) -> None:
    from ipgov.core.errors import GovernanceError

    embedded.ensure_database(postgres, "empty_one", owner=embedded.OWNER)
    try:
        done = _ipgov("status", IPGOV_DATABASE_URL=embedded.url(postgres, "empty_one", embedded.APPLICATION))
    finally:
        embedded.drop_database(postgres, "empty_one")
    assert done.returncode == 2
    assert "请先运行 ipgov migrate" in done.stderr
    assert "Traceback" not in done.stderr
    assert issubclass(EnvironmentProblemError, GovernanceError)
