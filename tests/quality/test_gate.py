"""The gate on PostgreSQL: each rule of the shipped suite finds its case, at its cell, and nothing else."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import logging
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from frozen_bodies import KINDS, KNOWN_AT, PROGRAMME, Snapshot, issue_snapshot
from ipgov.core import objects
from ipgov.core.database import reading, transaction
from ipgov.core.errors import EnvironmentProblemError, GovernanceError, RefusedError, UnknownError
from ipgov.core.steps import SHANGHAI
from ipgov.policy import store
from ipgov.policy.rules import RuleVersion
from ipgov.quality import gate, suite
from ipgov.quality.findings import Finding
from ipgov.quality.gate import Gate

Clean = Callable[..., Snapshot]
Written = Callable[[Snapshot], int]
SUITE = "functional_platform_annual"


def in_a_suite(monkeypatch: pytest.MonkeyPatch, *expectations: dict[str, Any]) -> None:
    """Let the gate use a suite of these expectations, under the shipped one's name."""
    data = json.dumps({"name": SUITE, "expectations": list(expectations)}).encode()
    monkeypatch.setattr(suite, "load", lambda name: suite.parse(data, name))


def expectation(type_: str, rule: str = "TST001", **kwargs: Any) -> dict[str, Any]:
    meta = {
        "rule": rule,
        "severity": "critical",
        "basis": "operator: 测试",
        "message": "{field} 有误",
        "view": "quality_value",
    }
    return {"type": type_, "kwargs": kwargs, "meta": meta}


def rows_where(condition: str) -> dict[str, Any]:
    return expectation(suite.ROWS_BY_SQL, unexpected_rows_query="SELECT * FROM {batch} WHERE " + condition)  # noqa: S608


SMALL_KIND = "FPQ032"  # told of every kind with few bodies, that is of nearly every snapshot here


def told(verdict: Gate) -> list[tuple[str, str, str | None, str | None]]:
    return [(f.rule, f.severity, f.unit, f.field) for f in harm(verdict)]


def harm(verdict: Gate) -> list[Finding]:
    return [f for f in verdict.findings if f.rule != SMALL_KIND]


def test_clean_snapshot_passes_without_a_finding(clean: Clean, written: Written, rules: RuleVersion) -> None:
    verdict = gate.check(written(clean()), rules, KNOWN_AT)
    assert told(verdict) == []
    assert verdict.passed
    assert verdict.suite == SUITE
    kept = objects.get_content(verdict.suite_sha256)
    assert kept == (Path(__file__).parents[2] / "expectations" / f"{SUITE}.json").read_bytes()


def test_later_rule_version_is_checked_by_its_own_form(clean: Clean, written: Written) -> None:
    """The second version asks one more field of two kinds: their bodies lack it, the others do not."""
    verdict = gate.check(written(clean()), store.governing(PROGRAMME, 2025).rules, KNOWN_AT)
    lacking = [f"FP{n:03d}" for n, kind in enumerate(KINDS, 1) if kind in ("trading", "characteristic")]
    assert told(verdict) == [
        *(("FPQ002", "critical", unit, "F29") for unit in lacking),
        # nor did anybody attach the sealed scan that it asks for
        *(("FPQ019", "warning", f"FP{n:03d}", None) for n in range(1, len(KINDS) + 1)),
    ]


