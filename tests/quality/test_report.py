"""A report counts every finding once in each view; workbook, history and waivers tell the same."""

from __future__ import annotations

import datetime as dt
import io
import json
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from frozen_bodies import KNOWN_AT, PROGRAMME, Body, Snapshot
from ipgov import cli
from ipgov.core import objects
from ipgov.core.database import reading, transaction
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.core.tables import cycle, rule_version
from ipgov.policy import store
from ipgov.policy.rules import RuleVersion
from ipgov.procedures import quality
from ipgov.quality import findings, report, suite
from ipgov.quality.findings import Finding
from ipgov.quality.gate import Gate
from ipgov.quality.report import Filter
from sqlalchemy import select

LATER = KNOWN_AT + dt.timedelta(days=1)
HOSTILE = '=HYPERLINK("http://x","点")'


def open_period(period: str) -> None:
    loaded = store.governing(PROGRAMME, 2023)
    sha256 = objects.put_content(loaded.data)
    with transaction() as connection:
        rule_id = connection.execute(select(rule_version.c.id)).scalar()
        if rule_id is None:
            row = {"programme": PROGRAMME, "version": "1", "sha256": sha256, "known_at": KNOWN_AT}
            made = rule_version.insert().values(row).returning(rule_version.c.id)
            rule_id = connection.execute(made).scalar_one()
        connection.execute(
            cycle.insert().values(
                programme=PROGRAMME, period=period, rule_version_id=rule_id, opened_on=dt.date(2024, 1, 10),
                due_on=dt.date(2024, 3, 31), evaluate_on=dt.date(2024, 4, 15), due_provisional=False,
                calendar_version="test", known_at=KNOWN_AT,
            )
        )  # fmt: skip


def finding(rule: str, unit: str | None, severity: str, **more: Any) -> Finding:
    place = {"field": "F08", "sheet": "一、业务绩效", "cell": "C11", "submission_id": None}
    told = {"basis": "2023-156#19", "message": f"{rule} {unit}", "found": "1"}
    return Finding(rule=rule, severity=severity, unit=unit, **(place | told | more))


def checked(period: str, found: list[Finding], known_at: dt.datetime = KNOWN_AT, bodies: int = 4) -> int:
    """Store a check of a fresh snapshot of bodies in three provinces, the last one reporting directly."""
    places = [("11", "province"), ("31", "province"), ("44", "province"), ("11", "direct")]
    rules = store.governing(PROGRAMME, 2023).rules
    many = [
        Body(f"FP{n:03d}", "tool", {"F08": 1}, province=places[n % 4][0], route=places[n % 4][1])
        for n in range(bodies)
    ]
    data = suite.load("functional_platform_annual").data
    passed = not any(f.stops for f in found)
    with transaction() as connection:
        snapshot_id = Snapshot(rules, period, many).write(connection)
        gate = Gate("functional_platform_annual", objects.put_content(data), tuple(found), passed)
        findings.save(connection, snapshot_id, gate, known_at)
    return snapshot_id


SOME = [
    finding("FPQ005", "FP000", "critical"),
    finding("FPQ005", "FP001", "critical"),
    finding("FPQ014", "FP001", "warning", found=HOSTILE, message=f"{HOSTILE}\u202e有误"),
    finding("FPQ014", "FP003", "warning", basis="operator: 自定"),
    finding("FPQ001", None, "critical", field=None, sheet=None, cell=None),
    finding("FPQ018", "FP002", "info", field=None, sheet=None, cell=None),
]


@pytest.fixture
def some(database: Any) -> None:
    open_period("2023")
    checked("2023", SOME)


def asked(**chosen: str) -> report.Report:
    return quality.period_report(PROGRAMME, "2023", LATER, None, Filter(**chosen)).report


def test_every_view_adds_up_to_all_findings(some: None) -> None:
    found = asked()
    assert asdict(found.total) == {"found": 6, "bodies": 4, "waived": 0, "stopping": 3}
    assert {s: c.found for s, c in found.severities.items()} == {"critical": 3, "warning": 2, "info": 1}
    # a rule whose basis differs stands twice
    assert [(r.rule, r.found, r.bodies) for r in found.rules] == [
        ("FPQ001", 1, 0), ("FPQ005", 2, 2), ("FPQ014", 1, 1), ("FPQ014", 1, 1), ("FPQ018", 1, 1),
    ]  # fmt: skip
    assert {p.name: p.found for p in found.provinces} == {
        "北京市": 1, "上海市": 2, "广东省": 1, "直接报送单位": 1, "全部数据": 1,
    }  # fmt: skip
    assert {b.unit: b.found for b in found.bodies} == {"FP000": 1, "FP001": 2, "FP002": 1, "FP003": 1}
    for view in (found.severities.values(), found.rules, found.provinces):
        assert sum(c.found for c in view) == found.total.found
    assert [f.rule for f in found.findings] == ["FPQ001", "FPQ005", "FPQ005", "FPQ014", "FPQ014", "FPQ018"]
    assert found.findings[1].label == "服务企业数"


