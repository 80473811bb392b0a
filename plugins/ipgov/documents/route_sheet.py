"""The sheet 报送与省级审核: was everything sent in, in time, by the right route."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ipgov.documents.rating_book import ListBook, print_wide
from ipgov.documents.rating_layout import HEAD_ROW, ROUTES, RatingList, RouteRow
from ipgov.documents.sheets import Column, Line
from ipgov.documents.typography import full_width

# the states of a frozen body, as the columns of the counts
STATES = (
    ("accepted", "按期"),
    ("accepted_late", "逾期（宽限期内）"),
    ("returned_by_province", "省级退回"),
    ("not_forwarded", "省级未转报"),
    ("not_copied", "未抄送"),
    ("late", "超过宽限期"),
    ("returned", "退回未更正"),
    ("missing", "未报送"),
)
_NAMES = dict(STATES)
_MEANING = (
    "按期、逾期（宽限期内）的进入评估；其余各栏不作评估。直接报送的，须有同步抄送所在地省级部门的记录。"
)


def write(book: ListBook, listed: RatingList) -> None:
    """Write the counts by province, then a row for each body; nothing where no province audits."""
    if not listed.routes:
        return
    sheet = book.sheet(ROUTES, f"{listed.title}{ROUTES}", full_width(_MEANING))
    columns = (
        Column("中心编号", 10, align="center"),
        Column("名称", 34, wrap=True),
        Column("省份", 14),
        Column("报送情况", 16, wrap=True),
        Column("报送日", 12, align="center"),
        Column("渠道与审核", 24, wrap=True),
        Column("审核意见", 34, wrap=True),
        Column("审核人", 12, wrap=True),
        Column("审核日", 12, align="center"),
    )
    lines = [
        Line(
            (
                r.unit, r.name, r.province, _NAMES.get(r.state, "不参加"), r.sent_on, r.told,
                full_width(r.opinion), r.auditor, r.audited_on,
            )
        )
        for r in listed.routes
    ]  # fmt: skip
    below = book.table(sheet, HEAD_ROW, columns, lines)
    counted = (
        Column("省份", 10), Column("应报送", 34, align="center"),
        *(Column(head, 12, align="center") for _, head in STATES[:7]),
    )  # fmt: skip
    last = book.table(
        sheet,
        below + 1,
        (*counted, Column("未报送", 12, align="center")),
        list(_counts(listed.routes)),
        main=False,
    )
    sheet.set_column(9, 9, 12)
    print_wide(sheet, [c.width for c in (*columns, columns[-1])], HEAD_ROW, last - 1, repeated=1)


def _counts(routes: tuple[RouteRow, ...]) -> Iterator[Line]:
    expected = [r for r in routes if r.state in _NAMES]
    for province in (*dict.fromkeys(sorted(r.province for r in expected)), "合计"):
        own = [r for r in expected if province in (r.province, "合计")]
        states = Counter(r.state for r in own)
        bold = province == "合计"
        yield Line((province, len(own), *(states[code] for code, _ in STATES)), bold=bold)
