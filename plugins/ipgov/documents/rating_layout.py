"""The rating list as data, and where each of its values stands on the sheets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from ipgov.core.errors import RefusedError
from ipgov.documents.typography import full_width
from ipgov.evaluation.sensitivity.analysis import Sensitivity
from ipgov.policy.blocks import Block
from ipgov.policy.rules import RuleVersion
from ipgov.policy.scoring import Dimension, Indicator
from ipgov.policy.units import RATIO

if TYPE_CHECKING:
    from ipgov.evaluation.explain import Explanation
    from ipgov.evaluation.outcomes import YearResult
    from ipgov.quality.findings import Finding

# the list of a rule without grades is no 评级表 (2024-1155#40)
UNGRADED_LIST = "评估表"
COVER, SUMMARY, LIST, YEARS, OUTSIDE = "封面", "汇总", "评级表", "历年对比", "加分扣分与否决"
ROUTES = "报送与省级审核"
FINDINGS, LOOKUP, SIGNING, NOTES, IDENTITY = "数据质量与豁免", "推导", "签批", "说明", "_ipgov"
HEAD_ROW = 4  # title, meaning and banner stand above the head; all counted from 1
UNIT_COLUMN = 2
MARK_HEAD, COMMENT_HEAD, TREND_HEAD = "评审意见", "评审备注", "总分走势"
MARKS: Mapping[str, str] = {"同意": "agree", "存疑": "question"}
ANSWERS: Mapping[str, str] = {"同意": "approve", "退回": "return"}
ANSWER_CELL, ACTOR_CELL, REMARK_CELL = (4, 2), (5, 2), (6, 2)
UNIT_HEAD = "平台编号"  # of programmes that call their bodies otherwise: with that word (``own_words``)
_BODY = "平台"
NOT_EVALUATED = "未评价"
# A sheet of its own explains each body up to here; above, one sheet to be filtered by code; above that, where
# to find the workbooks of the derivation. What a spreadsheet program and read_returned hold is not endless.
OWN_SHEETS, LOOKED_UP = 40, 400  # bodies
YEARS_SHOWN = 5  # earlier periods beside this one

Value = Decimal | int | str | None


@dataclass(frozen=True)
class Row:
    """One body: its result by code of indicator and dimension, last year's, and what a reviewer must see.

    ``province``: two digits of GB/T 2260; ``grade`` None: not evaluated, ``state`` says why; ``scores``: by
    code of dimension and indicator (points of a bonus or deduction), as ``values`` (what was measured),
    ``weights`` and ``points`` (what came into the total); ``flags``: quality warnings; ``reasons``: vetoes,
    quota edges, exclusions with their basis; ``proposed``: what would follow; ``rank_interval``,
    ``grade_kept``: how firm rank and grade are; ``history``: published results of earlier periods, oldest
    first (``last_…``: of the period before this one).
    """

    unit: str
    name: str
    kind: str
    province: str
    state: str
    total: Decimal | None
    rank: int | None
    group_rank: int | None
    grade: str | None
    scores: Mapping[str, Decimal | None]
    last_total: Decimal | None = None
    last_rank: int | None = None
    last_grade: str | None = None
    flags: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    proposed: str = ""
    rank_interval: str = ""
    grade_kept: Decimal | None = None  # a share
    values: Mapping[str, Decimal | None] = field(default_factory=dict)
    weights: Mapping[str, Decimal | None] = field(default_factory=dict)
    points: Mapping[str, Decimal | None] = field(default_factory=dict)
    history: tuple[YearResult, ...] = ()

    @property
    def evaluated(self) -> bool:
        """Tell whether there is a result to mark: a grade, or (without grades) a total."""
        return self.grade is not None or self.total is not None

    @property
    def climbed(self) -> int | None:
        """Return by how many places the body stands higher than a period before; None if unknown."""
        return None if self.rank is None or self.last_rank is None else self.last_rank - self.rank

    @property
    def gained(self) -> Decimal | None:
        """Return by how much the total is higher than a period before; None where there was none."""
        return None if self.total is None or self.last_total is None else self.total - self.last_total


@dataclass(frozen=True)
class RouteRow:
    """How a body's file came: through its province with its answer, or directly with the copy to it.

    ``state``: as it is counted; ``told``: of the route, in Chinese; days are texts, empty for none.
    """

    unit: str
    name: str
    province: str
    state: str
    sent_on: str
    told: str
    opinion: str
    auditor: str
    audited_on: str


@dataclass(frozen=True)
class RatingList:
    """What is put before the reviewers: a programme's period under a rule version, its result, its bodies.

    ``fingerprint`` is that of the result set; ``sensitivity`` None: the rules name nothing to vary, or nobody
    was evaluated. ``findings``: of the quality checks, waived or not; ``routes``: how every body's file came,
    where provinces audit; ``explained``: derivations of these
    bodies, none above ``LOOKED_UP``; ``clauses``: published requirements by id, with the quoted words;
    ``charts_sha256``: of the pages of charts that go with the list.
    """

    rules: RuleVersion
    rule_sha256: str
    programme: str
    period: str
    fingerprint: str
    rows: tuple[Row, ...]
    sensitivity: Sensitivity | None = None
    findings: tuple[Finding, ...] = ()
    routes: tuple[RouteRow, ...] = ()
    explained: tuple[Explanation, ...] = ()
    clauses: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    charts_sha256: str = ""

    def __post_init__(self) -> None:
        counts = Counter(row.unit for row in self.rows)
        if twice := sorted(unit for unit, count in counts.items() if count > 1):
            raise RefusedError(f"评级表中平台编号重复：{'、'.join(twice)}")

    @property
    def title(self) -> str:
        """Return the list's title."""
        return f"{self.rules.title}{list_name(self.rules)}（{self.period}年度）"

    @property
    def earlier(self) -> tuple[int, ...]:
        """Return the earlier periods with a published result of anybody, oldest first, the newest few."""
        return tuple(sorted({y.period for row in self.rows for y in row.history})[-YEARS_SHOWN:])


