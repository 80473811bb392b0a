"""One check, one file, one workbook that fails it and nothing else."""

from __future__ import annotations

import importlib
import pkgutil

import pytest
from intake_should_fail import FOLDER, LIST_MAKERS, MAKERS, rules_of
from intake_workbooks import SOUND, cell, edited, filled, read, unit_of_kind
from ipgov.intake import checks
from ipgov.policy.store import Loaded
from ipgov.registry.platforms import Unit

WHOLE = (*checks.FILE, *checks.IDENTITY, *checks.FORM)
EVERY = [c.__name__ for c in (*WHOLE, *checks.ATTACHMENTS, *checks.FIELD)]
# check → outcome, sheet, cell, words of what was found, words of what is expected
SAID = {
    "is_a_workbook": ("refused", "", "", "不是 Excel 工作簿", ".xlsx"),
    "has_identity": ("refused", "_identity", "", "已被改动", "系统下发的空白表"),
    "form_is_known": ("refused", "", "", "“FP-ANNUAL”第 99 版从未", "“FP-ANNUAL”第 1 版"),
    "form_version_accepted": ("returned", "", "", "第 2 版表", "2023 年度使用第 1 版表"),
    "programme_matches": ("refused", "", "", "“industry_centre”", "“functional_platform”"),
    "period_matches": ("refused", "", "", "2022 年度", "2023 年度"),
    "unit_matches": ("refused", "", "", "“FP02”", "不得代其他单位报送"),
    "has_every_sheet": ("returned", "二、建设与辐射", "", "缺少工作表“二、建设与辐射”", "保留表内全部工作表"),
    "no_unknown_field": ("returned", "一、业务绩效", "D20", "“F03”", "只填报本单位空白表所列指标"),
    "has_every_field": ("returned", "二、建设与辐射", "", "没有指标“服务覆盖省级行政区数”", "恰有一行"),
    "required_value_present": ("returned", "一、业务绩效", "D8", "“服务企业数”未填", "必填"),
    "value_has_type": ("returned", "一、业务绩效", "D6", "“约一千二百”不是数字", "最多 2 位小数的数字"),
    "value_in_range": ("returned", "一、业务绩效", "D10", "101%，超过上限", "0 至 100"),
    "decimals": ("returned", "二、建设与辐射", "D11", "12.345万元，有 3 位小数", "最多 2 位小数"),
    "name_follows_rule": (
        *("returned", "三、规范运行", "D15", "为“上海市新材料产业运营中心”"),
        "国家级＋所属产业＋知识产权运营中心",
    ),
    "has_attachment_list": ("returned", "附件清单", "", "没有工作表“附件清单”", "保留空白表所附的附件清单"),
    "attachment_name": ("returned", "附件清单", "B9", "“../扫描件.pdf”含有路径", "文件名本身，含后缀"),
    "attachment_names_differ": ("returned", "附件清单", "B10", "与 B9 重复", "名称各不相同"),
    "attachment_kind": ("returned", "附件清单", "C10", "“其他材料”不在所列", "加盖公章的扫描件、佐证材料"),
    "attachment_fields": ("returned", "附件清单", "D10", "“服务企业数”不是“佐证材料”", "年度知识产权交易额"),
    "attachment_count": ("returned", "附件清单", "C10", "第 2 个“加盖公章的扫描件”", "不超过 1 个"),
    "required_attachment": ("returned", "附件清单", "", "没有列出“加盖公章的扫描件”", "一并报送"),
}


def test_every_check_stands_in_the_file_of_its_name_and_is_registered() -> None:
    files = {m.name for m in pkgutil.iter_modules(checks.__path__)}
    assert files == set(EVERY)
    assert len(EVERY) == len(set(EVERY))
    for name in EVERY:
        module = importlib.import_module(f"ipgov.intake.checks.{name}")
        assert getattr(module, name).__module__ == f"ipgov.intake.checks.{name}"


