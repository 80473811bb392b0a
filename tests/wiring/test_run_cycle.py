"""Which period a run is of, as of which day, knowing what: live, a backfill, by hand."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.core.steps import SHANGHAI, Mode
from ipgov.wiring.run import cycle

COMPREHENSIVE, YEARLY = "industry_centre", "industry_centre_self_evaluation"
RECOGNITION = "industry_centre_recognition"
KNOWN = "2028-06-01T18:00:00+08:00"


def context(run_type: str, year: int | None, **conf: Any) -> dict[str, Any]:
    end = None if year is None else dt.datetime(year + 1, 1, 1, tzinfo=SHANGHAI)
    return {"dag_run": SimpleNamespace(run_type=run_type, data_interval_end=end, conf=conf)}


def evaluated_on(programme: str, year: int) -> dt.date:
    from ipgov.wiring.timetables import evaluation_day

    return evaluation_day(programme, year)


@pytest.mark.parametrize(
    ("programme", "year"), [(YEARLY, 2025), (RECOGNITION, 2025), (COMPREHENSIVE, 2027), (YEARLY, 2027)]
)
@pytest.mark.parametrize("how", ["backfill", "manual"])
def test_a_recalculation_is_as_of_its_periods_day(
    database: Path, programme: str, year: int, how: str
) -> None:
    by_hand = {} if how == "backfill" else {"recalculate": True, "period": str(year)}
    this = cycle(context(how, year if how == "backfill" else None, **by_hand), programme)
    assert (this.period, this.mode) == (str(year), Mode.RECALCULATE)
    assert this.as_of == evaluated_on(programme, year)
    # the clock stands before the day: in a simulation, what is known by the end of that day
    assert this.known_at.astimezone(SHANGHAI).date() >= this.as_of
    told = cycle(context(how, year, **by_hand | {"known_at": KNOWN}), programme)
    assert told.known_at == dt.datetime.fromisoformat(KNOWN)


@pytest.mark.clause("2024-1155#56")
@pytest.mark.parametrize("programme", [COMPREHENSIVE, YEARLY, RECOGNITION])
@pytest.mark.parametrize("year", [2015, 2023])
def test_no_year_before_the_rules_is_recalculated(database: Path, programme: str, year: int) -> None:
    for run in (context("backfill", year), context("manual", year, recalculate=True)):
        with pytest.raises(UnknownError, match=rf"不办理 {year} 年度.*最早的规则自 2024-12-31 起施行"):
            cycle(run, programme)


@pytest.mark.parametrize(
    ("programme", "year", "why"),
    [
        (YEARLY, 2024, "自 2025 年度起开展"),  # the rules came on its last day
        (COMPREHENSIVE, 2024, "自 2027 年度起开展"),
        (COMPREHENSIVE, 2026, "自 2027 年度起开展"),
        (COMPREHENSIVE, 2028, "每 3 年一次，不办理 2028 年度"),
    ],
)
def test_a_year_that_is_no_period_is_refused(database: Path, programme: str, year: int, why: str) -> None:
    with pytest.raises(RefusedError, match=why):
        cycle(context("backfill", year), programme)


def test_a_live_run_is_of_its_interval_or_of_the_year_that_is_named(database: Path) -> None:
    day = {"as_of": "2028-04-28"}
    assert cycle(context("scheduled", 2027), COMPREHENSIVE).period == "2027"
    this = cycle(context("manual", None, period="2027", **day), COMPREHENSIVE)
    assert (this.period, this.as_of, this.mode) == ("2027", dt.date(2028, 4, 28), Mode.LIVE)
    with pytest.raises(RefusedError, match="请以逻辑日期触发，或以运行参数 period 写明年度"):
        cycle(context("manual", None, **day), COMPREHENSIVE)


@pytest.mark.parametrize(
    ("run_type", "conf", "why"),
    [
        ("backfill", {"as_of": "2028-04-28"}, "不接受运行参数 as_of（2028-04-28）"),
        ("manual", {"recalculate": True, "as_of": "2028-04-28"}, "不接受运行参数 as_of"),
        ("backfill", {"period": "2027"}, "回填逐年办理，不接受运行参数 period（2027）"),
        ("manual", {"period": "二〇二七"}, "period=“二〇二七”不是年度"),
        ("manual", {"period": "27"}, "不是年度，应为 2027 的形式"),
        ("manual", {"recalculate": True, "known_at": "2028-06-01"}, "不是带时区的时刻"),
    ],
)
def test_what_makes_no_sense_is_refused(
    database: Path, run_type: str, conf: dict[str, Any], why: str
) -> None:
    with pytest.raises(RefusedError, match=why):
        cycle(context(run_type, 2027, **conf), COMPREHENSIVE)