def list_name(rules: RuleVersion) -> str:
    """Return what the list, and the sheet that reviewers mark, are called."""
    return LIST if rules.scoring.grades else UNGRADED_LIST


def own_words(rules: RuleVersion) -> Callable[[str], str]:
    """Return what puts a programme's own words into our texts: for a body, and for the list."""
    from ipgov.policy.title_words import title_words

    pairs: tuple[tuple[str, str], ...] = (
        (_BODY, title_words(rules.programme).body),
        (LIST, list_name(rules)),
    )
    if not rules.scoring.grades:
        pairs = (*pairs, ("、等级", ""), ("、各等级家数", ""), ("否决只影响等级", "否决另行说明"))

    def own(text: str) -> str:
        for ours, theirs in pairs:
            text = text.replace(ours, theirs)
        return text

    return own


@dataclass(frozen=True)
class Column:
    """A column of a sheet: head, width in characters, value of a row, decimals of a number, and its basis."""

    head: str
    width: float
    value: Callable[[Row], Value]
    basis: str
    decimals: int = 0
    free: bool = False  # the reviewers', where the body was evaluated
    wrap: bool = False
    percent: bool = False
    number: str = ""  # a spreadsheet's format, where decimals do not say it
    bar: Decimal | None = None  # a data bar from 0 to this


def readable_basis(*blocks: Block) -> str:
    """Return what the innermost of ``blocks`` with a basis stands under, in Chinese."""
    from ipgov.evaluation.basis import in_chinese, own_basis

    for block in reversed(blocks):
        if basis := own_basis(block):
            return in_chinese(basis)
    return "运行方自定"


def _score(code: str) -> Callable[[Row], Value]:
    return lambda row: row.scores.get(code)


def _lines(texts: tuple[str, ...]) -> str:
    return full_width("；".join(texts))


def movement(row: Row) -> str:
    """Return how a body's rank moved since the period before: ``↑3``, ``↓2``, ``→``; nothing if unknown."""
    if row.climbed is None:
        return ""
    return f"↑{row.climbed}" if row.climbed > 0 else f"↓{-row.climbed}" if row.climbed else "→"


