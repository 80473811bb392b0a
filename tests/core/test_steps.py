"""A step is done once, whole or not at all, whoever asks how often."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from ipgov.core import steps
from ipgov.core.database import engine, reading, transaction
from ipgov.core.errors import RefusedError
from ipgov.core.steps import SHANGHAI, Cycle, Mode, StepResult, last_result, resolve_moment, run_step
from ipgov.core.tables import step_run, unclaimed_object
from sqlalchemy import Connection, func, select

KNOWN_AT = dt.datetime(2024, 4, 1, 9, 0, tzinfo=SHANGHAI)
CYCLE = Cycle("functional_platform", "2023", dt.date(2024, 4, 1), KNOWN_AT)


def add_row(connection: Connection, key: str = "a") -> None:
    connection.execute(
        unclaimed_object.insert().values(
            {c.name: "x" for c in unclaimed_object.columns if c.name in ("sha256", "reason")}
            | {"object_key": key, "known_at": KNOWN_AT}
            | ({"received_at": KNOWN_AT} if "received_at" in unclaimed_object.c else {})
        )
    )


def counts() -> tuple[int, int]:
    with reading() as connection:
        return tuple(  # type: ignore[return-value]
            connection.execute(select(func.count()).select_from(t)).scalar_one()
            for t in (unclaimed_object, step_run)
        )


def work(connection: Connection) -> StepResult:
    add_row(connection)
    return StepResult(read=3, written=1, output={"ids": (1, 2), "day": "2024-04-01"})


def test_run_again_changes_nothing_and_returns_the_same(database: Path) -> None:
    first = run_step(CYCLE, "freeze", "f1", work)
    again = run_step(CYCLE, "freeze", "f1", work)
    assert counts() == (1, 1)
    assert (first.repeated, again.repeated) == (False, True)
    assert first.as_dict() | {"repeated": True} == again.as_dict()
    assert again.output == {"ids": [1, 2], "day": "2024-04-01"}


@pytest.mark.parametrize(
    ("cycle", "step", "fingerprint"),
    [
        (Cycle("other", "2023", CYCLE.as_of, KNOWN_AT), "freeze", "f1"),
        (Cycle("functional_platform", "2024", CYCLE.as_of, KNOWN_AT), "freeze", "f1"),
        (Cycle("functional_platform", "2023", CYCLE.as_of, KNOWN_AT, Mode.RECALCULATE), "freeze", "f1"),
        (CYCLE, "check", "f1"),
        (CYCLE, "freeze", "f2"),
    ],
    ids=["programme", "period", "mode", "step", "inputs"],
)
def test_another_key_is_another_run(database: Path, cycle: Cycle, step: str, fingerprint: str) -> None:
    def nothing(connection: Connection) -> StepResult:
        return StepResult()

    run_step(CYCLE, "freeze", "f1", nothing)
    assert not run_step(cycle, step, fingerprint, nothing).repeated
    assert counts() == (0, 2)


def test_same_inputs_at_another_moment_are_the_same_run(database: Path) -> None:
    later = Cycle(CYCLE.programme, CYCLE.period, dt.date(2025, 1, 1), KNOWN_AT + dt.timedelta(days=300))
    run_step(CYCLE, "freeze", "f1", work)
    assert run_step(later, "freeze", "f1", work).repeated


def test_step_that_fails_leaves_nothing_and_can_be_run_again(database: Path) -> None:
    def fails(connection: Connection) -> StepResult:
        add_row(connection)
        raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        run_step(CYCLE, "freeze", "f1", fails)
    assert counts() == (0, 0)
    assert not run_step(CYCLE, "freeze", "f1", work).repeated
    assert counts() == (1, 1)


def test_result_that_cannot_be_kept_leaves_nothing(database: Path) -> None:
    def odd(connection: Connection) -> StepResult:
        add_row(connection)
        return StepResult(output={"day": dt.date(2024, 4, 1)})

    with pytest.raises(TypeError):
        run_step(CYCLE, "freeze", "f1", odd)
    assert counts() == (0, 0)


def test_process_killed_half_way_leaves_nothing(database: Path) -> None:
    code = """
import os, signal, sys, datetime as dt
sys.path.insert(0, sys.argv[1])
import test_steps as t
def killed(connection):
    t.add_row(connection)
    os.kill(os.getpid(), signal.SIGKILL)
