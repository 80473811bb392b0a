"""What stands on the sheets of a rating list is what the result set holds, each figure in its own cell."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from document_samples import RULES
from ipgov.documents import rating_list
from ipgov.documents.rating_front import dimension_sheet
from ipgov.documents.rating_layout import OWN_SHEETS, below, outside, top_dimensions
from ipgov.intake.workbook import Sheet, read_workbook
from ipgov.policy.scoring import Dimension, Indicator
from lxml import etree
from rating_samples import NAME, whole_list

LISTED = whole_list()
DATA = rating_list.write(LISTED, "模拟数据")
BOOK = read_workbook(DATA)
HEAD = 4


def table(sheet: Sheet, key: str = "平台编号", head: int = HEAD) -> dict[str, dict[str, Any]]:
    """Return the rows below a head by the key column; empty cells are left out."""
    heads = {c: str(v) for (r, c), v in sheet.cells.items() if r == head}
    rows: dict[int, dict[str, Any]] = {}
    for (r, c), value in sheet.cells.items():
        if r > head and c in heads:
            rows.setdefault(r, {})[heads[c]] = value
    return {str(row[key]): row for row in rows.values() if key in row}


def number(value: Any) -> Decimal | None:
    return None if value is None else Decimal(repr(value)).normalize()


def same(given: Decimal | int | None) -> Decimal | None:
    """Return a figure as a spreadsheet's cell can hold it."""
    return None if given is None else Decimal(repr(float(given))).normalize()


def test_the_ranking_holds_every_figure_of_the_result() -> None:
    rows = table(BOOK.sheets["评级表"])
    assert len(rows) == len(LISTED.rows) == 12
    for r in LISTED.rows:
        told = rows[r.unit]
        expected = {"名次": r.rank, "总分": r.total, "类内名次": r.group_rank}
        expected |= {d.name: r.scores[d.code] for d in RULES.scoring.dimensions}
        expected |= {"上年总分": r.last_total, "上年名次": r.last_rank, "总分增减": r.gained}
        assert {h: number(told.get(h)) for h in expected} == {h: same(v) for h, v in expected.items()}
        moved = r.climbed
        arrow = None if moved is None else "→" if moved == 0 else f"{'↑' if moved > 0 else '↓'}{abs(moved)}"
        assert told.get("名次变动") == arrow


@pytest.mark.parametrize("place", range(len(top_dimensions(RULES))))
def test_every_dimension_has_a_sheet_with_every_figure_of_it(place: int) -> None:
    d = top_dimensions(RULES)[place]
    rows = table(BOOK.sheets[dimension_sheet(place + 1, d.name)])
    expected = {
        (r.unit, kind, node.code): same(figures.get(node.code))
        for r in LISTED.rows
        for node in (d, *below(RULES, d))
        for kind, figures in kinds_of(node, r)
    }
    found = {
        (unit, kind, node.code): number({heading(h): v for h, v in told.items()}.get((node.name, kind)))
        for unit, told in rows.items()
        for node in (d, *below(RULES, d))
        for kind, _ in kinds_of(node, LISTED.rows[0])
    }  # fmt: skip
    assert found == expected
    assert any(v is not None for v in expected.values())


def kinds_of(node: Dimension | Indicator, r: Any) -> list[tuple[str, Any]]:
    if isinstance(node, Indicator):
        return [("原值", r.values), ("得分", r.scores)]
    return [("得分", r.scores), ("权重", r.weights), ("计入总分", r.points)]


def heading(head: str) -> tuple[str, str]:
    name, _, kind = head.rpartition("\uff1a")
    return name, kind.partition("\uff08")[0]


def test_bonuses_deductions_and_vetoes_stand_on_a_sheet_of_their_own() -> None:
    rows = table(BOOK.sheets["加分扣分与否决"])
    for r in LISTED.rows:
        for i in outside(RULES):
            told = {heading(h)[1]: v for h, v in rows[r.unit].items() if heading(h)[0] == i.name}
            assert number(told.get("原值")) == same(r.values.get(i.code))
            if i.role != "veto":
                assert number(told.get("计入总分")) == same(r.points.get(i.code))