# kind of body, what it answers otherwise (None: nothing), what is found: rule, severity, field, found, words
CASES = {
    "required field left open": ("tool", {"F06": None}, "FPQ002", "critical", "F06", None, "“公益服务次数”"),
    "required text left open": ("tool", {"F28": None}, "FPQ002", "critical", "F28", None, "“填表人”"),
    "field of another kind": ("tool", {"F01": 7}, "FPQ003", "critical", "F01", "7", "其数据为 7"),
    "field of no form": ("tool", {"F99": "甲"}, "FPQ003", "critical", "F99", None, "其数据为 甲"),
    "below the least": ("tool", {"F18": -1}, "FPQ004", "critical", "F18", "-1", "为 -1 项"),
    "above the most": ("tool", {"F10": Decimal("100.01")}, "FPQ004", "critical", "F10", "100.01", "0 至 100"),
    "more small enterprises than enterprises": (
        "tool", {"F09": 301}, "FPQ005", "critical", "F09", "301", "大于“服务企业数”300 家（C11）",
    ),
    "more rated than resident": ("tool", {"F12": 41}, "FPQ006", "critical", "F12", "41", "40 家（C14）"),
    "more reported than happened": ("tool", {"F21": 3}, "FPQ007", "critical", "F21", "3", "2 件（C23）"),
    "trade without projects": ("trading", {"F02": 0}, "FPQ008", "warning", "F01", "2", "为 0 项（C5）"),
    "projects without trade": (
        "characteristic", {"F01": 0}, "FPQ008", "warning", "F01", "0", "为 2 项（C5）",
    ),
    "finance without projects": ("financial", {"F04": 0}, "FPQ009", "warning", "F03", "2", "为 0 项（C7）"),
    "projects without finance": ("financial", {"F03": 0}, "FPQ009", "warning", "F03", "0", "为 2 项（C7）"),
    "not every institution rated": ("tool", {"F12": 39}, "FPQ010", "warning", "F12", "39", "只对其中 39 家"),
    "major matter reported late": ("tool", {"F21": 1}, "FPQ011", "warning", "F21", "1", "2 件，只有 1 件"),
    "cross-region branch": ("tool", {"F22": 1}, "FPQ012", "warning", "F22", "1", "分支机构 1 个"),
    "seal with the name": ("tool", {"F23": 1}, "FPQ013", "warning", "F23", "1", "公章 1 枚"),
    "business out of scope": ("tool", {"F24": 2}, "FPQ014", "warning", "F24", "2", "商业性活动 2 件"),
    "filled in before the year was over": (
        "tool", {"F27": "2023-12-31"}, "FPQ016", "warning", "F27", "2023-12-31", "年度终了日 2023-12-31",
    ),
    "filled in after it came in": (
        "tool", {"F27": "2024-03-21"}, "FPQ017", "warning", "F27", "2024-03-21", "晚于收到日 2024-03-20",
    ),
    "neither yes nor no": ("tool", {"F19": 2}, "FPQ028", "critical", "F19", "2", "答案“2”不在所列选项之内"),
    "half a person": ("tool", {"F15": Decimal("2.5")}, "FPQ029", "critical", "F15", "2.5", "小数超过 0 位"),
    "too many per head": ("tool", {"F08": 2001}, "FPQ033", "warning", "F08", "2001", "只有 2 人（C18）"),
    "enterprises, nobody to serve them": (
        "tool", {"F15": 0, "F16": 0}, "FPQ033", "warning", "F08", "300", "只有 0 人（C18）",
    ),
    "yuan for ten thousand yuan": ("tool", {"F16": 1001}, "FPQ034", "warning", "F16", "1001", "误填为元"),
    "a trade of a billion": ("trading", {"F01": 200001}, "FPQ035", "warning", "F01", "200001", "2 项（C5）"),
    "a loan of a billion": ("financial", {"F03": 200001}, "FPQ036", "warning", "F03", "200001", "2 项（C7）"),
    "enterprises of no province": ("tool", {"F13": 0}, "FPQ037", "warning", "F08", "300", "为 0 个（C16）"),
}  # fmt: skip

CLAUSES = {
    "FPQ002": "2023-156#19",
    "FPQ010": "2023-156#16",
    "FPQ011": "2023-156#15",
    "FPQ012": "2023-156#27",
    "FPQ013": "2023-156#26",
    "FPQ014": "2023-156#28",
}


@pytest.mark.clause("2023-156#16", "2023-156#26", "2023-156#27", "2023-156#28")
def test_each_rule_finds_its_case_at_its_cell(
    clean: Clean, written: Written, rules: RuleVersion, subtests: pytest.Subtests
) -> None:
    frozen = clean()
    bodies = {name: clean(kinds=(case[0],)).bodies[0] for name, case in CASES.items()}
    for serial, (name, body) in enumerate(bodies.items(), 100):
        body.unit = f"FP{serial}"
        body.answers = {k: v for k, v in (body.answers | CASES[name][1]).items() if v is not None}
    frozen.bodies += bodies.values()
    verdict = gate.check(written(frozen), rules, KNOWN_AT)
    assert not verdict.passed
    assert {f.unit for f in harm(verdict)} == {b.unit for b in bodies.values()}
    for name, (_, _, rule, severity, field, found, words) in CASES.items():
        with subtests.test(name):
            body = bodies[name]
            (finding,) = [f for f in verdict.findings if f.unit == body.unit]
            assert (finding.rule, finding.severity, finding.field) == (rule, severity, field)
            assert finding.stops is (severity == "critical")
            assert finding.found == found
            assert body.name in finding.message
            assert words in finding.message
            assert finding.basis == CLAUSES.get(rule, finding.basis)
            assert (finding.basis in store.clauses()) is (rule in CLAUSES)
            assert finding.submission_id is not None
            cell = ("一、业务绩效", f"C{int(field[1:]) + 3}") if field in body.answers else (None, None)
            assert (finding.sheet, finding.cell) == cell


