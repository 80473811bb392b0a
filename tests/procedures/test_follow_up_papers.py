"""Letters of the follow-up: once per event and addressee, none that came to nothing, in an office's words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

import pytest
from played_nation import PROGRAMME, Nation, at
from sqlalchemy import text

SINCE = dt.date(2024, 3, 1)
MONDAY = dt.date(2024, 3, 4)
SUBJECT = "负责人变动"
KEY = f"{PROGRAMME}/major_matter/FP01/person_in_charge:{SUBJECT}"


def day(number: int) -> dt.date:
    return dt.date(2024, 3, number)


def advance(on: dt.date) -> None:
    from ipgov.procedures import follow_up

    follow_up.advance(on, at(on), None if follow_up.last_day() else SINCE)


def papers(on: dt.date) -> dict[str, Any]:
    from ipgov.procedures import follow_up_papers

    return dict(follow_up_papers.write(on, at(on)).output)


def live(days: Iterable[dt.date]) -> None:
    for on in days:
        advance(on)
        papers(on)


def query(statement: str, **values: Any) -> list[dict[str, Any]]:
    from ipgov.core.database import reading

    with reading() as connection:
        return [dict(r) for r in connection.execute(text(statement), values).mappings()]


def letters(kind: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Every letter of a kind by day and recipient, with its words."""
    from ipgov.core.objects import get_content
    from ipgov.documents.model import SIMULATION_BANNER, parse_document

    found = {}
    for row in query(
        "SELECT * FROM document WHERE kind = :kind AND programme = :p ORDER BY id", kind=kind, p=PROGRAMME
    ):
        document = parse_document(get_content(row["data_sha256"]))
        assert document.banner == SIMULATION_BANNER
        row["text"] = "\n".join(p if isinstance(p, str) else p.text for p in document.paragraphs)
        row["to"] = document.recipients
        found[f"{row['issued_on']:%m-%d}", row["recipient"]] = row
    return found


def dealt_with() -> list[dict[str, Any]]:
    return query(
        "SELECT e.day, e.event, e.step, p.recipient, p.document_id, p.reason FROM obligation_event e "
        "LEFT JOIN obligation_paper p ON p.event_id = e.id "
        "JOIN obligation o ON o.id = e.obligation_id AND o.key = :key "
        "WHERE e.event IN ('reminded', 'overdue', 'escalated') ORDER BY e.id, p.id",
        key=KEY,
    )


@pytest.fixture
def matter(nation: Nation) -> dict[str, str]:
    """A major matter of one body, known on the day on which it occurred; returns its parties."""
    from ipgov.procedures import follow_up

    note = "模拟"
    follow_up.record_occurrence(
        PROGRAMME, "FP01", "person_in_charge", SUBJECT, MONDAY, "运行组", note, at(MONDAY)
    )
    body = nation.units(MONDAY)["FP01"]
    return {"host": body.host.code, "operating": body.operator.code, "province": body.province}


@pytest.mark.clause("2023-156#15")
def test_whoever_is_late_hears_of_it_then_those_above(matter: dict[str, str]) -> None:
    live(day(n) for n in range(5, 20))
    host, operating, province = matter["host"], matter["operating"], matter["province"]
    reminded = letters("reminder")
    # opening to body and host, half-way to the host, on the day to both
    assert set(reminded) == {
        ("03-05", "FP01"), ("03-05", host), ("03-07", host), ("03-11", "FP01"), ("03-11", host),
    }  # fmt: skip
    first = reminded["03-05", host]["text"]
    assert "你单位应当完成重大事项报送" in first
    assert f"虚构交易平台甲，{SUBJECT}" in first
    assert "2024年3月11日（含当日）" in first
    assert "尚有4个工作日" in first
    assert "国知发运函字〔2023〕156号）第三部分" in first
    assert "知识产权运用促进司" in first
    assert "期限今日届满" in reminded["03-11", host]["text"]
    assert "请督促其按期完成" in reminded["03-11", "FP01"]["text"]
    urged = letters("overdue")
    assert set(urged) == {("03-12", host), ("03-18", host)}
    assert "已逾期1个工作日" in urged["03-12", host]["text"]
    assert "2024年3月18日前仍未办结的，将函告" in urged["03-12", host]["text"]
    told = letters("escalation")
    assert set(told) == {
        ("03-12", operating), ("03-12", province), ("03-18", province), ("03-18", "office"),
    }  # fmt: skip
    last = told["03-18", "office"]["text"]
    assert "此前已提醒、催报4次" in last
    assert "（4）2024年3月12日通报。" in last
    assert told["03-18", "office"]["to"] == ("国家知识产权局知识产权运用促进司",)
    assert told["03-12", province]["to"] == ("北京市知识产权局",)
    numbers = {r["number"] for r in (*urged.values(), *told.values())}
    assert numbers == {f"国知平催函〔2024〕{n}号" for n in range(1, 7)}
    # that it is overdue is said by the ladder's next step, and nothing is passed over in silence
    rows = dealt_with()
    assert all((r["document_id"] is None) == bool(r["reason"]) for r in rows)
    assert [r["reason"] for r in rows if r["document_id"] is None] == ["逾期后的催报由提醒阶梯办理"]


