"""A suite that an operator writes is read whole or refused with every problem at once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ipgov.core.errors import GovernanceError, UnknownError
from ipgov.core.settings import settings
from ipgov.policy import store
from ipgov.quality import suite

SQL = suite.ROWS_BY_SQL


def entry() -> dict[str, Any]:
    return {
        "type": SQL,
        "kwargs": {"unexpected_rows_query": "SELECT * FROM {batch} WHERE value < 0;"},
        "meta": {
            "rule": "TST001",
            "severity": "critical",
            "basis": "2023-156#19",
            "message": "{name}有误",
            "view": "quality_value",
        },
    }


def parse(*entries: Any, **top: Any) -> suite.Suite:
    return suite.parse(json.dumps({"name": "t", "expectations": list(entries)} | top).encode(), "t")


def test_rule_is_read_whole() -> None:
    (rule,) = parse(entry()).rules
    assert (rule.rule, rule.severity, rule.basis, rule.view) == (
        "TST001", "critical", "2023-156#19", "quality_value",
    )  # fmt: skip
    assert rule.query == "SELECT * FROM quality_value WHERE value < 0"


def test_every_suite_of_the_policies_is_there_and_its_rules_are_distinct() -> None:
    named = {v.rules.quality.suite for p in store.programmes() for v in store.versions(p)}
    assert named
    for name in named:
        rules = suite.load(name).rules
        assert {"critical", "warning"} <= {r.severity for r in rules}
        assert len({r.rule for r in rules}) == len(rules)


def test_every_file_in_the_folder_can_be_read() -> None:
    files = list(settings().expectations.glob("*.json"))
    assert files
    for file in files:
        assert suite.load(file.stem).data == file.read_bytes()


@pytest.mark.parametrize("name", ["no_such", "../policies/clauses", "", "Functional"])
def test_unknown_suite_is_refused(name: str) -> None:
    with pytest.raises(UnknownError, match=f"没有名为“{name}”的数据质量规则集；现有："):
        suite.load(name)


def without(key: str) -> Callable[[dict[str, Any]], None]:
    def harm(e: dict[str, Any]) -> None:
        del e["meta"][key]

    return harm


def meta(**values: Any) -> Callable[[dict[str, Any]], None]:
    def harm(e: dict[str, Any]) -> None:
        e["meta"] |= values

    return harm


def kwargs(**values: Any) -> Callable[[dict[str, Any]], None]:
    def harm(e: dict[str, Any]) -> None:
        e["kwargs"] |= values

    return harm


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (without("rule"), "缺 meta.rule；应为：规则编号，如 FPQ001"),
        (
            without("severity"),
            "缺 meta.severity；应为：critical（严重，中止）、warning（警告）、info（提示）之一",
        ),
        (without("basis"), "缺 meta.basis；应为：条款编号（如 2023-156#16）"),
        (without("message"), "缺 meta.message；应为：中文提示"),
        (without("view"), "缺 meta.view；应为：sql/views 中"),
        (meta(message=" "), "缺 meta.message"),
        (meta(severity=3), "缺 meta.severity"),
        (meta(severity="fatal"), "严重程度“fatal”未知"),
        (meta(rule="1"), "规则编号“1”无效"),
        (meta(basis="2023-156#99"), "依据“2023-156#99”未知"),
        (meta(basis="自定"), "依据“自定”未知"),
        (meta(basis="operator: "), "依据“operator: ”未知"),
        (meta(message="{name"), "花括号不成对"),
        (meta(message="{name.__class__}"), "提示引用“name.__class__”无效"),
        (meta(message="{}"), "提示引用“”无效"),
        (meta(view="submitted_value"), "视图“submitted_value”未知；应为：quality_attachment、"),
        (meta(columns={"place": "cell"}), "meta.columns 无效"),
        (meta(columns={"cell": "a b"}), "meta.columns 无效"),
        (meta(remark="x"), "meta 中多余的键 remark"),
        (meta(title=" "), "meta.title 无效"),
        (meta(message="{name}的{nmae}"), "提示引用了不存在的列 nmae；应为：可用：answer、"),
        (meta(columns={"found": "no_such"}), "meta.columns 引用了不存在的列 no_such"),
        (
            kwargs(unexpected_rows_query="SELECT * FROM {batch} WHERE vlaue < 0"),
            "unexpected_rows_query 引用了视图“quality_value”没有的列 vlaue",
        ),
        (
            kwargs(unexpected_rows_query="SELECT unit FROM {batch} WHERE value < 0"),
            "提示引用了不存在的列 name；应为：可用：unit",
        ),
        (
            lambda e: e.update(type="expect_column_values_to_not_be_null", kwargs={"column": "lable"}),
            "kwargs.column 引用了视图“quality_value”没有的列 lable",
        ),
        (kwargs(row_condition="required"), "不能用 row_condition"),
        (kwargs(mostly=0.9), "不能用 mostly"),
        (kwargs(unexpected_rows_query=None), "unexpected_rows_query 缺失或无效"),
        (kwargs(unexpected_rows_query="SELECT 1"), "unexpected_rows_query 缺失或无效"),
        (kwargs(unexpected_rows_query="SELECT * FROM {batch} {x}"), "unexpected_rows_query 缺失或无效"),
        (kwargs(unexpected_rows_query="SELECT * FROM {batch} }"), "unexpected_rows_query 缺失或无效"),
        (lambda e: e.pop("kwargs"), "项目不全或多余；应为：{type, kwargs, meta} 三项"),
        (lambda e: e.update(more=1), "项目不全或多余"),
        (lambda e: e.update(meta=[]), "类型不对"),
    ],
)
def test_each_fault_is_named_with_its_place(harm: Callable[[dict[str, Any]], Any], words: str) -> None:
    good, bad = entry(), entry()
    good["meta"]["rule"] = "TST002"
    harm(bad)
    with pytest.raises(GovernanceError) as refused:
        parse(good, bad)
    assert words in refused.value.message
    assert {p.cell for p in refused.value.problems} == {"第 2 条"}
    assert {p.file for p in refused.value.problems} == {"t.json"}


def test_every_fault_is_told_at_once() -> None:
    first, second = entry(), entry()
    first["meta"]["basis"] = "x"
    del second["meta"]["message"]
    with pytest.raises(GovernanceError, match="有 4 处问题") as refused:
        parse(first, second, name="other")
    assert [p.found for p in refused.value.problems] == [
        "name 为“other”",
        "依据“x”未知",
        "缺 meta.message",
        "规则编号“TST001”重复",
    ]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"{", "t.json 不是有效的 JSON"),
        (b"\xff", "t.json 不是有效的 JSON"),
        (b"[]", "须为含 expectations 列表的 JSON 对象"),
        (b'{"name": "t", "expectations": []}', "且至少一条规则"),
        (b'{"name": "t", "expectations": [1]}', "第 1 条：项目不全或多余"),
    ],
)
def test_file_that_is_no_suite_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(GovernanceError) as refused:
        suite.parse(data, "t")
    assert words in refused.value.message


def test_quality_is_imported_without_the_heavy_libraries() -> None:
    import subprocess
    import sys

    code = (
        "import sys, ipgov.quality.gate, ipgov.quality.findings;"
        "print({'great_expectations', 'pandas', 'duckdb', 'boto3'} & set(sys.modules))"
    )
    plugins = Path(suite.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(plugins)},
    )
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(
    "query",
    [
        "SELECT *, value / nullif(previous, 0) AS ratio FROM {batch} WHERE value > 2 * previous",
        "SELECT v.*, 'F08' AS field FROM {batch} v WHERE v.type IN ('a', 'b') AND v.unit LIKE 'FP%' -- why",
        "WITH most AS (SELECT kind, max(value) AS top FROM {batch} GROUP BY kind) "
        "SELECT q.* FROM {batch} AS q JOIN most ON most.kind = q.kind WHERE q.value < most.top * 0.01",
        "SELECT *, count(*) FILTER (WHERE value IS NULL) OVER (PARTITION BY kind) AS open_ones FROM {batch}",
        "SELECT *, (number->>'F09')::numeric AS value FROM quality_body JOIN {batch} USING (unit)",
    ],
)
def test_sql_that_names_what_is_there_is_accepted(query: str) -> None:
    good = entry()
    good["kwargs"]["unexpected_rows_query"] = query
    assert parse(good).rules[0].kwargs["unexpected_rows_query"] == query


def test_columns_read_from_the_text_of_a_view_are_those_of_the_database(database: Path) -> None:
    from ipgov.core.database import reading
    from ipgov.quality.columns import quality_views, view_columns
    from sqlalchemy import text

    columns = "SELECT column_name FROM information_schema.columns WHERE table_name = :view"
    with reading() as connection:
        for view in quality_views():
            there = connection.execute(text(columns), {"view": view}).scalars()
            assert view_columns(view) == frozenset(there), view


def test_policy_check_names_the_problems_of_every_suite(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert suite.problems() == []
    bad = entry()
    bad["meta"]["message"] = "{no_such}"
    (tmp_path / "bad.json").write_text(json.dumps({"name": "bad", "expectations": [bad]}))
    (tmp_path / "broken.json").write_text("{")
    monkeypatch.setattr(suite, "settings", lambda: SimpleNamespace(expectations=tmp_path))
    first, second = suite.problems()
    assert (first.file, first.cell) == ("bad.json", "第 1 条")
    assert "no_such" in first.found
    assert second.file == "broken.json"


def test_a_kept_suite_is_read_as_it_was() -> None:
    old = entry()
    old["meta"] |= {"view": "quality_of_old", "basis": "2000-1#1", "title": "旧规则"}
    (rule,) = suite.kept(json.dumps({"name": "t", "expectations": [old]}).encode()).values()
    assert (rule.rule, rule.name, rule.view) == ("TST001", "旧规则", "quality_of_old")
    del old["meta"]["title"]
    (rule,) = suite.kept(json.dumps({"name": "t", "expectations": [old]}).encode()).values()
    assert rule.name == "…有误"


def test_examples_of_the_documentation_are_rules() -> None:
    page = (settings().root / "docs" / "data-quality.md").read_text(encoding="utf-8")
    examples = re.findall(r"<!-- example: rule -->\n```json\n(.*?)```", page, re.DOTALL)
    assert len(examples) == 2
    assert [r.title for r in parse(*map(json.loads, examples)).rules] == [
        "中小企业数不大于服务企业数",
        "分项之和等于合计",
    ]