@pytest.mark.parametrize(
    ("chosen", "units"),
    [
        ({"severity": "warning"}, ["FP001", "FP003"]),
        ({"rule": "FPQ005"}, ["FP000", "FP001"]),
        ({"province": "31"}, ["FP001", "FP001"]),
        ({"province": "direct"}, ["FP003"]),
        ({"province": "whole"}, [None]),
        ({"unit": "FP001", "severity": "critical"}, ["FP001"]),
        ({"waived": "yes"}, []),
        ({"waived": "no", "rule": "FPQ018"}, ["FP002"]),
    ],
)
def test_what_is_chosen_is_shown_and_counted(some: None, chosen: dict[str, str], units: list[str]) -> None:
    found = asked(**chosen)
    assert [f.unit for f in found.findings] == units
    assert found.total.found == len(units)


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"severity": "fatal"}, "没有名为“fatal”的严重程度；可用：critical、warning、info"),
        ({"rule": "FPQ999"}, "没有名为“FPQ999”的规则；可用：FPQ001"),
        ({"province": "99"}, "没有名为“99”的省份"),
        ({"unit": "FP999"}, "没有名为“FP999”的单位；可用：FP000、FP001"),
        ({"waived": "maybe"}, "没有名为“maybe”的豁免状态；可用：yes、no"),
    ],
)
def test_unknown_choice_is_named(some: None, chosen: dict[str, str], words: str) -> None:
    with pytest.raises(UnknownError, match=words):
        asked(**chosen)


def test_periods_and_checks_that_are_not_there(some: None) -> None:
    with pytest.raises(UnknownError, match="2024 年度尚未开启"):
        quality.period_report(PROGRAMME, "2024", LATER)
    with pytest.raises(UnknownError, match="没有编号为 99 的检查；现有：1"):
        quality.period_report(PROGRAMME, "2023", LATER, 99)
    with pytest.raises(UnknownError, match="尚未作过数据质量检查"):
        quality.period_report(PROGRAMME, "2023", KNOWN_AT - dt.timedelta(seconds=1))


def test_pages_of_thousands_are_the_whole_in_order(database: Any) -> None:
    open_period("2023")
    checked("2023", [finding("FPQ014", f"FP{n:03d}", "warning") for n in range(3000)], bodies=3000)
    parts = [
        quality.period_report(PROGRAMME, "2023", LATER, size=700, start=start).report
        for start in range(0, 3000, 700)
    ]
    assert {p.total.found for p in parts} == {3000}
    units = [f.unit for p in parts for f in p.findings]
    assert units == sorted(f"FP{n:03d}" for n in range(3000))
    found = quality.period_report(PROGRAMME, "2023", LATER)
    book = read(quality.report_workbook(found))
    assert len(book["全部发现"]) == 3000
    assert len(book["按单位"]) == 3000


def read(data: bytes) -> dict[str, list[list[Any]]]:
    """The rows below the heads of every sheet, as a spreadsheet program reads them."""
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(data))
    assert not any(c.data_type == "f" for sheet in book for row in sheet.iter_rows() for c in row)
    assert not any(sheet._hyperlinks for sheet in book)
    rows = {sheet.title: [[c.value for c in row] for row in sheet.iter_rows(min_row=5)] for sheet in book}
    assert list(rows) == ["概况", "按规则", "按省份", "按单位", "全部发现", "豁免"]
    return rows


def test_the_workbook_holds_every_finding_and_no_formula(some: None) -> None:
    found = quality.period_report(PROGRAMME, "2023", LATER)
    data = quality.report_workbook(found)
    assert data == quality.report_workbook(found)
    book = read(data)
    assert book["概况"][-1] == ["合计", 6, 4, 0, 3]
    assert Counter(row[2] for row in book["全部发现"]) == Counter(f.rule for f in SOME)
    hostile = next(row for row in book["全部发现"] if row[3] == "FP001" and row[2] == "FPQ014")
    assert hostile[9] == HOSTILE
    assert hostile[10] == f"{HOSTILE}□有误"
    assert "国知发运函字〔2023〕156号" in hostile[13]


def test_text_that_looks_like_a_formula_stays_text_when_its_cell_is_edited(some: None) -> None:
    import openpyxl

    data = quality.report_workbook(quality.period_report(PROGRAMME, "2023", LATER))
    sheet = openpyxl.load_workbook(io.BytesIO(data))["全部发现"]
    hostile = [c for row in sheet.iter_rows() for c in row if str(c.value).startswith("=")]
    assert len(hostile) == 2
    assert all(c.quotePrefix for c in hostile)


