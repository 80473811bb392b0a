"""A province's month as files: a workbook for people, the same tables as CSV, and JSON for machines.

No cell of a workbook is a formula. In CSV, which says of no cell whether it is one, text that a spreadsheet
would take for a formula begins with an apostrophe; the JSON holds what the record says, unchanged.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ipgov.core.fingerprint import canonical_json
from ipgov.documents.model import date_zh

COVER = "封面"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Table:
    """A view of the schema ``province``: headings by column, and rows with their codes as they are."""

    name: str
    title: str
    columns: Mapping[str, str]
    rows: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Shown:
    """A table as people read it."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str | Decimal | int | None]]


@dataclass(frozen=True)
class Cover:
    """What the first sheet says."""

    province: str
    month: str
    as_of: dt.date
    known_at: dt.datetime
    rules: Sequence[str]
    fingerprint: str
    issuer: str
    banner: str


def workbook(cover: Cover, tables: Sequence[Shown]) -> bytes:
    """Return the .xlsx: the same tables give the same bytes."""
    from ipgov.documents.sheets import TITLE_ROWS, Book, Column, Line

    month = f"{cover.month[:4]}年{int(cover.month[5:])}月"
    title = f"{cover.province}知识产权运营体系数据（{month}）"
    book = Book(title, cover.issuer, cover.banner, f"基准日：{date_zh(cover.as_of)}")
    sheet = book.sheet(COVER, title, "只含本省的平台（中心）；不属于向社会公布。", landscape=False)
    lines = [
        ("省份", cover.province),
        ("月份", month),
        ("基准日", date_zh(cover.as_of)),
        ("知悉截止", f"{cover.known_at:%Y-%m-%d %H:%M:%S}（北京时间）；此后登记的记录见下月"),
        ("范围", "基准日登记在本省、经本省报送的平台（中心）；由国家局直接管理的不在其内。"),
        ("不含", "未印发的评价、专家评分、异议人、评审人员等。"),
        ("规则版本", "\n".join(cover.rules) or "无"),
        ("数据指纹", cover.fingerprint),
        *((t.title, f"{len(t.rows)} 行") for t in tables),
    ]
    book.table(
        sheet, TITLE_ROWS + 1, (Column("项目", 12), Column("内容", 76, wrap=True)), [Line(x) for x in lines]
    )
    for table in tables:
        sheet = book.sheet(table.title, f"{title}：{table.title}", f"共 {len(table.rows)} 行。")
        columns = [Column(h, _width(h, table, n), wrap=True) for n, h in enumerate(table.heads)]
        below = book.table(sheet, TITLE_ROWS + 1, columns, [Line(r) for r in table.rows])
        if table.rows:
            sheet.autofilter(TITLE_ROWS, 0, below - 2, len(columns) - 1)
        else:
            book.put(sheet, below, 1, "没有记录。", book.format())
    return book.close()


def _width(head: str, table: Shown, column: int) -> float:
    longest = max((_ems(str(r[column])) for r in table.rows if r[column] is not None), default=0)
    return float(min(28, max(2 * len(head) + 3, longest + 2)))


def _ems(text: str) -> int:
    return sum(1 if c.isascii() else 2 for c in text)


def tables_zip(tables: Sequence[Shown]) -> bytes:
    """Return a .zip of one .csv per table: UTF-8 with a mark, as spreadsheet programs expect it."""
    from ipgov.core.packing import repacked

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        for table in tables:
            package.writestr(f"{table.title}.csv", _csv(table))
    return repacked(buffer.getvalue())


def _csv(table: Shown) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerows([table.heads, *([_safe(v) for v in row] for row in table.rows)])
    return text.getvalue().encode("utf-8-sig")


def _safe(value: str | Decimal | int | None) -> str:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return "" if value is None else str(value)


def data_json(data: Mapping[str, Any]) -> bytes:
    """Return the data as canonical JSON."""
    return canonical_json(data)
