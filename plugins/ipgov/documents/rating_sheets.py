"""The tables of a rating list: ranking, years, dimensions, findings, and the derivation of every result."""

from __future__ import annotations

from collections.abc import Sequence

from ipgov.core.errors import RefusedError
from ipgov.documents import explanation_sheet
from ipgov.documents.model import printable
from ipgov.documents.rating_book import ListBook, print_wide, sheet_name
from ipgov.documents.rating_front import derivation, dimension_sheet
from ipgov.documents.rating_layout import (
    FINDINGS,
    HEAD_ROW,
    LIST,
    LOOKUP,
    OUTSIDE,
    OWN_SHEETS,
    TREND_HEAD,
    UNIT_HEAD,
    YEARS,
    RatingList,
    Row,
    dimension_columns,
    list_columns,
    outside,
    outside_columns,
    readable_basis,
    top_dimensions,
    year_columns,
)
from ipgov.documents.sheets import Column, Line
from ipgov.documents.typography import full_width
from ipgov.evaluation.basis import in_chinese
from ipgov.evaluation.explain import Explanation

_MEANING = full_width(
    "名次按总分由高到低，同分同名次；请在“评审意见”（同意、存疑）和“评审备注”两栏逐家填写，"
    "并在“签批”表填写结论。其余单元格已锁定：改动任何一处，来件不予接受并列明所改单元格；筛选、排序不影响。"
)
_SEVERITIES = {"critical": "严重", "warning": "提示", "info": "信息"}


def ranking(book: ListBook, listed: RatingList) -> None:
    """Write 评级表: what the reviewers decide on and mark."""
    book.bodies(listed, LIST, listed.title, _MEANING, list_columns(listed.rules))


def years(book: ListBook, listed: RatingList) -> None:
    """Write 历年对比: published totals and ranks beside this period's, with a small line for each body."""
    if not listed.earlier:
        return
    columns = year_columns(listed)
    meaning = "以往年度为已公布的结果（含更正）；空白为当年未评价或不在名单。折线为各年总分，圆点为最近一年。"
    sheet = book.bodies(listed, YEARS, f"{listed.title}历年对比", full_width(meaning), columns)
    at = [c.head for c in columns].index(TREND_HEAD)
    first = at - len(listed.earlier) - 1
    for row in range(HEAD_ROW, HEAD_ROW + len(listed.rows)):
        # of the same row: a line that is sorted takes its own figures with it
        sheet.add_sparkline(
            row,
            at,
            {"range": f"'{YEARS}'!{_area(row, first, at - 1)}"}
            | {
                "markers": True,
                "weight": 1.5,
                "series_color": "#1F4E79",
                "last_point": True,
                "last_color": "#C00000",
            },
        )


def _area(row: int, first: int, last: int) -> str:
    from xlsxwriter.utility import xl_range

    return str(xl_range(row, first, row, last))


def dimensions(book: ListBook, listed: RatingList) -> None:
    """Write a sheet for each dimension, and one for what stands outside of them."""
    rules = listed.rules
    told = "空白为不适用或缺少数据；权重为该类平台、重分配之后的实际权重。"
    for number, d in enumerate(top_dimensions(rules), 1):
        basis = f"依据：{readable_basis(rules.scoring, d)}；{told}"
        title = f"{listed.title}{d.name}"
        columns = dimension_columns(rules, d)
        book.bodies(listed, dimension_sheet(number, d.name), title, full_width(basis), columns)
    if outside(rules):
        told = "计入总分为加（正）扣（负）的分；否决只影响等级，见评级表“评价说明”。"
        book.bodies(listed, OUTSIDE, f"{listed.title}{OUTSIDE}", full_width(told), outside_columns(rules))