def test_run_again_nothing_is_written_again(matter: dict[str, str]) -> None:
    live([day(5)])
    before = query("SELECT key FROM document")
    assert papers(day(5)) == {}
    advance(day(5))
    assert papers(day(6)) == {}
    assert query("SELECT key FROM document") == before


def test_after_an_outage_only_the_last_letter_goes_out_and_the_others_say_why_not(
    matter: dict[str, str],
) -> None:
    advance(day(19))
    came = papers(day(19))
    assert len(came["not_sent"]) >= len(dealt_with()) - 5
    sent = {(r["recipient"], r["step"]) for r in dealt_with() if r["document_id"] is not None}
    assert sent == {
        ("FP01", "due"), (matter["operating"], "overdue_1"),
        (matter["host"], "overdue_5"), (matter["province"], "overdue_5"), ("office", "overdue_5"),
    }  # fmt: skip
    reasons = {r["reason"] for r in dealt_with() if r["document_id"] is None}
    assert "同一收件单位另有其后（2024-03-18）的文书待发，以后者为准" in reasons
    assert "已逾期6个工作日" in letters("overdue")["03-19", matter["host"]]["text"]


def test_what_was_met_meanwhile_is_told_to_nobody(matter: dict[str, str]) -> None:
    from ipgov.procedures import follow_up

    advance(day(11))
    follow_up.record_report(KEY, day(8), "运行组", "已收到书面报告", at(day(11)))
    advance(day(13))
    papers(day(13))
    assert len(dealt_with()) == 5
    assert all("已办结（2024-03-12）" in r["reason"] for r in dealt_with())


def test_more_time_moves_the_day_and_tells_everybody_who_heard_of_it(matter: dict[str, str]) -> None:
    from ipgov.procedures import follow_up

    live([day(5)])
    follow_up.extend(KEY, day(20), "签发人员（模拟）", "登记机关尚未出具证明", at(day(6)))
    live([day(6), day(7)])
    changed = letters("due_day_changed")
    assert set(changed) == {("03-07", "FP01"), ("03-07", matter["host"])}
    said = changed["03-07", matter["host"]]["text"]
    assert "原为2024年3月11日。经批准，延长至2024年3月20日（含当日）" in said
    assert "登记机关尚未出具证明" in said
    live([day(n) for n in range(8, 21)])
    assert ("03-11", "FP01") not in letters("reminder")
    assert ("03-20", "FP01") in letters("reminder")
    assert not letters("overdue")


def _move(on: dt.date, due_on: dt.date, earlier: dt.date, *, provisional: bool) -> None:
    """Set the due day anew as a later holiday notice does."""
    from ipgov.core import tables as t
    from ipgov.core.database import transaction

    values = {"due_on": due_on, "provisional": provisional, "reason": "calendar"}
    detail = {**values, "due_on": due_on.isoformat(), "earlier": earlier.isoformat()}
    place = {
        "obligation_id": query("SELECT id FROM obligation WHERE key = :k", k=KEY)[0]["id"],
        "known_at": at(on),
    }
    with transaction() as connection:
        connection.execute(
            t.obligation_due.insert().values(**values, calendar_version="试", set_on=on, **place)
        )
        connection.execute(
            t.obligation_event.insert().values(
                day=on, event="due_set", step=on.isoformat(), detail=detail, **place
            )
        )


def _changes() -> list[dict[str, Any]]:
    return query(
        "SELECT p.reason FROM obligation_paper p JOIN obligation_event e ON e.id = p.event_id "
        "JOIN obligation o ON o.id = e.obligation_id AND o.key = :key WHERE p.kind = 'due_day_changed'",
        key=KEY,
    )


def test_a_day_that_a_holiday_notice_moved_is_told_once_and_with_the_day_that_was_told_before(
    matter: dict[str, str],
) -> None:
    live([day(5)])
    _move(day(6), day(12), day(11), provisional=True)
    _move(day(7), day(13), day(12), provisional=False)
    papers(day(7))
    said = letters("due_day_changed")["03-07", "FP01"]["text"]
    assert "原为2024年3月11日。因放假安排公布，重新推算，期限变更为2024年3月13日" in said
    assert "暂定" not in said
    unsent = query(
        "SELECT reason FROM obligation_paper WHERE kind = 'due_day_changed' AND reason IS NOT NULL"
    )
    assert len(unsent) == 2
    assert all("其后（2024-03-07）" in r["reason"] for r in unsent)


def test_a_day_that_was_moved_and_moved_back_is_told_to_nobody(matter: dict[str, str]) -> None:
    live([day(5)])
    _move(day(6), day(12), day(11), provisional=False)
    _move(day(7), day(11), day(12), provisional=False)
    papers(day(7))
    assert not letters("due_day_changed")
    assert {r["reason"] for r in _changes()} == {"期限又改回原来告知的日期"}