@pytest.mark.parametrize("what", ["类别", "省份"])
def test_the_summary_adds_up_to_the_ranking(what: str) -> None:
    sheet, ranking = BOOK.sheets["汇总"], table(BOOK.sheets["评级表"])
    head = next(r for (r, c), v in sheet.cells.items() if c == 1 and v == what)
    last = next(r for (r, c), v in sorted(sheet.cells.items()) if c == 1 and r > head and v == "合计")
    cut = replace(sheet, cells={p: v for p, v in sheet.cells.items() if p[0] <= last})
    parts = table(cut, what, head)
    whole = parts.pop("合计")
    for column in ("平台数", "已评价", "未评价", *(g.name for g in RULES.scoring.grades)):
        assert sum(p[column] for p in parts.values()) == whole[column]
    assert whole["平台数"] == len(ranking)
    assert whole["已评价"] == sum(r["等级"] != "未评价" for r in ranking.values())
    for name, part in [*parts.items(), ("合计", whole)]:
        own = [r for r in ranking.values() if name in ("合计", r[what])]
        totals = [Decimal(repr(r["总分"])) for r in own]
        assert (part["最高分"], part["最低分"]) == (float(max(totals)), float(min(totals)))
        assert abs(Decimal(repr(part["平均分"])) - sum(totals) / len(totals)) <= Decimal("0.005")
        for grade in RULES.scoring.grades:
            assert part[grade.name] == sum(r["等级"] == grade.name for r in own)


def test_the_years_stand_beside_each_other_with_a_line_of_the_same_row() -> None:
    rows = table(BOOK.sheets["历年对比"])
    for r in LISTED.rows:
        known = {y.period: y for y in r.history}
        for period in (2023, 2024):
            year = known.get(period)
            assert number(rows[r.unit].get(f"{period}年度总分")) == same(year and year.total)
            assert number(rows[r.unit].get(f"{period}年度名次")) == same(year and year.rank)
        assert number(rows[r.unit]["2025年度总分"]) == same(r.total)
    with zipfile.ZipFile(io.BytesIO(DATA)) as package:
        xml = package.read("xl/worksheets/sheet4.xml").decode()
    assert "'历年对比'!E5:G5" in xml
    assert xml.count("<x14:sparkline>") == len(LISTED.rows)


def test_findings_are_listed_with_who_waived_them() -> None:
    rows = table(BOOK.sheets["数据质量与豁免"], "序号")
    first, second = rows["1.0"], rows["2.0"]
    assert (first["所报内容"], first["处置"], first["出处"]) == ("=9", "未豁免", "“一、业务绩效”表 D7")
    assert second["处置"] == "张三豁免至 2026-12-31：复核"
    assert {r["平台编号"] for r in rows.values()} == {LISTED.rows[0].unit, LISTED.rows[1].unit}


def test_every_body_has_its_derivation_down_to_cell_and_clause() -> None:
    for e in LISTED.explained:
        sheet = BOOK.sheets[f"推导 {e.unit}"]
        head = next(r for (r, c), v in sheet.cells.items() if c == 1 and v == "项目")
        assert number(sheet.cells[head + 1, 7]) == same(e.total)
        texts = [str(v) for v in sheet.cells.values()]
        assert any("“一、业务绩效”表 D7" in t and "=cmd|'x'" in t for t in texts)
        assert any("2023-156#16" in t for t in texts)
        assert not sheet.formulas


