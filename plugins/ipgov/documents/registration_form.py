"""The workbook in which an operator enters the organisations and bodies that a document announced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ipgov.documents.sheets import PROTECTION, Book, Column, Line
from ipgov.documents.typography import full_width
from ipgov.intake.registrations import (
    BODIES,
    BODY_COLUMNS,
    CHOICES,
    GUIDE,
    HEAD_ROW,
    IDENTITY,
    MAX_ROWS,
    ORGANISATION_COLUMNS,
    ORGANISATIONS,
    Asked,
    identity,
)

_HEAD = {"font_name": "黑体", "border": 1, "align": "center", "text_wrap": True, "bg_color": "#DDE6F0"}
_FREE = {"border": 1, "bg_color": "#FFFBEB"}
_PREPARED = 30  # rows with borders; more may be filled in
_LISTS = {"province": 0, "kind": 1, "route": 2}  # column of the sheet of codes


@dataclass(frozen=True)
class Blank:
    """What the workbook is for: the codes and names that may be chosen, and whether a file may recognise.

    ``recognition``: what the guide says about the column on recognition.
    """

    title: str
    author: str
    programme: str
    provinces: Mapping[str, str]
    kinds: Mapping[str, str]
    routes: Mapping[str, str]
    recognition: str


def write(blank: Blank, banner: str) -> bytes:
    """Return the .xlsx to be filled in; ``banner`` (of a simulation) stands on every sheet."""
    book = Book(f"{blank.title}登记表", blank.author, banner, blank.programme)
    lists = (blank.provinces, blank.kinds, blank.routes)
    book.guide(GUIDE, f"{blank.title}登记表", "先读本页。", HEAD_ROW, _guide(blank))
    told = "依托单位、运营单位各一行（同一组织只列一行）；已登记而没有变化的不必再列。"
    _table(book, ORGANISATIONS, f"{blank.title}：组织", told, ORGANISATION_COLUMNS, lists)
    told = "每家单位一行；浅黄色单元格由登记人填写。"
    _table(book, BODIES, f"{blank.title}：名单", told, BODY_COLUMNS, lists)
    _codes(book, blank, lists)
    book.identity(identity(blank.programme).items(), IDENTITY)
    return book.close()


def choice(code: str, name: str) -> str:
    """Return how a code is offered for choice: 33 浙江省."""
    return f"{code} {name}"


def _guide(blank: Blank) -> list[tuple[str, str]]:
    lines = [
        ("用途", "按一份已公布的文件登记组织、单位及其依托、运营单位。照文件录入，不推算、不补齐。"),
        ("依据", "文号与日期在导入命令中写明（--source、--on），一份登记表对应一份文件。"),
        ("变更", "已登记的单位、组织内容有变的，照新的内容再列一行：自“自何日起”生效，原登记保留不变。"),
        ("更正", "原登记有误的，“自何日起”填原登记的日期。内容与已登记相同的行不产生任何变化。"),
        ("认定", blank.recognition),
        ("核对", "先加 --dry-run 试行，核对将要登记的内容；有一处不符，整份不登记，全部问题一次列出。"),
        ("格式", f"不用公式，不合并单元格，不改表头、页名；每页不超过 {MAX_ROWS:,} 行。"),
    ]
    for name, columns in ((ORGANISATIONS, ORGANISATION_COLUMNS), (BODIES, BODY_COLUMNS)):
        for asked in columns.values():
            told = asked.help if asked.required else f"可不填。{asked.help}"
            lines.append((asked.label, f"“{name}”页：{told}。"))
    return lines


def _table(
    book: Book,
    name: str,
    title: str,
    told: str,
    columns: Mapping[str, Asked],
    lists: Sequence[Mapping[str, str]],
) -> None:
    sheet = book.sheet(name, title, told)
    for at, (key, asked) in enumerate(columns.items()):
        shown = {"num_format": "yyyy-mm-dd", "align": "left"} if asked.type == "date" else {"num_format": "@"}
        sheet.set_column(at, at, asked.width, book.format(**shown))
        book.put(sheet, HEAD_ROW, at + 1, asked.label, book.format(**_HEAD))
        for row in range(HEAD_ROW + 1, HEAD_ROW + 1 + _PREPARED):
            book.put(sheet, row, at + 1, "", book.format(**_FREE, **shown))
        given = _validation(key, asked, lists)
        told = asked.help if asked.required else f"可不填。{asked.help}"
        hint = {"input_title": asked.label, "input_message": full_width(told), "ignore_blank": True}
        sheet.data_validation(HEAD_ROW, at, HEAD_ROW + MAX_ROWS - 1, at, {**given, **hint})
    sheet.set_row(HEAD_ROW - 1, 24)
    sheet.freeze_panes(HEAD_ROW, 2)
    sheet.repeat_rows(HEAD_ROW - 1)


def _validation(key: str, asked: Asked, lists: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """Return what a spreadsheet program accepts; the import checks everything again."""
    error = {"error_title": "填写有误", "error_message": full_width(asked.help)}
    if key in _LISTS:
        column = "ABC"[_LISTS[key]]
        last = HEAD_ROW + len(lists[_LISTS[key]])
        source = f"='{CHOICES}'!${column}${HEAD_ROW + 1}:${column}${last}"
        return {"validate": "list", "source": source, **error}
    if asked.type == "yes_no":
        return {"validate": "list", "source": ["是", "否"], **error}
    return {"validate": "any"}


def _codes(book: Book, blank: Blank, lists: Sequence[Mapping[str, str]]) -> None:
    sheet = book.sheet(CHOICES, f"{blank.title}：可选的代码", "下拉列表的内容，不必改动。", landscape=False)
    offered = [[choice(code, name) for code, name in part.items()] for part in lists]
    rows = [
        Line([part[at] if at < len(part) else None for part in offered])
        for at in range(max(map(len, offered)))
    ]
    book.table(sheet, HEAD_ROW, [Column("省份", 30), Column("类别", 30), Column("报送渠道", 30)], rows)
    sheet.protect("", PROTECTION)
