"""The centres' three suites: each rule finds its case, at its cell, under its clause, and nothing else."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from frozen_bodies import KNOWN_AT, Body, Snapshot, issue_snapshot
from ipgov.core.database import transaction
from ipgov.core.tables import snapshot_unit, snapshot_year, title_event
from ipgov.policy import store
from ipgov.policy.rules import RuleVersion
from ipgov.quality import gate, suite
from ipgov.quality.gate import Gate
from sqlalchemy import select

APPLYING, YEARLY, OVERALL = (
    "industry_centre_recognition", "industry_centre_self_evaluation", "industry_centre",
)  # fmt: skip
RULES = {p: store.governing(p, 2027 if p == OVERALL else 2025).rules for p in (APPLYING, YEARLY, OVERALL)}
DAY = "2024-03-20"  # the day on which everything came in
CLEAN: dict[str, dict[str, Any]] = {
    APPLYING: {"A04": 1, "A05": 0, "A06": 1, "A10": 800, "A12": 32, "A18": DAY},
    YEARLY: {
        "F01": 60, "F02": 40, "F05": 300, "F06": 240, "F07": 100, "F08": 90, "F11": 800, "F17": 0, "F18": 0,
        "F19": DAY,
    },
    OVERALL: {"E01": 10, "E02": 9, "E07": 0, "E08": 0, "E09": 0, "E15": DAY},
}  # fmt: skip

Case = tuple[dict[str, Any], str, str, str | None, str | None, str, str]
# what a body answers otherwise (None: nothing) → rule, severity, field, found, words of the message, clause
CASES: dict[str, dict[str, Case]] = {
    APPLYING: {
        "no amount": (
            {"A10": None}, "ICR002", "critical", "A10", None, "必填栏“年度转化运营金额”（A10）没有数据",
            "2024-1155#28",
        ),
        "a field of no form": ({"A99": 7}, "ICR003", "critical", "A99", "7", "其数据为 7", "operator"),
        "fewer members than none": (
            {"A12": -1}, "ICR004", "critical", "A12", "-1", "超出可能的范围（0 至 100000）", "operator",
        ),
        "money without a project": (
            {"A11": 0}, "ICR005", "warning", "A10", "800",
            "“知识产权转化项目、专利产业化项目累计数”为零（C14）", "operator",
        ),
        "another name": (
            {"A01": "国家级新能源产业知识产权运营中心"}, "ICR006", "info", "A01", None, "列入名单时按此登记",
            "operator",
        ),
    },
    YEARLY: {
        "no staff": ({"F14": None}, "ICS002", "critical", "F14", None, "“专职人员数”（F14）", "2024-1155#37"),
        "a field of no form": ({"F99": 7}, "ICS003", "critical", "F99", "7", "其数据为 7", "operator"),
        "more than there can be": (
            {"F03": 1001}, "ICS004", "critical", "F03", "1001", "超出可能的范围（0 至 1000）", "operator",
        ),
        "more key members than members": (
            {"F02": 61}, "ICS005", "critical", "F02", "61", "大于“产业知识产权创新联合体成员数”60（C4）",
            "operator",
        ),
        "more small firms than firms": (
            {"F06": 301}, "ICS005", "critical", "F06", "301", "大于“年度服务企业数”300（C8）", "operator",
        ),
        "more matched than gathered": (
            {"F08": 101}, "ICS005", "critical", "F08", "101", "需求数”100（C10）", "operator",
        ),
        "money without a project": ({"F12": 0}, "ICS006", "warning", "F11", "800", "为零（C15）", "operator"),
        "less than when it applied": (
            {"F11": Decimal("499.99")}, "ICS007", "info", "F11", "499.99", "只作提示", "operator",
        ),
        "a sub-centre": ({"F17": 1}, "ICS008", "warning", "F17", "1", "请另行核查", "operator"),
        "dishonest by its own account": (
            {"F18": 1}, "ICS008", "warning", "F18", "1", "严重失信、数据造假", "operator",
        ),
    },
    OVERALL: {
        "no satisfaction": ({"E06": None}, "ICE004", "critical", "E06", None, "“服务对象满意度”", "operator"),
        "a field of no form": ({"E99": "甲"}, "ICE005", "critical", "E99", None, "其数据为 甲", "operator"),
        "more than everybody": (
            {"E06": Decimal("100.01")}, "ICE006", "critical", "E06", "100.01", "（0 至 100）", "operator",
        ),
        "more done than planned": (
            {"E02": 11}, "ICE007", "critical", "E02", "11", "大于“周期内建设任务数”10 项（C4）", "operator",
        ),
        "a sub-centre": ({"E09": 1}, "ICE008", "warning", "E09", "1", "一票否决", "2024-1155#47"),
        "filled in after it came": (
            {"E15": "2024-03-21"}, "ICE009", "warning", "E15", "2024-03-21", "晚于收到之日 2024-03-20",
            "operator",
        ),
    },
}  # fmt: skip
# told of every body here, since none of them attached anything
UNATTACHED = "ICE010"


def clean(programme: str, number: int = 1, **changed: Any) -> Body:
    body = Body(f"IC{number:02d}", "materials", {}, received_at=dt.datetime(2024, 3, 20, 4, 0, tzinfo=dt.UTC))
    for field in RULES[programme].form.fields_for(body.kind).values():
        body.answers[field.code] = "某文" if field.type in ("text", "choice") else 2
    body.answers |= CLEAN[programme]
    if programme == APPLYING:
        body.answers["A01"] = body.name
    body.answers = {k: v for k, v in (body.answers | changed).items() if v is not None}
    return body


def checked(rules: RuleVersion, bodies: list[Body], **years: str) -> Gate:
    """Write a snapshot, all three years of its bodies with it but those of ``years`` (unit: state)."""
    with transaction() as connection:
        number = Snapshot(rules, str(2027 if rules.yearly else 2025), bodies).write(connection)
        if rules.yearly:
            connection.execute(
                snapshot_year.insert(),
                [
                    {
                        "snapshot_id": number, "unit": b.unit, "period": year, "submission_id": None,
                        "state": years.get(b.unit, "accepted") if year == "2026" else "accepted",
                        "known_at": KNOWN_AT,
                    }
                    for b in bodies
                    for year in ("2025", "2026", "2027")
                ],
            )  # fmt: skip
    return gate.check(number, rules, KNOWN_AT)


def told(verdict: Gate) -> list[tuple[str, str | None, str | None]]:
    return [(f.rule, f.unit, f.field) for f in verdict.findings if f.rule != UNATTACHED]


@pytest.mark.parametrize("programme", RULES)
def test_a_careful_centre_is_told_nothing(database: Path, programme: str) -> None:
    verdict = checked(RULES[programme], [clean(programme), clean(programme, 2)])
    assert told(verdict) == []
    assert verdict.passed


@pytest.mark.parametrize("programme", CASES)
def test_each_rule_finds_its_case_at_its_cell(
    database: Path, programme: str, subtests: pytest.Subtests
) -> None:
    cases = dict(enumerate(CASES[programme].values(), 1))
    verdict = checked(RULES[programme], [clean(programme, n, **case[0]) for n, case in cases.items()])
    assert not verdict.passed
    for number, name in enumerate(CASES[programme], 1):
        with subtests.test(name):
            _, rule, severity, field, found, words, basis = cases[number]
            unit = f"IC{number:02d}"
            (finding,) = [f for f in verdict.findings if f.unit == unit and f.rule != UNATTACHED]
            assert (finding.rule, finding.severity, finding.field) == (rule, severity, field)
            assert finding.stops is (severity == "critical")
            assert finding.found == found
            assert finding.message.startswith(f"示例平台{unit}：")
            assert words in finding.message
            assert finding.basis.startswith(basis)
            assert finding.submission_id is not None
            answered = field in clean(programme, number, **cases[number][0]).answers
            place = ("一、业务绩效", f"C{int((field or '')[1:]) + 3}") if answered else (None, None)
            assert (finding.sheet, finding.cell) == place


@pytest.mark.parametrize(
    ("programme", "rule"), [(APPLYING, "ICR001"), (YEARLY, "ICS001"), (OVERALL, "ICE001")]
)
def test_nobody_is_no_pass(database: Path, programme: str, rule: str) -> None:
    body = clean(programme)
    body.state = "missing"
    verdict = checked(RULES[programme], [body])
    assert verdict.findings[0].rule == rule
    assert verdict.findings[0].unit is None
    assert not verdict.passed


@pytest.mark.clause("2024-1155#41")
def test_an_evaluation_wants_every_year_its_workbook_and_the_title(database: Path) -> None:
    bodies = [clean(OVERALL, n) for n in range(1, 6)]
    bodies[1].state = "returned"
    verdict = checked(RULES[OVERALL], bodies, IC01="not_forwarded", IC03="exempt")
    found = {(f.rule, f.unit): f for f in verdict.findings if f.rule != UNATTACHED}
    assert set(found) == {("ICE002", "IC01"), ("ICE003", "IC02")}
    assert "缺 2026 年度自评（省级部门未转报）" in found["ICE002", "IC01"].message
    assert "没有已受理的综合评价表（已退回，未更正）" in found["ICE003", "IC02"].message
    assert {f.basis for f in found.values()} == {"2024-1155#41"}
    assert [f.found for f in found.values()] == ["省级部门未转报", "已退回，未更正"]
    missing = [f for f in verdict.findings if f.rule == UNATTACHED]
    assert {f.unit for f in missing} == {"IC01", "IC03", "IC04", "IC05"}
    assert missing[0].message == "示例平台IC01：没有收到“综合评价报告”"
    assert not verdict.passed


@pytest.mark.clause("2024-1155#33")
def test_who_does_not_hold_the_title_is_not_evaluated(database: Path) -> None:
    rules = RULES[OVERALL]
    with transaction() as connection:
        number = Snapshot(rules, "2027", [clean(OVERALL), clean(OVERALL, 2)]).write(connection)
        connection.execute(
            title_event.insert().values(
                programme=OVERALL, unit="IC02", event="revoked", effective_on=dt.date(2024, 4, 1),
                basis="2024-1155#46", note="虚构", known_at=KNOWN_AT,
            )
        )  # fmt: skip
        stranger = dict(connection.execute(select(snapshot_unit)).mappings().first() or {})
        del stranger["id"], stranger["recorded_at"]
        connection.execute(
            snapshot_unit.insert().values(**stranger | {"unit": "IC77", "name": "未登记的中心"})
        )
    verdict = gate.check(number, rules, KNOWN_AT)
    found = {f.unit: f for f in verdict.findings if f.rule == "ICE011"}
    assert set(found) == {"IC02", "IC77"}
    assert found["IC02"].basis == "2024-1155#33"
    assert "不持有资格" in found["IC02"].message


def test_the_same_numbers_as_last_year_are_pointed_out(database: Path) -> None:
    before = checked_year("2025", clean(YEARLY))
    with transaction() as connection:
        issue_snapshot(connection, before, "2025", KNOWN_AT)
    again = gate.check(checked_year("2026", clean(YEARLY)), RULES[YEARLY], KNOWN_AT)
    assert [(f.rule, f.severity, f.unit) for f in again.findings] == [("ICS009", "warning", "IC01")]
    assert "个数值与 2025 年度逐栏相同，请核实是否误用上年数据" in again.findings[0].message
    other = gate.check(checked_year("2026", clean(YEARLY, F01=61)), RULES[YEARLY], KNOWN_AT)
    assert other.findings == ()


def checked_year(period: str, body: Body) -> int:
    with transaction() as connection:
        return Snapshot(RULES[YEARLY], period, [body]).write(connection)


def test_every_rule_of_the_suites_has_its_case() -> None:
    shown = {case[1] for cases in CASES.values() for case in cases.values()}
    shown |= {"ICR001", "ICS001", "ICE001", "ICE002", "ICE003", UNATTACHED, "ICE011", "ICS009"}
    assert shown == {r.rule for rules in RULES.values() for r in suite.load(rules.quality.suite).rules}
