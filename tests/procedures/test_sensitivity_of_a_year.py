"""A year of the nation: firmness on its rating list, by command, and its rules tried on its values."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from ipgov import cli
from ipgov.core.database import reading
from ipgov.core.errors import GovernanceError
from ipgov.core.objects import get_content
from ipgov.core.settings import settings
from ipgov.intake.workbook import read_workbook
from ipgov.policy import store
from ipgov.procedures import sensitivity


@pytest.fixture
def ipgov(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["ipgov", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return int(ended.value.code or 0), out + err

    return run


def test_firmness_from_the_frozen_snapshot(nation: Any, ipgov: Any, tmp_path: Path) -> None:
    """One year: the rating list, the command and its workbook, drafts on the newest snapshot."""
    nation.collect(2023)
    made = nation.evaluate(2023)
    book = read_workbook(get_content(made["rating_list_sha256"]))
    cells = book.sheets["评级表"].cells
    heads = {cells[4, c]: c for r, c in cells if r == 4}
    rows = {cells[r, 2]: r for r, c in cells if c == 2 and r > 4}

    with reading() as connection:
        rules = store.versions("functional_platform")[0].rules
        found = sensitivity.of_result_set(connection, made["result_set_id"], rules)
        unvaried = rules.model_copy(update={"sensitivity": None})
        assert sensitivity.of_result_set(connection, made["result_set_id"], unvaried) is None
        # other figures than the result set has: no interval may stand beside them
        lower = [g.model_copy(update={"floor": g.floor and g.floor / 2}) for g in rules.scoring.grades]
        scoring = rules.scoring.model_copy(update={"grades": tuple(lower)})
        with pytest.raises(GovernanceError, match="与按快照重新计算的不一致"):
            sensitivity.of_result_set(
                connection, made["result_set_id"], rules.model_copy(update={"scoring": scoring})
            )
    assert found is not None
    assert found.by_engine == ()
    for u in found.units:
        assert cells[rows[u.unit], heads["名次"]] == u.rank
        assert cells[rows[u.unit], heads["名次区间"]] == f"{u.low}–{u.high}"
        assert cells[rows[u.unit], heads["等级稳定度"]] == pytest.approx(float(u.kept))

    target = tmp_path / "敏感性.xlsx"
    code, out = ipgov("sensitivity", "functional_platform", "2023", "-o", str(target), "--json")
    assert (code, json.loads(out)) == (0, json.loads(json.dumps(found.as_dict())))
    with zipfile.ZipFile(io.BytesIO(target.read_bytes())) as package:
        assert "xl/charts/chart1.xml" in package.namelist()
    code, out = ipgov("sensitivity", "functional_platform", "2031")
    assert (code, "2031 年度尚无评价结果" in out) == (2, True)

    # the rule itself, on the same values: the newest version in force, and a draft before it is approved
    code, out = ipgov("policy", "check", "--with-data", "--json")
    problems = json.loads(out[: out.rindex("}") + 1])["problems"]
    assert code == 1
    files = {f"policies/functional_platform/{v}.yaml" for v in ("2023-09-05", "2025-06-01")}
    assert {p["file"] for p in problems} == files
    assert any("I08" in p["found"] and "不足 5 家，改用 300" in p["found"] for p in problems)
    assert "按 2023 年度快照" in out
    draft = tmp_path / "2026-01-01-b.yaml"
    text = (settings().policies / "functional_platform/2025-06-01.yaml").read_text(encoding="utf-8")
    changes = (("status: in_force", "status: draft"), ("share: 0.2, within", "share: 0.01, within"))
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    draft.write_text(text, encoding="utf-8")
    code, out = ipgov("policy", "check", "--policy", str(draft), "--with-data")
    assert code == 1
    assert "scoring.grades[优秀].quota “优秀”" in out
    assert "得 0 个名额" in out


def test_without_a_snapshot_nothing_is_checked_and_it_is_said(database: Path, ipgov: Any) -> None:
    code, out = ipgov("policy", "check", "--with-data")
    assert code == 0
    assert "“functional_platform”尚无冻结的数据快照，未检查" in out


POLICY = """
programme: trial
version: "1"
effective: 2026-01-01
status: draft
title: 试算
scoring:
  operator: 试算用
  rounding: {indicator: 2, dimension: 2, total: 2}
  dimensions: [{code: D1, name: 全部, weight: 100}]
  indicators:
    - code: I1
      name: 甲
      dimension: D1
      weight: 60
      normalisation: {method: goalposts, minimum: 0, maximum: 10}
    - code: I2
      name: 乙
      dimension: D1
      weight: 40
      normalisation: {method: goalposts, minimum: 0, maximum: 10}
  grades: [{name: 通过, floor: 60, passes: true}, {name: 未通过, passes: false}]
sensitivity:
  operator: 试算用
  seed: 1
  draws: 100
  interval: {low: 5, high: 95}
  bins: 5
  weights: {share: 0.5, distribution: triangular}
"""
CHECKS = """rule_checks:
  operator: 试算用
  correlated: {at_least: 0.9, minimum_units: 4}
  importance: {factor: 5, minimum_units: 30}
  clamped: 0.5
  missing: 0.3
"""
VALUES = "unit,indicator,value\n" + "".join(
    f"P{n},I1,{n}\nP{n},I2,{second}\n" for n, second in enumerate((9, 8, 1, 7, 2), 1)
)


def test_files_alone(tmp_path: Path, ipgov: Any) -> None:
    """No database: a policy file and a values file."""
    policy, values, target = tmp_path / "试.yaml", tmp_path / "试.csv", tmp_path / "试.xlsx"
    policy.write_text(POLICY, encoding="utf-8")
    values.write_text(VALUES, encoding="utf-8")
    files = ("--policy", str(policy), "--values", str(values))
    code, out = ipgov("sensitivity", *files, "-o", str(target))
    assert code == 0
    assert "各级权重在 ±50% 内变动（三角分布）" in out
    assert "P4 第 1 名" in out
    before = target.read_bytes()
    assert ipgov("sensitivity", *files, "-o", str(target))[1] == out
    assert target.read_bytes() == before
    code, out = ipgov("policy", "check", *files)
    assert (code, "试.yaml 没有 rule_checks 一节" in out) == (2, True)
    policy.write_text(POLICY + CHECKS, encoding="utf-8")
    assert ipgov("policy", "check", *files)[0] == 0
    values.write_text("unit,indicator,value\n" + "".join(f"P{n},I1,{n}\n" for n in range(1, 6)), "utf-8")
    code, out = ipgov("policy", "check", *files)
    assert (code, "I2] “乙”：5 家中 5 家没有数值" in out) == (1, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ("sensitivity",),
        ("sensitivity", "functional_platform"),
        ("sensitivity", "--policy", "x.yaml"),
        ("policy", "check", "--policy", "x.yaml"),
        ("policy", "check", "--values", "x.csv"),
        ("policy", "check", "--policy", "x.yaml", "--values", "x.csv", "--with-data"),
    ],
)
def test_half_a_command_says_how_it_is_used(ipgov: Any, arguments: tuple[str, ...]) -> None:
    code, out = ipgov(*arguments)
    assert (code, "用法" in out) == (2, True)