def _signed(decimals: int) -> str:
    plain = "0." + "0" * decimals if decimals else "0"
    return f"+{plain};-{plain};{plain}"


def _bodies() -> tuple[Column, ...]:
    """Return the columns with which every table of bodies begins."""
    return (
        Column("名次", 6, lambda r: r.rank, ""),
        Column(UNIT_HEAD, 10, lambda r: r.unit, ""),
        Column("平台名称", 28, lambda r: r.name, "", wrap=True),
        Column("类别", 12, lambda r: r.kind, ""),
    )


def list_columns(rules: RuleVersion) -> tuple[Column, ...]:
    """Return the columns of 评级表: what a reviewer decides on, then the reviewer's own two."""
    from ipgov.registry.codes import province_name

    scoring = rules.scoring
    own, subject = "运行方自定", readable_basis(rules.subject)
    ranks = readable_basis(scoring, scoring.rounding)
    grades = readable_basis(scoring, *scoring.grades[:1])
    total = readable_basis(scoring)
    approval = readable_basis(rules.approval)
    places = scoring.rounding.total
    return (
        Column("名次", 6, lambda r: r.rank, ranks),
        Column(UNIT_HEAD, 10, lambda r: r.unit, subject),
        Column("平台名称", 28, lambda r: r.name, subject, wrap=True),
        Column("类别", 12, lambda r: r.kind, subject),
        Column("省份", 12, lambda r: province_name(r.province), subject),
        Column("报送情况", 12, lambda r: full_width(r.state), readable_basis(rules.cycle), wrap=True),
        Column("总分", 9, lambda r: r.total, total, places, bar=full_marks(rules)),
        Column("类内名次", 9, lambda r: r.group_rank, ranks),
        *((Column("等级", 9, lambda r: r.grade or NOT_EVALUATED, grades),) if scoring.grades else ()),
        *_firmness(rules),
        *(
            Column(d.name, 10, _score(d.code), readable_basis(scoring, d), scoring.rounding.dimension)
            for d in scoring.dimensions
        ),
        Column("上年总分", 9, lambda r: r.last_total, own, places),
        Column("上年名次", 9, lambda r: r.last_rank, own),
        *((Column("上年等级", 9, lambda r: r.last_grade, own),) if scoring.grades else ()),
        Column("名次变动", 9, movement, own),
        Column("总分增减", 9, lambda r: r.gained, own, number=_signed(places)),
        Column("数据质量提示", 26, lambda r: _lines(r.flags), readable_basis(rules.quality), wrap=True),
        Column("评价说明", 30, lambda r: _lines(r.reasons), "见各条所注依据", wrap=True),
        *(
            (Column("拟办事项", 12, lambda r: r.proposed, _outcomes_basis(rules), wrap=True),)
            if rules.outcomes or scoring.grades
            else ()
        ),
        Column(MARK_HEAD, 10, lambda r: None, approval, free=True),
        Column(COMMENT_HEAD, 26, lambda r: None, approval, free=True, wrap=True),
    )


def _firmness(rules: RuleVersion) -> tuple[Column, ...]:
    if rules.sensitivity is None:
        return ()
    basis = f"{readable_basis(rules.sensitivity)}，见“敏感性”表"
    return (
        Column("名次区间", 9, lambda r: r.rank_interval, basis),
        *(
            (Column("等级稳定度", 9, lambda r: r.grade_kept, basis, percent=True),)
            if rules.scoring.grades
            else ()
        ),
    )


def _outcomes_basis(rules: RuleVersion) -> str:
    return full_width("；".join(f"{o.name}：{readable_basis(o)}" for o in rules.outcomes)) or "运行方自定"


def full_marks(rules: RuleVersion) -> Decimal:
    """Return the highest total that there can be, where the rules say one; else the full score."""
    return rules.scoring.highest_total or rules.scoring.full_score


def top_dimensions(rules: RuleVersion) -> tuple[Dimension, ...]:
    """Return the dimensions below the total: each has a sheet."""
    return tuple(d for d in rules.scoring.dimensions if not d.parent)


