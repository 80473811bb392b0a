"""When a period runs: worked examples of the functional platforms' rules."""

import pendulum
import pytest
from airflow.timetables.base import DataInterval, TimeRestriction
from ipgov.wiring.timetables import PeriodTimetable

SHANGHAI = "Asia/Shanghai"


@pytest.fixture
def timetable() -> PeriodTimetable:
    return PeriodTimetable("functional_platform", automatic_from=2026)


def _year(info_or_interval) -> int:
    interval = getattr(info_or_interval, "data_interval", info_or_interval)
    return interval.end.in_timezone(SHANGHAI).subtract(seconds=1).year


def _all(timetable, earliest, latest):
    """What `airflow backfill create` asks for: every period between two dates, past ones included."""
    found, last = [], None
    while True:
        info = timetable.next_dagrun_info(
            last_automated_data_interval=last,
            restriction=TimeRestriction(earliest=earliest, latest=latest, catchup=True),
        )
        if info is None:
            return found
        found.append(info)
        last = info.data_interval


def test_due_ten_working_days_after_the_due_day(timetable):
    # 2024-03-31 is a Sunday, so due on 04-01; ten working days on, over 清明 (04-04..04-06) with 04-07 worked
    info = _all(
        timetable, pendulum.datetime(2023, 1, 1, tz=SHANGHAI), pendulum.datetime(2023, 6, 1, tz=SHANGHAI)
    )
    assert [i.run_after.in_timezone(SHANGHAI) for i in info] == [
        pendulum.datetime(2024, 4, 16, 9, tz=SHANGHAI)
    ]
    assert info[0].data_interval.start == pendulum.datetime(2023, 1, 1, tz=SHANGHAI)
    assert info[0].data_interval.end == pendulum.datetime(2024, 1, 1, tz=SHANGHAI)


def test_backfill_from_a_bare_date_keeps_the_first_year(timetable):
    earliest, latest = (
        pendulum.datetime(2019, 1, 1),
        pendulum.datetime(2022, 1, 1),
    )  # UTC, as the CLI reads dates
    assert [_year(i) for i in _all(timetable, earliest, latest)] == [2019, 2020, 2021, 2022]


def test_backfill_from_mid_year_begins_with_the_next(timetable):
    found = _all(timetable, pendulum.datetime(2019, 5, 1), pendulum.datetime(2021, 1, 1))
    assert [_year(i) for i in found] == [2020, 2021]


def test_unpausing_starts_no_past_year(timetable):
    info = timetable.next_dagrun_info(
        last_automated_data_interval=None,
        restriction=TimeRestriction(earliest=pendulum.datetime(2015, 1, 1), latest=None, catchup=False),
    )
    assert _year(info) >= 2026


def test_after_a_run_comes_the_next_year(timetable):
    last = DataInterval(
        pendulum.datetime(2030, 1, 1, tz=SHANGHAI), pendulum.datetime(2031, 1, 1, tz=SHANGHAI)
    )
    info = timetable.next_dagrun_info(
        last_automated_data_interval=last,
        restriction=TimeRestriction(earliest=pendulum.datetime(2015, 1, 1), latest=None, catchup=False),
    )
    assert _year(info) == 2031


@pytest.mark.parametrize(
    ("moment", "period"),
    [
        ("2024-04-16T10:00:00+08:00", 2023),
        ("2024-04-16T08:59:00+08:00", 2022),
        ("2025-12-31T23:00:00+08:00", 2024),
        ("2026-11-22T00:00:00+00:00", 2025),
    ],
)
def test_a_manual_run_means_the_newest_period_then_due(timetable, moment, period):
    assert _year(timetable.infer_manual_data_interval(run_after=pendulum.parse(moment))) == period


def test_a_year_without_rules_or_holiday_notice_never_raises(timetable):
    found = _all(timetable, pendulum.datetime(2005, 1, 1), pendulum.datetime(2005, 6, 1))
    assert [_year(i) for i in found] == [2005]
    last = DataInterval(
        pendulum.datetime(2044, 1, 1, tz=SHANGHAI), pendulum.datetime(2045, 1, 1, tz=SHANGHAI)
    )
    info = timetable.next_dagrun_info(
        last_automated_data_interval=last,
        restriction=TimeRestriction(earliest=pendulum.datetime(2015, 1, 1), latest=None, catchup=False),
    )
    assert _year(info) == 2045


def test_a_backfill_takes_no_year_before_its_evaluation_day(timetable):
    """Airflow would let its run wait for that day, and refuse every other backfill until then."""
    now = pendulum.now(SHANGHAI)
    found = _all(timetable, pendulum.datetime(now.year - 3, 1, 1), pendulum.datetime(now.year + 5, 1, 1))
    assert _year(found[0]) == now.year - 3
    assert all(i.run_after <= now for i in found)
    assert timetable._due(_year(found[-1]) + 1) > now


BARE = {
    "Shanghai, as this installation reads a bare date": "2019-01-01T00:00:00+08:00",
    "UTC": "2019-01-01T00:00:00Z",
    "Tokyo": "2019-01-01T00:00:00+09:00",
    "New York": "2019-01-01T00:00:00-05:00",
    "farthest west": "2019-01-01T00:00:00-12:00",
    "farthest east": "2019-01-01T00:00:00+14:00",
    "a form in Shanghai, sent as UTC": "2018-12-31T16:00:00Z",
    "a form in New York, sent as UTC": "2019-01-01T05:00:00Z",
}


@pytest.mark.parametrize("first", BARE.values(), ids=BARE)
@pytest.mark.parametrize("last", BARE.values(), ids=BARE)
def test_first_of_january_means_its_year_in_every_zone(timetable, first, last):
    to = pendulum.parse(last.replace("2019", "2021").replace("2018", "2020"))
    found = _all(timetable, pendulum.parse(first), to)
    assert [_year(i) for i in found] == [2019, 2020, 2021]
    assert [i.data_interval.start for i in found] == [
        pendulum.datetime(y, 1, 1, tz=SHANGHAI) for y in (2019, 2020, 2021)
    ]


@pytest.mark.parametrize(
    ("first", "last", "years"),
    [
        # whole years, as people write them
        ("2019-01-01T00:00:00+08:00", "2021-12-31T23:59:59+08:00", [2019, 2020, 2021]),
        ("2019-01-01T00:00:00Z", "2020-12-31T00:00:00Z", [2019, 2020]),
        # a moment is that moment: the second of January is after the year began
        ("2019-01-02T00:00:00+08:00", "2021-06-01T00:00:00+08:00", [2020, 2021]),
        ("2018-12-31T23:59:59+08:00", "2020-12-31T23:59:59+08:00", [2019, 2020]),
        ("2018-12-31T00:00:00-12:00", "2019-01-01T00:00:00+08:00", [2019]),
    ],
)
def test_ends_of_a_range(timetable, first, last, years):
    assert [_year(i) for i in _all(timetable, pendulum.parse(first), pendulum.parse(last))] == years


def test_a_run_by_hand_with_a_years_logical_date_is_of_that_year(timetable):
    interval = timetable.infer_manual_data_interval(run_after=pendulum.datetime(2024, 1, 1, tz=SHANGHAI))
    assert _year(interval) == 2024


def test_serialisation_keeps_every_option(timetable):
    again = PeriodTimetable.deserialize(timetable.serialize())
    assert again.serialize() == timetable.serialize()
    assert again.summary == timetable.summary
