"""The centres' three workbooks, each sound but for one defect: found, with file, sheet, cell, expectation.

What the checks do at all is proved on the platforms' workbook (``test_checks.py``); here they are held
against the forms that a centre gets, under the clauses of those forms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from intake_workbooks import cell, edited, listing
from ipgov.core.fingerprint import fingerprint
from ipgov.intake import checks, forms
from ipgov.intake.reading import Expected, Reading, read_submission
from ipgov.policy import store
from ipgov.policy.store import Loaded
from ipgov.registry.organisations import Organisation
from ipgov.registry.platforms import Unit

FILE = "IC01-报送.xlsx"
SOUND: Mapping[str, Any] = {
    "amount": 1234.5, "count": 12, "percent": 98.5, "yes_no": "是", "text": "张三", "date": "2028-03-01",
}  # fmt: skip
NAMED = {"A01": "国家级新材料产业知识产权运营中心", "A02": "新材料产业", "A03": "科研院所"}


@dataclass(frozen=True)
class Form:
    """A centre's form, and where in it the defects are made: sheet and cell of a number, a whole sheet."""

    programme: str
    period: str
    basis: str  # the clause of the form as a whole
    number: tuple[str, str, str, str]  # a count: field, its label, sheet, cell
    amount: tuple[str, str, str]  # one with few decimals: field, sheet, cell
    range: str  # of the count
    second: str  # a sheet that goes missing
    listed: tuple[str, int]  # the sheet of attachments, its first row
    required: str  # an attachment that is asked for
    evidence: tuple[str, str, str]  # a kind, the label that it proves, one that it does not

    @property
    def rules(self) -> Loaded:
        return store.governing(self.programme, int(self.period))


FORMS = {
    "application": Form(
        "industry_centre_recognition", "2025", "2024-1155#28",
        ("A12", "辐射带动的重点企业、高校和科研机构数", "二、运营成效", "D8"),
        ("A10", "二、运营成效", "D6"), "0 至 100,000",
        "二、运营成效", ("证明材料清单", 12), "申报书盖章扫描件",
        ("辐射带动单位名单", "辐射带动的重点企业、高校和科研机构数", "年度转化运营金额"),
    ),
    "self_evaluation": Form(
        "industry_centre_self_evaluation", "2025", "2024-1155#37",
        ("F08", "其中：已对接数", "二、对接与转化", "D7"),
        ("F11", "二、对接与转化", "D10"), "0 至 1,000,000",
        "二、对接与转化", ("附件清单", 9), "年度自评报告",
        ("佐证材料", "年度转化运营金额", "其中：已对接数"),
    ),
    "evaluation": Form(
        "industry_centre", "2027", "2024-1155#41",
        ("E02", "其中：已完成数", "一、建设与运行", "D7"),
        ("E06", "一、建设与运行", "D11"), "0 至 10,000",
        "二、案例材料", ("附件清单", 9), "综合评价报告",
        ("佐证材料", "其中：已完成数", "周期内建设任务数"),
    ),
}  # fmt: skip


def centre(code: str = "IC01") -> Unit:
    host = Organisation("91310000MA1FL00000", "示例建设主体", "31", central_enterprise=False)
    return Unit(code, "国家级示例产业知识产权运营中心", "materials", "31", "province", host, host, None)


@cache
def blank(name: str, code: str = "IC01", period: str = "") -> bytes:
    form = FORMS[name]
    return forms.blank(form.rules.rules, form.rules.sha256, period or form.period, centre(code))


def sound(name: str, code: str = "IC01", period: str = "", **values: Any) -> bytes:
    def edit(book: Any) -> None:
        for field, asked in FORMS[name].rules.rules.form.fields_for("materials").items():
            cell(book, field).value = values.get(field, NAMED.get(field, SOUND.get(asked.type)))

    return attached(name, edited(blank(name, code, period), edit), _own_scan(FORMS[name]))


def attached(name: str, data: bytes, *rows: tuple[str, str, str | None]) -> bytes:
    return listing(data, *rows, named=FORMS[name].listed[0])


def _own_scan(form: Form) -> tuple[str, str, str | None]:
    return "盖章扫描件.pdf", form.required, None


def read(name: str, data: bytes) -> Reading:
    form = FORMS[name]
    return read_submission(data, FILE, Expected(form.programme, form.period, centre()), form.rules)


def _identity(name: str, key: str, value: str, *, with_check: bool = True) -> bytes:
    def edit(book: Any) -> None:
        rows = {row[0].value: row[1] for row in book["_identity"].iter_rows()}
        rows[key].value = value
        if with_check:
            rows["check"].value = fingerprint({k: c.value for k, c in rows.items() if k != "check"})

    return edited(sound(name), edit)


