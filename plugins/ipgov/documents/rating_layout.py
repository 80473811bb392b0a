"""The rating list as data, and where each of its values stands on the sheets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from ipgov.core.errors import RefusedError
from ipgov.documents.typography import full_width
from ipgov.evaluation.sensitivity.analysis import Sensitivity
from ipgov.policy.blocks import Block
from ipgov.policy.rules import RuleVersion

LIST, SCORES, SIGNING, NOTES, IDENTITY = "评级表", "指标得分", "签批", "说明", "_ipgov"
HEAD_ROW = 4  # title, meaning and banner stand above the head; all counted from 1
UNIT_COLUMN = 2
MARK_HEAD, COMMENT_HEAD = "评审意见", "评审备注"
MARKS: Mapping[str, str] = {"同意": "agree", "存疑": "question"}
ANSWERS: Mapping[str, str] = {"同意": "approve", "退回": "return"}
ANSWER_CELL, ACTOR_CELL, REMARK_CELL = (4, 2), (5, 2), (6, 2)
NOT_EVALUATED = "未评价"

Value = Decimal | int | str | None


@dataclass(frozen=True)
class Row:
    """One body: its result by code of indicator and dimension, last year's, and what a reviewer must see.

    ``province``: two digits of GB/T 2260; ``grade`` None: not evaluated, ``state`` says why; ``scores``: by
    code of dimension and indicator (points of a bonus or deduction); ``flags``: quality warnings;
    ``reasons``: vetoes, quota edges, exclusions with their basis; ``proposed``: what would follow;
    ``rank_interval``, ``grade_kept``: how firm rank and grade are.
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

    @property
    def evaluated(self) -> bool:
        """Tell whether there is a result to mark."""
        return self.grade is not None


@dataclass(frozen=True)
class RatingList:
    """What is put before the reviewers: a programme's period under a rule version, its result, its bodies.

    ``fingerprint`` is that of the result set; ``sensitivity`` None: the rules name nothing to vary, or nobody
    was evaluated.
    """

    rules: RuleVersion
    rule_sha256: str
    programme: str
    period: str
    fingerprint: str
    rows: tuple[Row, ...]
    sensitivity: Sensitivity | None = None

    def __post_init__(self) -> None:
        counts = Counter(row.unit for row in self.rows)
        if twice := sorted(unit for unit, count in counts.items() if count > 1):
            raise RefusedError(f"评级表中平台编号重复：{'、'.join(twice)}")

    @property
    def title(self) -> str:
        """Return the list's title."""
        return f"{self.rules.title}评级表（{self.period}年度）"


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
        Column("平台编号", 10, lambda r: r.unit, subject),
        Column("平台名称", 34, lambda r: r.name, subject, wrap=True),
        Column("类别", 12, lambda r: r.kind, subject),
        Column("省份", 12, lambda r: province_name(r.province), subject),
        Column("报送情况", 14, lambda r: full_width(r.state), readable_basis(rules.cycle), wrap=True),
        Column("总分", 9, lambda r: r.total, total, places),
        Column("类内名次", 9, lambda r: r.group_rank, ranks),
        Column("等级", 9, lambda r: r.grade or NOT_EVALUATED, grades),
        *_firmness(rules),
        *(
            Column(d.name, 10, _score(d.code), readable_basis(scoring, d), scoring.rounding.dimension)
            for d in scoring.dimensions
        ),
        Column("上年总分", 9, lambda r: r.last_total, own, places),
        Column("上年名次", 9, lambda r: r.last_rank, own),
        Column("上年等级", 9, lambda r: r.last_grade, own),
        Column("数据质量提示", 26, lambda r: _lines(r.flags), readable_basis(rules.quality), wrap=True),
        Column("评价说明", 30, lambda r: _lines(r.reasons), "见各条所注依据", wrap=True),
        Column("拟办事项", 12, lambda r: r.proposed, _outcomes_basis(rules), wrap=True),
        Column(MARK_HEAD, 10, lambda r: None, approval, free=True),
        Column(COMMENT_HEAD, 26, lambda r: None, approval, free=True, wrap=True),
    )


def _firmness(rules: RuleVersion) -> tuple[Column, ...]:
    if rules.sensitivity is None:
        return ()
    basis = f"{readable_basis(rules.sensitivity)}，见“敏感性”表"
    return (
        Column("名次区间", 9, lambda r: r.rank_interval, basis),
        Column("等级稳定度", 9, lambda r: r.grade_kept, basis, percent=True),
    )


def _outcomes_basis(rules: RuleVersion) -> str:
    return full_width("；".join(f"{o.name}：{readable_basis(o)}" for o in rules.outcomes)) or "运行方自定"


def score_columns(rules: RuleVersion) -> tuple[Column, ...]:
    """Return the columns of 指标得分: every indicator's score, and the points of bonus and deduction."""
    from ipgov.evaluation.basis import in_chinese, indicator_basis

    places = rules.scoring.rounding.indicator
    return (
        Column("名次", 6, lambda r: r.rank, ""),
        Column("平台编号", 10, lambda r: r.unit, ""),
        Column("平台名称", 34, lambda r: r.name, "", wrap=True),
        Column("类别", 12, lambda r: r.kind, ""),
        *(
            Column(
                full_width(i.name),
                11,
                _score(i.code),
                in_chinese(indicator_basis(rules.scoring, i)),
                places,
            )
            for i in rules.scoring.indicators
            if i.role != "veto"  # a veto gives no points: it stands under 评价说明
        ),
    )