def test_edges_of_ranges_and_days_pass(clean: Clean, written: Written, rules: RuleVersion) -> None:
    frozen = clean()
    frozen.body("tool").answers |= {"F10": 0, "F13": 34, "F17": 100, "F27": "2024-01-01"}
    frozen.body("trading").answers |= {"F09": 300, "F01": 0, "F02": 0, "F27": "2024-03-20"}
    frozen.body("financial").answers |= {"F11": 0, "F12": 0, "F20": 0, "F21": 0}
    assert told(gate.check(written(frozen), rules, KNOWN_AT)) == []


@pytest.mark.clause("2023-156#19")
def test_bodies_not_accepted_are_told_and_do_not_stop(
    clean: Clean, written: Written, rules: RuleVersion
) -> None:
    frozen = clean()
    for body, state in zip(
        frozen.bodies, ("late", "returned", "missing", "exempt", "accepted_late"), strict=False
    ):
        body.state = state
    verdict = gate.check(written(frozen), rules, KNOWN_AT)
    assert [(f.rule, f.severity, f.unit, f.found) for f in harm(verdict)] == [
        ("FPQ018", "info", "FP001", "逾期过久，未受理"),
        ("FPQ018", "info", "FP002", "已退回，未更正"),
        ("FPQ018", "info", "FP003", "未报送"),
        ("FPQ039", "info", "FP005", "2024-03-20"),
    ]
    assert verdict.passed


def test_nobody_accepted_is_no_pass(clean: Clean, written: Written, rules: RuleVersion) -> None:
    frozen = clean(kinds=("tool", "trading"))
    for body in frozen.bodies:
        body.state = "missing"
    verdict = gate.check(written(frozen), rules, KNOWN_AT)
    assert told(verdict)[0] == ("FPQ001", "critical", None, None)
    assert "没有任何单位" in verdict.findings[0].message
    assert not verdict.passed


def test_every_failing_row_is_kept(clean: Clean, written: Written, rules: RuleVersion) -> None:
    """Great Expectations lists 20 of them: of its own rules and of those written in SQL all are kept."""
    frozen = clean(kinds=("tool",) * 3000)
    for body in frozen.bodies:
        body.answers = {k: v for k, v in body.answers.items() if k in ("F08", "F09", "F28")}
    for body in frozen.bodies[:2990]:
        body.answers |= {"F09": 301, "F99": 1}
    verdict = gate.check(written(frozen), rules, KNOWN_AT)
    found = told(verdict)
    units = sorted(b.unit for b in frozen.bodies[:2990])
    for rule, field in (("FPQ003", "F99"), ("FPQ005", "F09")):
        assert [t for t in found if t[0] == rule] == [(rule, "critical", u, field) for u in units]
    asked = len(rules.form.fields_for("tool")) - 3
    assert sum(t[0] == "FPQ002" for t in found) == 3000 * asked


def test_another_snapshot_is_not_seen(clean: Clean, written: Written, rules: RuleVersion) -> None:
    harmed = clean()
    harmed.body("tool").answers["F09"] = 301
    bad, good = written(harmed), written(clean())
    assert told(gate.check(good, rules, KNOWN_AT)) == []
    assert [f.rule for f in harm(gate.check(bad, rules, KNOWN_AT))] == ["FPQ005"]


