"""What stands before and behind a rating list: the cover, the summary by kind and province, the notes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from ipgov.core.fingerprint import short_code
from ipgov.documents import sensitivity_sheet
from ipgov.documents.rating_book import ListBook, print_all, print_wide, sheet_name
from ipgov.documents.rating_layout import (
    COVER,
    FINDINGS,
    HEAD_ROW,
    LIST,
    LOOKED_UP,
    LOOKUP,
    NOTES,
    OUTSIDE,
    OWN_SHEETS,
    ROUTES,
    SIGNING,
    SUMMARY,
    YEARS,
    Column,
    RatingList,
    Row,
    dimension_columns,
    list_columns,
    outside,
    outside_columns,
    top_dimensions,
)
from ipgov.documents.rule_bases import clauses_of, own_choices
from ipgov.documents.sheets import Column as TableColumn
from ipgov.documents.sheets import Line, fixed
from ipgov.documents.typography import full_width
from ipgov.policy.title_words import title_words

_LABEL, _TEXT = 24, 104  # widths of the two columns of the cover, in characters
_NOT_KNOWN = {"doc_no": "", "doc_title": "", "section": "", "key_zh": "条款清单中没有此条"}


def cover(book: ListBook, listed: RatingList) -> None:
    """Write 封面: whose list of what period under which rules, counts, sheets, clauses, own choices."""
    sheet = book.sheet(COVER, listed.title, "本表的来历：规则、结果、范围，以及各张工作表的内容。")
    sheet.set_column(0, 0, _LABEL)
    sheet.set_column(1, 1, _TEXT)
    row = book.pairs(sheet, HEAD_ROW, list(_about(listed)), _TEXT)
    row = _section(book, sheet, row, "各工作表", [(a, book.own(b)) for a, b in sheets_of(listed)])
    row = _section(book, sheet, row, "所依条款", _clause_lines(listed))
    own = [
        (part, full_width(why) + (f"（{'、'.join(f'“{i}”' for i in items)}）" if items else ""))
        for part, items, why in own_choices(listed.rules)
    ]
    row = _section(book, sheet, row, "运行方自定的事项（文件未作规定）", own)
    print_all(sheet, row - 1, 2)


def _section(book: ListBook, sheet: Any, row: int, head: str, lines: Sequence[tuple[str, str]]) -> int:
    book.put(sheet, row + 1, 1, full_width(head), book.format(font_name="黑体", font_size=12))
    sheet.set_row(row, 22)
    return book.pairs(sheet, row + 2, lines, _TEXT)


def _about(listed: RatingList) -> Iterator[tuple[str, str]]:
    rules, rows = listed.rules, listed.rows
    yield "评价事项", f"{rules.title}（{listed.programme}）"
    yield "评价对象", rules.subject.title
    yield "年度", listed.period
    yield "规则版本", f"{rules.version}，自 {rules.effective} 起适用（SHA-256 {listed.rule_sha256}）"
    yield "规则说明", full_width(rules.note)
    yield "结果指纹", f"{listed.fingerprint}（短码 {short_code(listed.fingerprint)}）"
    if listed.charts_sha256:
        yield "随附图页（PDF）", f"SHA-256 {listed.charts_sha256}"
    evaluated = sum(r.evaluated for r in rows)
    yield "平台数", full_width(f"{len(rows)}家：已评价{evaluated}家，未评价{len(rows) - evaluated}家")
    yield "报送情况", _counted(Counter(full_width(r.state) for r in rows))
    grades = Counter(r.grade for r in rows if r.grade)
    if rules.scoring.grades:
        yield "等级", _counted({g.name: grades[g.name] for g in rules.scoring.grades})
    if any(r.proposed for r in rows):
        yield "拟办事项", _counted(Counter(r.proposed for r in rows if r.proposed))
    waived = sum(f.waiver_id is not None for f in listed.findings)
    yield "数据质量", full_width(f"发现{len(listed.findings)}项，其中豁免{waived}项")
    periods = "、".join(map(str, listed.earlier))
    yield "与以往年度比较", f"已公布的 {periods} 年度" if periods else "没有已公布的以往年度结果"


def _counted(counts: Counter[str] | dict[str, int]) -> str:
    return "，".join(f"{name} {count} 家" for name, count in counts.items())


def sheets_of(listed: RatingList) -> list[tuple[str, str]]:
    """Return the sheets of the list in their order, each with what it holds."""
    found = [
        (SUMMARY, "按类别、按省份汇总：家数、平均分、最高最低分、各等级家数；合计与评级表一致"),
        (LIST, "名次、总分（数据条）、等级、各维度得分、较上年的变动，评审人逐家填写意见"),
    ]
    if listed.earlier:
        found.append((YEARS, "已公布年度与本年度的总分、名次、等级，总分走势图"))
    found += [
        (dimension_sheet(n, d.name), f"“{d.name}”维度及其各项指标：原值、得分、权重、计入总分")
        for n, d in enumerate(top_dimensions(listed.rules), 1)
    ]
    if outside(listed.rules):
        found.append((OUTSIDE, "维度之外的加分、扣分与否决事项"))
    found.append((FINDINGS, "数据质量检查发现的每一项，以及豁免人、期限与理由"))
    if listed.routes:
        found.append((ROUTES, "各省报送是否完整、及时；逐家的报送渠道、省级审核结论与意见、抄送记录"))
    found.append((f"{LOOKUP} …" if 0 < len(listed.explained) <= OWN_SHEETS else LOOKUP, derivation(listed)))
    if listed.sensitivity:
        found.append((sensitivity_sheet.SHEET, "权重与方法变动时名次、等级有多稳"))
    return [*found, (SIGNING, "结论、签批人与意见（由评审人填写）"), (NOTES, "各栏的依据，未评价的平台")]


def derivation(listed: RatingList) -> str:
    """Return how the list derives its results, in Chinese: a sheet a body, one sheet, or where to find it."""
    bounds = f"{OWN_SHEETS} 家以内每家一张，{LOOKED_UP} 家以内合为一张、按平台编号筛选"
    if listed.explained:
        return f"每家平台的得分推导，直至报送表单元格与条款（{bounds}）"
    if len(listed.rows) > LOOKED_UP:
        return f"平台超过 {LOOKED_UP} 家，逐家推导不列入本表，在控制台各平台页面下载（{bounds}）"
    return "没有可供推导的结果"


def dimension_sheet(number: int, name: str) -> str:
    """Return the name of a dimension's sheet: what a spreadsheet allows, different for every number."""
    return sheet_name(f"维度{number} {name}")