def test_many_bodies_are_explained_on_one_sheet_and_too_many_elsewhere() -> None:
    many = whole_list(OWN_SHEETS + 1)
    book = read_workbook(rating_list.write(many, ""))
    assert not [n for n in book.sheets if n.startswith("推导 ")]
    cells = book.sheets["推导"].cells
    assert {v for (r, c), v in cells.items() if c == 2 and r > HEAD} == {r.unit for r in many.rows}
    totals = {cells[r, 2]: cells[r, 9] for (r, c), v in cells.items() if c == 3 and v == "总分"}
    assert {u: number(v) for u, v in totals.items()} == {r.unit: same(r.total) for r in many.rows}
    none = replace(whole_list(401, explained=False), findings=())
    text = str(read_workbook(rating_list.write(none, "")).sheets["推导"].cells[2, 1])
    assert "平台超过 400 家，逐家推导不列入本表" in text


def test_the_cover_names_rules_clauses_counts_and_what_is_the_operators_own() -> None:
    cells = BOOK.sheets["封面"].cells
    lines: dict[str, list[str]] = {}
    for (r, c), v in sorted(cells.items()):
        if c == 1 and (r, 2) in cells:
            lines.setdefault(str(v), []).append(str(cells[r, 2]))
    assert LISTED.rule_sha256 in lines["规则版本"][0]
    assert lines["结果指纹"][0].startswith(LISTED.fingerprint)
    assert lines["平台数"] == ["12家\uff1a已评价12家\uff0c未评价0家"]
    assert "“对于连续两年未通过绩效评价的平台" in lines["2023-156#21"][0]
    assert any("年度绩效评价指标另行发布" in t for t in lines["指标与评分"])
    named = [v for (r, c), v in sorted(cells.items()) if c == 1]
    assert {n for n in BOOK.sheets if n not in ("封面", "_ipgov") and not n.startswith("推导 ")} <= set(named)


def test_every_sheet_is_laid_out_to_be_printed_on_a4_and_locked() -> None:
    book = openpyxl.load_workbook(io.BytesIO(DATA))
    for page in book.worksheets:
        assert page.protection.sheet
        if page.title == "_ipgov":
            continue
        assert (page.page_setup.paperSize, page.page_setup.orientation) == (9, "landscape"), page.title
        assert page.print_area, page.title
        assert "&P / &N" in str(page.oddFooter.right.text).replace("&[Page]", "&P").replace("&[Pages]", "&N")
        assert "模拟数据" in str(page.oddHeader.right.text)
    assert book["评级表"].print_title_rows == "$1:$4"
    assert book["评级表"].print_title_cols == "$A:$C"


def test_hostile_texts_stay_texts_on_every_sheet() -> None:
    assert NAME in {v for s in BOOK.sheets.values() for v in s.cells.values()}
    assert not any(s.formulas for s in BOOK.sheets.values())
    with zipfile.ZipFile(io.BytesIO(DATA)) as package:
        for part in package.namelist():
            content = package.read(part)
            etree.fromstring(content)
            if part.startswith("xl/worksheets/sheet"):
                assert b"<hyperlink" not in content
                assert b"<f>" not in content


def test_marks_on_a_whole_list_come_back_and_every_sheet_is_held_to_what_was_issued() -> None:
    book = openpyxl.load_workbook(io.BytesIO(DATA))
    page = book["评级表"]
    mark = next(c.column for c in page[HEAD] if c.value == "评审意见")
    page.cell(5, mark).value = "存疑"
    book["签批"]["B4"].value = "退回"
    back = io.BytesIO()
    book.save(back)
    returned = rating_list.read_returned(back.getvalue(), DATA)
    assert (returned.problems, returned.answer) == ((), "return")
    assert returned.marks == {LISTED.rows[0].unit: ("question", "")}
    touched = [n for n in book.sheetnames if n != "_ipgov"]
    for name in touched:
        book[name]["Z99"].value = 1
    back = io.BytesIO()
    book.save(back)
    found = rating_list.read_returned(back.getvalue(), DATA)
    assert {p.sheet for p in found.problems} == set(touched)


def test_the_same_list_is_the_same_bytes() -> None:
    assert rating_list.write(whole_list(), "模拟数据") == DATA
