"""A live run is late by the end of its own day; a backfill never is."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest
from ipgov.core.settings import settings
from ipgov.core.steps import SHANGHAI
from ipgov.wiring.deadlines import LiveRunDue, due_of, tell

PROGRAMME = "functional_platform"
YEAR_END = dt.datetime(2027, 1, 1, tzinfo=SHANGHAI)


def run(run_type: str, made: dt.datetime, **changes: Any) -> Any:
    values = {
        "run_type": run_type, "run_after": made, "backfill_id": None, "data_interval_end": YEAR_END,
        "conf": {},
    }  # fmt: skip
    return SimpleNamespace(**{**values, **changes})


def evaluated_on() -> dt.date:
    from ipgov.wiring.timetables import evaluation_day

    return evaluation_day(PROGRAMME, 2026)


def midnight_after(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), tzinfo=SHANGHAI)


@pytest.mark.parametrize("run_type", ["scheduled", "manual"])
def test_a_live_run_is_late_at_the_end_of_its_evaluation_day(run_type: str) -> None:
    day = evaluated_on()
    made = dt.datetime.combine(day, dt.time(9), tzinfo=SHANGHAI)
    assert due_of(run(run_type, made), PROGRAMME) == midnight_after(day)


def test_a_run_made_later_is_late_at_the_end_of_the_day_on_which_it_was_made() -> None:
    later = evaluated_on() + dt.timedelta(days=3)
    made = dt.datetime.combine(later, dt.time(23, 30), tzinfo=SHANGHAI)
    assert due_of(run("manual", made), PROGRAMME) == midnight_after(later)


def test_a_backfill_is_never_late() -> None:
    made = dt.datetime(2028, 1, 1, tzinfo=SHANGHAI)
    assert due_of(run("backfill", made), PROGRAMME) is None
    # a run by hand that a backfill took over
    assert due_of(run("manual", made, backfill_id=7), PROGRAMME) is None
    assert due_of(run("manual", made, conf={"recalculate": True}), PROGRAMME) is None


def test_nothing_is_late_where_a_simulation_plays_other_days(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPGOV_BY_THE_CLOCK", "false")
    settings.cache_clear()
    try:
        made = dt.datetime(2028, 1, 1, tzinfo=SHANGHAI)
        assert due_of(run("scheduled", made), PROGRAMME) is None
    finally:
        settings.cache_clear()


def test_the_scheduler_reads_the_alert_as_it_was_written() -> None:
    from airflow.sdk import DeadlineAlert, SyncCallback
    from airflow.serialization.decoders import decode_deadline_alert
    from airflow.serialization.encoders import encode_deadline_alert

    alert = DeadlineAlert(
        reference=LiveRunDue(PROGRAMME), interval=dt.timedelta(0), callback=SyncCallback(tell), name="x"
    )
    decoded = decode_deadline_alert({"__var": encode_deadline_alert(alert), "__type": "deadline_alert"})
    assert decoded.reference.inner_ref == LiveRunDue(PROGRAMME)
    assert decoded.reference.inner_ref.programme == PROGRAMME
    assert decoded.callback.path == "ipgov.wiring.deadlines.tell"
