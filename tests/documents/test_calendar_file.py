"""What a responsible unit's calendar file says, read by a parser that is not ours."""

import datetime as dt
from dataclasses import replace

import icalendar
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ipgov.core.errors import RefusedError
from ipgov.documents.calendar_file import Entry, alarm_at, folded, uid, write

DAY = dt.date(2026, 4, 10)
CHANGED = dt.datetime(2026, 4, 3, 1, tzinfo=dt.UTC)
ENTRY = Entry(
    "functional_platform/major_matter/FP01/负责人变更",
    "重大事项报送，虚构交易平台甲；负责人变更，说明\\见附",
    ("事项：重大事项报送", "期限：2026年4月10日（含当日）；逾期将催报, 并通报"),
    DAY,
    provisional=False,
    changes=0,
    changed_at=CHANGED,
    categories=("2023-156#15", "国知发运函字〔2023〕156号"),
    alarms=(alarm_at(dt.date(2026, 4, 8)), alarm_at(DAY)),
)


def events(data: bytes) -> list[icalendar.Event]:
    calendar = icalendar.Calendar.from_ical(data, multiple=True)
    assert len(calendar) == 1
    assert not calendar[0].errors
    return list(calendar[0].walk("VEVENT"))


def test_an_obligation_is_an_all_day_event_that_says_what_is_due() -> None:
    (event,) = events(write("虚构交易平台甲 待办与期限", [ENTRY], "模拟数据"))
    assert event.start == DAY
    assert event.end == DAY + dt.timedelta(days=1)
    assert event["UID"] == uid(ENTRY.key)
    assert event["SUMMARY"] == ENTRY.summary
    assert event["DESCRIPTION"] == "\n".join(ENTRY.description)
    assert [str(c) for c in event.categories] == list(ENTRY.categories)
    assert event["STATUS"] == "CONFIRMED"
    assert event["SEQUENCE"] == 0
    assert event["DTSTAMP"].dt == CHANGED
    assert not event.errors
    alarms = list(event.walk("VALARM"))
    assert [a["TRIGGER"].dt for a in alarms] == [alarm_at(dt.date(2026, 4, 8)), alarm_at(DAY)]
    assert {a["ACTION"] for a in alarms} == {"DISPLAY"}


def test_a_changed_due_day_moves_the_event_and_makes_no_second_one() -> None:
    before = write("甲", [replace(ENTRY, provisional=True)])
    after = write("甲", [replace(ENTRY, due_on=dt.date(2026, 4, 14), changes=1)])
    (was,), (now,) = events(before), events(after)
    assert was["UID"] == now["UID"]
    assert now["SEQUENCE"] > was["SEQUENCE"]
    assert (was["STATUS"], now["STATUS"]) == ("TENTATIVE", "CONFIRMED")
    assert now.start == dt.date(2026, 4, 14)
    assert was["SUMMARY"].startswith("【暂定】")


@pytest.mark.parametrize(
    ("ended", "withdrawn", "status", "mark"),
    [(True, False, "CONFIRMED", "【已办结】"), (True, True, "CANCELLED", "【已撤销】")],
)
def test_what_has_ended_rings_no_more(ended: bool, withdrawn: bool, status: str, mark: str) -> None:
    (event,) = events(write("甲", [replace(ENTRY, ended=ended, withdrawn=withdrawn, changes=1, late=True)]))
    assert event["STATUS"] == status
    assert event["SUMMARY"].startswith(mark)
    assert "逾期" not in event["SUMMARY"]
    assert not list(event.walk("VALARM"))


def test_every_line_ends_and_folds_as_the_standard_says() -> None:
    long = "长" * 200 + "𠮷" * 50
    data = write("甲" * 60, [ENTRY, replace(ENTRY, key="b", summary=long)], "模拟数据，" * 30)
    assert data.endswith(b"END:VCALENDAR\r\n")
    lines = data.split(b"\r\n")
    assert all(b"\n" not in line and b"\r" not in line for line in lines)
    assert max(map(len, lines)) <= 75
    for line in lines:
        line.decode()  # no character is cut in two
    assert {e["SUMMARY"] for e in events(data)} == {ENTRY.summary, long}


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=400))
def test_any_line_is_put_together_again_as_it_was(text: str) -> None:
    line = f"SUMMARY:{text}"
    out = folded(line)
    assert all(len(part) <= 75 for part in out.split(b"\r\n"))
    assert out.replace(b"\r\n ", b"") == line.encode() + b"\r\n"


def test_what_others_wrote_adds_no_line_of_its_own() -> None:
    with pytest.raises(RefusedError):
        write("甲", [replace(ENTRY, summary="好\r\nATTENDEE:mailto:x@example.org")])


def test_the_same_entries_give_the_same_bytes_in_any_order() -> None:
    other = replace(ENTRY, key="b", due_on=DAY - dt.timedelta(days=3))
    assert write("甲", [ENTRY, other]) == write("甲", [other, ENTRY])
