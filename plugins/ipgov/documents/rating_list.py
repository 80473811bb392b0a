"""The rating list workbook: written for the reviewers, read back with their marks and their answer.

Input never becomes a formula, a link or markup: texts are written as texts, numbers as the decimals they are.
"""

from __future__ import annotations

from typing import Any

from ipgov.core.fingerprint import short_code
from ipgov.documents import rating_front, rating_sheets, route_sheet, sensitivity_sheet
from ipgov.documents.rating_book import ListBook, choice, print_all
from ipgov.documents.rating_layout import (
    ACTOR_CELL,
    ANSWER_CELL,
    ANSWERS,
    HEAD_ROW,
    IDENTITY,
    REMARK_CELL,
    SIGNING,
    RatingList,
    Row,
    list_name,
    own_words,
)
from ipgov.documents.returned_list import ReturnedList, read_returned
from ipgov.documents.typography import full_width
from ipgov.evaluation.sensitivity.analysis import Sensitivity
from ipgov.policy.title_words import title_words

__all__ = ["RatingList", "ReturnedList", "Row", "read_returned", "write"]


def write(listed: RatingList, banner: str) -> bytes:
    """Return the .xlsx of a rating list: the same list gives the same bytes.

    ``banner`` (of a simulation) stands on every sheet and printed page. Raises RefusedError for text that is
    not one printable line, UnknownError for an unknown province.
    """
    footer = f"结果指纹：{short_code(listed.fingerprint)}"
    book = ListBook(listed.title, listed.rules.issuer.name, banner, footer, own=own_words(listed.rules))
    rating_front.cover(book, listed)
    rating_front.summary(book, listed)
    rating_sheets.ranking(book, listed)
    rating_sheets.years(book, listed)
    rating_sheets.dimensions(book, listed)
    rating_sheets.findings(book, listed)
    route_sheet.write(book, listed)
    rating_sheets.explained(book, listed)
    if listed.sensitivity:
        _sensitivity(book, listed, listed.sensitivity)
    _signing(book, listed)
    rating_front.notes(book, listed)
    _identity(book, listed)
    book.workbook.get_worksheet_by_name(list_name(listed.rules)).set_tab_color("#C00000")
    book.workbook.get_worksheet_by_name(SIGNING).set_tab_color("#C00000")
    return book.close()


def _signing(book: ListBook, listed: RatingList) -> None:
    meaning = full_width("结论为“同意”或“退回”；只填评审意见、暂不下结论的，结论留空。")
    sheet = book.sheet(SIGNING, f"{listed.title}签批", meaning)
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 1, 96)
    label = book.format(font_name="黑体", border=1, bg_color="#DDE6F0")
    free = book.format(border=1, locked=False, bg_color="#FFFBEB", text_wrap=True)
    for (row, column), text, height in (
        (ANSWER_CELL, "结论", 28),
        (ACTOR_CELL, "签批人（登录名或姓名）", 28),
        (REMARK_CELL, "意见", 120),
    ):
        book.put(sheet, row, column - 1, full_width(text), label)
        sheet.write_blank(row - 1, column - 1, None, free)
        sheet.set_row(row - 1, height)
    at = (ANSWER_CELL[0] - 1, ANSWER_CELL[1] - 1)
    sheet.data_validation(*at, *at, choice("结论", list(ANSWERS)))
    print_all(sheet, REMARK_CELL[0], 2)


def _sensitivity(book: ListBook, listed: RatingList, found: Sensitivity) -> None:
    title = f"{listed.title}敏感性"
    sheet = book.sheet(sensitivity_sheet.SHEET, title, sensitivity_sheet.MEANING)
    names = {row.unit: (row.name, row.kind) for row in listed.rows}
    body = title_words(listed.rules.programme).body
    last = sensitivity_sheet.write_sheet(book, sheet, HEAD_ROW, found, names, body)
    print_all(sheet, *last)


def _identity(book: ListBook, listed: RatingList) -> None:
    sheet: Any = book.workbook.add_worksheet(IDENTITY)
    sheet.very_hidden()
    sheet.protect("")
    values = (
        ("fingerprint", listed.fingerprint),
        ("programme", listed.programme),
        ("period", listed.period),
        ("rule_sha256", listed.rule_sha256),
        ("content_sha256", book.content_sha256),
    )
    for row, (name, value) in enumerate(values, 1):
        book.put(sheet, row, 1, name, book.format())
        book.put(sheet, row, 2, value, book.format())