def _label(book: Any, field: str, text: str) -> None:
    answer = cell(book, field)
    answer.parent.cell(answer.row, 2).value = text


def _named(book: Any, field: str) -> None:
    """Answer a question that the form has not."""
    from openpyxl.workbook.defined_name import DefinedName

    page = book.worksheets[0]
    page["D40"].value = 7
    book.defined_names[f"v_{field}"] = DefinedName(f"v_{field}", attr_text=f"'{page.title}'!$D$40")


Made = Callable[[str], bytes]
Said = Callable[[Form], tuple[str, str, str, str, str]]
_OTHER = {"application": "self_evaluation", "self_evaluation": "evaluation", "evaluation": "application"}


def _put(value: Any) -> Made:
    return lambda name: sound(name, **{FORMS[name].number[0]: value})


def _listed(*rows: Callable[[Form], tuple[str, str, str | None]]) -> Made:
    return lambda name: attached(name, sound(name), *(row(FORMS[name]) for row in rows))


# defect → the check that finds it, how it is made, what is said: outcome, sheet, cell, found, expected
DEFECTS: dict[str, tuple[str, Made, Said]] = {
    "no workbook": (
        "is_a_workbook", lambda name: "指标,填报值\n".encode(),
        lambda f: ("refused", "", "", "不是 Excel 工作簿", ".xlsx"),
    ),
    "an identity that was changed": (
        "has_identity", lambda name: _identity(name, "period", "2031", with_check=False),
        lambda f: ("refused", "_identity", "", "已被改动", "系统下发的空白表"),
    ),
    "a version that was never issued": (
        "form_is_known", lambda name: _identity(name, "form_version", "9"),
        lambda f: ("refused", "", "", f"“{f.rules.rules.form.id}”第 9 版从未", "第 1 版"),
    ),
    "another year": (
        "period_matches", lambda name: sound(name, period="2030"),
        lambda f: ("refused", "", "", "2030 年度", f"{f.period} 年度"),
    ),
    "another centre's": (
        "unit_matches", lambda name: sound(name, "IC02"),
        lambda f: ("refused", "", "", "“IC02”", "不得代其他单位报送"),
    ),
    "a sheet missing": (
        "has_every_sheet", lambda name: edited(sound(name), lambda b: b.remove(b[FORMS[name].second])),
        lambda f: ("returned", f.second, "", f"缺少工作表“{f.second}”", "保留表内全部工作表"),
    ),
    "an answer to no question": (
        "no_unknown_field", lambda name: edited(sound(name), lambda b: _named(b, "X99")),
        lambda f: ("returned", f.rules.rules.form.sheets[0].name, "D40", "“X99”", "只填报本单位空白表所列"),
    ),
    "a changed label": (
        "has_every_field",
        lambda name: edited(sound(name), lambda b: _label(b, FORMS[name].number[0], "别的")),
        lambda f: ("returned", f.number[2], "", f"没有指标“{f.number[1]}”", f"恰有一行“{f.number[1]}”"),
    ),
    "nothing where an answer is due": (
        "required_value_present", _put(None),
        lambda f: ("returned", f.number[2], f.number[3], f"“{f.number[1]}”未填", "必填"),
    ),
    "text in a number": (
        "value_has_type", _put("约二十"),
        lambda f: ("returned", f.number[2], f.number[3], "“约二十”不是数字", "整数"),
    ),
    "a formula without a result": (
        "value_has_type", _put("=1+1"),
        lambda f: ("returned", f.number[2], f.number[3], "公式没有保存计算结果", "整数"),
    ),
    "half a thing": (
        "decimals", _put(2.5),
        lambda f: ("returned", f.number[2], f.number[3], "2.5", "整数"),
    ),
    "a part of a fen": (
        "decimals", lambda name: sound(name, **{FORMS[name].amount[0]: 12.345}),
        lambda f: ("returned", *f.amount[1:], "有 3 位小数", "最多 2 位小数"),
    ),
    "less than nothing": (
        "value_in_range", _put(-1),
        lambda f: ("returned", f.number[2], f.number[3], "-1", f.range),
    ),
    "more than there can be": (
        "value_in_range", _put(10_000_001),
        lambda f: ("returned", f.number[2], f.number[3], "超过上限", f.range),
    ),
    "no list of attachments": (
        "has_attachment_list", lambda name: edited(sound(name), lambda b: b.remove(b[FORMS[name].listed[0]])),
        lambda f: ("returned", f.listed[0], "", f"没有工作表“{f.listed[0]}”", "保留空白表所附的附件清单"),
    ),
    "an attachment with a path": (
        "attachment_name", _listed(lambda f: ("../扫描件.pdf", f.required, None)),
        lambda f: ("returned", f.listed[0], f"B{f.listed[1]}", "含有路径", "文件名本身"),
    ),
    "one name for two files": (
        "attachment_names_differ",
        _listed(_own_scan, lambda f: ("盖章扫描件.ＰＤＦ", *f.evidence[:2])),
        lambda f: ("returned", f.listed[0], f"B{f.listed[1] + 1}", f"与 B{f.listed[1]} 重复", "各不相同"),
    ),
    "an attachment of no kind": (
        "attachment_kind", _listed(_own_scan, lambda f: ("其他.pdf", "相册", None)),
        lambda f: ("returned", f.listed[0], f"C{f.listed[1] + 1}", "“相册”不在所列", f.required),
    ),
    "evidence of what it does not prove": (
        "attachment_fields", _listed(_own_scan, lambda f: ("清单.pdf", f.evidence[0], f.evidence[2])),
        lambda f: (
            "returned", f.listed[0], f"D{f.listed[1] + 1}", f"“{f.evidence[2]}”不是“{f.evidence[0]}”",
            f.evidence[1],
        ),
    ),
    "one attachment too many": (
        "attachment_count", _listed(_own_scan, lambda f: ("又一份.pdf", f.required, None)),
        lambda f: ("returned", f.listed[0], f"C{f.listed[1] + 1}", f"第 2 个“{f.required}”", "不超过 1 个"),
    ),
}  # fmt: skip
# the checks that these forms cannot fail: they have one version, and a missing attachment may follow
NOT_OF_CENTRES = {"form_version_accepted", "required_attachment"}


