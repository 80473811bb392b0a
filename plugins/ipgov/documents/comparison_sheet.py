"""The reviewers' workbook of a comparison: what differs between two results, and what did it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ipgov.core.steps import SHANGHAI
from ipgov.documents.sheets import TITLE_ROWS, Book, Column, Formula, Line, fixed
from ipgov.documents.typography import full_width
from ipgov.evaluation.basis import in_chinese
from ipgov.evaluation.comparison.changes import (
    FACTORS,
    Comparison,
    Outcome,
    Standing,
    UnitChange,
    said,
    signed,
)

_HEAD = TITLE_ROWS + 1
_SIGNED = "+0.00####;-0.00####;0"
_PLACES = "+0;-0;0"
_TOTAL_ROW = "#DDE6F0"


@dataclass(frozen=True)
class About:
    """What the sheets say of themselves and of both sides; words of fields, kinds and states."""

    title: str
    author: str
    banner: str
    a: Mapping[str, str]
    b: Mapping[str, str]
    fields: Mapping[str, str]
    kinds: Mapping[str, str]
    states: Mapping[str, str]
    decimals: int = 2  # of totals


def write(c: Comparison, about: About) -> bytes:
    """Return the .xlsx of a comparison; the same comparison gives the same bytes."""
    book = Book(about.title, about.author, about.banner, f"A：{c.a}；B：{c.b}")
    _summary(book, c, about)
    _changes(book, c, about)
    _causes(book, c, about)
    _nodes(book, c, about)
    _values(book, c, about)
    _rules(book, c, about)
    _standings(book, c, about)
    return book.close()


def _order(c: Comparison) -> str:
    return " → ".join(FACTORS[f] for f in c.order)


def _summary(book: Book, c: Comparison, about: About) -> None:
    meaning = (
        "由 A 到 B，每次换用 B 的一项（名单与报送、数值、规则），其余不动，逐步重算；各步变动之和即全部变动。"
    )
    sheet = book.sheet("汇总", about.title, meaning)
    columns = (Column("", 24, wrap=True), *(Column(h, 50, wrap=True) for h in ("A", "B")))
    facts = [Line((k, full_width(v), full_width(about.b[k]))) for k, v in about.a.items()]
    row = book.table(sheet, _HEAD, columns, facts) + 1
    for text in (
        f"换用次序：{_order(c)}。几项同时变动时，各项所得与次序有关；换一种次序，各步可有不同，合计不变。",
        f"结果有变动的 {sum(u.before.result != u.after.result for u in c.units)} 家，"
        f"未变动的 {_unchanged(c)} 家。",
    ):
        book.put(sheet, row, 1, full_width(text), book.format(bold=True))
        row += 1
    counts = (Column("因素", 24), Column("影响", 50, wrap=True), Column("本身的变动", 50, wrap=True))
    lines = [Line((FACTORS[f], _effect(c, at), _extent(c, f))) for at, f in enumerate(c.order)]
    book.table(sheet, row + 1, counts, lines, main=False)


def _unchanged(c: Comparison) -> int:
    units = {u for o in (c.outcomes[0], c.outcomes[-1]) for u in o}
    return len(units) - sum(u.before.result != u.after.result for u in c.units)


def _effect(c: Comparison, at: int) -> str:
    pairs = [(u.stages[at], u.stages[at + 1]) for u in c.units]
    counts = (
        ("总分变动", sum(x.total != y.total for x, y in pairs)),
        ("名次变动", sum(x.rank != y.rank for x, y in pairs)),
        ("等级变动", sum(x.grade != y.grade for x, y in pairs)),
        ("进出名单", sum(x.listed != y.listed for x, y in pairs)),
    )
    return "，".join(f"{what} {n} 家" for what, n in counts if n) or "没有影响"


def _extent(c: Comparison, factor: str) -> str:
    match factor:
        case "knowledge":
            return f"{len(c.standings)} 家的名单、报送情况或所用报送不同"
        case "values":
            return f"{len({v.unit for v in c.values})} 家的 {len(c.values)} 个数值不同"
    return f"{len(c.rules)} 处规则不同"


def _changes(book: Book, c: Comparison, about: About) -> None:
    sheet = book.sheet(
        "名次与等级变动", f"{about.title}：名次与等级变动", "变动为 B 减 A；名次变动为负即上升。"
    )
    total = fixed(about.decimals)
    columns = (
        Column("单位", 12),
        Column("名称", 34, wrap=True),
        Column("A 总分", 9, number=total),
        Column("B 总分", 9, number=total),
        Column("变动", 9, number=_SIGNED),
        Column("A 名次", 8),
        Column("B 名次", 8),
        Column("变动", 7, number=_PLACES),
        Column("A 等级", 10, align="center"),
        Column("B 等级", 10, align="center"),
        Column("由何变动", 40, wrap=True),
    )
    lines = [
        Line(
            (
                u.unit, u.name, u.before.total, u.after.total, _whole_total(u), u.before.rank, u.after.rank,
                _whole_rank(u), _grade(u, first=True), _grade(u, first=False), full_width(_why(c, u)),
            ),
            colour="#FFF2CC" if u.before.grade != u.after.grade else "",
        )
        for u in sorted(c.units, key=lambda u: (u.after.rank is None, u.after.rank or 0, u.unit))
    ]  # fmt: skip
    _table(book, sheet, columns, lines)


def _whole_total(u: UnitChange) -> Decimal | None:
    known = u.before.total is not None and u.after.total is not None
    return u.after.total - u.before.total if known else None  # type: ignore[operator]


def _whole_rank(u: UnitChange) -> int | None:
    known = u.before.rank is not None and u.after.rank is not None
    return u.after.rank - u.before.rank if known else None  # type: ignore[operator]


def _grade(u: UnitChange, *, first: bool) -> str:
    outcome = u.before if first else u.after
    return (outcome.grade or "未评价") if outcome.listed else "不在名单"


def _why(c: Comparison, u: UnitChange) -> str:
    parts = []
    for at, factor in enumerate(c.order):
        if not u.moved(at):
            continue
        before, after = u.stages[at], u.stages[at + 1]
        moves = [
            f"总分 {signed(u.total_part(at))}" if before.total != after.total and u.total_part(at) else "",
            f"名次 {before.rank} → {after.rank}" if before.rank != after.rank and u.rank_part(at) else "",
            f"“{before.grade or '未评价'}”→“{after.grade or '未评价'}”"
            if before.grade != after.grade
            else "",
        ]
        told = "，".join(m for m in moves if m) or f"{said(before)} → {said(after)}"
        parts.append(f"{FACTORS[factor]}：{told}")
    return "；".join(parts)


def _grades(before: Outcome, after: Outcome) -> str:
    return f"“{before.grade or '未评价'}”→“{after.grade or '未评价'}”"


def _causes(book: Book, c: Comparison, about: About) -> None:
    meaning = f"换用次序：{_order(c)}。每家末行为合计（公式），等于 B 减 A。"
    sheet = book.sheet("原因", f"{about.title}：逐家原因", meaning)
    total = fixed(about.decimals)
    columns = (
        Column("单位", 12),
        Column("因素", 12),
        Column("前总分", 9, number=total),
        Column("后总分", 9, number=total),
        Column("总分变动", 10, number=_SIGNED),
        Column("前名次", 8),
        Column("后名次", 8),
        Column("名次变动", 10, number=_PLACES),
        Column("等级", 22, wrap=True, align="center"),
        Column("说明", 62, wrap=True),
    )
    lines: list[Line] = []
    for u in c.units:
        first = _HEAD + 1 + len(lines)
        lines += [Line(_cause(c, u, at)) for at in range(len(c.order))]
        lines.append(_sum_line(u, first, first + len(c.order) - 1))
    _table(book, sheet, columns, lines)


def _cause(c: Comparison, u: UnitChange, at: int) -> tuple[Any, ...]:
    before, after = u.stages[at], u.stages[at + 1]
    factor = c.order[at]
    grade = f"{before.grade or '—'} → {after.grade or '—'}" if before.grade != after.grade else ""
    return (
        u.unit, FACTORS[factor], before.total, after.total, u.total_part(at), before.rank, after.rank,
        u.rank_part(at), grade, full_width(_reason(c, u, at)),
    )  # fmt: skip


def _reason(c: Comparison, u: UnitChange, at: int) -> str:
    if not u.moved(at):
        return "没有影响"
    factor = c.order[at]
    own = {
        "knowledge": ("本单位名单或报送情况变动", "其他单位进出所致"),
        "values": (
            f"本单位 {sum(v.unit == u.unit for v in c.values)} 个数值变动",
            "其他单位数值变动所致（名次或基准）",
        ),
        "rules": ("规则变动", "规则变动"),
    }[factor]
    told = own[0] if factor in u.own else own[1]
    parts = sorted((n for n in u.nodes if n.part(at)), key=lambda n: -abs(n.part(at)))
    nodes = "，".join(f"{n.name} {signed(n.part(at))}" for n in parts[:4])
    more = f"等 {len(parts)} 项" if len(parts) > 4 else ""
    before, after = u.stages[at], u.stages[at + 1]
    chain = f"{said(before)} → {said(after)}" if u.total_part(at) is None else ""
    return "：".join(p for p in (told, nodes + more or chain) if p)


def _sum_line(u: UnitChange, first: int, last: int) -> Line:
    total, rank = _whole_total(u), _whole_rank(u)
    whole = all(o.total is not None for o in u.stages)
    ranked = all(o.rank is not None for o in u.stages)
    grade = f"{_grade(u, first=True)} → {_grade(u, first=False)}"
    return Line(
        (
            u.unit, "合计", u.before.total, u.after.total,
            Formula(f"=ROUND(SUM(E{first}:E{last}),9)", total) if whole and total is not None else total,
            u.before.rank, u.after.rank,
            Formula(f"=SUM(H{first}:H{last})", Decimal(rank)) if ranked and rank is not None else rank,
            grade, f"{said(u.before)} → {said(u.after)}",
        ),
        bold=True,
        colour=_TOTAL_ROW,
    )  # fmt: skip


def _nodes(book: Book, c: Comparison, about: About) -> None:
    meaning = "各项计入总分的差；每家各项之和（公式）等于其总分变动。进出名单或一方没有总分的不列。"
    sheet = book.sheet("指标变动", f"{about.title}：指标变动", meaning)
    parts = tuple(Column(f"因{FACTORS[f]}", 13, number=_SIGNED) for f in c.order)
    columns = (
        Column("单位", 12),
        Column("代码", 12),
        Column("项目", 40, wrap=True),
        Column("A 计入总分", 12, number="0.00####"),
        *parts,
        Column("B 计入总分", 12, number="0.00####"),
        Column("变动", 12, number=_SIGNED),
    )
    lines: list[Line] = []
    for u in c.units:
        first = _HEAD + 1 + len(lines)
        for n in u.nodes:
            split = tuple(n.part(at) for at in range(len(c.order)))
            lines.append(Line((u.unit, n.node, n.name, n.stages[0], *split, n.stages[-1], n.change)))
        if u.nodes:
            lines.append(_node_sums(u, c, first, first + len(u.nodes) - 1))
    _table(book, sheet, columns, lines)


def _node_sums(u: UnitChange, c: Comparison, first: int, last: int) -> Line:
    def summed(column: int, result: Decimal) -> Formula:
        letter = chr(ord("A") + column - 1)
        return Formula(f"=ROUND(SUM({letter}{first}:{letter}{last}),9)", result)

    sums = [sum((n.part(at) for n in u.nodes), Decimal(0)) for at in range(len(c.order))]
    whole = sum((n.change for n in u.nodes), Decimal(0))
    cells = (
        u.unit, "", "合计", None, *(summed(5 + at, s) for at, s in enumerate(sums)), None,
        summed(6 + len(sums), whole),
    )  # fmt: skip
    return Line(cells, bold=True, colour=_TOTAL_ROW)


def _values(book: Book, c: Comparison, about: About) -> None:
    meaning = "两次都参加评价的单位，数值不同的单元格；空白为没有数值。"
    sheet = book.sheet("数值变动", f"{about.title}：数值变动", meaning)
    columns = (
        Column("单位", 12),
        Column("栏目", 34, wrap=True),
        Column("评分人", 10),
        Column("A 数值", 14),
        Column("B 数值", 14),
        Column("A 出处", 42, wrap=True),
        Column("B 出处", 42, wrap=True),
    )
    lines = [
        Line((
            v.unit, f"{v.field} {about.fields.get(v.field, '')}".strip(), v.rater, _short(v.old),
            _short(v.new), _place(v.old_source), _place(v.new_source),
        ))
        for v in c.values
    ]  # fmt: skip
    _table(book, sheet, columns, lines)


def _short(number: Decimal | None) -> Decimal | None:
    """Return the number without zeros at its end: a workbook shows what is there."""
    if number is None:
        return None
    short = number.normalize()
    return short.quantize(Decimal(1)) if short == short.to_integral_value() else short


def _place(source: str | None) -> str:
    """Write ``<hash>#<sheet>!<cell>`` for a reader; another source as it stands."""
    sha256, mark, place = (source or "").partition("#")
    sheet, bang, cell = place.rpartition("!")
    return f"“{sheet}”表 {cell}，报送指纹 {sha256[:12]}" if mark and bang else source or ""


