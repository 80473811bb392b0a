"""The list of a round of recognition as the reviewers read it: proposals, conditions, scores, provinces."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from ipgov.documents.rating_book import ListBook, print_wide
from ipgov.documents.sheets import Column, Line, Value
from ipgov.documents.typography import full_width

PROPOSALS, GATES, SCORES, PROVINCES, IDENTITY = (
    "拟认定名单",
    "申报条件",
    "专家评审",
    "省级推荐与备案",
    "_ipgov",
)
_HEAD_ROW = 4
_LISTED, _BARRED, _HINT = "#E2EFDA", "#F8CBAD", "#FFF2CC"


@dataclass(frozen=True)
class Row:
    """One applicant: what is proposed of it and why, how its province stands to it, how experts scored it.

    ``name``: applied for; ``industry``: as it names it; ``province_answer``: with rank and opinion, or the
    day of the filing; ``scores``: by indicator, the mean and how far apart the scores lie.
    """

    unit: str
    name: str
    kind: str
    industry: str
    host: str
    province: str
    route: str
    proposal: str
    listed: bool
    place: int | None
    total: Decimal | None
    reason: str
    province_answer: str
    province_place: int | None
    province_opinion: str
    scores: tuple[tuple[Decimal | None, str], ...]
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class GateRow:
    """One condition of one applicant, as it was found."""

    unit: str
    name: str
    gate: str
    clause: str
    found: str
    state: str
    by: str
    bars: bool
    met: bool


@dataclass(frozen=True)
class RecognitionList:
    """Everything that the reviewers of a round of recognition see."""

    title: str
    author: str
    programme: str
    period: str
    code: str  # short, of the results
    rule_sha256: str
    indicators: tuple[str, ...]
    rows: tuple[Row, ...]
    gates: tuple[GateRow, ...]
    notes: tuple[str, ...]


def write(listed: RecognitionList, banner: str) -> bytes:
    """Return the .xlsx: the same list gives the same bytes. RefusedError for text that cannot be printed."""
    book = ListBook(listed.title, listed.author, banner, f"结果指纹：{listed.code}")
    _proposals(book, listed)
    _gates(book, listed)
    _scores(book, listed)
    _provinces(book, listed)
    _identity(book, listed)
    return book.close()


def _proposals(book: ListBook, listed: RecognitionList) -> None:
    count = sum(r.listed for r in listed.rows)
    meaning = f"申报 {len(listed.rows)} 家，拟认定 {count} 家；经审核、签发后列入名单，向社会公示。"
    columns = [
        Column("位次", 6, align="center"), Column("代码", 8, align="center"), Column("名称", 34, wrap=True),
        Column("所属产业", 16, wrap=True), Column("建设主体", 26, wrap=True),
        Column("省份", 9, align="center"),
        Column("申报途径", 11, wrap=True, align="center"), Column("评审得分", 9, number="0.00"),
        Column("拟办", 10, align="center"), Column("理由", 52, wrap=True), Column("提示", 30, wrap=True),
    ]  # fmt: skip
    lines = [
        Line(
            [
                r.place, r.unit, r.name, r.industry, r.host, r.province, r.route, r.total, r.proposal,
                full_width(r.reason), "；".join(r.flags),
            ],
            colour=_LISTED if r.listed else "",
        )
        for r in listed.rows
    ]  # fmt: skip
    after = _table(book, listed, PROPOSALS, meaning, columns, lines)
    sheet = book.workbook.get_worksheet_by_name(PROPOSALS)
    for row, note in enumerate(listed.notes, after + 1):
        book.put(sheet, row, 2, full_width(note), book.format(font_color="#404040"))


def _gates(book: ListBook, listed: RecognitionList) -> None:
    meaning = (
        "逐家逐项：申报条件、所见数据与出处（或复核人的判断）、是否符合。不符合而只作提示的，不影响认定。"
    )
    columns = [
        Column("代码", 8, align="center"), Column("名称", 30, wrap=True), Column("申报条件", 38, wrap=True),
        Column("条款", 14, wrap=True), Column("所见", 60, wrap=True), Column("是否符合", 12, wrap=True),
        Column("判定", 14, wrap=True),
    ]  # fmt: skip
    lines = [
        Line(
            [g.unit, g.name, full_width(g.gate), g.clause, g.found, full_width(g.state), g.by],
            colour=_BARRED if g.bars else "" if g.met else _HINT,
        )
        for g in listed.gates
    ]
    _table(book, listed, GATES, meaning, columns, lines)


def _scores(book: ListBook, listed: RecognitionList) -> None:
    meaning = "各指标的得分为有效评分去掉最高、最低后的平均；“离散”为全部评分之间的差距。"
    columns = [
        Column("代码", 8, align="center"),
        Column("名称", 30, wrap=True),
        Column("评审得分", 9, number="0.00"),
    ]
    for name in listed.indicators:
        columns += [Column(name, 14, number="0.00"), Column(f"{name}：离散", 32, wrap=True)]
    lines = []
    for r in listed.rows:
        cells: list[Value] = [r.unit, r.name, r.total]
        for mean, spread in r.scores:
            cells += [mean, full_width(spread)]
        lines.append(Line(cells))
    _table(book, listed, SCORES, meaning, columns, lines)


def _provinces(book: ListBook, listed: RecognitionList) -> None:
    meaning = "省级知识产权管理部门的结论、推荐次序与意见；中央企业直接申报的，材料报省级备案的情况。"
    columns = [
        Column("代码", 8, align="center"), Column("名称", 34, wrap=True), Column("省份", 9, align="center"),
        Column("申报途径", 12, wrap=True), Column("结论", 24, wrap=True),
        Column("推荐次序", 9, align="center"), Column("意见", 60, wrap=True),
    ]  # fmt: skip
    lines = [
        Line([r.unit, r.name, r.province, r.route, full_width(r.province_answer), r.province_place,
              r.province_opinion])
        for r in listed.rows
    ]  # fmt: skip
    _table(book, listed, PROVINCES, meaning, columns, lines)


def _table(
    book: ListBook,
    listed: RecognitionList,
    name: str,
    meaning: str,
    columns: list[Column],
    lines: list[Line],
) -> int:
    sheet = book.sheet(name, f"{listed.title}{name}", full_width(meaning))
    after = book.table(sheet, _HEAD_ROW, columns, lines)
    print_wide(sheet, [c.width for c in columns], _HEAD_ROW, after + len(listed.notes), repeated=2)
    return after


def _identity(book: ListBook, listed: RecognitionList) -> None:
    sheet = book.workbook.add_worksheet(IDENTITY)
    sheet.very_hidden()
    sheet.protect("")
    values = (
        ("programme", listed.programme),
        ("period", listed.period),
        ("rule_sha256", listed.rule_sha256),
        ("content_sha256", book.content_sha256),
    )
    for row, (name, value) in enumerate(values, 1):
        book.put(sheet, row, 1, name, book.format())
        book.put(sheet, row, 2, value, book.format())
