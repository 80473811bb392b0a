"""The audit workbook where provinces rank what they recommend: places, quota, and its way there and back."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest
from ipgov.core.errors import Problem
from ipgov.documents import audit_form, returned_audits
from ipgov.documents.audit_form import AuditForm, Item
from ipgov.policy.audits import ProvinceAudit
from ipgov.policy.periods import Budget

SENT, DAY = dt.date(2025, 12, 15), dt.date(2025, 12, 30)
ANSWERS = (
    {"code": "recommend", "name": "推荐", "forwards": True, "opinion": True},
    {"code": "keep", "name": "不推荐", "forwards": False, "opinion": False},
)
RULE = ProvinceAudit(name="推荐", answers=ANSWERS, within=Budget(working_days=5), ranked=True, quota=2)
FORM = AuditForm(
    title="推荐工作簿",
    author="样例机关",
    banner="",
    programme="sample",
    period="2026",
    province="11",
    province_name="北京市",
    due_on=DAY,
    answers=("推荐", "不推荐"),
    ranked=True,
    quota=2,
    items=tuple(
        Item(f"IC0{n}", f"=1+{n}<b>中心", "新材料", SENT, "按期", f"{n}" * 64, DAY) for n in (1, 2, 3)
    ),
    absent=(("IC09", "另一中心", "未报送"),),
    fingerprint="f" * 64,
)


def filled(change: Callable[[Any], None]) -> returned_audits.ReturnedAudit:
    issued = audit_form.write(FORM)
    book, target = openpyxl.load_workbook(io.BytesIO(issued)), io.BytesIO()
    change(book["审核"])
    book.save(target)
    return returned_audits.read_returned(
        target.getvalue(), issued, RULE, lambda code: f"{code} 不是本省的", DAY
    )


def answer(sheet: Any, row: int, said: str, place: Any, opinion: str = "属实") -> None:
    for column, value in zip(range(9, 14), (said, place, opinion, "张三", DAY), strict=True):
        sheet.cell(row, column).value = value


def test_the_same_form_is_the_same_bytes_and_hostile_names_stay_text() -> None:
    assert audit_form.write(FORM) == audit_form.write(FORM)
    sheet = openpyxl.load_workbook(io.BytesIO(audit_form.write(FORM)))["审核"]
    assert (sheet["C6"].value, sheet["C6"].data_type) == ("=1+1<b>中心", "s")
    assert sheet["C6"].protection.locked
    assert not sheet["I6"].protection.locked


def test_a_ranked_answer_comes_back_whole() -> None:
    def change(sheet: Any) -> None:
        answer(sheet, 6, "推荐", 2)
        answer(sheet, 7, "推荐", 1)
        answer(sheet, 8, "不推荐", None, "")

    got = filled(change)
    assert not got.problems
    assert [(a.unit, a.answer, a.place, a.cell) for a in got.answers] == [
        ("IC01", "推荐", 2, "I6"),
        ("IC02", "推荐", 1, "I7"),
        ("IC03", "不推荐", None, "I8"),
    ]


@pytest.mark.parametrize(
    ("first", "second", "cell", "told"),
    [
        (("推荐", 1), ("推荐", 1), "J7", "IC02 的推荐次序 1 与 IC01 相同"),
        (("推荐", None), ("推荐", 1), "J6", "IC01 的推荐次序未填写"),
        (("推荐", 0), ("推荐", 1), "J6", "IC01 的推荐次序为“0”"),
        (("推荐", 1.5), ("推荐", 1), "J6", "IC01 的推荐次序为“1.5”"),
        (("推荐", "第一"), ("推荐", 1), "J6", "IC01 的推荐次序为“第一”"),
        (("不推荐", 1), ("推荐", 2), "J6", "IC01 的推荐次序已填写"),
    ],
)
def test_places_are_whole_numbers_each_given_once(first: Any, second: Any, cell: str, told: str) -> None:
    def change(sheet: Any) -> None:
        answer(sheet, 6, *first)
        answer(sheet, 7, *second)

    problems = filled(change).problems
    assert [(p.cell, p.found) for p in problems] == [(cell, told)]


def test_more_than_the_quota_is_refused_also_together_with_what_stands() -> None:
    from ipgov.decisions.audits import Audit
    from ipgov.procedures.audit_returns import _over
    from ipgov.procedures.province_audits import Asked

    def change(sheet: Any) -> None:
        answer(sheet, 6, "推荐", 1)
        answer(sheet, 7, "推荐", 2)

    answers = filled(change).answers
    moment = dt.datetime(2025, 12, 20, tzinfo=dt.UTC)
    stands = Audit(1, "IC03", 3, "推荐", True, "属实", 2, "张三", DAY, moment, False)
    assert not list(_over(RULE, answers, Asked(FORM, (), {})))
    found = [p.found for p in _over(RULE, answers, Asked(FORM, (), {2: stands}))]
    assert found == ["本省予以报送的共 3 家", "IC02 的推荐次序 2 与此前 IC03 的相同"]


def test_a_correction_marks_the_cell_and_keeps_what_was_filled_in() -> None:
    got = filled(lambda sheet: answer(sheet, 6, "推荐", 1, ""))
    again = returned_audits.shown_again(got.filled, {0: 1, 1: 0, 2: 2}, ranked=True)  # rows may have moved
    book = openpyxl.load_workbook(io.BytesIO(audit_form.write(FORM, again, got.problems)))
    assert book["审核"]["I7"].value == "推荐"
    assert book["审核"]["M7"].value.date() == DAY
    assert "审核意见未填写" in book["审核"]["K6"].comment.text
    assert [c.value for c in book["问题汇总"][6]][2:4] == ["K6", "IC01 的审核意见未填写"]
    assert isinstance(got.problems[0], Problem)