@pytest.fixture
def ipgov(
    some: None, passwords: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["ipgov", *arguments, "--as-of", "2024-04-23"])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return int(ended.value.code or 0), out, err

    return run


class TestCommands:
    def test_report(self, ipgov: Any, tmp_path: Path) -> None:
        code, out, _ = ipgov("quality", "report", PROGRAMME, "2023")
        assert code == 1  # three critical findings are left
        assert "有严重问题，评价中止；共 6 处发现" in out
        assert "严重 FPQ005 中小企业数不大于服务企业数：2 处，涉及 2 个单位" in out
        assert "FPQ005 “一、业务绩效”表 C11：FPQ005 FP000" in out
        file = tmp_path / "报告.xlsx"
        code, out, _ = ipgov(
            "quality", "report", PROGRAMME, "2023", "--severity", "info", "--json", "-o", str(file)
        )
        assert (code, json.loads(out)["total"]["found"]) == (0, 1)
        assert len(read(file.read_bytes())["全部发现"]) == 1
        code, _, err = ipgov("quality", "report", PROGRAMME, "2023", "--province", "99")
        assert (code, "没有名为“99”的省份" in err) == (2, True)

    def test_history(self, ipgov: Any) -> None:
        code, out, _ = ipgov("quality", "history", PROGRAMME)
        assert code == 0
        assert "FPQ005  2/2  2023  2023  中小企业数不大于服务企业数" in out
        code, out, _ = ipgov("quality", "history", PROGRAMME, "--json")
        assert json.loads(out)["years"][0]["severities"] == {"critical": 3, "warning": 2, "info": 1}

    def test_waive_revoke_list(self, ipgov: Any) -> None:
        one = (PROGRAMME, "2023", "FP000", "FPQ005")
        told = ("--by", "reviewer1", "--reason", "已核实")
        code, out, _ = ipgov("quality", "waive", *one, "--until", "2024-05-01", *told)
        assert (code, "豁免 1 已登记：FP000 FPQ005 至 2024-05-01" in out) == (0, True)
        assert (
            "1 FP000 FPQ005 生效中（截至 2024-05-01，reviewer1：已核实）"
            in ipgov("quality", "waivers", *one[:2])[1]
        )
        assert ipgov("quality", "revoke", *one, *told)[0] == 0
        found = json.loads(ipgov("quality", "waivers", *one[:2], "--json")[1])
        assert [w["state"] for w in found] == ["revocation", "revoked"]
        code, _, err = ipgov("quality", "revoke", *one, *told)
        assert (code, "没有生效中的豁免" in err) == (2, True)
        code, _, err = ipgov("quality", "waive", *one, "--until", "2024-04-01", *told)
        assert (code, "早于今日" in err) == (2, True)

    def test_collection(self, ipgov: Any) -> None:
        code, out, _ = ipgov("collection", PROGRAMME, "2023")
        assert code == 0
        assert "全国：应报 4，已报 4；按期受理 4" in out
        assert "直接报送单位：应报 1，已报 1；按期受理 1" in out
        found = json.loads(ipgov("collection", PROGRAMME, "2023", "--json")[1])
        assert found["total"]["expected"] == 4
        assert found["days"]["total"][-1]["accepted"] == 4
        assert ipgov("collection", PROGRAMME, "2031")[0] == 2


def test_json_is_the_report(some: None) -> None:
    found = json.loads(report.to_json(asked(rule="FPQ014")))
    assert found["chosen"] == {"rule": "FPQ014"}
    assert [f["unit"] for f in found["findings"]] == ["FP001", "FP003"]
    assert found["total"]["found"] == 2