def test_every_check_has_its_should_fail_workbook() -> None:
    assert {f.stem for f in FOLDER.glob("*.xlsx")} == set(EVERY) == {*MAKERS, *LIST_MAKERS} == set(SAID)


@pytest.mark.parametrize("check", EVERY)
def test_the_defect_is_found_alone_and_said_with_place_and_expectation(check: str, unit: Unit) -> None:
    period = "2025" if check in LIST_MAKERS else "2023"
    data = (FOLDER / f"{check}.xlsx").read_bytes()
    reading = read(data, rules_of(check), unit, period, name="FP01-报送.xlsx")
    outcome, sheet, place, found, expected = SAID[check]
    assert [p.check for p in reading.problems] == [check]
    problem = reading.problems[0]
    assert (reading.outcome, problem.sheet, problem.cell) == (outcome, sheet, place)
    assert found in problem.found
    assert expected in problem.expected
    assert problem.file == "FP01-报送.xlsx"
    assert problem.file in str(problem)
    # what attachments are asked is the operator's choice
    assert problem.basis == "operator" if check in LIST_MAKERS else problem.basis.startswith("2023-156#")


def test_an_inbox_of_no_registered_unit_takes_nothing(rules: Loaded, unit: Unit) -> None:
    reading = read(filled(rules, unit), rules, None)
    assert reading.outcome == "refused"
    assert "不在登记之列" in reading.problems[0].found


def test_problems_of_identity_are_said_together(rules: Loaded) -> None:
    other = filled(rules, unit_of_kind("trading", "FP02"), period="2022")
    reading = read(other, rules, unit_of_kind("trading"))
    assert [p.check for p in reading.problems] == ["period_matches", "unit_matches"]
    assert not reading.values


def test_every_problem_of_a_workbook_is_reported_at_once(rules: Loaded, unit: Unit) -> None:
    data = filled(rules, unit, F01="约一千", F02=1.5, F08=None, F10=-1, F19="有", F27="2024年2月30日")
    reading = read(data, rules, unit)
    assert {code: [p.check for p in ps] for code, ps in reading.faults.items()} == {
        "F01": ["value_has_type"],
        "F02": ["decimals"],
        "F08": ["required_value_present"],
        "F10": ["value_in_range"],
        "F19": ["value_has_type"],
        "F27": ["value_has_type"],
    }
    assert len(reading.problems) == 6
    assert len(reading.values) == len(rules.rules.form.fields_for("trading"))
    assert "“2024年2月30日”不是存在的日期" in reading.faults["F27"][0].found


@pytest.mark.clause("2023-156#17")
def test_a_problem_stands_under_the_clause_of_its_field_else_of_its_form(rules: Loaded, unit: Unit) -> None:
    reading = read(filled(rules, unit, F19="有", F28=None), rules, unit)
    assert reading.faults["F19"][0].basis == "2023-156#17"
    assert reading.faults["F28"][0].basis == "2023-156#19"


def test_both_ends_of_a_range_are_allowed(rules: Loaded, unit: Unit) -> None:
    assert read(filled(rules, unit, F10=100, F13=0), rules, unit).outcome == "accepted"
    assert read(filled(rules, unit, F10=100.01, F13=-1), rules, unit).outcome == "returned"


def test_a_label_written_twice_is_no_place(rules: Loaded, unit: Unit) -> None:
    def edit(book: object) -> None:
        answer = cell(book, "F13")
        label = rules.rules.form.fields["F13"].label
        del book.defined_names["v_F13"]  # type: ignore[attr-defined]
        answer.parent.cell(30, 2).value = label
        answer.parent.cell(30, 4).value = SOUND["count"]

    reading = read(edited(filled(rules, unit), edit), rules, unit)
    assert [p.check for p in reading.problems] == ["has_every_field"]
    assert "出现 2 次" in reading.problems[0].found
    assert "D30" in reading.problems[0].found
