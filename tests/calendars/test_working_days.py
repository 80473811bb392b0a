"""What a day is: announced, entered by the operator, or provisional."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

import chinese_calendar
import pytest
from ipgov.calendars.working_days import calendar_version, day, is_working_day
from ipgov.core.errors import GovernanceError, UnknownError
from ipgov.core.settings import settings
from ipgov.policy.holidays import read_calendars

Enter = Callable[[str, str], None]

MAKE_UP_DAYS = {
    2023: "01-28 01-29 04-23 05-06 06-25 10-07 10-08",
    2024: "02-04 02-18 04-07 04-28 05-11 09-14 09-29 10-12",
    2025: "01-26 02-08 04-27 09-28 10-11",
    2026: "01-04 02-14 02-28 05-09 09-20 10-10",
}

# A notice as the State Council might give it for 2027; the days are made up.
NOTICE_2027 = """
notice:
  operator: 测试用
  year: 2027
  document: 国办发明电〔2026〕测试号
  holidays:
    - {name: 元旦, first: 2026-12-31, last: 2027-01-03}
    - {name: 春节, first: 2027-02-05, last: 2027-02-12}
    - {name: 清明节, first: 2027-04-03, last: 2027-04-05}
    - {name: 劳动节, first: 2027-05-01, last: 2027-05-05}
    - {name: 端午节, first: 2027-06-09, last: 2027-06-09}
    - {name: 中秋节, first: 2027-09-15, last: 2027-09-15}
    - {name: 国庆节, first: 2027-10-01, last: 2027-10-07}
  make_up_days: [2026-12-27, 2027-02-14, 2027-10-09]
