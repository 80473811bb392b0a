"""The workbook in which a province audits what its bodies sent: a row a submission, what was sent locked.

What comes back is read by ``returned_audits``. One that cannot be taken goes back with what was filled in,
every problem listed and marked; corrected and sent again it is taken like the one that was handed out.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ipgov.core.errors import Problem
from ipgov.documents.locked_cells import address
from ipgov.documents.sheets import PROTECTION, Book, Column, Line
from ipgov.documents.typography import full_width, width_ems

SHEET, ABSENT, SUMMARY = "审核", "尚未报送", "问题汇总"
IDENTITY_KEYS = ("fingerprint", "programme", "period", "province", "rows")
HEAD_ROW = 5  # counted from 1, as all rows and columns here
UNIT_COLUMN = 2
MAX_TEXT = 500
ANSWER, PLACE, OPINION, AUDITOR, DAY = "审核结论", "推荐次序", "审核意见", "审核人", "审核日期"
_COLUMNS = (
    ("序号", 6), ("代码", 9), ("名称", 30), ("类别", 14), ("报送时间", 12), ("报送情况", 12),
    ("报送文件校验值（SHA-256 前 16 位）", 20), ("审核期限", 12),
)  # fmt: skip
LOCKED = len(_COLUMNS)
HASH_SHOWN = 16
_WIDTHS = {ANSWER: 18, PLACE: 10, OPINION: 36, AUDITOR: 12, DAY: 13}
_FREE, _LABEL, _ASKED, _FAULT = "#FFFBEB", "#DDE6F0", "#FFE699", "#F4B183"
_PROBLEMS = (
    Column("序号", 6, align="center"),
    Column("来件工作表", 16),
    Column("来件单元格", 12, align="center"),
    Column("发现的问题", 60, wrap=True),
    Column("应为", 60, wrap=True),
)
Filled = Mapping[tuple[int, int], dt.date | int | str]  # by row and column


@dataclass(frozen=True)
class Item:
    """A submission to be audited, as it is shown; ``due_on``: the last day for its audit."""

    unit: str
    name: str
    kind: str
    received_on: dt.date
    state: str
    sha256: str
    due_on: dt.date


@dataclass(frozen=True)
class AuditForm:
    """What one province is asked for a period.

    ``answers``: that it may give; ``quota``: at most so many forwarded; ``ranked``: in an order of its own.
    ``absent``: bodies without a submission that counts: code, name, why. ``fingerprint``: of everything that
    is asked; what comes back must name it.
    """

    title: str
    author: str
    banner: str
    programme: str
    period: str
    province: str
    province_name: str
    due_on: dt.date
    answers: tuple[str, ...]
    ranked: bool
    quota: int | None
    items: tuple[Item, ...]
    absent: tuple[tuple[str, str, str], ...]
    fingerprint: str

    @property
    def heads(self) -> tuple[str, ...]:
        """Return the heads of what the province fills in."""
        return (ANSWER, *((PLACE,) if self.ranked else ()), OPINION, AUDITOR, DAY)

    @property
    def filename(self) -> str:
        """Return the name of the file as it goes out."""
        return f"{self.province}-{self.period}-审核工作簿"


def free_columns(ranked: bool) -> dict[str, int]:
    """Return the columns that the province fills in, by head."""
    heads = (ANSWER, *((PLACE,) if ranked else ()), OPINION, AUDITOR, DAY)
    return {head: LOCKED + n for n, head in enumerate(heads, 1)}


def row_of(number: int) -> int:
    """Return the row of the item with a number, from 0."""
    return HEAD_ROW + 1 + number


def write(
    form: AuditForm,
    filled: Filled = MappingProxyType({}),
    problems: Sequence[Problem] = (),
) -> bytes:
    """Return the .xlsx: the same form, filled in alike, gives the same bytes. ``problems``: of what came."""
    book = Book(form.title, form.author, form.banner, f"{form.province_name} {form.period} 年度")
    if problems:
        told = (
            "请在“审核”表中改正标为橙色的单元格（批注写有原因），锁定的单元格已恢复原样；保存后交回本文件即可"
        )
        sheet = book.sheet(SUMMARY, f"{form.title}——问题汇总", told)
        lines = [
            Line((n, p.sheet or "（整个文件）", p.cell or "—", p.found, p.expected))
            for n, p in enumerate(problems, 1)
        ]
        book.table(sheet, HEAD_ROW, _PROBLEMS, lines)
    _audit(book, form, filled, _faults(problems))
    if form.absent:
        sheet = book.sheet(
            ABSENT, f"{form.title}——尚未报送", "没有可供审核的报送材料的单位，供督促之用，不须填写。"
        )
        columns = (Column("代码", 12), Column("名称", 44, wrap=True), Column("情况", 44, wrap=True))
        book.table(sheet, HEAD_ROW, columns, [Line(a) for a in form.absent])
        sheet.protect("", PROTECTION)
    values = (form.fingerprint, form.programme, form.period, form.province, str(len(form.items)))
    book.identity(zip(IDENTITY_KEYS, values, strict=True))
    return book.close()


def _faults(problems: Sequence[Problem]) -> dict[str, str]:
    faults: dict[str, str] = {}
    for p in problems:
        if p.cell and p.sheet == SHEET:
            faults[p.cell] = f"{faults.get(p.cell, '')}{p.found}。应为：{p.expected}\n"
    return faults


def _audit(book: Book, form: AuditForm, filled: Filled, faults: Mapping[str, str]) -> None:
    quota = "" if form.quota is None else f"；至多报送 {form.quota} 家"
    meaning = (
        f"请逐家填写浅黄色单元格，{form.due_on.year} 年 {form.due_on.month} 月 {form.due_on.day} 日前交回"
        f"{quota}；其余单元格已锁定。尚未审核的留空，可以分次交回"
    )
    sheet = book.sheet(SHEET, form.title, meaning)
    columns = free_columns(form.ranked)
    for number, (head, width) in enumerate((*_COLUMNS, *((h, _WIDTHS[h]) for h in columns)), 1):
        sheet.set_column(number - 1, number - 1, width)
        colour = _LABEL if number <= LOCKED else _ASKED
        style = book.format(font_name="黑体", border=1, align="center", text_wrap=True, bg_color=colour)
        book.put(sheet, HEAD_ROW, number, full_width(head), style)
    sheet.set_row(HEAD_ROW - 1, 44)
    for number, item in enumerate(form.items):
        _item(book, sheet, row_of(number), number + 1, item)
        for head, column in columns.items():
            _free(book, sheet, (row_of(number), column), head, filled, faults)
        lines = max(-(-int(2 * width_ems(item.name)) // 28), -(-int(2 * width_ems(item.kind)) // 12))
        sheet.set_row(row_of(number) - 1, max(40, 6 + 14 * lines))
    if form.items:
        _limits(sheet, form, columns)
    sheet.freeze_panes(HEAD_ROW, 3)
    sheet.repeat_rows(HEAD_ROW - 1)
    sheet.protect("", PROTECTION)
    sheet.activate()


def _item(book: Book, sheet: Any, row: int, number: int, item: Item) -> None:
    centred, text = (
        book.format(border=1, align="center", text_wrap=True),
        book.format(border=1, text_wrap=True),
    )
    cells: tuple[tuple[int | str, Any], ...] = (
        (number, centred), (item.unit, centred), (item.name, text), (item.kind, centred),
        (item.received_on.isoformat(), centred), (full_width(item.state), centred),
        (item.sha256[:HASH_SHOWN], centred), (item.due_on.isoformat(), centred),
    )  # fmt: skip
    for column, (value, style) in enumerate(cells, 1):
        book.put(sheet, row, column, value, style)


def _free(
    book: Book, sheet: Any, place: tuple[int, int], head: str, filled: Filled, faults: Mapping[str, str]
) -> None:
    formats = {
        DAY: {"num_format": "yyyy-mm-dd", "align": "center"},
        PLACE: {"num_format": "0", "align": "center"},
    }
    at = address(*place)
    colour = _FAULT if at in faults else _FREE
    shown = formats.get(head, {"num_format": "@"})
    style = book.format(border=1, locked=False, text_wrap=True, bg_color=colour, **shown)
    value = filled.get(place, "")
    row, column = place
    if isinstance(value, dt.date):
        sheet.write_datetime(row - 1, column - 1, dt.datetime.combine(value, dt.time()), style)
    else:
        book.put(sheet, row, column, value, style)
    if at in faults:
        sheet.write_comment(row - 1, column - 1, faults[at], {"author": "", "x_scale": 2})


def _limits(sheet: Any, form: AuditForm, columns: Mapping[str, int]) -> None:
    """Let the cells refuse what cannot be."""
    first, last = row_of(0) - 1, row_of(len(form.items)) - 2

    def rule(head: str, given: dict[str, Any]) -> None:
        at = columns[head] - 1
        sheet.data_validation(first, at, last, at, {"error_title": "填写有误", "ignore_blank": True, **given})

    choices = list(form.answers)
    rule(ANSWER, {"validate": "list", "source": choices, "error_message": "请从列表中选择"})
    if form.ranked:
        rule(
            PLACE,
            {"validate": "integer", "criteria": "between", "minimum": 1, "maximum": max(1, len(form.items)),
             "error_message": "应为 1、2、3 …，各不相同"},
        )  # fmt: skip
    rule(
        OPINION,
        {"validate": "length", "criteria": "<=", "value": MAX_TEXT, "error_message": f"不超过 {MAX_TEXT} 字"},
    )
    rule(
        DAY,
        {"validate": "date", "criteria": ">=", "value": min(i.received_on for i in form.items),
         "error_message": "应为报送之日以后的日期"},
    )  # fmt: skip
