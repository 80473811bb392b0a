"""``ipgov evaluate``: a policy file and a values file in, a results file out."""

from __future__ import annotations

import csv
from decimal import ROUND_HALF_UP, Context, Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ipgov.core.errors import GovernanceError, UnknownError
from ipgov.core.settings import settings as project
from ipgov.evaluation.engine import evaluate
from ipgov.evaluation.files import evaluate_files
from ipgov.policy import store
from platform_nation import rows_of
from small_rules import scoring, table

POLICY = """
programme: sample
version: "1"
effective: 2024-01-01
status: draft
title: 样例
scoring:
  operator: 样例
  dimensions: [{code: D, name: 维度, weight: 100}]
  indicators:
    - code: I1
      name: 甲
      dimension: D
      weight: 50
      normalisation: {method: goalposts, minimum: 0, maximum: 0.3}
    - code: I2
      name: 乙
      dimension: D
      weight: 50
      missing: drop_and_rescale
      normalisation: {method: boolean}
  rounding: {indicator: 2, dimension: 2, total: 2}
  grades: [{name: 合格, floor: 60, passes: true}, {name: 不合格, passes: false}]
"""


HEAD = "unit,indicator,value\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    return tmp_path


def run(folder: Path, values: str | bytes) -> str:
    data = values.encode() if isinstance(values, str) else values
    (folder / "values.csv").write_bytes(data)
    evaluate_files(folder / "policy.yaml", folder / "values.csv", folder / "results.csv")
    return (folder / "results.csv").read_text(encoding="utf-8")


def test_values_to_results(folder: Path):
    values = HEAD + "B,I1,0.2\nB,I2,1\nA,I1,0.1\nA,I2,\n"
    assert run(folder, values) == (
        "unit,group,total,rank,group_rank,grade,passed,D,I1,I2\n"
        "A,,33.33,2,,不合格,false,33.33,33.33,\n"
        "B,,83.34,1,,合格,true,83.34,66.67,100.00\n"
    )  # 83.335 goes up


def test_byte_order_mark_columns_in_any_order_quotes_and_windows_lines(folder: Path):
    values = '\ufeffvalue,source,unit,group,indicator\r\n0.3,"C4, 原件",甲,东,I1\r\n'
    assert run(folder, values).splitlines()[1] == "甲,东,100.00,1,1,合格,true,100.00,100.00,"


@pytest.mark.parametrize(
    ("values", "error", "says"),
    [
        ("unit,indicator\nA,I1\n", UnknownError, "values.csv 第 1 行（表头）缺少列：value；可用的列：unit,"),
        ("unit,indicator,value,score\nA,I1,1,2\n", UnknownError, "有未知的列：第 4 列“score”"),
        ("unit,indicator,value,value\nA,I1,1,2\n", GovernanceError, "列重复：value"),
        ("", UnknownError, "缺少列：unit、indicator、value"),
        (HEAD, GovernanceError, "values.csv 没有数据"),
        (HEAD + "A,I1,1\nB,I1\n", GovernanceError, "有 1 行的列数不对.*应为 3 列.*第 3 行有 2 列"),
        (HEAD + "A,I1,1,5\n\nB,I1,1\n", GovernanceError, "有 1 行的列数不对.*第 2 行有 4 列"),
        (HEAD + "A,I1,1\n\nB,I1,1\n", GovernanceError, "第 3 行对象“（空）”unit 或 indicator 列为空"),
        (
            HEAD + "A,I1,0.1\nA,I2,是\n",
            GovernanceError,
            "第 3 行对象“A”指标“I2”value 列的数值无法识别（“是”）",
        ),
        (HEAD + "A,I1,0.1\nA,I3,1\n", UnknownError, "第 3 行对象“A”指标“I3”indicator 列有未知的指标.*I1、I2"),
        (HEAD + "A,I1,0.1\nA,I1,1\n", GovernanceError, "第 3 行对象“A”指标“I1”.*重复"),
        (HEAD + "A,I1,NaN\n", GovernanceError, "第 2 行.*“NaN”"),
        (HEAD.encode() + "甲,I1,1\n".encode("gb18030"), GovernanceError, "第 2 行不是 UTF-8 文字"),
    ],
)
def test_values_files_that_are_refused_leave_no_result(
    folder: Path, values: str, error: type[Exception], says: str
):
    with pytest.raises(error, match=says.replace("(", "\\(").replace(")", "\\)")):
        run(folder, values)
    assert not (folder / "results.csv").exists()
    assert not list(folder.glob(".results-*"))