t.run_step(t.CYCLE, "freeze", "f1", killed)
"""
    done = subprocess.run([sys.executable, "-c", code, str(Path(__file__).parent)], env=os.environ.copy())
    assert done.returncode == -signal.SIGKILL
    assert counts() == (0, 0)
    assert not run_step(CYCLE, "freeze", "f1", work).repeated
    assert counts() == (1, 1)


def test_two_at_once_do_it_once(database: Path) -> None:
    start = threading.Barrier(4)
    done: list[StepResult] = []

    def slow(connection: Connection) -> StepResult:
        time.sleep(0.3)
        return work(connection)

    def run() -> None:
        start.wait()
        done.append(run_step(CYCLE, "freeze", "f1", slow))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(r.repeated for r in done) == [False, True, True, True]
    assert counts() == (1, 1)


def test_newest_result_known_at_the_time(database: Path) -> None:
    later = Cycle(CYCLE.programme, CYCLE.period, CYCLE.as_of, KNOWN_AT + dt.timedelta(days=1))
    with reading() as connection:
        assert last_result(connection, CYCLE, "freeze") is None
    run_step(CYCLE, "freeze", "f1", lambda c: StepResult(written=1))
    run_step(later, "freeze", "f2", lambda c: StepResult(written=2))
    with reading() as connection:
        at_first, at_last = (last_result(connection, c, "freeze") for c in (CYCLE, later))
        assert last_result(connection, CYCLE, "check") is None
    assert at_first is not None
    assert at_last is not None
    assert (at_first.written, at_last.written) == (1, 2)


def test_cycle_knows_its_year_and_wants_a_time_zone() -> None:
    assert CYCLE.year == 2023
    with pytest.raises(ValueError, match="time zone"):
        Cycle("p", "2023", dt.date(2024, 1, 1), dt.datetime(2024, 1, 1))  # noqa: DTZ001


class TestMoment:
    """The one reading of the clock, at the edge."""

    NOW = dt.datetime(2024, 3, 31, 17, 0, tzinfo=dt.UTC)  # 1 April, 01:00 in Shanghai

    def test_today_is_the_day_in_shanghai(self) -> None:
        assert resolve_moment(self.NOW, False) == (dt.date(2024, 4, 1), self.NOW)

    def test_day_to_come_is_refused(self) -> None:
        with pytest.raises(RefusedError, match=r"基准日 2024-04-02 晚于今天（2024-04-01），只有模拟库才可以"):
            resolve_moment(self.NOW, False, dt.date(2024, 4, 2))
        assert resolve_moment(self.NOW, False, dt.date(2024, 4, 1))[0] == dt.date(2024, 4, 1)

    def test_simulation_may_play_any_day_and_knows_what_was_known_at_its_end(self) -> None:
        day = dt.date(2026, 5, 1)
        end = dt.datetime(2026, 5, 1, 23, 59, 59, tzinfo=SHANGHAI)
        assert resolve_moment(self.NOW, True, day) == (day, end)

    def test_past_day_elsewhere_knows_what_is_known_now(self) -> None:
        assert resolve_moment(self.NOW, False, dt.date(2023, 1, 1)) == (dt.date(2023, 1, 1), self.NOW)

    def test_knowledge_asked_for_is_taken(self) -> None:
        for simulation in (True, False):
            known = self.NOW - dt.timedelta(days=1)
            asked = resolve_moment(self.NOW, simulation, dt.date(2023, 1, 1), known)
            assert asked == (dt.date(2023, 1, 1), known)

    def test_knowledge_to_come_is_refused(self) -> None:
        ahead = self.NOW + dt.timedelta(seconds=1)
        assert resolve_moment(self.NOW, True, None, ahead)[1] == ahead
        with pytest.raises(RefusedError, match=r"知悉时刻 .* 晚于现在（.*），只有模拟库才可以"):
            resolve_moment(self.NOW, False, None, ahead)


def test_reading_sees_one_state_and_cannot_write(database: Path) -> None:
    from sqlalchemy.exc import InternalError, SQLAlchemyError

    with reading() as connection:
        before = connection.execute(select(func.count()).select_from(unclaimed_object)).scalar()
        with transaction() as writing:
            add_row(writing)
        assert connection.execute(select(func.count()).select_from(unclaimed_object)).scalar() == before
        with pytest.raises((InternalError, SQLAlchemyError), match="read-only transaction"):
            add_row(connection, "b")
    with transaction() as connection:  # the pool gives out the same connection, able to write again
        add_row(connection, "b")
    assert counts() == (2, 0)
    assert engine().pool.checkedout() == 0  # type: ignore[attr-defined]
    assert steps.SHANGHAI.key == "Asia/Shanghai"