def _clause_lines(listed: RatingList) -> list[tuple[str, str]]:
    lines = []
    for id_, places in clauses_of(listed.rules).items():
        c = listed.clauses.get(id_, _NOT_KNOWN)
        where = f"{c['doc_no']}《{full_width(c['doc_title'])}》{c['section']}：" if c["doc_no"] else ""
        lines.append((id_, f"{where}“{c['key_zh']}”——用于{'；'.join(places)}"))
    return lines


@dataclass(frozen=True)
class Share:
    """One line of the summary: the bodies of a kind or province, their totals and grades."""

    name: str
    rows: tuple[Row, ...]

    @property
    def totals(self) -> list[Decimal]:
        """Return the totals of those that have one."""
        return [r.total for r in self.rows if r.total is not None]

    def mean(self, decimals: int) -> Decimal | None:
        """Return the mean of the totals, rounded half up; None without any."""
        if not self.totals:
            return None
        mean = sum(self.totals, Decimal(0)) / len(self.totals)
        return mean.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)


def shares(listed: RatingList, of: Callable[[Row], str], order: Sequence[str] = ()) -> list[Share]:
    """Return the bodies by what ``of`` says of them: in ``order``, then the others as they come; then all."""
    found: dict[str, list[Row]] = {name: [] for name in order}
    for row in listed.rows:
        found.setdefault(of(row), []).append(row)
    parts = [Share(name, tuple(rows)) for name, rows in found.items() if rows]
    return [*parts, Share("合计", listed.rows)]