def below(rules: RuleVersion, dimension: Dimension) -> tuple[Dimension | Indicator, ...]:
    """Return the dimensions and indicators below a dimension, in the order of the rules."""
    own = [i for i in rules.scoring.indicators if i.dimension == dimension.code]
    parts = [d for d in rules.scoring.dimensions if d.parent == dimension.code]
    return (*own, *(n for d in parts for n in (d, *below(rules, d))))


def dimension_columns(rules: RuleVersion, dimension: Dimension) -> tuple[Column, ...]:
    """Return the columns of a dimension's sheet: its own score, then what lies below it."""
    return (
        *_bodies(),
        *_node_columns(rules, dimension, bar=rules.scoring.full_score),
        *(c for node in below(rules, dimension) for c in _node_columns(rules, node)),
    )


def outside(rules: RuleVersion) -> tuple[Indicator, ...]:
    """Return the indicators that stand outside the dimensions: bonuses, deductions, vetoes."""
    return tuple(i for i in rules.scoring.indicators if i.role != "score")


def outside_columns(rules: RuleVersion) -> tuple[Column, ...]:
    """Return the columns of the sheet of bonuses, deductions and vetoes."""
    return (*_bodies(), *(c for i in outside(rules) for c in _node_columns(rules, i)))


def _node_columns(
    rules: RuleVersion, node: Dimension | Indicator, bar: Decimal | None = None
) -> Iterator[Column]:
    from ipgov.evaluation.basis import in_chinese, indicator_basis

    name, rounding = full_width(node.name), rules.scoring.rounding
    if isinstance(node, Dimension):
        basis, places = readable_basis(rules.scoring, node), rounding.dimension
        yield Column(f"{name}：得分", 10, _of("scores", node.code), basis, places, bar=bar)
        yield Column(f"{name}：权重（%）", 9, _of("weights", node.code), basis, number="0.####")
    else:
        basis, places = in_chinese(indicator_basis(rules.scoring, node)), rounding.indicator
        unit = f"（{node.unit}）" if node.unit and node.unit != RATIO else ""
        number = "0.0###%" if node.unit == RATIO else "#,##0.######"
        yield Column(f"{name}：原值{unit}", 12, _of("values", node.code), basis, number=number)
        if node.role == "veto":
            return  # it gives no points: what it did stands under 评价说明
        head = "得分" if node.role == "score" else "分值"
        yield Column(f"{name}：{head}", 9, _of("scores", node.code), basis, places)
        if node.role == "score":
            return  # what it brings to the total stands in the derivation
    yield Column(f"{name}：计入总分", 9, _of("points", node.code), basis, number="0.00####")


def _of(kind: str, code: str) -> Callable[[Row], Value]:
    return lambda row: getattr(row, kind).get(code)


def year_columns(listed: RatingList) -> tuple[Column, ...]:
    """Return the columns of 历年对比: totals of the published periods and of this one, then ranks."""
    places = listed.rules.scoring.rounding.total

    def of(period: int, name: str) -> Callable[[Row], Value]:
        return lambda row: next((getattr(y, name) for y in row.history if y.period == period), None)

    return (
        *_bodies(),
        *(Column(f"{p}年度总分", 10, of(p, "total"), "", places) for p in listed.earlier),
        Column(f"{listed.period}年度总分", 10, lambda r: r.total, "", places, bar=full_marks(listed.rules)),
        Column(TREND_HEAD, 16, lambda r: None, ""),
        *(Column(f"{p}年度名次", 10, of(p, "rank"), "") for p in listed.earlier),
        Column(f"{listed.period}年度名次", 10, lambda r: r.rank, ""),
        Column("名次变动", 9, movement, ""),
        *_years_grades(listed, of),
    )


def _years_grades(listed: RatingList, of: Callable[[int, str], Callable[[Row], Value]]) -> Iterator[Column]:
    if listed.rules.scoring.grades:
        yield from (Column(f"{p}年度等级", 10, of(p, "grade"), "") for p in listed.earlier)
        yield Column(f"{listed.period}年度等级", 10, lambda r: r.grade or NOT_EVALUATED, "")
