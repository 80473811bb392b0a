"""Obligations in the database: what the documents ask for is opened, reminded of, overdue, met, in time."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from ipgov.core.errors import RefusedError, UnknownError
from played_nation import PROGRAMME, Nation, at
from sqlalchemy import select

Day = dt.date
SEPTEMBER, FRIDAY = Day(2023, 9, 1), Day(2023, 9, 8)


def advance(day: Day, since: Day | None = None) -> dict[str, Any]:
    from ipgov.procedures import follow_up

    return dict(follow_up.advance(day, at(day, 8), since).output)


def owed(day: Day, **filters: Any) -> dict[str, Any]:
    from ipgov.core.database import reading
    from ipgov.followup import obligations

    with reading() as connection:
        return {o.key: o for o in obligations.owed(connection, day, at(day), **filters)}


def told(o: Any) -> list[str]:
    return [f"{e.day} {e.event} {e.step}".strip() for e in o.events]


def every_event() -> list[Any]:
    from ipgov.core import tables as t
    from ipgov.core.database import reading

    e, o = t.obligation_event, t.obligation
    with reading() as connection:
        query = select(o.c.key, e.c.day, e.c.event, e.c.step, e.c.detail).join(o, o.c.id == e.c.obligation_id)
        return list(connection.execute(query.order_by(e.c.id)).all())


def occur(kind: str, on: Day, known: Day, **more: Any) -> bool:
    from ipgov.procedures import follow_up

    return follow_up.record_occurrence(PROGRAMME, "FP01", kind, "某案", on, "张三", "", at(known, 10), **more)


def report(key: str, received: Day, known: Day) -> bool:
    from ipgov.procedures import follow_up

    return follow_up.record_report(key, received, "张三", "收到", at(known, 10))


@pytest.mark.clause("2023-156#15")
@pytest.mark.parametrize(
    "kind",
    ["restructuring", "equity_change", "person_in_charge", "public_opinion", "litigation", "penalty"],
)
def test_a_major_matter_is_due_within_a_week_of_its_occurrence(nation: Nation, kind: str) -> None:
    advance(Day(2023, 9, 20), since=SEPTEMBER)
    # 国庆假期: the seventh day after is 2023-10-03, worked again on 2023-10-07
    assert occur(kind, Day(2023, 9, 26), Day(2023, 9, 27))
    assert not occur(kind, Day(2023, 9, 26), Day(2023, 9, 28))
    key = f"{PROGRAMME}/major_matter/FP01/{kind}:某案"
    advance(Day(2023, 9, 27))
    assert key not in owed(Day(2023, 9, 27)), "what became known on a day counts from the next"
    advance(Day(2023, 10, 6))
    open_ = owed(Day(2023, 10, 6))[key]
    assert (open_.opened_on, open_.due_on, open_.provisional) == (Day(2023, 9, 26), Day(2023, 10, 7), False)
    assert (open_.clause, open_.state, open_.owed_to_name) == ("2023-156#15", "open", "本局")
    assert open_.owed_by != open_.unit, "the host unit owes it, not the platform"
    report(key, Day(2023, 10, 7), Day(2023, 10, 11))  # received in time, entered late
    advance(Day(2023, 10, 20))
    met = owed(Day(2023, 10, 20))[key]
    assert (met.state, met.met_on, met.late, met.lifted) == ("met", Day(2023, 10, 7), False, True)
    assert told(met)[-4:] == [
        "2023-10-07 reminded due",
        "2023-10-08 overdue 2023-10-07",
        "2023-10-08 escalated overdue_1",
        "2023-10-12 met",
    ]
    assert not {"reminded", "escalated"} & {e.event for e in met.events if e.day > Day(2023, 10, 12)}


def test_a_matter_that_its_host_told_of_is_met_at_once(nation: Nation) -> None:
    advance(Day(2023, 9, 20), since=SEPTEMBER)
    occur("litigation", Day(2023, 9, 20), Day(2023, 9, 22), reported_on=Day(2023, 9, 22))
    advance(Day(2023, 9, 25))
    (met,) = owed(Day(2023, 9, 25), duty="major_matter").values()
    assert (met.state, met.met_on, met.late) == ("met", Day(2023, 9, 22), False)
    assert [e.event for e in met.events] == ["opened", "due_set", "met"]


@pytest.fixture
def pilot(nation: Nation) -> str:
    """A pilot platform that was registered and not recognised."""
    from ipgov.core import tables as t
    from ipgov.core.database import transaction

    with transaction() as connection:
        known = select(t.titled_body).where(t.titled_body.c.unit == "FP01")
        row = dict(connection.execute(known).mappings().one())
        for name in ("id", "recorded_at"):
            del row[name]
        connection.execute(t.titled_body.insert().values(**row | {"unit": "PP01", "name": "虚构试点平台"}))
    return "PP01"


@pytest.mark.clause("2023-156#29")
@pytest.mark.clause("2023-156#30")
def test_every_platform_reports_its_self_check_by_the_15th(pilot: str) -> None:
    advance(Day(2023, 9, 15), since=SEPTEMBER)
    checks = owed(Day(2023, 9, 15), duty="self_check")
    assert len(checks) == 13
    assert {(o.due_on, o.state) for o in checks.values()} == {(Day(2023, 9, 15), "open")}
    assert pilot in {o.unit for o in checks.values()}
    report(f"{PROGRAMME}/self_check/FP01/2023-09-05", Day(2023, 9, 15), Day(2023, 9, 15))
    report(f"{PROGRAMME}/self_check/FP02/2023-09-05", Day(2023, 9, 18), Day(2023, 9, 18))
    advance(Day(2023, 9, 30))
    states = Counter(o.state_name for o in owed(Day(2023, 9, 30), duty="self_check").values())
    assert states == {"已办结": 1, "逾期办结": 1, "逾期": 11}


@pytest.mark.clause("2023-156#23")
@pytest.mark.clause("2023-156#24")
def test_a_pilot_that_was_not_recognised_has_a_year_and_is_evaluated_after_it(pilot: str) -> None:
    advance(Day(2024, 9, 5), since=SEPTEMBER)
    (case,) = owed(Day(2024, 9, 5), duty="pilot_rectification").values()
    assert (case.unit, case.due_on, case.state) == (pilot, Day(2024, 9, 5), "open")
    assert owed(Day(2024, 9, 5), duty="pilot_evaluation") == {}
    advance(Day(2024, 9, 6))
    (case,) = owed(Day(2024, 9, 6), duty="pilot_rectification").values()
    assert case.state == "overdue"
    (after,) = owed(Day(2024, 9, 6), duty="pilot_evaluation").values()
    assert (after.owed_by, after.opened_on, after.clause) == ("office", Day(2024, 9, 5), "2023-156#24")


@pytest.mark.clause("2022-985#23")
@pytest.mark.clause("2015-190#03")
def test_provinces_owe_what_the_documents_addressed_to_them_ask(database: Path) -> None:
    advance(Day(2022, 12, 1), since=Day(2015, 1, 1))
    plans = owed(Day(2022, 12, 1), duty="pilot_plans").values()
    contacts = owed(Day(2022, 12, 1), duty="filing_contacts").values()
    assert {o.due_on for o in plans} == {Day(2015, 5, 8)}
    assert {o.due_on for o in contacts} == {Day(2022, 11, 21)}
    assert {o.owed_by for o in contacts} - {o.owed_by for o in plans} == {"66"}  # 兵团: only the later one
    assert len(plans) == 31
    assert not {"71", "81", "82"} & {o.owed_by for o in contacts}
    assert {o.owed_by_name for o in plans} >= {"北京市", "四川省"}


@pytest.mark.clause("2022-985#21")
def test_a_monthly_duty_opens_every_month(database: Path) -> None:
    advance(Day(2023, 3, 1), since=Day(2022, 11, 1))
    found = owed(Day(2023, 3, 1), duty="filing_monthly_release").values()
    assert [(o.period, o.due_on) for o in found] == [
        ("2022-12", Day(2022, 12, 15)),
        ("2023-01", Day(2023, 1, 16)),
        ("2023-02", Day(2023, 2, 15)),
        ("2023-03", Day(2023, 3, 15)),
    ]


@pytest.mark.clause("2023-156#19")
def test_a_years_data_and_a_failed_evaluation_are_followed_up(nation: Nation) -> None:
    from ipgov.procedures import extensions

    advance(Day(2023, 12, 31), since=SEPTEMBER)
    nation.open(2023)
    opened = nation.days(2023).opens.date
    advance(opened + dt.timedelta(days=1))
    data = owed(opened + dt.timedelta(days=1), duty="business_data")
    assert {(o.due_on, o.period) for o in data.values()} == {(nation.days(2023).due.date, "2023")}
    assert len(data) == 12
    extensions.grant(PROGRAMME, "2023", "FP05", Day(2024, 4, 20), "李四", "系统迁移", at(Day(2024, 3, 1)))
    advance(Day(2024, 3, 2))
    extended = owed(Day(2024, 3, 2), unit="FP05", duty="business_data")[
        f"{PROGRAMME}/business_data/FP05/2023"
    ]
    assert (extended.due_on, [d.due_on for d in extended.earlier_dues]) == (
        Day(2024, 4, 20),
        [Day(2024, 4, 1)],
    )
    nation.send(2023)
    nation.receive(Day(2024, 3, 22))
    nation.receive(nation.days(2023).late_until.date)
    round_ = nation.evaluate(2023)
    nation.approve(2023, round_)
    advance(Day(2024, 5, 31))
    data = owed(Day(2024, 5, 31), duty="business_data")
    assert {o.state for o in data.values()} <= {"met", "overdue"}
    cases = owed(Day(2024, 5, 31), duty="warned_rectification")
    assert {o.unit for o in cases.values()} == {"FP08", "FP09"}
    plans = owed(Day(2024, 5, 31), duty="warned_rectification_plan")
    assert {o.part_of_id for o in plans.values()} == {o.id for o in cases.values()}


def test_run_twice_late_or_in_parts_the_rows_are_the_same(
    nation: Nation,
) -> None:
    from ipgov.core import tables as t
    from ipgov.core.database import reading

    occur("penalty", Day(2023, 9, 11), Day(2023, 9, 13))
    day, events = SEPTEMBER, []
    while day <= Day(2023, 10, 12):  # day by day, each twice
        advance(day, since=SEPTEMBER)
        before = every_event()
        assert advance(day)["days"] == 0
        assert every_event() == before
        day += dt.timedelta(days=1)
    events = every_event()
    with reading() as connection:
        stored = connection.execute(select(t.obligation.c.key).order_by(t.obligation.c.id)).scalars().all()
    assert events
    # the same, all at once, in memory
    from ipgov.followup import engine, store
    from ipgov.policy.duty_store import duties
    from ipgov.procedures.follow_up import _calendar_on

    with reading() as connection:
        facts = store.load_facts(connection, SEPTEMBER, store.begin(Day(2023, 10, 12)))
    run = engine.run({}, facts, duties(), _calendar_on, SEPTEMBER, Day(2023, 10, 12))
    again = [(e.key, e.day, e.event, e.step, e.detail) for _, found in run for e in found]
    assert again == [tuple(e) for e in events]
    assert [k for k, _, event, _, _ in again if event == "opened"] == list(stored)


def test_the_past_springs_to_life_only_if_asked(nation: Nation) -> None:
    from ipgov.procedures import follow_up

    assert advance(Day(2025, 12, 31))["days"] == 0
    assert owed(Day(2025, 12, 31)) == {}
    assert advance(Day(2026, 1, 5))["since"] == "2026-01-01"
    assert {o.opened_on >= Day(2026, 1, 1) for o in owed(Day(2026, 1, 5)).values()} <= {True}
    with pytest.raises(RefusedError, match="已自 2026-01-01 起办理，不能改为自 2023-09-01 起"):
        advance(Day(2026, 1, 6), since=SEPTEMBER)
    with pytest.raises(RefusedError, match="尚未开始"):
        follow_up.advance(Day(2026, 1, 8), at(Day(2026, 1, 7)))


def test_more_time_is_a_decision_with_reasons(nation: Nation) -> None:
    from ipgov.procedures import follow_up

    advance(Day(2023, 9, 8), since=SEPTEMBER)
    key = f"{PROGRAMME}/self_check/FP01/2023-09-05"

    def extend(until: Day, known: Day = FRIDAY, reason: str = "印章移交", by: str = "李四") -> bool:
        return follow_up.extend(key, until, by, reason, at(known, 10))

    with pytest.raises(RefusedError, match="须写明理由"):
        extend(Day(2023, 9, 28), reason=" ")
    with pytest.raises(RefusedError, match="须写明批准人"):
        extend(Day(2023, 9, 28), by="")
    with pytest.raises(RefusedError, match="不晚于现定的 2023-09-15"):
        extend(Day(2023, 9, 15))
    with pytest.raises(RefusedError, match="2023-09-30 不是工作日"):
        extend(Day(2023, 9, 30))
    assert extend(Day(2023, 9, 28))
    assert not extend(Day(2023, 9, 28))
    advance(Day(2023, 9, 28))
    one = owed(Day(2023, 9, 28))[key]
    assert (one.state, one.due_on) == ("open", Day(2023, 9, 28))
    changed = next(e for e in one.events if e.event == "due_set" and e.detail["reason"] == "extension")
    assert (changed.day, changed.detail["earlier"], changed.detail["by"]) == (
        Day(2023, 9, 9),
        "2023-09-15",
        "李四",
    )
    assert [e.step for e in one.events if e.event == "reminded"] == ["opening", "before_3@1", "due@1"]
    with pytest.raises(RefusedError, match="已于 2023-09-28 到期"):
        extend(Day(2023, 10, 9), known=Day(2023, 9, 29))
    advance(Day(2023, 9, 29))
    with pytest.raises(RefusedError, match="逾期，不能延期"):
        extend(Day(2023, 10, 9), known=Day(2023, 9, 29))
    report(key, Day(2023, 9, 29), Day(2023, 9, 29))
    advance(Day(2023, 10, 9))
    with pytest.raises(RefusedError, match="逾期办结，不能延期"):
        extend(Day(2023, 11, 9), known=Day(2023, 10, 9))
    with pytest.raises(RefusedError, match="不能再登记报告"):
        report(key, Day(2023, 10, 9), Day(2023, 10, 9))


def test_what_cannot_be_recorded_is_told(nation: Nation) -> None:
    from ipgov.procedures import follow_up

    with pytest.raises(UnknownError, match=r"没有名为“fire”的事项类别；现有：restructuring（改制）"):
        occur("fire", Day(2023, 9, 20), Day(2023, 9, 22))
    with pytest.raises(RefusedError, match="发生日期 2023-09-25 晚于今天（2023-09-22）"):
        occur("penalty", Day(2023, 9, 25), Day(2023, 9, 22))
    with pytest.raises(RefusedError, match="2022-09-20 尚无（或已不再有）“重大事项报送”的规定"):
        occur("penalty", Day(2022, 9, 20), Day(2023, 9, 22))
    with pytest.raises(UnknownError, match="当事方“北京”不明；可用：FP01、FP02"):
        follow_up.record_occurrence(
            PROGRAMME, "北京", "penalty", "某案", Day(2023, 9, 20), "张三", "", at(Day(2023, 9, 22))
        )
    with pytest.raises(UnknownError, match="没有编号为“404”的事项"):
        report("404", Day(2023, 9, 20), Day(2023, 9, 22))
    assert occur("penalty", Day(2023, 9, 20), Day(2023, 9, 22))
    with pytest.raises(RefusedError, match="日期与本次不同"):
        occur("penalty", Day(2023, 9, 19), Day(2023, 9, 22))


def test_the_command_lists_and_explains(nation: Nation) -> None:
    import json

    from ipgov.cli import app
    from typer.testing import CliRunner

    advance(Day(2023, 9, 18), since=SEPTEMBER)
    key = f"{PROGRAMME}/self_check/FP01/2023-09-05"
    run = CliRunner()
    listed = run.invoke(app, ["duty", "list", "--unit", "FP01", "--as-of", "2023-09-18"])
    assert listed.exit_code == 0, listed.output
    assert "2023-09-15  逾期  虚构交易平台甲：自查自纠情况报送  [2023-156#29、2023-156#30]" in listed.output
    plain = run.invoke(app, ["duty", "list", "--unit", "FP01", "--as-of", "2023-09-18", "--json"])
    (row,) = json.loads(plain.output)
    assert (row["key"], row["state"], row["due_on"]) == (key, "overdue", "2023-09-15")
    shown = run.invoke(app, ["duty", "show", key, "--as-of", "2023-09-18"])
    assert "2023-09-16  逾期（2023-09-15）" in shown.output
    assert "升级提醒（overdue_1） → 虚构交易平台甲、" in shown.output
    number = listed.output.split()[0]
    assert re.fullmatch(r"[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}", number)
    assert row["reference"] == number
    for form in (number, number.lower(), str(row["id"])):
        assert run.invoke(app, ["duty", "show", form, "--as-of", "2023-09-18"]).output == shown.output
    plan = run.invoke(app, ["work-plan", "--as-of", "2023-09-18"])
    assert f"{number}  2023-09-15  逾期 1 日  虚构交易平台甲（FP01）" in plan.output
    wrong = run.invoke(app, ["duty", "show", "0000-0000-0000", "--as-of", "2023-09-18"])
    assert "没有编号为“0000-0000-0000”的事项" in str(wrong.exception)
    unknown = run.invoke(app, ["duty", "list", "--state", "未知"])
    assert "没有名为“未知”的状态" in str(unknown.exception)


NOTICE_2027 = """
notice:
  operator: 测试用；文号与日期均为虚构
  year: 2027
  entered: 2026-12-15
  document: 虚构测试号
  holidays:
    - {name: 元旦, first: 2027-01-01, last: 2027-01-04}
    - {name: 春节, first: 2027-02-05, last: 2027-02-11}
    - {name: 清明节, first: 2027-04-05, last: 2027-04-05}
    - {name: 劳动节, first: 2027-05-01, last: 2027-05-05}
    - {name: 端午节, first: 2027-06-09, last: 2027-06-09}
    - {name: 中秋节, first: 2027-09-15, last: 2027-09-15}
    - {name: 国庆节, first: 2027-10-01, last: 2027-10-07}
