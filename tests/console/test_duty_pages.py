"""The page of what is owed: by week and unit, late and provisional told apart; its workbook and calendars."""

from __future__ import annotations

import datetime as dt
import io
import re

import icalendar
import openpyxl
import pytest
from console_browser import Browser, words
from console_sample import HOSTILE, PROGRAMME, Sample

OCCURRED = dt.date(2026, 4, 7)
SHOWN = "as_of=2026-04-21"


@pytest.fixture
def owing(sample: Sample) -> None:
    from ipgov.core.steps import SHANGHAI
    from ipgov.procedures import follow_up

    known_at = dt.datetime.combine(OCCURRED, dt.time(12), tzinfo=SHANGHAI)
    subject = HOSTILE.replace("/", "").replace("#", "")
    follow_up.record_occurrence(PROGRAMME, "FP01", "litigation", subject, OCCURRED, "运行组", "试", known_at)
    end = dt.datetime(2026, 4, 21, 23, tzinfo=SHANGHAI)
    follow_up.advance(dt.date(2026, 4, 21), end, dt.date(2026, 4, 1))


def test_what_is_late_stands_first_with_whom_it_waits_for(viewer: Browser, owing: None) -> None:
    from ipgov.core.steps import SHANGHAI
    from ipgov.procedures import follow_up

    answer = viewer.get(f"/governance/duties?{SHOWN}")
    assert answer.status_code == 200
    text = words(answer.text)
    assert "基准日 2026-04-21" in text
    assert "逾期（2 项）" in text  # and the monthly release of the office
    assert "重大事项报送" in text
    assert "国知发运函字〔2023〕156号三" in text
    (number,) = set(re.findall(r"重大事项报送.{0,200}?([0-9A-F]{4}(?:-[0-9A-F]{4}){2})", text, re.S))
    end = dt.datetime(2026, 4, 21, 23, tzinfo=SHANGHAI)
    assert follow_up.one(number, dt.date(2026, 4, 21), end).duty_name == "重大事项报送"
    assert "<script>" not in answer.text
    assert "<b>" not in answer.text.replace("<body", "")


def test_one_units_duties_and_its_files(viewer: Browser, owing: None) -> None:
    page = viewer.get(f"/governance/duties?{SHOWN}&owner=office")
    assert page.status_code == 200
    assert "重大事项报送" not in words(page.text)
    book = viewer.get(f"/governance/duties/xlsx?{SHOWN}")
    assert openpyxl.load_workbook(io.BytesIO(book.content))["按周"]["A5"].value == "逾期"
    file = viewer.get(f"/governance/duties/calendar/office?{SHOWN}")
    assert file.headers["content-type"].startswith("text/calendar")
    assert list(icalendar.Calendar.from_ical(file.content).walk("VEVENT"))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("?owner=FP77", "“FP77”在此期间没有待办事项"),
        ("?as_of=昨天", "不是日期"),
        ("?weeks=0", ""),
        ("?wochen=3", "地址中有未知的参数：wochen"),
        ("/calendar/FP77", "“FP77”没有承担过任何事项"),
    ],
)
def test_a_wrong_address_is_told(viewer: Browser, owing: None, query: str, said: str) -> None:
    answer = viewer.get(f"/governance/duties{query}")
    assert 400 <= answer.status_code < 500
    assert said in words(answer.text)
