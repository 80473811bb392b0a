"""What is refused, in every format in which it occurs: said with file, place, what was found and expected."""

from __future__ import annotations

import io

import openpyxl
import pytest
from intake_refused import FOLDER, MAKERS, REAL, plain
from intake_workbooks import PERIOD, read
from ipgov.core.settings import Settings
from ipgov.intake import workbook
from ipgov.intake.correction import correction_workbook
from ipgov.policy.store import Loaded
from ipgov.registry.platforms import Unit

# kind → outcome, sheet, cell, words of what was found, words of what is expected
SAID = {
    "password": ("refused", "", "", "设有打开密码", "取消密码"),
    "macros": ("refused", "", "", "含有宏", "去掉宏"),
    "external_link": ("refused", "一、业务绩效", "H20", "外部链接", "断开链接"),
    "data_connection": ("refused", "", "", "外部数据连接", "删除数据连接"),
    "zip_bomb": ("refused", "", "", "压缩比异常", "系统下发的空白表"),
    "xml_entity": ("refused", "", "", "DTD 或实体定义", "系统下发的空白表"),
    "styled_cells": ("refused", "一、业务绩效", "", "1,000,050 个单元格", "删除表格以外的空白格式"),
    "no_result": ("returned", "一、业务绩效", "D6", "公式没有保存计算结果", "最多 2 位小数的数字"),
    "ref_error": ("returned", "一、业务绩效", "D6", "错误值 #REF!", "最多 2 位小数的数字"),
    "sheets_alike": ("refused", "", "", "工作表“一、业务绩效”重复", "各不相同"),
    "names_alike": ("refused", "", "", "定义名称“v_F01”重复", "各不相同"),
    "parts_alike": ("refused", "", "", "压缩包内有重名", "另存"),
    "never_issued": ("refused", "", "", "第 9 版从未", "第 1 版"),
    "identity_changed": ("refused", "_identity", "", "已被改动", "系统下发的空白表"),
    "other_unit": ("refused", "", "", "“FP02”", "不得代其他单位报送"),
}
# where a format does not say the place, or says more of it
PLACES = {"external_link.xls": ("", ""), "data_connection.xls": ("_identity", "")}
FILES = sorted(f.name for f in FOLDER.iterdir())


def test_every_kind_has_its_files() -> None:
    assert set(FILES) == {*MAKERS, *REAL}
    assert {name.partition(".")[0] for name in FILES} == set(SAID)
    every = ("password", "macros", "external_link", "data_connection", "no_result", "ref_error")
    every += ("sheets_alike", "names_alike", "never_issued", "identity_changed", "other_unit")
    assert {f"{kind}.{ending}" for kind in every for ending in ("xlsx", "xls", "ods")} <= set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_the_defect_is_found_alone_and_answered(rules: Loaded, unit: Unit, name: str) -> None:
    reading = read((FOLDER / name).read_bytes(), rules, unit, name=name)
    outcome, sheet, cell, found, expected = SAID[name.partition(".")[0]]
    sheet, cell = PLACES.get(name, (sheet, cell))
    assert len(reading.problems) == 1
    problem = reading.problems[0]
    assert (reading.outcome, problem.file, problem.sheet, problem.cell) == (outcome, name, sheet, cell)
    assert found in problem.found
    assert expected in problem.expected
    answer = correction_workbook(rules.rules, rules.sha256, PERIOD, unit, reading)
    assert openpyxl.load_workbook(io.BytesIO(answer))["问题汇总"]["D5"].value == problem.found
    assert read(answer, rules, unit).outcome == "returned"


@pytest.mark.parametrize("ending", ["xlsx", "xls", "ods"])
def test_over_the_size_limit(rules: Loaded, unit: Unit, ending: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = plain(ending)
    monkeypatch.setattr(workbook, "settings", lambda: Settings(max_workbook_bytes=len(data) - 1))
    (problem,) = read(data, rules, unit).problems
    assert "超过上限" in problem.found
    assert f"{len(data) - 1:,} 字节" in problem.expected
