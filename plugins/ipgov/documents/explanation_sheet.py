"""The derivation of results as a workbook: a row for every step, its sums as formulas beside their results.

Whoever holds the sheet can follow a total back to the cells of the submitted workbook and compute it by hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ipgov.core.errors import RefusedError
from ipgov.core.fingerprint import short_code
from ipgov.documents.sheets import TITLE_ROWS, Book, Column, Formula, Line, Value, fixed
from ipgov.documents.typography import full_width
from ipgov.evaluation.basis import in_chinese
from ipgov.evaluation.explain import Explanation, Source, Step

INDEX, CLAUSES = "一览", "所依条款"
COLUMNS = (
    Column("项目", 27, wrap=True),
    Column("原文与出处", 33, wrap=True),
    Column("算法（已代入数值）", 42, wrap=True),
    Column("得分", 9, number="0.00####"),
    Column("权重（%）", 10, number="0.00####"),
    Column("占总分（%）", 10, number="0.00####"),
    Column("计入总分", 12, number="0.00####"),
    Column("依据", 20, wrap=True),
)
_SCORE, _WEIGHT, _SHARE, _POINTS = 4, 5, 6, 7  # numbers of columns
_COLOURS = {"total": "#DDE6F0", "dimension": "#EDF2F8", "adjustment": "#FFF8E5", "input": "#F7F7F7"}
_MEANING = (
    "自上而下：总分、维度、指标、报送表单元格。上级的“计入总分”是其下级之和（公式），末级为评价引擎所存的数；"
    "“占总分”是各级权重相乘（公式）。"
)


@dataclass(frozen=True)
class About:
    """What the sheets say of themselves; ``trace``: fingerprint of the results, ``names``: of the units."""

    title: str
    author: str
    rules: str
    trace: str
    banner: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    decimals: int = 2  # of totals


@dataclass
class _Node:
    """A step with the row it stands in and the rows of what adds up to it."""

    step: Step
    row: int
    parent: int
    depth: int
    children: list[int] = field(default_factory=list)


def write(explained: Sequence[Explanation], about: About, clauses: Mapping[str, Mapping[str, str]]) -> bytes:
    """Return the .xlsx: a sheet for each unit, the words of every clause, and a list where there are several.

    Raises RefusedError for two units of one sheet name.
    """
    book = Book(about.title, about.author, about.banner, f"结果指纹：{short_code(about.trace)}")
    names = _sheet_names(explained)
    if len(explained) > 1:
        _index(book, explained, about, names)
    for e, name in zip(explained, names, strict=True):
        _unit(book, e, about, name)
    _clauses(book, explained, about, clauses)
    return book.close()


def _sheet_names(explained: Sequence[Explanation]) -> list[str]:
    names = [re.sub(r"[\[\]:*?/\\']", "_", e.unit)[:31] for e in explained]
    lowered = [n.lower() for n in (*names, INDEX, CLAUSES)]
    if doubled := sorted({n for n in lowered if lowered.count(n) > 1}):
        raise RefusedError(f"工作表名称重复：{'、'.join(doubled)}")
    return names


def _index(book: Book, explained: Sequence[Explanation], about: About, names: Sequence[str]) -> None:
    sheet = book.sheet(INDEX, about.title, f"每个单位一张推导表；{about.rules}。")
    columns = (
        Column("单位", 12),
        Column("名称", 46, wrap=True),
        Column("类别", 18, wrap=True),
        Column("总分", 10, number=fixed(about.decimals)),
        Column("名次", 8),
        Column("类内名次", 10),
        Column("等级", 12),
        Column("推导表", 14),
    )
    lines = [
        Line((
            e.unit, about.names.get(e.unit, ""), e.group_name, e.total, e.rank, e.group_rank,
            e.grade or "未评价", name,
        ))
        for e, name in zip(explained, names, strict=True)
    ]  # fmt: skip
    book.table(sheet, TITLE_ROWS + 1, columns, lines)


def _unit(book: Book, e: Explanation, about: About, name: str) -> None:
    sheet = book.sheet(name, f"{about.title}：{about.names.get(e.unit, '')} {e.unit}", _MEANING)
    row = TITLE_ROWS + 1
    plain, bold = book.format(), book.format(bold=True)
    for text, style in (
        (e.headline, bold),
        (about.rules, plain),
        *((f"说明：{r}", plain) for r in e.reasons),
    ):
        book.put(sheet, row, 1, full_width(text), style)
        row += 1
    lines = list(_lines(e, row + 1))
    below = book.table(sheet, row, COLUMNS, lines)
    _check(book, sheet, below, row + 1, e)


def _check(book: Book, sheet: object, row: int, total_row: int, e: Explanation) -> None:
    if e.total is None:
        return
    places = book.format(bold=True)
    cell = f"{_letter(_POINTS)}{total_row}"
    book.put(sheet, row + 1, 1, "核对", places)
    checked = f'IF(ROUND({cell}-{format(e.total, "f")},6)=0,"相符","不符")'
    book.put(sheet, row + 1, 2, f"上表合计与结果所载总分 {e.total}", book.format())
    book.put(sheet, row + 1, 3, Formula(f"={checked}", "相符"), places)


def _lines(e: Explanation, first_row: int) -> Iterator[Line]:
    """Yield the rows from the total down, then rank and grade; every sum refers to the rows below it."""
    nodes = _placed(e.root, first_row)
    for item in nodes:
        if isinstance(item, tuple):
            source, depth = item
            yield _source_line(source, depth)
        else:
            yield _step_line(item)
    if e.rank_how:
        yield Line(
            ("名次", "", full_width(e.rank_how), f"第 {e.rank} 名", "", "", "", in_chinese(e.rank_basis)),
            bold=True,
        )
    if e.grade_how:
        grade = ("等级", "", full_width(e.grade_how), e.grade, "", "", "", in_chinese(e.grade_basis))
        yield Line(grade, bold=True)


def value_lines(e: Explanation) -> list[Line]:
    """Return the rows of a derivation, every sum as the value that the engine stored and not as a formula.

    For sheets that come back and are compared cell by cell: a program that computes again may differ in the
    last digit.
    """
    return [
        replace(line, cells=[c.result if isinstance(c, Formula) else c for c in line.cells])
        for line in _lines(e, 1)
    ]


def _placed(root: Step, first_row: int) -> list[_Node | tuple[Source, int]]:
    """Return nodes and cells in the order of their rows; a node knows its own row and its children's."""
    placed: list[_Node | tuple[Source, int]] = []

    def place(step: Step, parent: int, depth: int) -> int:
        node = _Node(step, first_row + len(placed), parent, depth)
        placed.append(node)
        placed.extend((s, depth + 1) for s in step.sources)
        children = list(step.children)
        if step.rounding:
            basis = step.basis
            children.append(Step("rounding", "四舍五入差", "adjustment", basis, contribution=step.rounding))
        node.children = [
            at for c in children if (at := place(c, node.row, depth + 1)) and c.contribution is not None
        ]
        return node.row

    place(root, 0, 0)
    return placed


