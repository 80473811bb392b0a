"""The rating list with what is said of its firmness: columns, sheet, chart; and its way back."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import openpyxl
import pytest
from document_samples import RULES, rating_list, row
from ipgov.documents.rating_list import RatingList, read_returned, write
from ipgov.documents.sensitivity_sheet import CHARTED, SHEET, charted, interval, workbook
from ipgov.evaluation.sensitivity.analysis import FactorEffect, Sensitivity, UnitFirmness
from ipgov.intake.workbook import read_workbook
from ipgov.simulation.returned_list import fill
from lxml import etree

_C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"


def firm(unit: str, rank: int | None, kept: int = 1000) -> UnitFirmness:
    low, high = (None, None) if rank is None else (max(1, rank - 1), rank + 2)
    grades = {"优秀": kept, "良好": 1000 - kept}
    total, grade = (Decimal("85.35"), "优秀") if rank else (None, None)
    return UnitFirmness(unit, "trading", total, rank, grade, low, rank, high, 120, grades, 1000)


def sensitivity(units: Sequence[UnitFirmness]) -> Sensitivity:
    assert RULES.sensitivity is not None
    effects = (
        FactorEffect("method/0", "总分的合成方法", ("加权几何平均",), Decimal("0.6"), Decimal("0.5")),
        FactorEffect("method/1", "固定阈值改用极差", ("极差法",), Decimal("0.2"), Decimal("0.3")),
        FactorEffect("method/2", "剔除一项指标", ("知识产权交易额",), Decimal("0.1"), Decimal("0.2")),
        FactorEffect("weight/D1", "权重：业务绩效", ("权重减少 20%", "权重增加 20%"), Decimal(0), Decimal(0)),
    )
    return Sensitivity(RULES.sensitivity, ("优秀", "良好"), tuple(units), effects, Decimal("0.35"), ())


def listed(count: int) -> RatingList:
    units = [firm(f"FP{n:03}", n, 1000 - 7 * n % 400) for n in range(1, count + 1)]
    rows = [row(u.unit, n, rank_interval=interval(u), grade_kept=u.kept) for n, u in enumerate(units, 1)]
    return replace(rating_list(*rows), sensitivity=sensitivity(units))


LIST12 = write(listed(12), "模拟数据")


def chart_of(data: bytes) -> etree._Element:
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        (name,) = [n for n in package.namelist() if n.startswith("xl/charts/chart")]
        return etree.fromstring(package.read(name))


def test_the_list_shows_interval_and_firmness_beside_the_grade() -> None:
    page = openpyxl.load_workbook(io.BytesIO(LIST12))["评级表"]
    heads = {c.value: c.column for c in page[4]}
    assert page.cell(7, heads["名次区间"]).value == "2–5"
    kept = page.cell(7, heads["等级稳定度"])
    assert (kept.value, kept.number_format) == (0.979, "0.0%")


def test_what_was_varied_stands_on_the_sheet_and_among_the_notes() -> None:
    book = read_workbook(LIST12)
    for name in (SHEET, "说明"):
        texts = {str(v) for v in book.sheets[name].cells.values()}
        assert any("±20%" in t and "均匀分布" in t for t in texts), name
        assert any("1000 次，种子 2023156" in t.replace("，", "，") for t in texts), name
        assert any("综合指标编制手册" in t for t in texts), name


def test_the_chart_shows_every_unit_of_a_short_list_with_its_interval() -> None:
    chart = chart_of(LIST12)
    first, second = chart.iter(f"{_C}ser")
    assert [len(s.findall(f"{_C}val//{_C}pt")) for s in (first, second)] == [12, 12]
    bars = first.find(f"{_C}errBars")
    assert bars.find(f"{_C}errValType").get("val") == "cust"
    for side, expected in (("plus", "2"), ("minus", "1")):
        reference = bars.find(f"{_C}{side}//{_C}f").text
        column = reference.split("!")[1].split(":")[0].replace("$", "")
        sheet = openpyxl.load_workbook(io.BytesIO(LIST12))[SHEET]
        letters, number = column.rstrip("0123456789"), int(column.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
        assert str(sheet[f"{letters}{number + 4}"].value) == expected
    assert chart.find(f".//{_C}valAx/{_C}scaling/{_C}orientation").get("val") == "maxMin"


def test_a_long_list_charts_the_best_and_the_least_firm_and_says_so() -> None:
    found = listed(300).sensitivity
    assert found is not None
    shown = charted(found.units)
    assert len(shown) == CHARTED
    assert [u.rank for u in shown[:20]] == list(range(1, 21))
    least = sorted(u.kept for u in found.units[20:])[:20]
    assert sorted(u.kept for u in shown[20:]) == least
    assert [u.rank for u in shown] == sorted(u.rank or 0 for u in shown)
    chart = chart_of(write(listed(300), ""))
    title = "".join(chart.find(f"{_C}chart/{_C}title").itertext())
    assert "300" in title
    assert "前20名" in title.replace(" ", "")


@pytest.mark.parametrize("units", [[], [firm("FP001", None)], [firm("FP001", 1)]])
def test_nobody_ranked_leaves_a_sheet_without_a_chart(units: list[UnitFirmness]) -> None:
    data = workbook(sensitivity(units), "试", "样例机关", {"FP001": ("甲", "交易服务类")}, "中心")
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        charts = [n for n in package.namelist() if n.startswith("xl/charts/")]
    assert len(charts) == (1 if units and units[0].rank else 0)
    texts = [str(v) for v in read_workbook(data).sheets[SHEET].cells.values()]
    assert {"中心编号", "中心名称"} <= set(texts)
    assert not [t for t in texts if "平台" in t]


def test_the_same_list_gives_the_same_bytes() -> None:
    assert write(listed(12), "模拟数据") == LIST12


def test_a_marked_list_is_still_read_and_its_firmness_cannot_be_changed() -> None:
    filled = fill(LIST12, "同意", "无", {"FP003": ("存疑", "请复核")})
    back = read_returned(filled, LIST12)
    assert back.problems == ()
    assert (back.answer, back.marks) == ("approve", {"FP003": ("question", "请复核")})
    book = openpyxl.load_workbook(io.BytesIO(LIST12))
    cell = next(c for line in book[SHEET].iter_rows() for c in line if c.value == "FP003")
    book[SHEET].cell(cell.row, 10).value = 0.5
    buffer = io.BytesIO()
    book.save(buffer)
    (problem,) = read_returned(buffer.getvalue(), LIST12).problems
    assert (problem.check, problem.sheet) == ("rating_list_locked", SHEET)
