"""The rating list workbook: written for the reviewers, read back with their marks and their answer.

Input never becomes a formula, a link or markup: texts are written as texts, numbers as the decimals they are.
"""

from __future__ import annotations

import datetime as dt
import io
import math
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ipgov.core.errors import EnvironmentProblemError, RefusedError
from ipgov.core.fingerprint import sha256_hex, short_code
from ipgov.documents import sensitivity_sheet
from ipgov.documents.model import plain_text
from ipgov.documents.rating_layout import (
    ACTOR_CELL,
    ANSWER_CELL,
    ANSWERS,
    HEAD_ROW,
    IDENTITY,
    LIST,
    MARK_HEAD,
    MARKS,
    NOTES,
    REMARK_CELL,
    SCORES,
    SIGNING,
    Column,
    RatingList,
    Row,
    Value,
    list_columns,
    score_columns,
)
from ipgov.documents.returned_list import ReturnedList, read_returned
from ipgov.documents.typography import full_width
from ipgov.evaluation.sensitivity.analysis import Sensitivity

__all__ = ["RatingList", "ReturnedList", "Row", "read_returned", "write"]

# a workbook carries a date of making; one that never changes keeps the same list the same bytes
_MADE = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
_LONGEST = 32_767  # characters that a cell holds
_A3, _A4 = 8, 9
_PROTECTION = {"autofilter": True, "sort": True, "format_columns": True, "format_rows": True}
_MEANING = full_width(
    "名次按总分由高到低，同分同名次；请在“评审意见”（同意、存疑）和“评审备注”两栏逐家填写，"
    "并在“签批”表填写结论。其余单元格已锁定：改动任何一处，来件不予接受并列明所改单元格；筛选、排序不影响。"
)


@dataclass
class _Book:
    """A workbook being written: its sheets and formats, and every locked value for the content hash."""

    workbook: Any
    formats: dict[tuple[tuple[str, Any], ...], Any]
    content: list[str]

    def format(self, **properties: Any) -> Any:
        """Return the format with these properties; one object for the same properties."""
        whole = {"font_name": "宋体", "font_size": 10, "valign": "vcenter", **properties}
        key = tuple(sorted(whole.items()))
        if key not in self.formats:
            self.formats[key] = self.workbook.add_format(whole)
        return self.formats[key]

    def put(self, sheet: Any, row: int, column: int, value: Value, style: Any) -> None:
        """Write a value as what it is; rows and columns count from 1."""
        at = (row - 1, column - 1)
        if value is None or value == "":
            sheet.write_blank(*at, None, style)
            return
        if isinstance(value, str):
            failed = _put_text(sheet, at, value, style)
        else:
            failed = sheet.write_number(*at, value, style)  # a Decimal is written digit by digit
        if failed:
            raise EnvironmentProblemError(
                f"“{sheet.get_name()}”表第 {row} 行第 {column} 列无法写入（{failed}）"
            )
        shown = format(value, "f") if isinstance(value, Decimal) else str(value)
        self.content.append(f"{sheet.get_name()}\t{row}\t{column}\t{shown}")


def _put_text(sheet: Any, at: tuple[int, int], text: str, style: Any) -> int:
    """Write text as text; return the library's code, 0 for done."""
    plain_text(text)
    if len(text) > _LONGEST:
        raise RefusedError(f"文字“{text[:20]}…”有 {len(text)} 个字符，超过单元格上限 {_LONGEST}")
    if text.startswith("<r>") and text.endswith("</r>"):
        # the library would take this for markup of its own; in two runs it is text
        return int(sheet.write_rich_string(*at, style, text[:1], text[1:], style))
    return int(sheet.write_string(*at, text, style))