def test_numbers_of_statistics_programs_are_rounded_from_their_digits(folder: Path):
    digits = ("0.0628741938420019", "1.2E-05", "3e-1", "0.1", "5e-13", "0.0000000000014999999999999999999999")
    rows = "".join(f"U{n},I1,{v}\n" for n, v in enumerate(digits))
    (folder / "policy.yaml").write_text(POLICY.replace("maximum: 0.3", "maximum: 1"), encoding="utf-8")
    (folder / "values.csv").write_text(HEAD + rows, encoding="utf-8")
    evaluation = evaluate_files(folder / "policy.yaml", folder / "values.csv", folder / "results.csv")
    values = [r["value"] for r in evaluation.scores.to_pylist() if r["node"] == "I1"]
    assert list(map(str, values)) == [
        "0.062874193842", "0.000012000000", "0.300000000000", "0.100000000000", "1E-12", "1E-12"
    ]  # fmt: skip
    assert evaluation.rounded_values == 3


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.from_regex(r"[+-]?[0-9]{1,9}([.][0-9]{0,20})?([eE][+-]?[0-9]{1,2})?", fullmatch=True),
        min_size=1,
        max_size=30,
    )
)
def test_any_number_as_text_is_rounded_half_up_and_counted(texts: list[str]):
    fitting = [t for t in texts if abs(Decimal(t)) < 10**12]
    rows = table(*((f"U{n:02}", "I1", t) for n, t in enumerate(fitting)))
    evaluation = evaluate(rows, scoring())
    found = [r["value"] for r in evaluation.scores.to_pylist() if r["node"] == "I1"]
    exactly = [Decimal(t).quantize(Decimal("1e-12"), ROUND_HALF_UP, Context(prec=60)) for t in fitting]
    assert found == exactly
    assert evaluation.rounded_values == sum(Decimal(t) != e for t, e in zip(fitting, exactly, strict=True))


@pytest.mark.parametrize(
    "junk", ["nan", "-inf", "1,000", "1 000", "1_000", "12%", "０.5", "1e", "0x1A", "1e400", "--1", "1.2.3"]
)
def test_what_is_no_number_is_refused(folder: Path, junk: str):
    with pytest.raises(GovernanceError, match=r"第 3 行对象“B”指标“I1”value 列的数值无法识别"):
        run(folder, HEAD + f'A,I1,0.1\nB,I1,"{junk}"\n')


def test_a_wrong_policy_is_told_whole_and_nothing_is_written(folder: Path):
    wrong = POLICY.replace("weight: 50", "weight: 40", 1).replace("floor: 60", "ceiling: 60")
    (folder / "policy.yaml").write_text(wrong, encoding="utf-8")
    with pytest.raises(GovernanceError, match=r"policy.yaml 的评分规则有 2 处问题") as raised:
        run(folder, HEAD + "A,I1,0.1\n")
    assert [str(p) for p in raised.value.problems] == [
        "policy.yaml：scoring.dimensions[D] 下级权重之和为 90；"
        "应为：100（只按比例的权重写 weights: relative）",
        "policy.yaml：scoring.grades[合格].ceiling 与 rounding.first: highest 不合；应为：写 floor",
    ]
    assert not (folder / "results.csv").exists()


def test_files_that_cannot_be_read_or_written(folder: Path):
    (folder / "values.csv").write_text(HEAD + "A,I1,0.1\n")
    with pytest.raises(GovernanceError, match=r"规则文件 .*nowhere.yaml 无法读取"):
        evaluate_files(folder / "nowhere.yaml", folder / "values.csv", folder / "results.csv")
    with pytest.raises(GovernanceError, match=r"数值文件 .*nowhere.csv 无法读取"):
        evaluate_files(folder / "policy.yaml", folder / "nowhere.csv", folder / "results.csv")
    with pytest.raises(GovernanceError, match=r"结果文件 .*results.csv 无法写入"):
        evaluate_files(folder / "policy.yaml", folder / "values.csv", folder / "none" / "results.csv")


def test_a_whole_rule_version_with_every_field_of_its_form(tmp_path: Path):
    path = project().policies / "functional_platform" / "2023-09-05.yaml"
    rules = store.load(path).rules
    with (tmp_path / "values.csv").open("w", encoding="utf-8", newline="") as f:
        writer = csv.writer(f)
        writer.writerow(["unit", "indicator", "value", "group"])
        writer.writerows([r["unit"], r["indicator"], r["value"] or "", r["group"]] for r in rows_of(rules))
    evaluate_files(path, tmp_path / "values.csv", tmp_path / "results.csv")
    with (tmp_path / "results.csv").open(encoding="utf-8", newline="") as f:
        rows = {r["unit"]: r for r in csv.DictReader(f)}
    assert len(rows) == 12
    assert (rows["P02"]["total"], rows["P02"]["D3"], rows["P02"]["I17"], rows["P12"]["I22"]) == (
        "87.15",
        "85.15",
        "",
        "1",
    )