"""


@pytest.mark.parametrize("outage", [False, True], ids=["day by day", "a month at once"])
def test_a_notice_that_is_entered_later_sets_provisional_days_anew(
    nation: Nation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outage: bool
) -> None:
    import shutil

    from ipgov.core.settings import settings
    from ipgov.policy import holidays

    folder = tmp_path / "days"
    shutil.copytree(settings().policies / "calendars", folder)
    monkeypatch.setenv("IPGOV_CALENDARS", str(folder))

    def processes_start_anew() -> None:
        settings.cache_clear()
        holidays.calendars.cache_clear()

    processes_start_anew()
    advance(Day(2026, 12, 4), since=Day(2026, 12, 1))
    occur("out_of_scope", Day(2026, 12, 4), Day(2026, 12, 4))  # 20 working days
    occur("penalty", Day(2026, 12, 10), Day(2026, 12, 10))  # a week, all of it in 2026
    advance(Day(2026, 12, 11))
    late = f"{PROGRAMME}/finding_rectification/FP01/out_of_scope:某案"
    early = f"{PROGRAMME}/major_matter/FP01/penalty:某案"
    before = owed(Day(2026, 12, 11))
    assert (before[late].due_on, before[late].provisional) == (Day(2027, 1, 4), True)
    assert (before[early].due_on, before[early].provisional) == (Day(2026, 12, 17), False)
    if not outage:
        for number in range(12, 16):
            advance(Day(2026, 12, number))
        assert owed(Day(2026, 12, 15))[late].provisional
    (folder / "2027.yaml").write_text(NOTICE_2027, encoding="utf-8")
    processes_start_anew()
    if not outage:
        for number in range(16, 32):
            advance(Day(2026, 12, number))
    advance(Day(2027, 1, 6))

    now = owed(Day(2027, 1, 6))[late]
    assert (now.due_on, now.provisional) == (Day(2027, 1, 5), False)
    (kept,) = now.earlier_dues
    assert (kept.due_on, kept.provisional) == (Day(2027, 1, 4), True)
    assert told(now) == [
        "2026-12-05 opened",
        "2026-12-05 due_set 2026-12-05",
        "2026-12-07 reminded opening",
        "2026-12-16 due_set 2026-12-16",
        "2026-12-29 reminded before_3",
        "2027-01-05 reminded due",
        "2027-01-06 overdue 2027-01-05",
        "2027-01-06 escalated overdue_1",
    ]
    (set_anew,) = [e.detail for e in now.events if e.day == Day(2026, 12, 16)]
    assert (set_anew["reason"], set_anew["earlier"]) == ("calendar", "2027-01-04")
    assert not owed(Day(2027, 1, 6))[early].earlier_dues, "a day that the notice does not touch stays"
    editions = {calendar_edition(v) for v in (kept.calendar_version, now.calendar_version)}
    assert editions == {False, True}, "both calendars are kept, one without the notice"
    settings.cache_clear()


def calendar_edition(version: str) -> bool:
    """Tell whether the calendar that is kept under a version holds the notice."""
    from ipgov.core import tables as t
    from ipgov.core.database import reading
    from ipgov.core.objects import get_content

    edition = t.calendar_edition
    with reading() as connection:
        kept = connection.execute(
            select(edition.c.content_sha256).where(edition.c.version == version)
        ).scalar_one()
    return "虚构测试号" in get_content(kept).decode()