class TestYearOnYear:
    """A jump against the last period that was issued, as known at the check."""

    EARLIER = KNOWN_AT - dt.timedelta(days=300)

    def check(self, clean: Clean, before: dict[str, Any], now: dict[str, Any], **how: Any) -> Gate:
        period = how.get("last", "2022")
        last, this = clean(period), clean("2023")
        for body in last.bodies:  # not a copy of this year's
            body.answers["F16"] = 3
        last.body("tool").answers |= before
        this.body("tool").answers |= now
        with transaction() as connection:
            last_id, this_id = last.write(connection), this.write(connection)
            if how.get("issued", True):
                issue_snapshot(connection, last_id, period, how.get("issued_at", self.EARLIER))
        return gate.check(this_id, last.rules, KNOWN_AT)

    def test_beyond_five_times(self, database: Path, clean: Clean) -> None:
        # the last: nothing to measure against
        cases = [(100, 500, 0), (100, 501, 1), (100, 20, 0), (100, 19, 1), (100, 0, 1), (0, 500, 0)]
        last, this = (clean(period, kinds=("tool",) * len(cases)) for period in ("2022", "2023"))
        for before, now, (old, new, _) in zip(last.bodies, this.bodies, cases, strict=True):
            before.answers |= {"F06": old, "F16": 3}
            now.answers["F06"] = new
        with transaction() as connection:
            last_id, this_id = last.write(connection), this.write(connection)
            issue_snapshot(connection, last_id, "2022", self.EARLIER)
        verdict = gate.check(this_id, last.rules, KNOWN_AT)
        jumps = [b.unit for b, (*_, jumps) in zip(this.bodies, cases, strict=True) if jumps]
        assert told(verdict) == [("FPQ015", "warning", unit, "F06") for unit in jumps]
        assert verdict.passed
        assert "由 2022 年度的 100 变为 501 次" in harm(verdict)[0].message

    def test_yes_or_no_does_not_jump(self, database: Path, clean: Clean) -> None:
        assert told(self.check(clean, {"F19": 1}, {"F19": 0})) == []

    def test_period_not_issued_is_no_measure(self, database: Path, clean: Clean) -> None:
        assert told(self.check(clean, {"F06": 1}, {"F06": 100}, issued=False)) == []

    def test_issue_not_known_then_is_no_measure(self, database: Path, clean: Clean) -> None:
        after = KNOWN_AT + dt.timedelta(seconds=1)
        assert told(self.check(clean, {"F06": 1}, {"F06": 100}, issued_at=after)) == []

    def test_newest_issued_period_is_the_measure(self, database: Path, clean: Clean) -> None:
        older, last, this = clean("2021"), clean("2022"), clean("2023")
        for body in last.bodies:
            body.answers["F16"] = 3
        older.body("tool").answers["F06"] = 1
        last.body("tool").answers["F06"] = 90
        this.body("tool").answers["F06"] = 100
        with transaction() as connection:
            for s, period in ((last, "2022"), (older, "2021")):  # 2021 issued after 2022
                issue_snapshot(connection, s.write(connection), period, self.EARLIER)
            this_id = this.write(connection)
        assert told(gate.check(this_id, older.rules, KNOWN_AT)) == []


def test_last_years_numbers_sent_again_are_told(database: Path, clean: Clean) -> None:
    last, this = clean("2022", kinds=("tool",) * 2), clean("2023", kinds=("tool",) * 2)
    this.bodies[1].answers["F06"] = 3
    with transaction() as connection:
        last_id, this_id = last.write(connection), this.write(connection)
        issue_snapshot(connection, last_id, "2022", KNOWN_AT - dt.timedelta(days=300))
    verdict = gate.check(this_id, last.rules, KNOWN_AT)
    assert told(verdict) == [("FPQ038", "warning", "FP001", None)]
    assert "17 个数值与 2022 年度逐栏相同" in harm(verdict)[0].message


def test_unknown_snapshot_is_refused(database: Path, rules: RuleVersion) -> None:
    with pytest.raises(UnknownError, match="没有编号为 999 的快照"):
        gate.check(999, rules, KNOWN_AT)


def test_rules_of_another_programme_are_refused(clean: Clean, written: Written, rules: RuleVersion) -> None:
    other = rules.model_copy(update={"programme": "industry_centre"})
    with pytest.raises(RefusedError, match="属于“functional_platform”，不能按“industry_centre”"):
        gate.check(written(clean()), other, KNOWN_AT)


def test_unknown_suite_is_refused(clean: Clean, written: Written, rules: RuleVersion) -> None:
    quality = rules.quality.model_copy(update={"suite": "no_such"})
    with pytest.raises(UnknownError, match=f"没有名为“no_such”的数据质量规则集；现有：{SUITE}"):
        gate.check(written(clean()), rules.model_copy(update={"quality": quality}), KNOWN_AT)


@pytest.mark.parametrize(
    "broken",
    [
        rows_where("no_such_function(value) > 1"),
        rows_where("1 / (value - value) > 0"),
    ],
    ids=["unknown function", "division by zero"],
)
def test_rule_that_cannot_be_answered_is_never_a_pass(
    clean: Clean,
    written: Written,
    rules: RuleVersion,
    monkeypatch: pytest.MonkeyPatch,
    broken: dict[str, Any],
) -> None:
    in_a_suite(monkeypatch, broken)
    with pytest.raises(EnvironmentProblemError, match="数据质量规则 TST001 无法检查"):
        gate.check(written(clean()), rules, KNOWN_AT)


