"""Why a figure is what it is: one unit's result as a tree, down to the cell and the clause."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ipgov.core.errors import UnknownError
from ipgov.evaluation.basis import basis_of, in_chinese, indicator_basis
from ipgov.evaluation.plan import ADJUSTMENTS
from ipgov.evaluation.tree import ROOT
from ipgov.evaluation.wording import absence, method, plain, raw_value, weighing
from ipgov.policy.scoring import Dimension, Indicator, Scoring

if TYPE_CHECKING:
    import pyarrow as pa

_ROLES = {
    "score": "指标",
    "dimension": "维度",
    "bonus": "加分",
    "deduction": "扣分",
    "veto": "否决",
    "adjustment": "调整",
}


@dataclass(frozen=True)
class Step:
    """One node of the derivation.

    ``contribution`` is the points brought to the total; a node's equals the sum of its children's plus
    ``rounding``. Where a geometric mean stands above, contributions cannot be told apart: None.
    """

    node: str
    name: str
    role: str
    basis: str
    value: Decimal | None = None
    unit: str = ""  # of the value
    sources: tuple[str, ...] = ()  # the cells that the value comes from
    how: str = ""
    normalised: Decimal | None = None
    weight: Decimal | None = None
    contribution: Decimal | None = None
    rounding: Decimal | None = None
    children: tuple[Step, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON; decimals as text."""
        numbers = {
            k: None if v is None else plain(v)
            for k, v in (
                ("value", self.value),
                ("normalised", self.normalised),
                ("weight", self.weight),
                ("contribution", self.contribution),
                ("rounding", self.rounding),
            )
        }
        words = {"node": self.node, "name": self.name, "role": self.role, "basis": self.basis}
        told = {"unit": self.unit, "sources": list(self.sources), "how": self.how}
        return words | numbers | told | {"children": [c.as_dict() for c in self.children]}

    def lines(self, depth: int = 0) -> list[str]:
        """Return the derivation below this node, one line a fact."""
        pad = "  " * depth
        head = f"{pad}{_ROLES[self.role]} {self.node} {self.name}：" if self.role in _ROLES else pad
        parts = [self.how]
        if self.weight is not None and self.normalised is not None:
            parts.append(f"权重 {plain(self.weight)}%")
        if self.contribution is not None:
            parts.append(f"计入总分 {plain(self.contribution)}")
        if self.rounding:
            parts.append(f"其中四舍五入差 {plain(self.rounding)}")
        lines = [head + "，".join(p for p in parts if p) + f"（依据：{in_chinese(self.basis)}）"]
        lines += [f"{pad}  来源：{s}" for s in self.sources]
        for child in self.children:
            lines += child.lines(depth + 1)
        return lines


@dataclass(frozen=True)
class Explanation:
    """The derivation of one unit's total, rank and grade."""

    unit: str
    group: str
    total: Decimal | None
    rank: int | None
    group_rank: int | None
    grade: str | None
    passed: bool | None
    grade_basis: str
    reasons: tuple[str, ...]
    root: Step = field(repr=False)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON; decimals as text."""
        return {
            "unit": self.unit,
            "group": self.group,
            "total": None if self.total is None else format(self.total, "f"),
            "rank": self.rank,
            "group_rank": self.group_rank,
            "grade": self.grade,
            "passed": self.passed,
            "grade_basis": self.grade_basis,
            "reasons": list(self.reasons),
            "derivation": self.root.as_dict(),
        }

    def text(self) -> str:
        """Return the derivation in Chinese, indented."""
        group = f"（组别 {self.group}）" if self.group else ""
        if self.total is None:
            head = f"{self.unit}{group}：没有总分" + (f"，等级“{self.grade}”" if self.grade else "，未评价")
        else:
            within = f"（组内第 {self.group_rank} 名）" if self.group_rank is not None else ""
            head = f"{self.unit}{group}：总分 {self.total}，第 {self.rank} 名{within}，等级“{self.grade}”"
            head += f"，{'通过' if self.passed else '未通过'}（依据：{in_chinese(self.grade_basis)}）"
        return "\n".join([head, *(f"  说明：{r}" for r in self.reasons), *self.root.lines()])


def explain(
    scores: pa.Table | Iterable[Mapping[str, Any]],
    results: pa.Table | Iterable[Mapping[str, Any]],
    scoring: Scoring,
    unit: str,
    sources: Mapping[str, str],
) -> Explanation:
    """Return the derivation of ``unit`` from the engine's (or the store's) scores and results.

    ``sources``: for each input the words that say where it stands (workbook, sheet, cell). Raises
    UnknownError where the results do not hold the unit.
    """
    found = [r for r in _rows(results) if r["unit"] == unit]
    if not found:
        raise UnknownError(f"结果中没有单位“{unit}”")
    rows = {r["node"]: r for r in _rows(scores) if r["unit"] == unit}
    head = found[0]
    grade = next((g for g in scoring.grades if g.name == head["grade"]), None)
    return Explanation(
        unit=unit,
        group=head["group"],
        total=head["total"],
        rank=head["rank"],
        group_rank=head["group_rank"],
        grade=head["grade"],
        passed=head["passed"],
        grade_basis=basis_of(scoring, grade),
        reasons=tuple(head["reasons"]),
        root=_root(scoring, rows, sources),
    )


def _rows(given: pa.Table | Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return rows whose JSON texts are read, whether they come from the engine or from the database."""
    rows = given.to_pylist() if hasattr(given, "to_pylist") else [dict(r) for r in given]
    for row in rows:
        for name in ("detail", "reasons"):
            if isinstance(row.get(name), str):
                row[name] = json.loads(row[name])
    return rows