class TestHistory:
    def test_last_live_check_of_each_period(self, database: Any) -> None:
        checked("2021", [finding("FPQ005", "FP000", "critical")])
        checked("2021", [finding("FPQ014", f"FP00{n}", "warning") for n in range(3)])
        checked("2022", [])
        checked("2023", SOME)
        checked("2023", [], KNOWN_AT + dt.timedelta(days=9))  # not known yet
        found = quality.rule_history(PROGRAMME, LATER)
        assert [(y.period, y.passed, sum(y.severities.values())) for y in found.years] == [
            ("2021", True, 3), ("2022", True, 0), ("2023", False, 6),
        ]  # fmt: skip
        rules = {r.rule: r for r in found.rules}
        assert {p: (s.found, s.bodies) for p, s in rules["FPQ014"].periods.items()} == {
            "2021": (3, 3), "2022": (0, 0), "2023": (2, 2),
        }  # fmt: skip
        assert (rules["FPQ014"].first_seen, rules["FPQ014"].last_seen) == ("2021", "2023")
        assert (rules["FPQ005"].first_seen, rules["FPQ005"].last_seen) == ("2023", "2023")
        assert rules["FPQ004"].first_seen is None
        assert rules["FPQ005"].title == "中小企业数不大于服务企业数"

    def test_a_rule_that_did_not_stand_then_is_missing_and_not_nought(
        self, database: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = suite.load("functional_platform_annual")
        raw = json.loads(whole.data)
        raw["expectations"] = raw["expectations"][:2]
        old = suite.parse(json.dumps(raw).encode(), "functional_platform_annual")
        with monkeypatch.context() as patch:
            patch.setattr(suite, "load", lambda name: old)
            checked("2021", [])
        checked("2022", [])
        found = {r.rule: r for r in quality.rule_history(PROGRAMME, LATER).rules}
        assert set(found["FPQ002"].periods) == {"2021", "2022"}
        assert set(found["FPQ003"].periods) == {"2022"}


class TestWaivers:
    UNTIL = KNOWN_AT.date() + dt.timedelta(days=5)

    def waive(self, unit: str = "FP001", **other: Any) -> int:
        given = {"until": self.UNTIL, "granted_by": "李四", "reason": "核实", "known_at": KNOWN_AT} | other
        return quality.waive(PROGRAMME, "2023", unit, "FPQ005", **given)

    def states(self, known_at: dt.datetime = LATER) -> list[tuple[str, str]]:
        return [(w.unit, w.state) for w in quality.period_waivers(PROGRAMME, "2023", known_at)]

    def in_force(self, known_at: dt.datetime = LATER) -> bool:
        with reading() as connection:
            held = findings.waivers(connection, PROGRAMME, "2023", known_at)
        return held.of("FP001", "FPQ005") is not None

    def test_in_force_then_over(self, some: None) -> None:
        self.waive()
        assert self.states() == [("FP001", "in_force")]
        assert self.states(LATER + dt.timedelta(days=5)) == [("FP001", "over")]
        assert self.states(KNOWN_AT - dt.timedelta(seconds=1)) == []

    def test_replaced_by_a_later_one(self, some: None) -> None:
        self.waive()
        self.waive(until=self.UNTIL + dt.timedelta(days=1))
        self.waive("*")
        assert self.states() == [("*", "in_force"), ("FP001", "in_force"), ("FP001", "replaced")]

    def test_revoked_by_a_newer_row_on_the_very_day(self, some: None) -> None:
        self.waive()
        moment = KNOWN_AT + dt.timedelta(minutes=1)
        assert self.in_force(moment)
        quality.revoke(PROGRAMME, "2023", "FP001", "FPQ005", "王五", "核实有误", moment)
        assert not self.in_force(moment)
        assert self.states(moment) == [("FP001", "revocation"), ("FP001", "revoked")]
        assert self.states(KNOWN_AT) == [("FP001", "in_force")]
        self.waive(known_at=moment)
        assert self.in_force(moment)
        assert [s for _, s in self.states(moment)] == ["in_force", "revocation", "revoked"]

    def test_nothing_to_revoke(self, some: None) -> None:
        self.waive("*")
        with pytest.raises(UnknownError, match=r"FP001 的规则 FPQ005 没有生效中的豁免.*：\* FPQ005"):
            quality.revoke(PROGRAMME, "2023", "FP001", "FPQ005", "王五", "误", LATER)
        with pytest.raises(RefusedError, match="撤销人和理由"):
            quality.revoke(PROGRAMME, "2023", "*", "FPQ005", " ", "误", LATER)

    def test_a_period_that_is_not_open(self, some: None) -> None:
        with pytest.raises(UnknownError, match="2031 年度尚未开启"):
            quality.waive(PROGRAMME, "2031", "FP001", "FPQ005", self.UNTIL, "李四", "核实", KNOWN_AT)

    def test_waived_findings_are_counted_and_told(self, some: None, rules: RuleVersion) -> None:
        number = self.waive()
        with reading() as connection:
            told = findings.waivers(connection, PROGRAMME, "2023", KNOWN_AT).of("FP001", "FPQ005")
        assert told == (number, "李四豁免至 2024-04-27：核实")
        checked("2023", [finding("FPQ005", "FP001", "critical", waiver_id=number)])
        found = asked()
        assert asdict(found.total) == {"found": 1, "bodies": 1, "waived": 1, "stopping": 0}
        assert (found.findings[0].granted_by, found.findings[0].waived_until) == ("李四", self.UNTIL)
        assert asked(waived="yes").total.found == 1
        assert [w.state for w in quality.period_waivers(PROGRAMME, "2023", LATER)] == ["in_force"]