"""


def every_day(year: int) -> list[dt.date]:
    first = dt.date(year, 1, 1)
    return [first + dt.timedelta(days=i) for i in range((dt.date(year + 1, 1, 1) - first).days)]


@pytest.mark.parametrize("year", MAKE_UP_DAYS)
def test_the_make_up_days_of_a_year_are_exactly_these(year: int) -> None:
    found = [f"{d:%m-%d}" for d in every_day(year) if day(d).kind == "make_up_working_day"]
    assert found == MAKE_UP_DAYS[year].split()


@pytest.mark.parametrize(
    ("date", "kind", "working"),
    [
        ("2025-01-28", "statutory_holiday", False),
        ("2025-02-09", "weekend", False),
        ("2025-02-08", "make_up_working_day", True),
        ("2025-02-10", "working_day", True),
    ],
)
def test_kinds_of_announced_days(date: str, kind: str, working: bool) -> None:
    found = day(dt.date.fromisoformat(date))
    assert (found.kind, found.working, found.provisional) == (kind, working, False)
    assert "chinesecalendar" in found.source


def test_every_announced_day_is_the_packages_and_none_is_provisional() -> None:
    for year in range(2004, 2027):
        days = [day(d) for d in every_day(year)]
        assert not any(d.provisional for d in days)
        assert [d.working for d in days] == [chinese_calendar.is_workday(d.date) for d in days]


def test_a_year_before_the_data_is_unknown() -> None:
    with pytest.raises(UnknownError, match=r"没有 2003 年的工作日数据：已有 2004 年起.*policies/calendars/"):
        day(dt.date(2003, 12, 31))


def test_a_year_without_a_notice_is_provisional_with_the_thirteen_statutory_days() -> None:
    days = [day(d) for d in every_day(2027)]
    assert all(d.provisional and "2027" in d.source for d in days)
    assert [f"{d.date:%m-%d}" for d in days if d.kind == "statutory_holiday"] == (
        [
            "01-01",
            "02-05",
            "02-06",
            "02-07",
            "02-08",
            "04-05",
            "05-01",
            "05-02",
            "06-09",
            "09-15",
            "10-01",
            "10-02",
            "10-03",
        ]
    )
    assert not any(d.kind == "make_up_working_day" for d in days)
    assert all(d.working == (d.date.weekday() < 5 and d.kind == "working_day") for d in days)


@pytest.mark.parametrize("year", [2027, 2028, 2050, 2099])
def test_every_listed_year_has_its_lunar_days(year: int) -> None:
    calendars = read_calendars(settings().policies / "calendars")
    new_year = calendars.festivals[year]["spring_festival"]
    expected = {dt.date(year, m, d) for m, d in ((1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3))}
    expected |= {new_year + dt.timedelta(days=i) for i in (-1, 0, 1, 2)}
    expected |= {calendars.festivals[year][f] for f in ("qingming", "dragon_boat", "mid_autumn")}
    assert set(calendars.statutory_days(year)) == expected


@pytest.mark.parametrize("year", [2100, 2500, 9998])
def test_a_year_beyond_the_lunar_table_says_so_and_does_not_raise(year: int) -> None:
    new_year = day(dt.date(year, 1, 1))
    assert (new_year.kind, new_year.provisional) == ("statutory_holiday", True)
    assert "农历节日未列入" in new_year.source


def test_the_lunar_table_agrees_with_every_announced_arrangement() -> None:
    """Since 2008 all four festivals are statutory: each is off, under its name unless it met another."""
    names = {
        "spring_festival": "Spring Festival",
        "qingming": "Tomb-sweeping Day",
        "dragon_boat": "Dragon Boat Festival",
        "mid_autumn": "Mid-autumn Festival",
    }
    table = read_calendars(settings().policies / "calendars").festivals
    assert set(table) == set(range(2004, 2100))
    under_another_name = {}
    for year in range(2008, 2027):
        for festival, name in names.items():
            at = table[year][festival]
            assert not chinese_calendar.is_workday(at), (festival, at)
            around = [chinese_calendar.holidays.get(at + dt.timedelta(days=i)) for i in (-1, 0, 1)]
            if name not in around:
                under_another_name[at.isoformat()] = chinese_calendar.holidays[at]
    # the one Mid-autumn Festival that was National Day itself
    assert under_another_name == {"2020-10-01": "National Day"}


def test_an_entered_notice_makes_the_year_announced(enter: Enter) -> None:
    before = calendar_version()
    assert day(dt.date(2027, 2, 9)).provisional
    enter("2027.yaml", NOTICE_2027)
    read_fresh()

    after = [day(d) for d in every_day(2027)]
    assert not any(d.provisional for d in after)
    assert day(dt.date(2027, 2, 9)).kind == "statutory_holiday"
    assert day(dt.date(2027, 2, 14)).kind == "make_up_working_day"
    assert day(dt.date(2027, 2, 15)).source == "国办发明电〔2026〕测试号"
    assert calendar_version() != before
    assert day(dt.date(2028, 1, 3)).provisional


def test_a_notice_may_move_the_last_days_of_the_year_before(enter: Enter) -> None:
    assert is_working_day(dt.date(2026, 12, 31))
    assert not is_working_day(dt.date(2026, 12, 27))
    enter("2027.yaml", NOTICE_2027)
    read_fresh()
    assert not is_working_day(dt.date(2026, 12, 31))
    assert is_working_day(dt.date(2026, 12, 27))
    assert day(dt.date(2026, 12, 30)).source.startswith("chinesecalendar")


def test_an_override_wins_and_names_its_note(enter: Enter) -> None:
    enter(
        "own.yaml",
        "overrides:\n"
        "  - {date: 2024-09-05, working: false, note: 停电, operator: 测试}\n"
        "  - {date: 2024-09-07, working: true, note: 补班, operator: 测试}\n"
        "  - {date: 2030-06-03, working: false, note: 预定, operator: 测试}\n",
    )
    read_fresh()
    off, worked, far = (day(dt.date(2024, 9, 5)), day(dt.date(2024, 9, 7)), day(dt.date(2030, 6, 3)))
    assert (off.working, off.kind, off.source) == (False, "statutory_holiday", "运行方调整：停电")
    assert (worked.working, worked.kind) == (True, "make_up_working_day")
    assert not far.working
    assert far.provisional, "one day entered does not announce its year"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("2027-02-14, ", "2027-02-15, "), r"调休上班日不是星期六、星期日：2027-02-15"),
        (("2027-02-14, ", "2027-10-02, "), r"既放假又调休上班：2027-10-02"),
        (("first: 2027-10-01", "first: 2027-09-15"), r"放假日重复：2027-09-15"),
        (("first: 2027-04-03, last: 2027-04-05", "first: 2027-04-03, last: 2027-04-04"), r"未含 2027-04-05"),
        (("first: 2027-05-01", "first: 2027-05-06"), r"“劳动节”的 first 晚于 last"),
        (("2027-10-09]", "2028-01-08]"), r"不在 2027 年.*之内：2028-01-08"),
        (("  operator: 测试用\n", ""), r"notice.year 没有依据"),
        (("  document: 国办发明电〔2026〕测试号\n", ""), r"notice.document 缺少此项"),
    ],
)
def test_a_notice_that_cannot_be_right_is_refused(
    enter: Enter, change: tuple[str, str], message: str
) -> None:
    assert NOTICE_2027.count(change[0]) == 1
    enter("2027.yaml", NOTICE_2027.replace(*change))
    with pytest.raises(GovernanceError) as refused:
        read_calendars(settings().policies / "calendars")
    texts = "\n".join(map(str, refused.value.problems))
    assert "policies/calendars/2027.yaml" in texts
    assert re.search(message, texts), texts


def test_two_entries_for_one_thing_are_refused(enter: Enter) -> None:
    enter("2027.yaml", NOTICE_2027)
    enter("2027-again.yaml", NOTICE_2027)
    entry = "  - {date: 2024-09-05, working: false, note: 甲, operator: 测试}\n"
    enter("own.yaml", "overrides:\n" + entry + entry)
    with pytest.raises(GovernanceError) as refused:
        read_calendars(settings().policies / "calendars")
    texts = "\n".join(map(str, refused.value.problems))
    assert "2027 年的放假通知重复" in texts
    assert "2024-09-05 重复" in texts


def read_fresh() -> None:
    from ipgov.policy import holidays

    holidays.calendars.cache_clear()