def _root(scoring: Scoring, rows: Mapping[str, Mapping[str, Any]], sources: Mapping[str, str]) -> Step:
    if ROOT not in rows:
        return Step(ROOT, "总分", "total", basis_of(scoring), how="没有可以计分的数据")
    row, detail = rows[ROOT], rows[ROOT]["detail"]
    outside = [i for i in scoring.indicators if i.role != "score" and i.code in rows]
    children = [
        *(
            _dimension(scoring, d, rows, sources)
            for d in scoring.dimensions
            if not d.parent and d.code in rows
        ),
        *(_indicator(scoring, i, rows, sources) for i in outside),
        *(
            Step(c, name, "adjustment", basis_of(scoring), contribution=rows[c]["contribution"])
            for c, name in ADJUSTMENTS.items()
            if c in rows and c != "rounding"
        ),
    ]
    how = f"总分：{weighing(scoring.aggregation)} {detail.get('base', '无')}"
    for key, word in (("bonus", " + 加分"), ("deduction", " - 扣分")):
        if Decimal(detail.get(key, "0")):
            how += f"{word} {detail[key]}"
    return Step(
        ROOT,
        "总分",
        "total",
        basis_of(scoring),
        how=how,
        normalised=row["normalised"],
        contribution=row["contribution"],
        rounding=_residue(row["contribution"], children),
        children=tuple(children),
    )


def _dimension(
    scoring: Scoring, d: Dimension, rows: Mapping[str, Mapping[str, Any]], sources: Mapping[str, str]
) -> Step:
    row = rows[d.code]
    below = [c for c in scoring.dimensions if c.parent == d.code and c.code in rows]
    leaves = [i for i in scoring.indicators if i.dimension == d.code and i.code in rows]
    children = [
        *(_indicator(scoring, i, rows, sources) for i in leaves),
        *(_dimension(scoring, c, rows, sources) for c in below),
    ]
    score = row["normalised"]
    how = f"{weighing(d.aggregation)} {_score(score, scoring.rounding.dimension)}"
    return Step(
        d.code,
        d.name,
        "dimension",
        basis_of(scoring, d),
        how=how if score is not None else "下级指标均不计分，权重分给其余维度",
        normalised=score,
        weight=row["weight"],
        contribution=row["contribution"],
        rounding=_residue(row["contribution"], children),
        children=tuple(children),
    )


def _indicator(
    scoring: Scoring, i: Indicator, rows: Mapping[str, Mapping[str, Any]], sources: Mapping[str, str]
) -> Step:
    row, detail = rows[i.code], rows[i.code]["detail"]
    value, score = row["value"], row["normalised"]
    if value is None:
        how = absence(i, detail)
    else:
        how = raw_value(i, value, detail) + " → " + method(i, value, detail)
        if score is not None:
            how += f" → {_score(score, scoring.rounding.indicator)} 分"
    return Step(
        i.code,
        i.name,
        i.role,
        indicator_basis(scoring, i),
        value=value,
        unit=i.unit,
        sources=tuple(sources[n] for n in (i.source_field, i.denominator) if n in sources),
        how=how,
        normalised=score,
        weight=row["weight"],
        contribution=row["contribution"],
    )


def _residue(own: Decimal | None, children: Sequence[Step]) -> Decimal | None:
    """Return what rounding added: the node's own contribution less its children's."""
    known = [c.contribution for c in children if c.contribution is not None]
    return own - sum(known, Decimal(0)) if own is not None and known else None


def _score(score: Decimal | None, decimals: int) -> str:
    return "" if score is None else format(score.quantize(Decimal(1).scaleb(-decimals)), "f")
