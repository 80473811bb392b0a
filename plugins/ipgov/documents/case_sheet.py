"""The workbook of a case that reviewers decide on: the case, its problems, what happened, the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ipgov.documents.sheets import Book, Column, Line


@dataclass(frozen=True)
class CasePaper:
    """What the paper says: facts (label, text), problems, events and files as rows of text."""

    title: str
    author: str
    banner: str
    trace: str
    facts: Sequence[tuple[str, str]]
    problems: Sequence[Sequence[str | int]]
    events: Sequence[Sequence[str]]
    files: Sequence[Sequence[str | int]]


_PROBLEMS = (
    Column("序号", 6, align="center"),
    Column("类别", 12),
    Column("项目", 22, wrap=True),
    Column("发现", 44, wrap=True),
    Column("数据来源", 36, wrap=True),
    Column("依据", 24, wrap=True),
    Column("核查结果", 10, align="center"),
)
_EVENTS = (
    Column("日期", 12, align="center"),
    Column("事项", 18),
    Column("办理人", 16),
    Column("说明", 60, wrap=True),
)
_FILES = (
    Column("文件名", 40, wrap=True),
    Column("字节数", 12),
    Column("所证问题", 12, align="center"),
    Column("收存", 10, align="center"),
    Column("说明", 30, wrap=True),
    Column("SHA-256", 68),
)


def write(paper: CasePaper) -> bytes:
    """Return the workbook; the same paper gives the same bytes."""
    book = Book(paper.title, paper.author, paper.banner, paper.trace)
    sheet = book.sheet("案件", paper.title, "供审核、签发；决定只对本件所载内容有效")
    facts = [Line((label, text), bold=label.startswith("拟办")) for label, text in paper.facts]
    book.table(sheet, 5, (Column("事项", 20), Column("内容", 90, wrap=True)), facts)
    for name, meaning, columns, rows in (
        (
            "问题清单",
            "取自评价结果及数据质量核查，或由办理人员登记；每项注明数据所在文件、表和单元格",
            _PROBLEMS,
            paper.problems,
        ),
        ("办理过程", "按发生先后", _EVENTS, paper.events),
        ("佐证材料", "发现时所附、当事单位报送的文件，按收到先后；未收存的注明原因", _FILES, paper.files),
    ):
        sheet = book.sheet(name, paper.title, meaning)
        book.table(sheet, 5, columns, [Line(tuple(row)) for row in rows])
    return book.close()
