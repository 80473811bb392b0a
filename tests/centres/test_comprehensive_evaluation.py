"""The comprehensive evaluation of a cohort: what it needs, what it is made of, what its grades do."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest
from evaluated_cohort import PERIOD, TITLE, YEAR, YEARLY, Cohort, at, scaled, supply_calendar
from ipgov.core.database import reading
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.core.steps import Mode
from sqlalchemy import text


@pytest.fixture
def cohort(database: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch) -> Cohort:
    from ipgov.core.settings import settings
    from ipgov.policy import holidays

    folder = tmp_path_factory.mktemp("days") / "calendars"
    supply_calendar(folder)
    monkeypatch.setenv("IPGOV_CALENDARS", str(folder))
    settings.cache_clear()
    holidays.calendars.cache_clear()
    yield Cohort(database / "objects")
    holidays.calendars.cache_clear()


def rows(statement: str, **given) -> list[dict]:
    with reading() as connection:
        return [dict(r) for r in connection.execute(text(statement), given).mappings()]


@pytest.mark.clause("2024-1155#10", "2024-1155#14", "2024-1155#41", "2024-1155#42")
def test_a_cohort_is_graded_on_three_years_and_every_number_leads_to_its_cells(
    cohort: Cohort,
) -> None:
    from ipgov.procedures import explanations

    cohort.collect()
    round_ = cohort.evaluate()
    grades = {r["unit"]: r["grade"] for r in rows("SELECT unit, grade FROM result")}
    assert grades == {"IC01": "优秀", "IC02": "合格", "IC03": "合格", "IC04": "不合格"}
    years = rows("SELECT period, state FROM snapshot_year WHERE unit = 'IC01' ORDER BY period")
    assert [(y["period"], y["state"]) for y in years] == [(str(y), "accepted") for y in (2025, 2026, 2027)]
    explained = explanations.explain(TITLE, str(PERIOD), "IC01").text()
    assert "各年平均：2025 年度 2000，2026 年度 2000，2027 年度 2000 → 2000.00万元" in explained
    for year in (2025, 2026, 2027):
        assert f"IC01-{year}-" in explained
        assert f"{year} 年度自评" in explained
    # what article three has centres explore: patterns to be copied, open licences
    for clause, field in (("2024-1155#10", "E03"), ("2024-1155#14", "E05")):
        (cell,) = rows("SELECT sheet, cell FROM submitted_value WHERE field = :f LIMIT 1", f=field)
        assert clause in explained
        assert f"“{cell['sheet']}”表 {cell['cell']}" in explained
    assert round_["round_id"]


@pytest.mark.clause("2024-1155#42", "2024-1155#43", "2024-1155#44")
def test_an_issued_grade_enters_the_life_of_the_title_and_what_it_asks_for_follows(cohort: Cohort) -> None:
    from ipgov.procedures import case_opening, follow_up, praise
    from ipgov.registry.titles import standings

    cohort.collect()
    round_ = cohort.evaluate()
    day = cohort.cycle().as_of
    cohort.approve(round_, day)
    events = rows(
        "SELECT unit, event, basis, round_id FROM title_event WHERE event LIKE 'rated%' ORDER BY unit"
    )
    assert [(e["unit"], e["event"]) for e in events] == [
        ("IC01", "rated_excellent"),
        ("IC02", "rated_qualified"),
        ("IC03", "rated_qualified"),
        ("IC04", "rated_unqualified"),
    ]
    assert {e["round_id"] for e in events} == {round_["round_id"]}
    with reading() as connection:
        state = standings(connection, TITLE, day, at(day))
    assert (state["IC04"].code, state["IC01"].code) == ("under_rectification", "recognised")
    written = rows("SELECT title, number FROM document WHERE kind = 'result_to_unit' ORDER BY unit")
    assert len(written) == 4
    assert all("国知产评函" in w["number"] and "平台" not in w["title"] for w in written)
    # 不合格: the rectification is owed and its case opened
    following = day + dt.timedelta(days=1)
    follow_up.advance(following, at(following), day)
    opened = case_opening.open_cases(following, at(following)).output
    cases = rows("SELECT o.* FROM rectification_case c JOIN obligation o ON o.id = c.obligation_id")
    assert [(c["unit"], c["duty"]) for c in cases] == [("IC04", "centre_rectification")]
    assert len(opened["documents"]) == 1, opened
    # 优秀: the praise and the case are proposed once, by whoever audited the result
    proposed = praise.propose_due(following, at(following)).output
    assert [p["kind"] for p in proposed["proposed"]] == ["praise_circular", "praise_case"]
    assert not proposed["refused"]
    assert praise.propose(TITLE, str(PERIOD), None, following, at(following)) == []
    assert {r["opened_by"] for r in rows("SELECT opened_by FROM paper_round")} == {"reviewer2"}


@pytest.mark.clause("2024-1155#41")
def test_it_runs_only_when_everything_is_there_or_somebody_answers_for_an_exception(cohort: Cohort) -> None:
    import io

    import openpyxl
    from ipgov.core import objects
    from ipgov.core.database import transaction
    from ipgov.quality import findings

    cohort.years["IC02", 2026] = None
    cohort.own["IC03"] = None
    cohort.collect()
    with pytest.raises(RefusedError) as refused:
        cohort.evaluate()
    assert "2 处严重问题" in refused.value.message
    assert "缺 2026 年度自评（未报送）" in refused.value.message
    assert "没有已受理的综合评价表（未报送）" in refused.value.message
    assert not rows("SELECT 1 FROM result_set")
    day = cohort.cycle().as_of
    with transaction() as connection:
        for unit, rule in (("IC02", "ICE002"), ("IC03", "ICE003")):
            findings.waive(
                connection, TITLE, str(PERIOD), unit, rule, "某司负责人", "灾情影响，经批准例外",
                day, at(day, 9),
            )  # fmt: skip
    round_ = cohort.evaluate()
    grades = {r["unit"]: r["grade"] for r in rows("SELECT unit, grade FROM result")}
    assert grades["IC03"] is None
    assert grades["IC02"] == "合格"
    values = {
        r["field"]: (r["value"], r["years"])
        for r in rows("SELECT field, value, years FROM snapshot_yearly_value WHERE unit = 'IC02'")
    }
    assert values["Y01"] == (Decimal("1400.00"), 2)
    assert values["Y02"] == (None, 2)  # growth wants every year
    book = openpyxl.load_workbook(io.BytesIO(objects.get_content(round_["rating_list_sha256"])))
    told = [str(c) for sheet in book for row in sheet.iter_rows(values_only=True) for c in row if c]
    assert any("某司负责人豁免至" in t and "灾情影响，经批准例外" in t for t in told)
    assert any("2026 年度自评：未报送" in t or "未报送" in t for t in told)


@pytest.mark.clause("2024-1155#36")
def test_who_was_recognised_later_is_measured_by_the_years_held_or_not_at_all(cohort: Cohort) -> None:
    cohort.titled_on = {"IC03": dt.date(2026, 5, 6), "IC04": dt.date(2027, 2, 1)}
    cohort.collect()
    cohort.evaluate()
    states = {(r["unit"], r["period"]): r["state"] for r in rows("SELECT * FROM snapshot_year")}
    assert states["IC03", "2025"] == "exempt"
    assert states["IC03", "2026"] == "accepted"
    assert not any(unit == "IC04" for unit, _ in states)
    found = {r["unit"]: r for r in rows("SELECT unit, grade, total, reasons FROM result")}
    assert found["IC04"]["grade"] is None
    assert "认定不满规定年限" in str(found["IC04"]["reasons"])
    assert found["IC03"]["grade"] == "合格"
    years = {r["field"]: r["years"] for r in rows("SELECT * FROM snapshot_yearly_value WHERE unit = 'IC03'")}
    assert set(years.values()) == {2}


@pytest.mark.parametrize(
    ("anchor", "year", "units"),
    [
        ("recognition", 2027, {"IC01", "IC02"}),
        ("recognition", 2028, {"IC03", "IC04"}),
        ("calendar", 2027, None),
    ],
)
def test_a_cohort_is_those_whose_own_count_of_years_is_full(
    cohort: Cohort, anchor: str, year: int, units: set[str] | None
) -> None:
    from ipgov.core.steps import Cycle
    from ipgov.policy import store
    from ipgov.procedures import snapshots

    cohort.titled_on = {unit: dt.date(2026, 5, 6) for unit in ("IC03", "IC04")}
    cohort.register()
    rules = store.governing(TITLE, year).rules
    cycle_rules = rules.cycle.model_copy(update={"anchor": anchor})
    rules = rules.model_copy(update={"cycle": cycle_rules})
    day = dt.date(year + 1, 4, 20)
    with reading() as connection:
        there = snapshots.bodies(connection, Cycle(TITLE, str(year), day, at(day)), rules)
    assert {u.unit for u in there} == (units or {"IC01", "IC02", "IC03", "IC04"})


@pytest.mark.parametrize(
    ("year", "error", "why"),
    [
        (2021, UnknownError, "最早的规则自 2024-12-31 起施行"),
        (2023, UnknownError, "最早的规则自 2024-12-31 起施行"),
        (2024, RefusedError, "自 2027 年度起开展"),
        (2028, RefusedError, "每 3 年一次，不办理 2028 年度；其前后为 2027、2030 年度"),
    ],
)
@pytest.mark.clause("2024-1155#56")
def test_a_backfill_of_a_year_without_rules_is_refused_with_the_reason(
    cohort: Cohort, year: int, error: type[Exception], why: str
) -> None:
    from ipgov.procedures.cycles import evaluated_on

    with pytest.raises(error, match=why):
        evaluated_on(TITLE, year)


def test_a_correction_of_an_earlier_year_is_knowledge_and_no_change_of_rules(cohort: Cohort) -> None:
    from ipgov.core.steps import Cycle
    from ipgov.procedures import comparison, correction, evaluation_cycle, extensions

    cohort.collect()
    round_ = cohort.evaluate()
    day = cohort.cycle().as_of
    cohort.approve(round_, day)
    # for 2025, accepted under an extension long after that year's own assessment
    later = dt.date(2028, 6, 1)
    extensions.grant(YEARLY, "2025", "IC02", later, "某司", "数据有误，准予更正", at(later, 8))
    cohort.send(YEARLY, 2025, "IC02", {**scaled(YEAR, 0.7), "F11": 800}, later)
    cohort.receive(later)
    # the year itself, as known before and after
    sets = []
    for known in (at(day), at(later)):
        cycle = Cycle(YEARLY, "2025", dt.date(2026, 2, 10), known, Mode.RECALCULATE)
        frozen = evaluation_cycle.freeze(cycle).output["snapshot_id"]
        evaluation_cycle.check(cycle, frozen)
        sets.append(evaluation_cycle.evaluate(cycle, frozen).output["result_set_id"])
    compared = comparison.compare(YEARLY, "2025", *sets).comparison
    assert not compared.rules
    assert {(v.unit, v.field) for v in compared.values} == {("IC02", "F11")}
    # the period that builds on it
    prepared = correction.prepare(TITLE, str(PERIOD), at(later))
    assert prepared.changed == ("IC02",)
    compared = comparison.compare(TITLE, str(PERIOD)).comparison
    assert not compared.rules
    assert {(v.unit, v.field) for v in compared.values} == {("IC02", "Y01"), ("IC02", "Y02")}
    (moved,) = (u for u in compared.units if u.unit == "IC02")
    assert moved.own == {"values"}


@pytest.mark.parametrize(
    ("unsolved", "event", "held"), [((), "kept", True), ((1, 2, 3, 4, 5), "cancelled", False)]
)
@pytest.mark.clause("2024-1155#44", "2024-1155#45")
def test_a_rectification_ends_in_keeping_the_title_or_losing_it(
    cohort: Cohort, unsolved: tuple[int, ...], event: str, held: bool
) -> None:
    from ipgov.core import objects
    from ipgov.procedures import case_opening, follow_up, rectification
    from ipgov.procedures.case_evidence import Sent
    from ipgov.registry.titles import standings

    cohort.collect()
    round_ = cohort.evaluate()
    day = cohort.cycle().as_of
    cohort.approve(round_, day)
    on = day + dt.timedelta(days=1)
    follow_up.advance(on, at(on), day)
    case_opening.open_cases(on, at(on))
    (case,) = rows("SELECT obligation_id FROM rectification_case")
    case_id = case["obligation_id"]
    pdf = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\nxref\n0 1\ntrailer\n<< >>\nstartxref\n9\n%%EOF\n"
    problems = [r["number"] for r in rows("SELECT number FROM case_problem ORDER BY number")]
    rectification.plan(case_id, "虚构中心", "方案", [Sent("方案.pdf", pdf)], on, at(on))
    reported = on + dt.timedelta(days=30)
    rectification.progress(case_id, "虚构中心", "进展", [], reported, at(reported))
    evidence = [Sent("材料.pdf", pdf.replace(b"%%EOF", b"% 2\n%%EOF"))]
    rectification.evidence(case_id, "虚构中心", "材料", evidence, problems, reported, at(reported))
    judged = dt.date(2028, 11, 15) if unsolved else reported + dt.timedelta(days=20)
    left = problems if unsolved else []
    follow_up.advance(judged, at(judged))
    rectification.judge(case_id, "accept", "reviewer1", left, "验收", judged, at(judged))
    again = rectification.reevaluate(case_id, "reviewer1", left, "核查", judged, at(judged))
    proposed = rectification.propose(case_id, "reviewer1", "请批", judged, at(judged)).output
    assert again.output["reckoned"]
    cohort.approve(proposed, judged)
    with reading() as connection:
        state = standings(connection, TITLE, judged, at(judged))["IC04"]
    assert (state.code, state.titled) == ("recognised" if held else "cancelled", held)
    (ended,) = rows("SELECT * FROM title_event WHERE unit = 'IC04' ORDER BY id DESC LIMIT 1")
    assert ended["event"] == event
    assert ended["basis"] == "2024-1155#45"
    (paper,) = rows("SELECT * FROM document WHERE unit = 'IC04' ORDER BY id DESC LIMIT 1")
    assert paper["kind"] == ("centre_kept" if held else "cancel_qualification")
    (page,) = rows(
        "SELECT sha256 FROM document_file WHERE document_id = :d AND format = 'html'", d=paper["id"]
    )
    told = objects.get_content(page["sha256"]).decode()
    # 取消资格 is the word of this document, 取消称号 that of another
    assert "资格" in told
    assert "称号" not in told + paper["title"]
    assert ("取消" in told) is not held