@pytest.mark.parametrize(
    "unfit",
    [
        expectation("expect_nothing_known", column="value"),
        expectation("expect_column_values_to_not_be_null", no_such_argument=1),
    ],
    ids=["type", "argument"],
)
def test_expectation_unknown_to_the_library_is_refused(
    clean: Clean, written: Written, rules: RuleVersion, monkeypatch: pytest.MonkeyPatch, unfit: dict[str, Any]
) -> None:
    in_a_suite(monkeypatch, unfit)
    with pytest.raises(GovernanceError, match="数据质量规则 TST001 无法使用"):
        gate.check(written(clean()), rules, KNOWN_AT)


@pytest.mark.parametrize("where", ["message", "columns"])
def test_column_that_is_not_there_is_refused(
    clean: Clean, written: Written, rules: RuleVersion, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    entry = rows_where("field = 'F09'")
    entry["meta"] |= {"message": "{no_such}"} if where == "message" else {"columns": {"found": "no_such"}}
    in_a_suite(monkeypatch, entry)
    with pytest.raises(GovernanceError, match=r"引用了不存在的列 no_such；应为：可用：answer、cell"):
        gate.check(written(clean()), rules, KNOWN_AT)


def test_rule_may_hold_percent_and_colon(
    clean: Clean, written: Written, rules: RuleVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_a_suite(monkeypatch, rows_where(r"field LIKE '%28' AND unit::text LIKE '%01' AND answer <> '\:x %s'"))
    assert told(gate.check(written(clean()), rules, KNOWN_AT)) == [("TST001", "critical", "FP001", "F28")]


def test_rule_cannot_write(
    clean: Clean, written: Written, rules: RuleVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session is read-only, also for a function that writes inside a SELECT."""
    in_a_suite(monkeypatch, rows_where("nextval('finding_id_seq') > 0"))
    with pytest.raises(EnvironmentProblemError, match="无法检查"):
        gate.check(written(clean()), rules, KNOWN_AT)


def test_password_with_a_dollar_reaches_the_server(
    clean: Clean, written: Written, rules: RuleVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Great Expectations would replace $HOME in an address that it is given."""
    from ipgov.core import database, settings

    snapshot_id = written(clean())
    address = settings.settings().database_url.replace("@", ":pa$HOME%24@", 1)
    monkeypatch.setenv("IPGOV_DATABASE_URL", address)
    database.engine().dispose()
    settings.settings.cache_clear()
    database.engine.cache_clear()
    assert gate.check(snapshot_id, rules, KNOWN_AT).passed


def test_gate_is_quiet(
    clean: Clean,
    written: Written,
    rules: RuleVersion,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    snapshot_id = written(clean())
    with caplog.at_level(logging.INFO):
        gate.check(snapshot_id, rules, KNOWN_AT)
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")
    assert [r for r in caplog.records if r.name.startswith("great_expectations")] == []


def test_result_of_a_check_is_repeatable(clean: Clean, written: Written, rules: RuleVersion) -> None:
    frozen = clean()
    for body in frozen.bodies:
        body.answers |= {"F12": 39, "F24": 1}
    snapshot_id = written(frozen)
    first, second = (gate.check(snapshot_id, rules, KNOWN_AT) for _ in range(2))
    assert first == second
    assert len(harm(first)) == 24


def test_views_refuse_a_session_that_chose_no_snapshot(database: Path) -> None:
    from ipgov.quality.columns import quality_views
    from sqlalchemy import text
    from sqlalchemy.exc import ProgrammingError

    for view in quality_views():
        with (
            reading() as connection,
            pytest.raises(ProgrammingError, match="unrecognized configuration parameter"),
        ):
            connection.execute(text(f"SELECT * FROM {view}"))  # noqa: S608


def test_findings_are_plain_data(clean: Clean, written: Written, rules: RuleVersion) -> None:
    from ipgov.core.fingerprint import fingerprint

    frozen = clean()
    frozen.body("tool").answers["F17"] = Decimal("100.5")
    (finding,) = harm(gate.check(written(frozen), rules, dt.datetime(2024, 4, 23, tzinfo=SHANGHAI)))
    assert fingerprint(finding.as_dict()) == fingerprint(dataclasses.asdict(finding))
    assert finding.found == "100.5"
