"""Which day is due: the measured vectors, the counting rules, and what holds for every start."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ipgov.calendars.deadlines import ONE_DAY, add_working_days, cycle_days, due, roll
from ipgov.calendars.working_days import calendar_version, is_working_day
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.policy import store
from ipgov.policy.rules import Budget

DAYS = st.dates(dt.date(2004, 1, 1), dt.date(2034, 12, 31))


def at(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2024-12-30", "2025-01-07"),
        ("2025-01-24", "2025-02-07"),  # Spring Festival and the make-up Sunday 01-26
        ("2025-09-26", "2025-10-10"),  # make-up 09-28, National Day
        ("2025-09-30", "2025-10-14"),  # make-up 10-11
        ("2026-02-12", "2026-02-26"),  # make-up 02-14
        ("2026-09-18", "2026-09-24"),  # make-up Sunday 09-20
    ],
)
def test_five_working_days_start_not_counted(start: str, end: str) -> None:
    found = due(at(start), Budget(working_days=5))
    assert (found.date, found.provisional, found.calendar) == (at(end), False, calendar_version())


@pytest.mark.parametrize(
    ("start", "n", "end"),
    [
        ("2015-04-24", 9, "2015-05-08"),
        ("2022-11-15", 4, "2022-11-21"),
        ("2023-09-05", 8, "2023-09-15"),
    ],
)
def test_dated_deadlines_of_the_documents_in_working_days(start: str, n: int, end: str) -> None:
    assert add_working_days(at(start), n).date == at(end)
    assert is_working_day(at(end))


def test_one_year_ends_on_the_corresponding_day() -> None:
    assert due(at("2023-09-05"), Budget(years=1)).date == at("2024-09-05")


def test_one_week_that_ends_in_a_holiday_moves_to_the_next_working_day() -> None:
    assert due(at("2026-09-28"), Budget(calendar_days=7)).date == at("2026-10-08")
    assert due(at("2026-09-28"), Budget(calendar_days=7, roll=False)).date == at("2026-10-05")


@pytest.mark.parametrize(
    ("start", "budget", "end"),
    [
        ("2024-01-31", Budget(months=1, roll=False), "2024-02-29"),
        ("2023-01-31", Budget(months=1, roll=False), "2023-02-28"),
        ("2024-02-29", Budget(years=1, roll=False), "2025-02-28"),
        ("2024-11-30", Budget(months=3, roll=False), "2025-02-28"),
        ("2024-12-15", Budget(months=1, roll=False), "2025-01-15"),
        ("2024-03-01", Budget(months=1, roll=False, count_start_day=True), "2024-03-31"),
        ("2024-01-31", Budget(months=1, roll=False, count_start_day=True), "2024-02-29"),
        ("2023-11-28", Budget(calendar_days=5, roll=False, count_start_day=True), "2023-12-02"),
        ("2023-11-28", Budget(calendar_days=5, roll=False), "2023-12-03"),
        ("2025-09-26", Budget(working_days=5, count_start_day=True), "2025-10-09"),
        ("2025-09-27", Budget(working_days=1, count_start_day=True), "2025-09-28"),
        ("2025-09-05", Budget(calendar_days=0, roll=False), "2025-09-05"),
        ("2024-09-15", Budget(working_days=0), "2024-09-18"),
    ],
)
def test_counting_rules(start: str, budget: Budget, end: str) -> None:
    assert due(at(start), budget).date == at(end)


def test_roll_leaves_a_working_day_and_moves_any_other() -> None:
    assert roll(at("2024-03-29")).date == at("2024-03-29")
    assert roll(at("2024-03-30")).date == at("2024-04-01")
    assert roll(at("2024-04-07")).date == at("2024-04-07")  # a Sunday that is worked


def test_a_negative_number_of_days_is_refused() -> None:
    with pytest.raises(UnknownError, match="工作日天数 -1 无效"):
        add_working_days(at("2024-01-02"), -1)


def test_provisional_as_soon_as_a_provisional_day_is_passed_over() -> None:
    assert not add_working_days(at("2026-12-28"), 3).provisional
    crossing = add_working_days(at("2026-12-28"), 4)
    assert (crossing.date, crossing.provisional) == (at("2027-01-04"), True)
    # no day's kind was asked for: the date is certain
    assert not due(at("2026-12-28"), Budget(calendar_days=30, roll=False)).provisional
    assert due(at("2026-12-28"), Budget(calendar_days=30)).provisional


@settings(deadline=None)  # the machine is shared
@given(DAYS, st.integers(1, 60))
def test_the_nth_working_day_is_the_nth(start: dt.date, n: int) -> None:
    end = add_working_days(start, n).date
    passed = [start + i * ONE_DAY for i in range(1, (end - start).days + 1)]
    assert is_working_day(end)
    assert sum(map(is_working_day, passed)) == n
    assert add_working_days(start, n + 1).date > end
    assert add_working_days(start + ONE_DAY, n).date >= end


@settings(deadline=None)  # the machine is shared
@given(DAYS, st.integers(1, 60))
def test_counting_the_start_day_is_starting_the_day_before(start: dt.date, n: int) -> None:
    counted = add_working_days(start + ONE_DAY, n, count_start_day=True)
    assert counted.date == add_working_days(start, n).date


@settings(deadline=None)  # the machine is shared
@given(DAYS, st.integers(0, 120))
def test_months_end_on_the_same_day_number_or_the_months_last(start: dt.date, months: int) -> None:
    end = due(start, Budget(months=months, roll=False)).date
    assert (end.year * 12 + end.month) - (start.year * 12 + start.month) == months
    assert end.day == start.day or (end.day < start.day and (end + ONE_DAY).day == 1)


@pytest.mark.parametrize(
    ("year", "opens", "due_on", "late_until", "evaluate_on"),
    [
        (2023, "2024-01-10", "2024-04-01", "2024-04-09", "2024-04-16"),
        (2024, "2025-01-10", "2025-03-31", "2025-04-08", "2025-04-15"),
        (2025, "2026-01-12", "2026-03-31", "2026-04-08", "2026-04-15"),
    ],
)
def test_the_days_of_the_first_platform_cycles(
    year: int, opens: str, due_on: str, late_until: str, evaluate_on: str
) -> None:
    days = cycle_days(store.governing("functional_platform", year).rules.cycle, year)
    found = [days.opens.date, days.due.date, days.late_until.date, days.evaluate_on.date]
    assert found == [at(opens), at(due_on), at(late_until), at(evaluate_on)]
    assert not any(d.provisional for d in (days.opens, days.due, days.late_until, days.evaluate_on))


def test_the_days_of_a_cycle_without_a_notice_are_provisional() -> None:
    days = cycle_days(store.governing("functional_platform", 2026).rules.cycle, 2026)
    assert all(d.provisional for d in (days.opens, days.due, days.late_until, days.evaluate_on))


def test_a_provisional_due_day_makes_what_follows_provisional() -> None:
    cycle = store.governing("functional_platform", 2026).rules.cycle
    certain = cycle.model_copy(
        update={
            "late_until": Budget(calendar_days=1, roll=False),
            "evaluate_after": Budget(calendar_days=2, roll=False),
        }
    )
    days = cycle_days(certain, 2026)
    assert days.late_until.provisional
    assert days.evaluate_on.provisional


def test_an_evaluation_before_late_ones_are_in_is_refused() -> None:
    cycle = store.governing("functional_platform", 2023).rules.cycle
    wrong = cycle.model_copy(update={"evaluate_after": Budget(working_days=5)})
    with pytest.raises(
        RefusedError, match=r"2023 年度的日期次序不对.*逾期受理至 2024-04-09、评价 2024-04-09"
    ):
        cycle_days(wrong, 2023)