def summary(book: ListBook, listed: RatingList) -> None:
    """Write 汇总: a line for each kind, then for each province, each with a total over everybody."""
    from ipgov.registry.codes import province_name

    meaning = "平均分、最高分、最低分只计有总分的平台；比例为占已评价平台的比例。"
    sheet = book.sheet(SUMMARY, f"{listed.title}汇总", meaning)
    grades = [g.name for g in listed.rules.scoring.grades]
    score = fixed(listed.rules.scoring.rounding.total)
    columns = (
        TableColumn("", 22),
        *(TableColumn(head, 9, number="0", align="center") for head in ("平台数", "已评价", "未评价")),
        *(TableColumn(head, 10, number=score, align="center") for head in ("平均分", "最高分", "最低分")),
        *(TableColumn(g, 9, number="0", align="center") for g in grades),
        *(TableColumn(f"{g}占比", 11, number="0.0%", align="center") for g in grades),
        TableColumn("有拟办事项", 11, number="0", align="center"),
    )
    kinds = [k.name for k in listed.rules.subject.kinds]
    provinces = [province_name(code) for code in sorted({r.province for r in listed.rows})]
    row = HEAD_ROW
    for what, parts in (
        ("类别", shares(listed, lambda r: r.kind, kinds)),
        ("省份", shares(listed, lambda r: province_name(r.province), provinces)),
    ):
        headed = (TableColumn(what, 22), *columns[1:])
        lines = [_share_line(listed, s, grades) for s in parts]
        row = book.table(sheet, row, headed, lines, main=row == HEAD_ROW) + 1
    sheet.repeat_rows(0, HEAD_ROW - 2)  # two tables: the head of one must not stand over the other
    print_wide(sheet, [c.width for c in columns], HEAD_ROW - 1, row - 2, repeated=1)


def _share_line(listed: RatingList, share: Share, grades: Sequence[str]) -> Line:
    evaluated = sum(r.evaluated for r in share.rows)
    by_grade = Counter(r.grade for r in share.rows)
    totals = share.totals
    part = [
        (Decimal(by_grade[g]) / evaluated).quantize(Decimal("0.0001")) if evaluated else None for g in grades
    ]
    cells = (
        share.name,
        len(share.rows),
        evaluated,
        len(share.rows) - evaluated,
        share.mean(listed.rules.scoring.rounding.total),
        max(totals, default=None),
        min(totals, default=None),
        *(by_grade[g] for g in grades),
        *part,
        sum(bool(r.proposed) for r in share.rows),
    )
    whole = share.name == "合计"
    return Line(cells, bold=whole, colour="#EDF2F8" if whole else "")


def notes(book: ListBook, listed: RatingList) -> None:
    """Write 说明: the rules, what each column rests on, who was not evaluated and why."""
    meaning = full_width("本表依据的规则、各栏的依据，以及未评价的平台。")
    sheet = book.sheet(NOTES, f"{listed.title}说明", meaning)
    sheet.set_column(0, 0, 44)
    sheet.set_column(1, 1, 84)
    row = book.pairs(sheet, HEAD_ROW, list(_note_lines(listed)), 84)
    sheet.repeat_rows(0, HEAD_ROW - 2)
    print_all(sheet, row - 1, 2)


def _note_lines(listed: RatingList) -> Iterator[tuple[str, str]]:
    rules = listed.rules
    yield "规则版本", f"{rules.version}（SHA-256 {listed.rule_sha256}）"
    yield "规则说明", full_width(rules.note)
    yield "结果指纹", listed.fingerprint
    evaluated = sum(row.evaluated for row in listed.rows)
    yield "评价平台数", full_width(f"{evaluated}家，未评价{len(listed.rows) - evaluated}家")
    tables: list[tuple[str, tuple[Column, ...]]] = [(LIST, list_columns(rules))]
    tables += [
        (dimension_sheet(n, d.name), dimension_columns(rules, d))
        for n, d in enumerate(top_dimensions(rules), 1)
    ]
    tables.append((OUTSIDE, outside_columns(rules)))
    for sheet, columns in tables:
        for column in columns:
            if column.basis:
                yield full_width(f"{sheet}：{column.head}"), full_width(f"依据：{column.basis}")
    if listed.sensitivity:
        body = title_words(listed.rules.programme).body
        yield from sensitivity_sheet.settings_lines(listed.sensitivity, body)
    for row in listed.rows:
        if not row.evaluated:
            why = full_width("；".join((row.state, *row.reasons)))
            yield full_width(f"未评价：{row.unit}"), f"{row.name}，{why}"
