"""The workbook in which an operator enters a year's results that were published before this system."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ipgov.documents.sheets import Book
from ipgov.documents.typography import full_width
from ipgov.intake.published import (
    GUIDE,
    HEAD_ROW,
    IDENTITY,
    NAME,
    NOT_EVALUATED,
    RESULT_FIELDS,
    RESULTS,
    SCORES,
    SOURCE,
    SOURCE_FIELDS,
    UNIT,
    VALUES,
    identity,
)

_HEAD = {"font_name": "黑体", "border": 1, "align": "center", "text_wrap": True, "bg_color": "#DDE6F0"}
_FREE = {"border": 1, "bg_color": "#FFFBEB"}
_GUIDE = (
    "本表用来补录本系统启用以前已经公布的评价结果。只照原件录入，不推算、不补齐：原件没有的，留空。",
    "“来源”各栏写明文号、公布日期、公布单位和查得处；公布材料没有载明规则版本的，“所依规则版本”留空。",
    f"“结果”每家单位一行，“是否通过”必填（是、否、{NOT_EVALUATED}），总分、名次、等级有则填。",
    "名单按当年的登记列出；原件没有的单位删去整行，原件另有的单位加行：填代码，不知代码的填原件上的名称"
    "（更名、合并的按登记的承继关系对应）。",
    "“指标值”“指标得分”两表可不填；原件公布了的照录，供与重算结果逐项比较。",
    "录入有误的，改正后再次导入并写明事由：每个改动的值都留下记录，原记录不变。",
)


@dataclass(frozen=True)
class Blank:
    """What the workbook is for: the bodies (code, name) and the indicators (code, name, unit) of the year."""

    title: str
    author: str
    programme: str
    period: str
    units: Sequence[tuple[str, str]]
    indicators: Sequence[tuple[str, str, str]]


def write(blank: Blank, banner: str) -> bytes:
    """Return the .xlsx to be filled in; ``banner`` (of a simulation) stands on every sheet."""
    book = Book(blank.title, blank.author, banner, f"{blank.programme} {blank.period}")
    _guide(book, blank)
    _source(book, blank)
    _results(book, blank)
    for name, meaning in ((VALUES, "原件公布的指标值（计入分母以后）"), (SCORES, "原件公布的指标得分")):
        _indicators(book, blank, name, meaning)
    book.identity(identity(blank.programme, blank.period).items(), IDENTITY)
    return book.close()


def _guide(book: Book, blank: Blank) -> None:
    sheet = book.sheet(GUIDE, f"{blank.title}（{blank.period} 年度）", "先读本页。", landscape=False)
    sheet.set_column(0, 0, 8)
    sheet.set_column(1, 1, 84)
    for row, line in enumerate(_GUIDE, HEAD_ROW + 1):
        book.put(sheet, row, 1, f"{row - HEAD_ROW}", book.format(**{**_HEAD, "bg_color": "#FFFFFF"}))
        book.put(sheet, row, 2, full_width(line), book.format(border=1, text_wrap=True, font_size=11))
        sheet.set_row(row - 1, 40)


def _source(book: Book, blank: Blank) -> None:
    sheet = book.sheet(SOURCE, f"{blank.period} 年度已公布结果的来源", "浅黄色单元格由录入人填写。")
    for column, (head, width) in enumerate((("栏目", 18), ("填写", 50), ("说明", 60))):
        sheet.set_column(column, column, width)
        book.put(sheet, HEAD_ROW, column + 1, head, book.format(**_HEAD))
    for row, asked in enumerate(SOURCE_FIELDS.values(), HEAD_ROW + 1):
        shown = {"num_format": "yyyy-mm-dd", "align": "left"} if asked.type == "date" else {"num_format": "@"}
        book.put(sheet, row, 1, asked.label, book.format(border=1, font_name="黑体"))
        book.put(sheet, row, 2, "", book.format(**_FREE, **shown, text_wrap=True))
        told = asked.help if asked.required else f"可不填。{asked.help}"
        book.put(sheet, row, 3, full_width(told), book.format(border=1, text_wrap=True, font_color="#404040"))
        sheet.set_row(row - 1, 24)


def _results(book: Book, blank: Blank) -> None:
    sheet = book.sheet(RESULTS, f"{blank.period} 年度已公布的结果", "照原件录入，原件没有的留空。")
    heads = [(UNIT, 12), (NAME, 40), *((a.label, 12) for a in RESULT_FIELDS.values())]
    _head(book, sheet, heads)
    _names(book, sheet, blank, len(heads))
    last = HEAD_ROW + max(1, len(blank.units)) + 200  # rows may be added
    listed = {"validate": "list", "source": ["是", "否", NOT_EVALUATED]}
    sheet.data_validation(HEAD_ROW, len(heads) - 1, last, len(heads) - 1, listed)


def _indicators(book: Book, blank: Blank, name: str, meaning: str) -> None:
    sheet = book.sheet(name, f"{blank.period} 年度{name}", f"{meaning}；可不填。")
    heads = [(UNIT, 12), (NAME, 34)]
    for code, called, unit in blank.indicators:
        heads.append((f"{code} {called}" + (f"（{unit}）" if unit and name == VALUES else ""), 13))
    _head(book, sheet, heads)
    _names(book, sheet, blank, len(heads))


def _head(book: Book, sheet: Any, heads: Sequence[tuple[str, int]]) -> None:
    for column, (head, width) in enumerate(heads):
        sheet.set_column(column, column, width)
        book.put(sheet, HEAD_ROW, column + 1, head, book.format(**_HEAD))
    sheet.set_row(HEAD_ROW - 1, 46)
    sheet.freeze_panes(HEAD_ROW, 2)
    sheet.repeat_rows(HEAD_ROW - 1)


def _names(book: Book, sheet: Any, blank: Blank, columns: int) -> None:
    for row, (unit, name) in enumerate(blank.units, HEAD_ROW + 1):
        book.put(sheet, row, 1, unit, book.format(border=1, align="center"))
        book.put(sheet, row, 2, name, book.format(border=1, text_wrap=True))
        for column in range(3, columns + 1):
            book.put(sheet, row, column, "", book.format(**_FREE))
