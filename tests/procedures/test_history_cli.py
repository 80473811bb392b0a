"""Published history and corrections as an operator types them."""

from __future__ import annotations

import json

import pytest
from ipgov.simulation import published as synthetic

PROGRAMME = "functional_platform"
pytestmark = pytest.mark.usefixtures("passwords")


def test_a_year_is_entered_listed_and_corrected_by_command(nation, ipgov, tmp_path):
    blank, filled = tmp_path / "blank.xlsx", tmp_path / "filled.xlsx"
    assert ipgov("history", "list") == (0, "没有导入过往年结果\n", "")
    assert ipgov("history", "blank", PROGRAMME, "2023", "-o", blank)[0] == 0
    code, _, err = ipgov("history", "import", blank, "--by", "operator1")
    assert code == 1
    assert "“来源”表 B5：文号未填" in err
    assert "“结果”表 F5：是否通过未填" in err

    results = synthetic.results(2023)
    filled.write_bytes(synthetic.filled(blank.read_bytes(), synthetic.source(2023), results))
    code, out, _ = ipgov("history", "import", filled, "--by", "operator1")
    assert (code, "2023 年度已导入 12 家的结果：新增 48、改动 0、删去 0 个值" in out) == (0, True)
    assert "没有变化" in ipgov("history", "import", filled, "--by", "operator1")[1]
    results["FP01"]["总分"] = 80
    filled.write_bytes(synthetic.filled(blank.read_bytes(), synthetic.source(2023), results))
    code, _, err = ipgov("history", "import", filled, "--by", "operator1")
    assert (code, "须写明事由" in err) == (2, True)
    code, out, _ = ipgov("history", "import", filled, "--by", "operator1", "--reason", "看错", "--json")
    assert (code, json.loads(out)["changed"]) == (0, 1)
    code, out, _ = ipgov("history", "list")
    assert "虚构公告〔2024〕1号" in out
    assert "取代第 1 号（看错）" in out

    code, _, err = ipgov("compare", PROGRAMME, "2023")
    assert (code, "没有可与已公布的结果比较的重算结果" in err) == (2, True)


def test_a_correction_is_asked_for_with_a_name_and_only_after_an_issue(nation, ipgov):
    code, _, err = ipgov("correction", "prepare", PROGRAMME, "2023")
    assert (code, "尚未发文" in err) == (2, True)
    code, _, err = ipgov("correction", "prepare", PROGRAMME, "2023", "--open-round")
    assert (code, "--by" in err) == (2, True)