def test_a_kill_in_between_leaves_no_gap_and_no_second_letter(
    matter: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from ipgov.documents import register

    advance(day(12))
    whole, calls = register.file_document, []

    def killed(*arguments: Any, **named: Any) -> int:
        calls.append(named["key"])
        if len(calls) == 3:
            raise KeyboardInterrupt
        return whole(*arguments, **named)

    monkeypatch.setattr(register, "file_document", killed)
    with pytest.raises(KeyboardInterrupt):
        papers(day(12))
    monkeypatch.undo()
    papers(day(13))
    serials = [r["serial"] for r in query("SELECT serial FROM document_number ORDER BY serial")]
    used = query("SELECT count(*) AS n FROM document WHERE number_id IS NOT NULL")[0]["n"]
    assert serials == list(range(1, used + 1))
    keys = [r["key"] for r in query("SELECT key FROM document WHERE programme = :p", p=PROGRAMME)]
    assert len(keys) == len(set(keys)) == 4


@pytest.mark.clause("2023-156#19")
def test_the_opening_of_a_period_calls_for_its_reports(nation: Nation) -> None:
    from ipgov.procedures import follow_up

    opens = nation.days(2023).opens.date
    nation.open(2023)
    on = opens + dt.timedelta(days=1)
    follow_up.advance(on, at(on), opens)
    while nation.at(on) and not (came := papers(on)):
        on += dt.timedelta(days=1)
        follow_up.advance(on, at(on))
    assert came["documents"] == {"报送通知": 24}
    call = letters("call")[f"{on:%m-%d}", "FP01"]
    assert call["number"].startswith("国知平报函〔2024〕")
    assert "请你单位按以下要求报送数据" in call["text"]
    assert "FP01-2023-报送表.xlsx" in call["text"]
    assert f"{nation.days(2023).due.date.day}日（含当日）前" in call["text"]
    other = letters("call")[f"{on:%m-%d}", nation.units(on)["FP01"].operator.code]
    assert "请督促虚构交易平台甲按以下要求报送数据" in other["text"]


def _retract(on: dt.date, subject: str = SUBJECT, by: str = "运行组") -> bool:
    from ipgov.procedures import occurrences

    return occurrences.retract(
        PROGRAMME, "FP01", "person_in_charge", subject, by, "误登，负责人未变动", at(on)
    )


def test_what_was_recorded_by_mistake_is_taken_back_and_told_to_whoever_had_a_letter(
    matter: dict[str, str],
) -> None:
    from ipgov.core.errors import RefusedError, UnknownError
    from ipgov.procedures import follow_up

    live([day(5)])
    with pytest.raises(UnknownError, match=f"没有登记过.*已登记：person_in_charge {SUBJECT}"):
        _retract(day(6), "另一事")
    with pytest.raises(RefusedError, match="须写明经办人"):
        _retract(day(6), by=" ")
    assert _retract(day(6))
    assert not _retract(day(6))
    live(day(n) for n in range(6, 21))
    gone = letters("withdrawn")
    assert set(gone) == {("03-07", "FP01"), ("03-07", matter["host"])}
    said = gone["03-07", matter["host"]]["text"]
    assert "此前曾告知你单位应当完成重大事项报送" in said
    assert "登记已撤回，事由：误登，负责人未变动。该事项自2024年3月7日起撤销" in said
    assert not letters("overdue")
    (owed,) = [o for o in follow_up.listed(day(20), at(day(20))) if o.key == KEY]
    assert (owed.state, owed.events[-1].detail["retracted_by"]) == ("withdrawn", "运行组")
    # as it was known before, it is still owed
    (then,) = [o for o in follow_up.listed(day(6), at(day(6))) if o.key == KEY]
    assert then.state == "open"
    with pytest.raises(RefusedError, match="登记后已撤回；如确有其事，请用另一名称登记"):
        follow_up.record_occurrence(
            PROGRAMME, "FP01", "person_in_charge", SUBJECT, MONDAY, "运行组", "", at(day(20))
        )


def test_who_never_heard_of_a_mistake_hears_nothing_of_its_end(matter: dict[str, str]) -> None:
    advance(day(5))
    _retract(day(5))
    live([day(6), day(7)])
    assert not letters("withdrawn")
    unsent = query("SELECT reason FROM obligation_paper WHERE kind = 'withdrawn'")
    assert [r["reason"] for r in unsent] == ["此前未就该事项发过文书，无须告知"]


def test_a_changed_day_names_the_notice_that_changed_it(
    matter: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    live([day(5)])
    seen = []

    def entered(after: dt.date, until: dt.date) -> tuple[str, ...]:
        seen.append((after, until))
        return ("《关于2024年节假日安排的通知》(虚构)",)

    monkeypatch.setattr("ipgov.procedures.follow_up_papers.entered_between", entered)
    _move(day(6), day(12), day(11), provisional=False)
    papers(day(6))
    said = letters("due_day_changed")["03-06", "FP01"]["text"]
    assert "因放假安排公布（《关于2024年节假日安排的通知》（虚构）），重新推算，期限变更为" in said
    assert set(seen) == {(day(5), day(6))}
