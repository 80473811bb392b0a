"""The command line as its users meet it: Chinese texts, exit codes 0/1/2, JSON, never a traceback."""

from __future__ import annotations

import json
from pathlib import Path


def test_policy_check_proves_the_projects_own_rules(ipgov):
    code, out, _ = ipgov("policy", "check")
    assert (code, "通过" in out) == (0, True)
    code, out, _ = ipgov("policy", "check", "--json")
    assert (code, json.loads(out)) == (0, {"problems": []})


def test_workday_add(ipgov):
    assert ipgov("workday", "add", "2025-09-26", "5")[1].strip() == "2025-10-10"
    code, out, _ = ipgov("workday", "add", "2030-01-02", "5")
    assert code == 0
    assert "暂定" in out
    code, _, err = ipgov("workday", "add", "2025-13-01", "5")
    assert code == 2
    assert "2025-13-01" in err


def test_a_command_without_database_says_what_to_do(ipgov, monkeypatch):
    from ipgov.core import database, settings

    monkeypatch.delenv("IPGOV_DATABASE_URL", raising=False)
    database.engine.cache_clear()
    settings.settings.cache_clear()
    code, _, err = ipgov("status")
    assert code == 2
    assert "IPGOV_DATABASE_URL" in err


def test_an_empty_installation_has_no_cycles(ipgov, database):
    code, out, _ = ipgov("status")
    assert (code, out.splitlines()[0]) == (0, "尚未开启任何年度")
    code, _, err = ipgov("explain", "functional_platform", "2023", "FP01")
    assert code == 2
    assert "2023" in err
    assert ipgov("audit", "verify")[0] == 0


def test_unknown_programme_and_period_are_named(ipgov, database, tmp_path):
    code, _, err = ipgov("form", "blank", "no_such", "2023", "-o", tmp_path)
    assert code == 2
    assert "functional_platform" in err
    code, _, err = ipgov("form", "blank", "functional_platform", "2022", "-o", tmp_path)
    assert code == 2
    assert "2023-09-05" in err


def test_form_check_lists_every_problem(ipgov, database, tmp_path):
    junk = tmp_path / "x.xlsx"
    junk.write_bytes(b"no workbook")
    code, out, _ = ipgov("form", "check", junk)
    assert code == 1
    assert "x.xlsx" in out
    assert ipgov("form", "check", tmp_path / "absent.xlsx")[0] == 2


def test_evaluate_needs_no_database(ipgov, monkeypatch, tmp_path):
    from ipgov.core.settings import settings

    monkeypatch.delenv("IPGOV_DATABASE_URL", raising=False)
    values = tmp_path / "values.csv"
    values.write_text("unit,indicator,value,group\nA,F23,1,tool\nA,F22,0,tool\n", encoding="utf-8")
    policy = settings().policies / "functional_platform" / "2023-09-05.yaml"
    code, _, err = ipgov("evaluate", "--policy", policy, "--values", values, "-o", tmp_path / "out.csv")
    assert code == 0, err
    assert "未通过" in (tmp_path / "out.csv").read_text(encoding="utf-8-sig")
    values.write_text("unit,indicator,value\nA,F23,many\n", encoding="utf-8")
    code, _, err = ipgov("evaluate", "--policy", policy, "--values", values, "-o", tmp_path / "o2.csv")
    assert code in (1, 2)
    assert "many" in err
    assert not Path(tmp_path / "o2.csv").exists()


def test_the_nations_forms_are_given_out_and_checked(ipgov, database, tmp_path):
    from ipgov.core.database import transaction
    from ipgov.simulation import nation

    with transaction() as connection:
        nation.register(connection)
    code, out, err = ipgov("form", "blank", "functional_platform", "2023", "-o", tmp_path / "all")
    assert code == 0, err
    assert len(list((tmp_path / "all").glob("*.xlsx"))) == 12
    one = tmp_path / "one.xlsx"
    assert ipgov("form", "blank", "functional_platform", "2023", "--unit", "FP04", "-o", one)[0] == 0
    code, out, _ = ipgov("form", "check", one)
    assert code == 1  # nothing is filled in
    assert "必填" in out
    code, _, err = ipgov("form", "blank", "functional_platform", "2023", "--unit", "FP99", "-o", one)
    assert code == 2
    assert "FP99" in err


def test_evaluate_explains_a_unit_without_database(ipgov, monkeypatch, tmp_path):
    monkeypatch.delenv("IPGOV_DATABASE_URL", raising=False)
    policy, values = tmp_path / "p.yaml", tmp_path / "v.csv"
    policy.write_text(EXPLAINED, encoding="utf-8")
    values.write_text("unit,indicator,value,source\nA,I1,70,年报第3页\nB,I1,90,\n", encoding="utf-8")
    asked = ("evaluate", "--policy", policy, "--values", values, "-o", tmp_path / "r.csv")
    code, out, _ = ipgov(*asked, "--explain", "A", "--explain-sheet", tmp_path / "a.xlsx")
    assert code == 0
    assert "A：总分 70.00，第 2 名，等级“合格”，通过" in out
    assert "(70 - 0) ÷ (100 - 0) × 100" in out
    assert "来源：v.csv第 2 行，原文“70”，数据来源：年报第3页" in out
    assert (tmp_path / "a.xlsx").read_bytes()[:2] == b"PK"
    told = json.loads(ipgov(*asked, "--explain", "A", "--json")[1])["explanation"]
    assert told["derivation"]["children"][0]["children"][0]["sources"][0]["cell"] == "第 2 行"
    code, _, err = ipgov(*asked, "--explain", "Z")
    assert (code, "有：A、B" in err) == (2, True)
    assert ipgov(*asked, "--explain-sheet", tmp_path / "a.xlsx")[0] == 2


EXPLAINED = """
programme: p
version: "1"
effective: 2024-01-01
status: draft
title: 样例
scoring:
  operator: 样例
  rounding: {indicator: 2, dimension: 2, total: 2}
  dimensions: [{code: D, name: 维度, weight: 100}]
  indicators:
    - {code: I1, name: 指标, dimension: D, weight: 100,
       normalisation: {method: goalposts, minimum: 0, maximum: 100}}
  grades: [{name: 合格, floor: 60, passes: true}, {name: 不合格, passes: false}]
"""


def test_comparing_and_trying_need_results(ipgov, database, tmp_path):
    code, _, err = ipgov("compare", "functional_platform", "2023")
    assert (code, "没有正式结果可作比较的 A；现有：无" in err) == (2, True)
    code, _, err = ipgov("compare", "functional_platform", "2023", "--a", "1", "--b", "2")
    assert (code, "没有第 1 号结果" in err) == (2, True)
    draft = Path("policies/functional_platform/2025-06-01.yaml").resolve()
    asked = ("what-if", "--policy", draft, "--programme", "functional_platform")
    code, _, err = ipgov(*asked, "--periods", "2023-2024")
    assert (code, "2023 年度没有正式评价结果" in err) == (2, True)
    code, _, err = ipgov(*asked, "--periods", "2023", "--not-asked", "perhaps")
    assert (code, "refuse 或 drop" in err) == (2, True)
    assert ipgov("what-if", "--policy", tmp_path / "no.yaml", *asked[3:], "--periods", "2023")[0] == 2
