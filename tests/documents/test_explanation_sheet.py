"""The derivation as a workbook: it sums by formulas and by stored values, and names cell and clause."""

from __future__ import annotations

import io
from typing import Any

import openpyxl
import pytest
from ipgov.core.errors import RefusedError
from ipgov.documents.explanation_sheet import About, write
from ipgov.evaluation.engine import evaluate
from ipgov.evaluation.explain import Explanation, Source, explain
from ipgov.policy import store

ABOUT = About("样例推导（2025年度）", "样例机关", "规则版本 1", "ab" * 32, "模拟数据")


@pytest.fixture(scope="module")
def explained() -> list[Explanation]:
    import pyarrow as pa

    rules = store.governing("functional_platform", 2025).rules
    values = {"F03": "70000", "F04": "40", "F08": "200", "F09": "150", "F10": "88.5", "F11": "10", "F12": "7"}
    values |= {"F13": "20", "F14": "4", "F15": "23", "F17": "99.2", "F18": "5", "F19": "1", "F20": "0"}
    values |= {"F25": "9", "F24": "1"}
    rows = [(u, f, v, "financial") for u in ("P1", "P2") for f, v in values.items()]
    columns = ("unit", "indicator", "value", "group")
    table = pa.table({n: pa.array([r[k] for r in rows], pa.string()) for k, n in enumerate(columns)})
    evaluation = evaluate(table, rules.scoring, allowed_unused=frozenset(rules.form.fields))
    source = Source(
        "F03", "P1.xlsx", "=cmd|'x'!A1 ７万", "一、业务", "D7", "cd" * 32, "融资额", ("full_width",)
    )
    groups = {"financial": "金融服务类"}
    return [
        explain(evaluation.scores, evaluation.results, rules.scoring, u, {"F03": source}, groups)
        for u in ("P1", "P2")
    ]


def _opened(data: bytes, *, values: bool = False) -> Any:
    return openpyxl.load_workbook(io.BytesIO(data), data_only=values)


def _head_row(sheet: Any) -> int:
    return next(r for r in range(1, 20) if sheet.cell(r, 1).value == "项目")


def test_sums_are_formulas_and_their_results_are_kept(explained: list[Explanation]):
    data = write(explained[:1], ABOUT, store.clauses())
    formulas, values = _opened(data)["P1"], _opened(data, values=True)["P1"]
    first = _head_row(formulas) + 1
    assert values.cell(first, 7).value == pytest.approx(float(explained[0].total))
    summed = 0
    for row in range(first, formulas.max_row + 1):
        formula = formulas.cell(row, 7).value
        if isinstance(formula, str) and formula.startswith("=ROUND("):
            cells = formula.removeprefix("=ROUND(").partition(",")[0].split("+")
            assert sum(values[c].value for c in cells) == pytest.approx(values.cell(row, 7).value, abs=1e-9)
            summed += 1
    assert summed == 6  # the total and five dimensions
    shares = [
        values.cell(r, 6).value
        for r in range(first, values.max_row + 1)
        if values.cell(r, 1).alignment.indent == 2 and values.cell(r, 6).value is not None
    ]
    assert sum(shares) == pytest.approx(100, abs=1e-4)
    assert any(values.cell(r, 3).value == "相符" for r in range(first, values.max_row + 1))


def test_a_cell_stands_as_it_was_filled_in_and_never_as_a_formula(explained: list[Explanation]):
    sheet = _opened(write(explained[:1], ABOUT, store.clauses()))["P1"]
    (cell,) = [c for row in sheet.iter_rows() for c in row if "P1.xlsx" in str(c.value)]
    assert cell.value == f"“=cmd|'x'!A1 ７万”\n“一、业务”表 D7\nP1.xlsx（指纹 {'cd' * 6}）"
    assert cell.data_type == "s"
    assert sheet.cell(cell.row, 1).value == "F03 融资额"
    assert sheet.cell(cell.row, 3).value == "读取：全角字符转为半角"


def test_the_words_of_the_clauses_and_rank_and_grade_are_there(explained: list[Explanation]):
    book = _opened(write(explained, ABOUT, store.clauses()))
    assert book.sheetnames == ["一览", "P1", "P2", "所依条款"]
    clauses = {r[0].value: r[3].value for r in book["所依条款"].iter_rows(min_row=5)}
    assert "2023-156#22" in clauses
    assert clauses["2023-156#15"] == f"“{store.clauses()['2023-156#15']['key_zh']}”"
    first = {book["P1"].cell(r, 1).value: book["P1"].cell(r, 4).value for r in range(5, 90)}
    assert (first["名次"], first["等级"]) == ("第 1 名", explained[0].grade)
    assert book["P1"].print_title_rows
    assert book["P1"].page_setup.orientation == "landscape"
    assert "模拟数据" in book["P1"].oddHeader.right.text


def test_the_same_explanation_is_the_same_bytes(explained: list[Explanation]):
    assert write(explained, ABOUT, {}) == write(explained, ABOUT, {})


def test_two_units_of_one_sheet_name_are_refused(explained: list[Explanation]):
    with pytest.raises(RefusedError, match="p1"):
        write([explained[0], explained[0]], ABOUT, {})
