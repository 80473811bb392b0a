"""A year's self-evaluation: files, the province's audit, an assessment without grades or sanction."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from evaluated_cohort import YEARLY
from ipgov.core.database import reading
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.core.steps import Mode
from self_evaluating_centres import AUDIT, OPINION, Centres
from sqlalchemy import text

SENT, AUDITED = dt.date(2025, 12, 15), dt.date(2025, 12, 30)


@pytest.fixture
def centres(database: Path) -> Centres:
    made = Centres(database / "objects")
    made.register()
    made.open(YEARLY, made.year)
    return made


def rows(statement: str, **given: Any) -> list[dict[str, Any]]:
    with reading() as connection:
        return [dict(r) for r in connection.execute(text(statement), given).mappings()]


@pytest.mark.clause("2024-1155#38", "2024-1155#40")
def test_only_what_the_province_forwarded_in_time_is_assessed_and_nobody_is_graded(centres: Centres) -> None:
    for unit in ("IC01", "IC02", "IC03", "IC05"):
        centres.send_year(unit, SENT)
    assert centres.send_audits(SENT) == {"11": ["IC01", "IC02"], "44": ["IC03"]}
    assert centres.send_audits(SENT) == {}  # nothing has changed
    first = centres.answer("11", AUDITED, {"IC01": (AUDIT, OPINION), "IC02": ("退回修改", "请补充清单")})
    assert (first["outcome"], first["problems"], first["late"]) == ("accepted", [], False)
    round_ = centres.evaluate_year()
    states = {r["unit"]: r["state"] for r in rows("SELECT unit, state FROM snapshot_unit")}
    assert states == {
        "IC01": "accepted",
        "IC02": "returned_by_province",
        "IC03": "not_forwarded",
        "IC04": "missing",
        "IC05": "accepted",
    }
    results = {r["unit"]: r for r in rows("SELECT * FROM result")}
    assert {r["grade"] for r in results.values()} == {None}
    assert {r["passed"] for r in results.values()} == {None}
    assert {u for u, r in results.items() if r["total"] is not None} == {"IC01", "IC05"}
    day = centres.days(YEARLY, 2025).evaluate_on.date
    centres.approve(round_, day)
    sent = rows("SELECT kind, recipient FROM document WHERE round_id IS NOT NULL ORDER BY kind, recipient")
    assert [(r["kind"], r["recipient"]) for r in sent] == [
        ("result_to_province", "11"),
        ("result_to_province", "44"),
        ("result_to_unit", "IC01"),
        ("result_to_unit", "IC05"),
    ]
    assert not rows("SELECT * FROM title_event WHERE event <> 'recognised'")


@pytest.mark.parametrize("year", [2023, 2024])
@pytest.mark.parametrize("mode", [Mode.LIVE, Mode.RECALCULATE])
def test_before_2025_there_is_nothing_to_evaluate(database: Path, year: int, mode: Mode) -> None:
    from ipgov.core.steps import Cycle
    from ipgov.procedures import cycles

    centres = Centres(database / "objects")
    day = dt.date(2025, 6, 30)
    told = "自 2025 年度起" if year == 2024 else "尚无“industry_centre_self_evaluation”的有效规则"
    with pytest.raises((RefusedError, UnknownError), match=told):
        cycles.open_cycle(Cycle(YEARLY, str(year), day, centres.of_day(day).known_at, mode))
    with pytest.raises((RefusedError, UnknownError), match=told):
        cycles.evaluated_on(YEARLY, year)


@pytest.mark.clause("2024-1155#37", "2024-1155#39")
def test_duties_are_met_by_the_file_the_audit_and_the_copy(centres: Centres) -> None:
    from evaluated_cohort import at
    from ipgov.procedures import follow_up

    start = dt.date(2025, 11, 20)
    follow_up.advance(dt.date(2025, 11, 24), at(dt.date(2025, 11, 24)), start)
    for unit in ("IC01", "IC05"):
        centres.send_year(unit, SENT)
    centres.send_audits(SENT)
    follow_up.advance(dt.date(2025, 12, 17), at(dt.date(2025, 12, 17)), start)
    key = "industry_centre/centre_report_copy/IC05/2025"
    assert follow_up.record_report(key, SENT, "operator1", "抄送件", at(dt.date(2025, 12, 17)))
    assert centres.answer("11", AUDITED, {"IC01": (AUDIT, OPINION)})["outcome"] == "accepted"
    day = dt.date(2026, 1, 5)
    follow_up.advance(day, at(day), start)
    found = {(o.duty, o.unit): o.state for o in follow_up.listed(day, at(day), programme="industry_centre")}
    assert found["centre_self_evaluation", "IC01"] == "met"
    assert found["centre_report_audit", "IC01"] == "met"
    assert found["centre_report_copy", "IC05"] == "met"
    assert found["centre_self_evaluation", "IC04"] == "overdue"
    assert ("centre_report_audit", "IC05") not in found
    centres.evaluate_year()
    route = rows("SELECT state, copied_on FROM snapshot_audit WHERE unit = 'IC05'")
    assert route == [{"state": "copied", "copied_on": SENT}]


def test_a_correction_speaks_without_grades(centres: Centres) -> None:
    from evaluated_cohort import at
    from ipgov.procedures import correction, extensions

    until = dt.date(2026, 3, 31)
    centres.send_year("IC05", SENT)
    extensions.grant(YEARLY, "2025", "IC05", until, "reviewer1", "数据有误", at(SENT))
    day = centres.days(YEARLY, 2025).evaluate_on.date
    centres.approve(centres.evaluate_year(), day)
    later = day + dt.timedelta(days=10)
    centres.send_year("IC05", later, F11=100)
    opened = correction.prepare(YEARLY, "2025", at(later), "reviewer1", "报送有误")
    centres.approve({"round_id": opened.round_id, "fingerprint": opened.fingerprint}, later)
    told = rows("SELECT kind, recipient FROM document WHERE corrects IS NOT NULL ORDER BY kind")
    assert [(r["kind"], r["recipient"]) for r in told] == [("result_correction", "IC05")]


# what article three asks of a centre → where its yearly report records it
RECORDED = {
    "2024-1155#04": "F01", "2024-1155#05": "F03", "2024-1155#06": "F04", "2024-1155#07": "F10",
    "2024-1155#08": "F08", "2024-1155#09": "F09", "2024-1155#11": "F12", "2024-1155#12": "F13",
    "2024-1155#13": "F05", "2024-1155#35": "F16",
}  # fmt: skip


@pytest.mark.clause(
    "2024-1155#04", "2024-1155#05", "2024-1155#06", "2024-1155#07", "2024-1155#08", "2024-1155#09",
    "2024-1155#11", "2024-1155#12", "2024-1155#13", "2024-1155#35",
)  # fmt: skip
def test_what_a_centre_does_under_articles_three_and_eight_is_recorded_and_assessed(
    centres: Centres,
) -> None:
    from ipgov.policy import store
    from ipgov.procedures import explanations

    centres.send_year("IC05", SENT)
    centres.evaluate_year()
    rules = store.governing(YEARLY, 2025).rules
    explained = explanations.explain(YEARLY, "2025", "IC05").text()
    cells = {r["field"]: r for r in rows("SELECT field, value, sheet, cell FROM submitted_value")}
    for clause, field in RECORDED.items():
        asked, said = rules.form.fields[field], cells[field]
        assert clause in asked.clause, field
        assert said["value"] is not None, field
        (indicator, *_) = [i for i in rules.scoring.indicators if i.input == field]
        assert clause in indicator.clause, field
        for words in (clause, indicator.name, f"“{said['sheet']}”表 {said['cell']}"):
            assert words in explained, (field, words)