@pytest.mark.parametrize("name", FORMS)
def test_a_sound_workbook_is_taken(name: str) -> None:
    got = read(name, sound(name))
    assert (got.outcome, got.problems) == ("accepted", ())


@pytest.mark.parametrize("defect", DEFECTS)
@pytest.mark.parametrize("name", FORMS)
def test_the_defect_is_found_alone_and_said_with_its_place(name: str, defect: str) -> None:
    check, make, said = DEFECTS[defect]
    form = FORMS[name]
    got = read(name, make(name))
    assert [p.check for p in got.problems] == [check], got.problems
    (problem,) = got.problems
    outcome, sheet, place, found, expected = said(form)
    assert (got.outcome, problem.file, problem.sheet, problem.cell) == (outcome, FILE, sheet, place)
    assert found in problem.found
    assert expected in problem.expected
    assert "平台" not in str(problem)
    assert problem.basis.startswith(("2024-1155#", "operator"))
    if check in ("is_a_workbook", "has_identity", "unit_matches"):
        assert problem.basis == form.basis


@pytest.mark.parametrize("name", FORMS)
def test_a_centres_other_workbook_is_none_of_this_period(name: str) -> None:
    """The neighbouring form of the same centre, laid into the wrong folder."""
    got = read(name, sound(_OTHER[name], period=FORMS[name].period))
    assert got.outcome == "refused"
    assert [p.check for p in got.problems] == ["form_is_known", "programme_matches"]
    asked = FORMS[name].rules.rules
    assert asked.form.id in got.problems[0].expected
    assert f"“{FORMS[_OTHER[name]].programme}”" in got.problems[1].found
    assert f"“{FORMS[name].programme}”" in got.problems[1].expected


@pytest.mark.parametrize(
    ("values", "check", "place", "found", "expected"),
    [
        ({"A03": "国企"}, "value_has_type", "D8", "“国企”", "行业龙头企业、科研院所"),
        ({"A04": "有"}, "value_has_type", "D9", "“有”", "是"),
        ({"A18": "2025年2月30日"}, "value_has_type", "D9", "不是存在的日期", "日期"),
        ({"A01": "国家级新材料知识产权中心"}, "name_follows_rule", "D6", "拟用名称", NAMED["A01"]),
    ],
)
def test_what_only_the_application_asks(
    values: dict[str, Any], check: str, place: str, found: str, expected: str
) -> None:
    (problem,) = read("application", sound("application", **values)).problems
    assert (problem.check, problem.cell) == (check, place)
    assert found in problem.found
    assert expected in problem.expected


def test_every_check_has_its_defect() -> None:
    every = {
        c.__name__ for c in (*checks.FILE, *checks.IDENTITY, *checks.FORM, *checks.ATTACHMENTS, *checks.FIELD)
    }
    tried = {check for check, _, _ in DEFECTS.values()} | {"programme_matches", "name_follows_rule"}
    assert every - tried == NOT_OF_CENTRES