def write(listed: RatingList, banner: str) -> bytes:
    """Return the .xlsx of a rating list: the same list gives the same bytes.

    ``banner`` (of a simulation) stands on every sheet and printed page. Raises RefusedError for text that is
    not one printable line, UnknownError for an unknown province.
    """
    import xlsxwriter

    buffer = io.BytesIO()
    workbook = xlsxwriter.Workbook(
        buffer,
        {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    workbook.set_properties(
        {"title": listed.title, "author": listed.rules.issuer.name, "created": _MADE.replace(tzinfo=None)}
    )
    book = _Book(workbook, {}, [])
    _table(book, listed, LIST, list_columns(listed.rules), _MEANING, banner)
    scores = full_width("各指标得分（加分、扣分为分值）；空白为不适用或缺少数据。")
    _table(book, listed, SCORES, score_columns(listed.rules), scores, banner)
    if listed.sensitivity:
        _sensitivity(book, listed, listed.sensitivity, banner)
    _signing(book, listed, banner)
    _notes(book, listed, banner)
    _identity(book, listed)
    workbook.close()
    return buffer.getvalue()


def _sheet(book: _Book, listed: RatingList, name: str, banner: str, *, paper: int, landscape: bool) -> Any:
    sheet = book.workbook.add_worksheet(name)
    if landscape:
        sheet.set_landscape()
    sheet.set_paper(paper)
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(left=0.5, right=0.5, top=0.8, bottom=0.7)
    shown = f"{listed.title} {name}".replace("&", "&&")
    sheet.set_header(f"&L&9{shown}" + (f"&R&9&KE60012{banner.replace('&', '&&')}" if banner else ""))
    sheet.set_footer(full_width(f"&L&9结果指纹：{short_code(listed.fingerprint)}") + "&R&9&P / &N")
    sheet.protect("", _PROTECTION)
    sheet.hide_gridlines(2)
    return sheet


def _head(book: _Book, sheet: Any, title: str, meaning: str, banner: str) -> None:
    sheet.set_row(0, 30)
    sheet.set_row(1, 32)
    book.put(sheet, 1, 1, full_width(title), book.format(font_name="黑体", font_size=16))
    book.put(sheet, 2, 1, meaning, book.format(font_color="#404040", text_wrap=False))
    book.put(sheet, 3, 1, banner, book.format(font_color="#E60012", bold=True))


def _table(
    book: _Book, listed: RatingList, name: str, columns: tuple[Column, ...], meaning: str, banner: str
) -> None:
    sheet = _sheet(book, listed, name, banner, paper=_A3, landscape=True)
    _head(book, sheet, listed.title, meaning, banner)
    head = {"font_name": "黑体", "bg_color": "#DDE6F0", "border": 1, "align": "center", "text_wrap": True}
    sheet.set_row(HEAD_ROW - 1, 36)
    last = HEAD_ROW + len(listed.rows)
    values = [[column.value(row) for column in columns] for row in listed.rows]
    for number, column in enumerate(columns, 1):
        sheet.set_column(number - 1, number - 1, column.width)
        colour = {"bg_color": "#FFF2CC"} if column.free else {}
        book.put(sheet, HEAD_ROW, number, column.head, book.format(**{**head, **colour}))
        styles = {evaluated: _cell_format(book, column, evaluated) for evaluated in (True, False)}
        for row_number, (row, cells) in enumerate(zip(listed.rows, values, strict=True), HEAD_ROW + 1):
            book.put(sheet, row_number, number, cells[number - 1], styles[row.evaluated])
        if column.head == MARK_HEAD and listed.rows:
            sheet.data_validation(
                HEAD_ROW,
                number - 1,
                last - 1,
                number - 1,
                {
                    "validate": "list",
                    "source": list(MARKS),
                    "error_title": "评审意见",
                    "error_message": "只能填“同意”或“存疑”",
                },
            )
        if column.head == "总分" and listed.rows:
            top = listed.rules.scoring.highest_total or listed.rules.scoring.full_score
            bars = {"type": "data_bar", "bar_color": "#9DC3E6", "bar_solid": True, "min_type": "num"}
            sheet.conditional_format(
                HEAD_ROW,
                number - 1,
                last - 1,
                number - 1,
                {
                    **bars,
                    "min_value": 0,
                    "max_type": "num",
                    "max_value": int(top),
                },
            )
    for row_number, cells in enumerate(values, HEAD_ROW):
        sheet.set_row(row_number, _height(columns, cells))
    sheet.freeze_panes(HEAD_ROW, 3)
    sheet.autofilter(HEAD_ROW - 1, 0, last - 1, len(columns) - 1)
    sheet.repeat_rows(0, HEAD_ROW - 1)
    sheet.repeat_columns(0, 2)


def _height(columns: tuple[Column, ...], cells: list[Value]) -> float:
    """Return a row's height in points: not every program fits rows to wrapped text by itself."""
    lines = [
        # in GBK a wide character is two bytes, as it is two columns wide
        math.ceil(len(str(cell).encode("gbk", "replace")) / (column.width - 2))
        for column, cell in zip(columns, cells, strict=True)
        if column.wrap and cell
    ]
    return 4 + 14 * max(lines, default=1)


def _cell_format(book: _Book, column: Column, evaluated: bool) -> Any:
    style: dict[str, Any] = {"border": 1, "text_wrap": column.wrap}
    if column.percent:
        style["num_format"] = "0.0%"
    elif column.decimals:
        style["num_format"] = "0." + "0" * column.decimals
    if not column.wrap:
        style["align"] = "center"
    if column.free and evaluated:
        style |= {"locked": False, "bg_color": "#FFFBEB"}
    elif not evaluated:
        style["bg_color"] = "#EEEEEE"
    return book.format(**style)


def _signing(book: _Book, listed: RatingList, banner: str) -> None:
    sheet = _sheet(book, listed, SIGNING, banner, paper=_A4, landscape=False)
    sheet.set_column(0, 0, 16)
    sheet.set_column(1, 1, 60)
    meaning = full_width("结论为“同意”或“退回”；只填评审意见、暂不下结论的，结论留空。")
    _head(book, sheet, f"{listed.title}签批", meaning, banner)
    label = book.format(font_name="黑体", border=1, bg_color="#DDE6F0")
    free = book.format(border=1, locked=False, bg_color="#FFFBEB", text_wrap=True)
    for (row, column), text in (
        (ANSWER_CELL, "结论"),
        (ACTOR_CELL, "签批人（登录名或姓名）"),
        (REMARK_CELL, "意见"),
    ):
        book.put(sheet, row, column - 1, full_width(text), label)
        sheet.write_blank(row - 1, column - 1, None, free)
    sheet.set_row(REMARK_CELL[0] - 1, 80)
    sheet.data_validation(
        ANSWER_CELL[0] - 1,
        ANSWER_CELL[1] - 1,
        ANSWER_CELL[0] - 1,
        ANSWER_CELL[1] - 1,
        {
            "validate": "list",
            "source": list(ANSWERS),
            "error_title": "结论",
            "error_message": "只能填“同意”或“退回”",
        },
    )


def _sensitivity(book: _Book, listed: RatingList, found: Sensitivity, banner: str) -> None:
    sheet = _sheet(book, listed, sensitivity_sheet.SHEET, banner, paper=_A3, landscape=True)
    _head(book, sheet, f"{listed.title}敏感性", sensitivity_sheet.MEANING, banner)
    names = {row.unit: (row.name, row.kind) for row in listed.rows}
    sensitivity_sheet.write_sheet(book, sheet, HEAD_ROW, found, names)


def _notes(book: _Book, listed: RatingList, banner: str) -> None:
    sheet = _sheet(book, listed, NOTES, banner, paper=_A4, landscape=False)
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 1, 70)
    rules = listed.rules
    meaning = full_width("本表依据的规则、各栏的依据，以及未评价的平台。")
    _head(book, sheet, f"{listed.title}说明", meaning, banner)
    label, text = book.format(border=1, font_name="黑体"), book.format(border=1, text_wrap=True)
    for row, (left, right) in enumerate(_note_lines(listed, rules.note), HEAD_ROW):
        book.put(sheet, row, 1, left, label)
        book.put(sheet, row, 2, right, text)


def _note_lines(listed: RatingList, note: str) -> Iterable[tuple[str, str]]:
    rules = listed.rules
    yield "规则版本", f"{rules.version}（SHA-256 {listed.rule_sha256}）"
    yield "规则说明", full_width(note)
    yield "结果指纹", listed.fingerprint
    evaluated = sum(row.evaluated for row in listed.rows)
    yield "评价平台数", full_width(f"{evaluated}家，未评价{len(listed.rows) - evaluated}家")
    for sheet, columns in ((LIST, list_columns(rules)), (SCORES, score_columns(rules))):
        for column in columns:
            if column.basis:
                yield full_width(f"{sheet}：{column.head}"), full_width(f"依据：{column.basis}")
    if listed.sensitivity:
        yield from sensitivity_sheet.settings_lines(listed.sensitivity)
    for row in listed.rows:
        if not row.evaluated:
            why = full_width("；".join((row.state, *row.reasons)))
            yield full_width(f"未评价：{row.unit}"), f"{row.name}，{why}"


def _identity(book: _Book, listed: RatingList) -> None:
    sheet = book.workbook.add_worksheet(IDENTITY)
    sheet.very_hidden()
    sheet.protect("", _PROTECTION)
    values = (
        ("fingerprint", listed.fingerprint),
        ("programme", listed.programme),
        ("period", listed.period),
        ("rule_sha256", listed.rule_sha256),
        ("content_sha256", sha256_hex("\n".join(sorted(book.content)).encode())),
    )
    for row, (name, value) in enumerate(values, 1):
        book.put(sheet, row, 1, name, book.format())
        book.put(sheet, row, 2, value, book.format())