def findings(book: ListBook, listed: RatingList) -> None:
    """Write 数据质量与豁免: everything that the checks found, and who let what pass until when and why."""
    sheet = book.sheet(
        FINDINGS,
        f"{listed.title}{FINDINGS}",
        "严重问题未经豁免的，评价即中止；此处所列严重问题均已豁免。" if listed.findings else "未发现问题。",
    )
    columns = (
        Column("序号", 6, align="center"),
        Column(UNIT_HEAD, 10),
        Column("平台名称", 30, wrap=True),
        Column("程度", 7, align="center"),
        Column("规则", 12, wrap=True),
        Column("发现", 50, wrap=True),
        Column("所报内容", 18, wrap=True),
        Column("出处", 20, wrap=True),
        Column("处置", 32, wrap=True),
        Column("依据", 16, wrap=True),
    )
    names = {row.unit: row.name for row in listed.rows}
    lines = [
        Line((
            number,
            f.unit or "全部",
            names.get(f.unit or "", ""),
            _SEVERITIES[f.severity],
            f.rule,
            printable(f.message),
            printable(f.found or ""),
            f"“{printable(f.sheet)}”表 {f.cell or ''}".strip() if f.sheet else "",
            printable(f.waived) or "未豁免",
            full_width(in_chinese(f.basis)),
        ))
        for number, f in enumerate(listed.findings, 1)
    ]  # fmt: skip
    below = book.table(sheet, HEAD_ROW, columns, lines)
    if lines:
        sheet.autofilter(HEAD_ROW - 1, 0, below - 2, len(columns) - 1)
    print_wide(sheet, [c.width for c in columns], HEAD_ROW, below - 1)


def explained(book: ListBook, listed: RatingList) -> None:
    """Write the derivation of every result down to cell and clause: a sheet a body, or one for all of them.

    Raises RefusedError for two bodies of one sheet name.
    """
    if not listed.explained or len(listed.explained) > OWN_SHEETS:
        _lookup(book, listed)
        return
    names = _sheet_names([e.unit for e in listed.explained])
    rows = {row.unit: row for row in listed.rows}
    for e, name in zip(listed.explained, names, strict=True):
        _body(book, listed, e, rows[e.unit], name)


def _sheet_names(units: Sequence[str]) -> list[str]:
    names = [sheet_name(f"{LOOKUP} {u}") for u in units]
    lowered = [n.lower() for n in names]
    if doubled := sorted({n for n in lowered if lowered.count(n) > 1}):
        raise RefusedError(f"工作表名称重复：{'、'.join(doubled)}")
    return names


def _body(book: ListBook, listed: RatingList, e: Explanation, row: Row, name: str) -> None:
    meaning = (
        "自上而下：总分、维度、指标、报送表单元格；上级的“计入总分”是其下级之和，“占总分”是各级权重相乘。"
    )
    sheet = book.sheet(name, f"{row.name} {e.unit} 得分推导", meaning)
    at = HEAD_ROW
    for text, style in ((e.headline, book.format(bold=True)), *((r, book.format()) for r in e.reasons)):
        book.put(sheet, at, 1, full_width(text), style)
        at += 1
    columns = explanation_sheet.COLUMNS
    below = book.table(sheet, at, columns, explanation_sheet.value_lines(e))
    print_wide(sheet, [c.width for c in columns], at, below - 1, repeated=1)
    sheet.repeat_rows(at - 1)


def _lookup(book: ListBook, listed: RatingList) -> None:
    """Write one sheet with the derivations of all bodies, to be filtered by code."""
    sheet = book.sheet(LOOKUP, f"{listed.title}得分推导", f"{derivation(listed)}。")
    columns = (Column("名次", 6), Column(UNIT_HEAD, 10), *explanation_sheet.COLUMNS)
    lines = [
        Line((e.rank, e.unit, *line.cells), bold=line.bold, colour=line.colour)
        for e in listed.explained
        for line in explanation_sheet.value_lines(e)
    ]
    below = book.table(sheet, HEAD_ROW, columns, lines)
    if lines:
        sheet.autofilter(HEAD_ROW - 1, 0, below - 2, len(columns) - 1)
    print_wide(sheet, [c.width for c in columns], HEAD_ROW, below - 1, repeated=2)
