"""A clock that contradicts the record or the database's clock: a production installation refuses to work."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from ipgov.cli.common import moment as command_moment
from ipgov.core import clock
from ipgov.core.database import reading, transaction
from ipgov.core.errors import EnvironmentProblemError, RefusedError, TemporaryProblemError
from ipgov.core.tables import unclaimed_object
from ipgov.launcher import postgres as embedded
from ipgov.wiring.run import moment as run_moment
from sqlalchemy.engine import make_url

SECOND = dt.timedelta(seconds=1)


class Clock(dt.datetime):
    """datetime whose now is off."""

    off = dt.timedelta(0)

    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:  # type: ignore[override]
        return dt.datetime.now(tz) + cls.off


@pytest.fixture
def turned(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Clock]]:
    """Turn this machine's clock: ``turned.off``."""
    monkeypatch.setattr(clock, "dt", SimpleNamespace(**{**vars(dt), "datetime": Clock}))
    Clock.off = dt.timedelta(0)
    yield Clock
    Clock.off = dt.timedelta(0)


@pytest.fixture
def production(database: Path, postgres: Path) -> Path:
    """The database of a test as if it had been created as production."""
    name = str(make_url(os.environ["IPGOV_DATABASE_URL"]).database)
    with embedded.connect(postgres, name) as superuser:
        for statement in (
            "ALTER TABLE database_identity DISABLE TRIGGER append_only",
            "UPDATE database_identity SET kind = 'production'",
            "ALTER TABLE database_identity ENABLE ALWAYS TRIGGER append_only",
        ):
            superuser.execute(statement)
    return database


def recorded(postgres: Path, ahead: dt.timedelta) -> None:
    """Leave a row as a clock that was fast by ``ahead`` would have left it, here and at the server."""
    moment = dt.datetime.now(dt.UTC) + ahead
    name = str(make_url(os.environ["IPGOV_DATABASE_URL"]).database)
    with embedded.connect(postgres, name) as superuser:
        superuser.execute(
            "INSERT INTO unclaimed_object (object_key, sha256, reason, received_at, known_at, recorded_at)"
            " VALUES (%s, '0', 'x', %s, %s, %s)",
            (f"k{ahead}", moment, moment, moment),
        )


EDGES = {
    "command": lambda: command_moment(None),
    "command for a day": lambda: command_moment("2024-05-01"),
    "task": lambda: run_moment({"dag_run": SimpleNamespace(conf={})}),
    "task for a day": lambda: run_moment({"dag_run": SimpleNamespace(conf={"as_of": "2024-05-01"})}),
}


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("off", [-3600, -121, 125, 86_400 * 365])
def test_clock_unlike_the_databases_is_refused(
    production: Path, turned: type[Clock], edge: str, off: int
) -> None:
    EDGES[edge]()
    turned.off = off * SECOND
    with pytest.raises(
        TemporaryProblemError,
        match=r"本机时钟（.* UTC）与数据库服务器的时钟（.*）相差 \d+ 秒，超过允许",
    ):
        EDGES[edge]()
    turned.off = 60 * SECOND
    EDGES[edge]()  # within what is allowed


@pytest.mark.parametrize("edge", EDGES)
def test_clock_before_the_record_is_refused(
    production: Path, postgres: Path, turned: type[Clock], edge: str
) -> None:
    """Both clocks were turned back together, so they agree; the record knows better."""
    recorded(postgres, 60 * SECOND)
    EDGES[edge]()
    recorded(postgres, 7200 * SECOND)
    with pytest.raises(
        TemporaryProblemError,
        match=r"时钟早于已有的记录：现在为 .*，而表 unclaimed_object 的最新记录为 .*，相差 7\d{3} 秒",
    ):
        EDGES[edge]()


def test_clock_that_was_fast_and_is_right_again_is_recorded(production: Path, postgres: Path) -> None:
    with transaction() as connection, pytest.raises(RefusedError, match="没有晚于现在的记录"):
        clock.accept(connection, "快了", "tester")
    recorded(postgres, 7200 * SECOND)
    with transaction() as connection, pytest.raises(RefusedError, match="须说明原因"):
        clock.accept(connection, " ", "tester")
    with transaction() as connection:
        upto = clock.accept(connection, "主板电池失效，时钟快两小时，已校准", "tester")
    assert upto > dt.datetime.now(dt.UTC) + 7000 * SECOND
    for edge in EDGES.values():
        edge()
    recorded(postgres, 9000 * SECOND)  # a second time
    with pytest.raises(TemporaryProblemError, match="时钟早于已有的记录"):
        command_moment(None)


def test_wrong_clock_cannot_be_accepted_while_it_is_wrong(
    production: Path, postgres: Path, turned: type[Clock]
) -> None:
    recorded(postgres, 7200 * SECOND)
    turned.off = -3600 * SECOND
    with transaction() as connection, pytest.raises(EnvironmentProblemError, match="本机时钟"):
        clock.accept(connection, "已校准", "tester")


def test_simulation_plays_any_day(database: Path, postgres: Path, turned: type[Clock]) -> None:
    recorded(postgres, 86_400 * 1000 * SECOND)
    for off in (-86_400, 86_400):
        turned.off = off * SECOND
        for edge in EDGES.values():
            edge()


def test_nothing_is_written_while_the_clock_is_refused(
    production: Path, postgres: Path, turned: type[Clock]
) -> None:
    from sqlalchemy import func, select

    turned.off = -3600 * SECOND
    with pytest.raises(TemporaryProblemError):
        run_moment({"dag_run": SimpleNamespace(conf={})})
    with reading() as connection:
        assert connection.execute(select(func.count()).select_from(unclaimed_object)).scalar() == 0


def test_durations_are_measured_by_no_clock_that_jumps() -> None:
    """``time.time`` and differences of ``now`` jump with the clock; only ``monotonic`` does not."""
    plugins = Path(clock.__file__).parents[1]
    using = [p.name for p in plugins.rglob("*.py") if "time.time()" in p.read_text(encoding="utf-8")]
    assert using == []