def _step_line(node: _Node) -> Line:
    step = node.step
    code = "" if step.role in ("total", "adjustment") else f" {step.node}"
    cells: tuple[Value | Formula, ...] = (
        full_width(step.name) + code,
        "",
        step.how,
        step.normalised,
        step.weight,
        _share(node),
        _points(node),
        in_chinese(step.basis),
    )
    bold = step.role in ("total", "dimension")
    return Line(cells, indent=node.depth, bold=bold, colour=_COLOURS.get(step.role, ""))


def _share(node: _Node) -> Value | Formula:
    """Return the share of the total: the weights above multiplied; nothing outside the weighted tree."""
    step = node.step
    if step.share is None or step.weight is None:
        return step.share
    letter, weight = _letter(_SHARE), _letter(_WEIGHT)
    return Formula(f"=ROUND({letter}{node.parent}*{weight}{node.row}/100,6)", step.share)


def _points(node: _Node) -> Value | Formula:
    points = node.step.contribution
    if points is None or not node.children:
        return points
    letter = _letter(_POINTS)
    return Formula(f"=ROUND({'+'.join(f'{letter}{row}' for row in node.children)},9)", points)


def _source_line(source: Source, depth: int) -> Line:
    if not source.file:
        told = (f"{source.field} {source.label}", "", full_width(source.note), "", "", "", "", "")
        return Line(told, indent=depth, colour=_COLOURS["input"])
    read = f"读取：{source.reading}" if source.transforms else "读取：按原样"
    note = f"；{source.note}" if source.note else ""
    cells = (
        f"{source.field} {source.label}".strip(),
        "\n".join(p for p in (f"“{source.raw}”", source.where, source.which) if p),
        full_width(read + note),
        "", "", "", "", "",
    )  # fmt: skip
    return Line(cells, indent=depth, colour=_COLOURS["input"])


def _letter(column: int) -> str:
    return chr(ord("A") + column - 1)


def _clauses(
    book: Book,
    explained: Sequence[Explanation],
    about: About,
    clauses: Mapping[str, Mapping[str, str]],
) -> None:
    ids = sorted({part for e in explained for part in _bases(e)} - {"", "operator"})
    sheet = book.sheet(
        CLAUSES, f"{about.title}所依条款", "依据栏的编号为文件与条目；“运行方自定”者文件未作规定。"
    )
    columns = (
        Column("编号", 14),
        Column("文件", 50, wrap=True),
        Column("条款", 20, wrap=True),
        Column("原文", 80, wrap=True),
    )
    unknown = {"doc_no": "", "doc_title": "", "section": "", "key_zh": "条款清单中没有此条"}
    rows = [(id_, clauses.get(id_, unknown)) for id_ in ids]
    lines = [
        Line((id_, f"{c['doc_no']}《{full_width(c['doc_title'])}》", c["section"], f"“{c['key_zh']}”"))
        for id_, c in rows
    ]
    book.table(sheet, TITLE_ROWS + 1, columns, lines)


def _bases(e: Explanation) -> Iterator[str]:
    yield from (*e.grade_basis.split("、"), *e.rank_basis.split("、"))
    steps = [e.root]
    while steps:
        step = steps.pop()
        yield from step.basis.split("、")
        steps += step.children
