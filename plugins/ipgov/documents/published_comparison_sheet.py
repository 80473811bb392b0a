"""The reviewers' workbook of a published result against a recalculated one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ipgov.documents.sheets import TITLE_ROWS, Book, Column, Line
from ipgov.documents.typography import full_width
from ipgov.evaluation.comparison.changes import Outcome, said
from ipgov.evaluation.comparison.published_comparison import CAUSES, NAMES, PublishedComparison

_HEAD = TITLE_ROWS + 1
_ASPECTS = {"list": "名单", "total": "总分", "rank": "名次", "grade": "等级"}
_SIGNED = "+0.00##;-0.00##;0"


@dataclass(frozen=True)
class About:
    """What the sheets say of themselves and of both sides."""

    title: str
    author: str
    banner: str
    published: Mapping[str, str]
    recalculated: Mapping[str, str]


def write(c: PublishedComparison, about: About) -> bytes:
    """Return the .xlsx of a comparison; the same comparison gives the same bytes."""
    book = Book(about.title, about.author, about.banner, "A：已公布；B：重算")
    _summary(book, c, about)
    _units(book, c, about)
    _causes(book, c, about)
    return book.close()


def _summary(book: Book, c: PublishedComparison, about: About) -> None:
    meaning = "已公布的结果（导入）与按现在所知重算的结果；公布材料没有说明的，如实列为不能说明，不作推测。"
    sheet = book.sheet("汇总", about.title, meaning)
    row = _HEAD
    for side, facts in (("A：已公布", about.published), ("B：重算", about.recalculated)):
        lines = [Line((k, full_width(v))) for k, v in facts.items()]
        columns = (Column(side, 26, wrap=True), Column("", 84, wrap=True))
        row = book.table(sheet, row, columns, lines, main=side.startswith("A")) + 1
    lines = [Line((NAMES[cause], f"{c.count(cause)} 家")) for cause in CAUSES]
    lines.append(Line(("没有差异", f"{c.same} 家"), bold=True))
    columns = (Column("差异的原因", 26), Column("涉及单位（一家可有几项原因）", 84))
    book.table(sheet, row, columns, lines, main=False)


def _units(book: Book, c: PublishedComparison, about: About) -> None:
    sheet = book.sheet("逐家差异", f"{about.title}：逐家差异", "只列有差异的单位；公布材料没有的为空。")
    columns = (
        Column("单位", 10),
        Column("名称", 30, wrap=True),
        Column("已公布", 34, wrap=True),
        Column("重算", 34, wrap=True),
        Column("总分相差", 11, number=_SIGNED),
        Column("名次相差", 11, number="+0;-0;0"),
        Column("原因", 34, wrap=True),
    )
    lines = []
    for u in c.units:
        a, b = u.published, u.recalculated
        total = None if a.total is None or b.total is None else b.total - a.total
        rank = None if a.rank is None or b.rank is None else b.rank - a.rank
        causes = "、".join(NAMES[x] for x in u.causes)
        lines.append(Line((u.unit, u.name, _outcome(a), _outcome(b), total, rank, causes)))
    _table(book, sheet, columns, lines)


def _outcome(o: Outcome) -> str:
    passed = "" if o.passed is None else "，通过" if o.passed else "，未通过"
    return full_width((said(o) or "未载明") + passed)


def _causes(book: Book, c: PublishedComparison, about: About) -> None:
    meaning = "可折算的按重算的权重折为总分；折算的各项与不能说明的余数之和，等于总分相差。"
    sheet = book.sheet("原因", f"{about.title}：逐项原因", meaning)
    columns = (
        Column("单位", 10),
        Column("事项", 8),
        Column("原因", 20),
        Column("相差", 12, number=_SIGNED),
        Column("说明", 92, wrap=True),
    )
    lines = [
        Line((u.unit, _ASPECTS[p.aspect], NAMES[p.cause], p.points, full_width(p.told)))
        for u in c.units
        for p in u.parts
    ]
    _table(book, sheet, columns, lines)


def _table(book: Book, sheet: Any, columns: tuple[Column, ...], lines: list[Line]) -> None:
    row = book.table(sheet, _HEAD, columns, lines)
    if not lines:
        book.put(sheet, row, 1, "没有差异", book.format())