def _rules(book: Book, c: Comparison, about: About) -> None:
    meaning = "两个规则版本逐项比较；评分以外的项（如期限、文书）不影响得分，一并列出。"
    sheet = book.sheet("规则变动", f"{about.title}：规则变动", meaning)
    columns = (
        Column("项目", 40, wrap=True),
        Column("A", 34, wrap=True),
        Column("B", 34, wrap=True),
        Column("A 依据", 20, wrap=True),
        Column("B 依据", 20, wrap=True),
        Column("键", 44, wrap=True),
    )
    _table(book, sheet, columns, list(rule_lines(c)))


def rule_lines(c: Comparison) -> Iterator[Line]:
    """Yield a row for each place where the rules differ."""
    for d in c.rules:
        bases = in_chinese(d.old_basis), in_chinese(d.new_basis)
        yield Line((d.label, d.old or "（没有此项）", d.new or "（没有此项）", *bases, d.path))


def _standings(book: Book, c: Comparison, about: About) -> None:
    meaning = "进出名单、报送情况或类别变动、换用另一份报送的单位；换用报送的得失列在“数值”之下。"
    sheet = book.sheet("名单变动", f"{about.title}：名单变动", meaning)
    columns = (
        Column("单位", 12),
        Column("名称", 34, wrap=True),
        Column("变动", 20, wrap=True),
        Column("A", 46, wrap=True),
        Column("B", 46, wrap=True),
    )
    lines = []
    for s in c.standings:
        known = s.new or s.old
        name = known.name if known else ""
        cells = (s.unit, name, _what(s.old, s.new), _standing(s.old, about), _standing(s.new, about))
        lines.append(Line(cells))
    _table(book, sheet, columns, lines)


def _what(old: Standing | None, new: Standing | None) -> str:
    if old is None:
        return "进入名单"
    if new is None:
        return "离开名单"
    parts = [
        "类别变动" if old.group != new.group else "",
        "报送情况变动" if old.state != new.state else "",
        "换用另一份报送" if old.submission and new.submission and old.submission != new.submission else "",
    ]
    return "，".join(p for p in parts if p)


def _standing(s: Standing | None, about: About) -> str:
    if s is None:
        return "不在名单"
    parts = [about.kinds.get(s.group, s.group), about.states[s.state]]
    if s.received_at:
        received = s.received_at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
        parts.append(f"{received} 收到，指纹 {s.submission[:12]}")
    return "，".join(p for p in parts if p)


def _table(book: Book, sheet: Any, columns: tuple[Column, ...], lines: list[Line]) -> None:
    row = book.table(sheet, _HEAD, columns, lines)
    if not lines:
        book.put(sheet, row, 1, "没有变动", book.format())
