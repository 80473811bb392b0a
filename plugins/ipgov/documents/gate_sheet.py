"""The workbook in which a reviewer judges conditions: one sheet a condition, one row an applicant.

What comes back is read by ``returned_gates``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ipgov.documents.sheets import PROTECTION, Book
from ipgov.documents.typography import full_width, width_ems

GUIDE = "填写说明"
HEAD_ROW = 5  # title, meaning, banner and the clause stand above; all counted from 1
UNIT_COLUMN = 2
ANSWER, REASON = "结论", "理由"
ANSWERS = {"符合": True, "不符合": False}
RECUSED = "回避"
MAX_TEXT = 500
_FORBIDDEN = re.compile(r"[\[\]:*?/\\']")
_SHEET_LENGTH = 31  # a limit of the workbook format
_FREE, _SHUT, _LABEL = "#FFFBEB", "#E7E6E6", "#DDE6F0"
_HEAD = {"font_name": "黑体", "border": 1, "align": "center", "text_wrap": True}
_SHOWN_WIDTH = 34.0


@dataclass(frozen=True)
class Item:
    """An applicant: what its application says in the fields shown; ``recused``: why one does not judge."""

    unit: str
    name: str
    kind: str
    shown: tuple[str, ...]
    recused: str = ""


@dataclass(frozen=True)
class Section:
    """A condition: its clause in words, the fields that are shown, the applicants."""

    code: str
    name: str
    clause: str
    labels: tuple[str, ...]
    items: tuple[Item, ...]

    @property
    def sheet(self) -> str:
        """Return the name of its sheet, which the code makes unlike every other."""
        return _FORBIDDEN.sub("", f"{self.code} {self.name}")[:_SHEET_LENGTH].rstrip()


@dataclass(frozen=True)
class GateForm:
    """What one reviewer is asked. ``fingerprint``: of everything; what comes back must name it."""

    title: str
    issuer: str
    programme: str
    period: str
    reviewer: str
    reviewer_name: str
    sections: tuple[Section, ...]
    fingerprint: str

    @property
    def filename(self) -> str:
        """Return the name of the file as it is handed out."""
        return f"{self.period}-申报条件复核表-{self.reviewer}.xlsx"


def write(asked: GateForm, banner: str) -> bytes:
    """Return the .xlsx: the same question gives the same bytes. RefusedError for text that cannot be printed.

    ``banner`` (of a simulation) stands on every sheet and printed page.
    """
    who = f"申报条件复核 {asked.reviewer} {asked.reviewer_name}"
    book = Book(asked.title, asked.issuer, banner, who)
    _guide(book, asked)
    for section in asked.sections:
        _section(book, asked, section)
    _identity(book, asked)
    return book.close()


def _guide(book: Book, asked: GateForm) -> None:
    shut = {i.unit: f"{i.unit} {i.name}（{i.recused}）" for s in asked.sections for i in s.items if i.recused}
    lines = [
        ("复核人", f"{asked.reviewer} {asked.reviewer_name}"),
        *(
            (s.code, f"{s.name}：{sum(not i.recused for i in s.items)} 家（{s.clause}）")
            for s in asked.sections
        ),
        ("须回避的单位", "；".join(shut.values()) or "无"),
        ("说明 1", f"在“{ANSWER}”栏选“符合”或“不符合”，并在“{REASON}”栏写明理由；两栏须一并填写。"),
        ("说明 2", "暂不判断的，两栏都留空，可以以后补交；同一单位同一条件，以最后一次判断为准。"),
        ("说明 3", f"“{RECUSED}”的单位已锁定，不作判断。其他有利害关系的，请勿判断，并告知经办人。"),
        ("说明 4", "填好后保存为 .xlsx 交回。改动锁定的内容，来件不予接受并列明所改单元格。"),
    ]
    meaning = "先读本页，再逐表判断；只填浅黄色单元格，其余单元格已锁定。"
    book.guide(GUIDE, f"{asked.title}申报条件复核表（{asked.period} 年度）", meaning, HEAD_ROW, lines)


def _section(book: Book, asked: GateForm, section: Section) -> None:
    meaning = f"复核人 {asked.reviewer} {asked.reviewer_name}；逐家判断是否符合，并写明理由。"
    sheet = book.sheet(section.sheet, f"{section.code} {section.name}", meaning)
    columns = [("序号", 6.0), ("代码", 9.0), ("名称", 28.0), ("产业", 14.0)]
    columns += [(label, _SHOWN_WIDTH) for label in section.labels]
    columns += [(ANSWER, 10.0), (REASON, 40.0)]
    about = book.format(text_wrap=True, font_size=11, font_color="#1F3864")
    sheet.merge_range(3, 0, 3, len(columns) - 1, "", about)
    book.put(sheet, 4, 1, full_width(f"依据：{section.clause}"), about)
    sheet.set_row(
        3, 6 + 15 * max(1, -(-int(2 * width_ems(section.clause)) // int(sum(w for _, w in columns))))
    )
    free = len(columns) - 1
    for number, (head, width) in enumerate(columns, 1):
        sheet.set_column(number - 1, number - 1, width)
        colour = "#FFE699" if number >= free else _LABEL
        book.put(sheet, HEAD_ROW, number, full_width(head), book.format(**_HEAD, bg_color=colour))
    sheet.set_row(HEAD_ROW - 1, 34)
    for number, item in enumerate(section.items, 1):
        _item(book, sheet, HEAD_ROW + number, number, item)
    _validations(sheet, free - 1, len(section.items))
    sheet.freeze_panes(HEAD_ROW, 3)
    sheet.repeat_rows(HEAD_ROW - 1)
    sheet.set_selection(HEAD_ROW, free - 1, HEAD_ROW, free - 1)
    sheet.protect("", PROTECTION)


def _item(book: Book, sheet: Any, row: int, number: int, item: Item) -> None:
    shut = {"bg_color": _SHUT, "font_color": "#595959"} if item.recused else {}
    centred = book.format(border=1, align="center", **shut)
    text = book.format(border=1, text_wrap=True, **shut)
    cells: list[tuple[int | str, Any]] = [
        (number, centred), (item.unit, centred), (item.name, text), (item.kind, centred),
        *((said, text) for said in item.shown),
    ]  # fmt: skip
    if item.recused:
        cells += [(RECUSED, centred), (full_width(item.recused), text)]
    else:
        free = {"border": 1, "locked": False, "bg_color": _FREE}
        answer, reason = (
            book.format(**free, align="center"),
            book.format(**free, text_wrap=True, num_format="@"),
        )
        cells += [("", answer), ("", reason)]
    for column, (value, style) in enumerate(cells, 1):
        book.put(sheet, row, column, value, style)
    wide = ((item.name, 26), (item.recused, 38), *((said, int(_SHOWN_WIDTH) - 2) for said in item.shown))
    lines = max(-(-int(2 * width_ems(said)) // width) for said, width in wide)
    sheet.set_row(row - 1, min(409, max(36, 6 + 14 * lines)))


def _validations(sheet: Any, answer: int, items: int) -> None:
    """Let the cells refuse what cannot be an answer; ``answer``: its column from 0."""
    if not items:
        return
    last = HEAD_ROW + items - 1
    choice = {"validate": "list", "source": list(ANSWERS), "error_title": ANSWER,
              "error_message": f"只能填{'或'.join(f'“{a}”' for a in ANSWERS)}"}  # fmt: skip
    sheet.data_validation(HEAD_ROW, answer, last, answer, choice)
    length = {"validate": "length", "criteria": "<=", "value": MAX_TEXT, "error_title": REASON,
              "error_message": f"不超过 {MAX_TEXT} 字"}  # fmt: skip
    sheet.data_validation(HEAD_ROW, answer + 1, last, answer + 1, length)


def _identity(book: Book, asked: GateForm) -> None:
    """Write what the returned workbook is known and read by: key and value, then a row for each sheet."""
    book.identity(
        [
            ("fingerprint", asked.fingerprint),
            ("programme", asked.programme),
            ("period", asked.period),
            ("reviewer", asked.reviewer),
            *(("sheet", s.sheet, s.code) for s in asked.sections),
        ]
    )
