"""The workbook of a draft that reviewers decide on: the facts of the matter, every line of the document."""

from __future__ import annotations

from collections.abc import Sequence

from ipgov.documents.model import OfficialDocument
from ipgov.documents.sheets import Book, Column, Line


def write(title: str, facts: Sequence[tuple[str, str]], draft: OfficialDocument, trace: str) -> bytes:
    """Return the workbook; the same draft gives the same bytes. ``facts``: label and text."""
    book = Book(title, draft.issuer, draft.banner, trace)
    sheet = book.sheet("文书拟稿", title, "供审核、签发；决定只对本件所载内容有效")
    book.table(sheet, 5, (Column("事项", 20), Column("内容", 90, wrap=True)), [Line(f) for f in facts])
    sheet = book.sheet("全文", title, "发文字号、日期和封存码在签发时填入，其余即印发的内容")
    lines = [Line((place, words)) for place, words in draft.texts() if words and place != "模拟标识"]
    book.table(sheet, 5, (Column("位置", 24), Column("文字", 100, wrap=True)), lines)
    return book.close()
