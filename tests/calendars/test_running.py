"""A time that is announced: entries make it longer, never shorter; days that are not known are waited for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator

import pytest
from ipgov.calendars.running import Running, running
from ipgov.policy.holidays import calendars
from ipgov.policy.rules import Budget

LIMIT = Budget(working_days=5, clause=("2024-1155#32",))
TURN = """
notice:
  operator: 虚构，仅供测试
  year: 2027
  document: 虚构放假通知〔2026〕第0号
  entered: {entered}
  holidays:
    - {{name: 元旦, first: 2027-01-01, last: 2027-01-05}}
    - {{name: 春节, first: 2027-02-05, last: 2027-02-11}}
    - {{name: 清明节, first: 2027-04-05, last: 2027-04-05}}
    - {{name: 劳动节, first: 2027-05-01, last: 2027-05-05}}
    - {{name: 端午节, first: 2027-06-09, last: 2027-06-09}}
    - {{name: 中秋节, first: 2027-09-15, last: 2027-09-15}}
    - {{name: 国庆节, first: 2027-10-01, last: 2027-10-07}}
"""


def entry(date: str, entered: str, *, working: bool) -> str:
    day = f"date: {date}, working: {str(working).lower()}, note: 临时调整, entered: {entered}"
    return f"overrides:\n  - {{operator: 试, {day}}}\n"


@pytest.fixture
def put(enter: Callable[[str, str], None]) -> Iterator[Callable[[str], None]]:
    """Enter something: a process reads its calendars once, and so begins anew."""

    def write(text: str) -> None:
        enter("own.yaml", text)
        calendars.cache_clear()

    yield write
    calendars.cache_clear()


def asked(day: str, start: str = "2026-06-01", told: str = "2026-06-08") -> Running:
    first, last = map(dt.date.fromisoformat, (start, told))
    return running(first, last, LIMIT, first, dt.date.fromisoformat(day))


def test_it_is_over_on_the_day_after_the_last() -> None:
    assert asked("2026-06-08").over_on is None
    assert asked("2026-06-09").over_on == dt.date(2026, 6, 9)
    assert asked("2027-06-09") == asked("2026-06-09")


def test_a_holiday_that_is_entered_while_it_runs_makes_it_longer_and_says_so(
    put: Callable[[str], None],
) -> None:
    put(entry("2026-06-04", "2026-06-02", working=False))
    assert asked("2026-06-02").last_on == dt.date(2026, 6, 8)  # known from the next day on
    later = asked("2026-06-03")
    assert later.last_on == dt.date(2026, 6, 9)
    (moved,) = later.moved
    assert (moved.set_on, moved.earlier) == (dt.date(2026, 6, 3), dt.date(2026, 6, 8))
    assert "2026-06-04：临时调整" in moved.reason
    assert asked("2026-06-30").over_on == dt.date(2026, 6, 10)


def test_a_day_that_is_worked_after_all_never_makes_it_shorter(put: Callable[[str], None]) -> None:
    put(entry("2026-06-06", "2026-06-02", working=True))
    assert (asked("2026-06-08").last_on, asked("2026-06-08").moved) == (dt.date(2026, 6, 8), ())
    assert asked("2026-06-30").over_on == dt.date(2026, 6, 9)


def test_what_is_entered_after_the_end_changes_nothing(put: Callable[[str], None]) -> None:
    before = asked("2026-07-01")
    put(entry("2026-06-04", "2026-06-20", working=False))
    assert asked("2026-07-01") == before


def test_days_of_a_year_without_its_notice_end_nothing(put: Callable[[str], None]) -> None:
    """五个工作日跨入 2027 年：元旦之后哪天上班，放假通知录入前不知道。"""
    start, told = "2026-12-28", "2027-01-05"
    waiting = asked("2027-01-20", start, told)
    assert (waiting.over_on, waiting.provisional) == (None, True)
    put(TURN.format(entered="2027-01-12"))
    known = asked("2027-01-20", start, told)
    assert known.last_on == dt.date(2027, 1, 7)
    assert known.over_on == dt.date(2027, 1, 13)  # the day on which the notice is known
    assert known.moved[0].reason == "虚构放假通知〔2026〕第0号"
