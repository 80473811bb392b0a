"""Why a figure is what it is: one unit's result as a tree, down to the cell and the clause."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from ipgov.core.errors import UnknownError
from ipgov.evaluation.basis import basis_of, in_chinese, indicator_basis
from ipgov.evaluation.grade_words import grade_words, rank_words
from ipgov.evaluation.plan import ADJUSTMENTS
from ipgov.evaluation.tree import ROOT
from ipgov.evaluation.wording import absence, method, plain, raw_value, transform, weighing
from ipgov.intake.transform_words import transform_word
from ipgov.policy.methods import Threshold
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


_WHOLE, _MILLIONTH = Decimal(100), Decimal("0.000001")


@dataclass(frozen=True)
class Source:
    """Where an input's value stands, and how it was read.

    ``label``: what the form calls it; ``file``: its name, ``sha256``: its hash; ``raw``: the cell as it was
    filled in; ``transforms``: what intake did to it, in order, by name; ``note``: whatever else is known.
    Without a file the note says why there is no value (of an expert, named by the label).
    """

    field: str
    file: str
    raw: str
    sheet: str = ""
    cell: str = ""
    sha256: str = ""
    label: str = ""
    transforms: tuple[str, ...] = ()
    note: str = ""

    @property
    def which(self) -> str:
        """Return file and fingerprint."""
        return self.file + (f"（指纹 {self.sha256[:12]}）" if self.sha256 else "")

    @property
    def where(self) -> str:
        """Return sheet and cell."""
        return f"“{self.sheet}”表 {self.cell}" if self.sheet else self.cell

    @property
    def reading(self) -> str:
        """Return in words what intake did to the text; nothing where it was taken as it stood."""
        return "，".join(transform_word(t) for t in self.transforms)

    def __str__(self) -> str:
        if not self.file:
            return f"{self.label}：{self.note}"
        read = f"，读取时{self.reading}" if self.transforms else ""
        return f"{self.which}{self.where}，原文“{self.raw}”{read}" + (f"，{self.note}" if self.note else "")

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {**vars(self), "transforms": list(self.transforms), "text": str(self)}


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
    sources: tuple[Source, ...] = ()  # the cells that the value comes from
    how: str = ""
    normalised: Decimal | None = None
    weight: Decimal | None = None
    share: Decimal | None = None  # of the total, of 100: the weights from the top down multiplied
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
                ("share", self.share),
                ("contribution", self.contribution),
                ("rounding", self.rounding),
            )
        }
        words = {"node": self.node, "name": self.name, "role": self.role, "basis": self.basis}
        told = {"unit": self.unit, "sources": [s.as_dict() for s in self.sources], "how": self.how}
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
        lines += [f"{pad}  {'来源：' if s.file else ''}{s}" for s in self.sources]
        for child in self.children:
            lines += child.lines(depth + 1)
        return lines


@dataclass(frozen=True)
class Explanation:
    """The derivation of one unit's total, rank and grade; ``group_name``: what the rules call its group."""

    unit: str
    group: str
    group_name: str
    total: Decimal | None
    rank: int | None
    group_rank: int | None
    rank_how: str
    rank_basis: str
    grade: str | None
    passed: bool | None
    grade_how: str
    grade_basis: str
    reasons: tuple[str, ...]
    root: Step = field(repr=False)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON; decimals as text."""
        told = {k: v for k, v in vars(self).items() if k != "root"}
        total = None if self.total is None else format(self.total, "f")
        return {**told, "total": total, "reasons": list(self.reasons), "derivation": self.root.as_dict()}

    @property
    def headline(self) -> str:
        """Return the result in one line: group, total, ranks, grade."""
        group = f"（类别：{self.group_name}）" if self.group_name else ""
        grade = f"等级“{self.grade}”" if self.grade else ""
        if self.total is None:
            return f"{self.unit}{group}：没有总分，" + (grade or "未评价")
        within = f"（类内第 {self.group_rank} 名）" if self.group_rank is not None else ""
        rank = f"第 {self.rank} 名{within}" if self.rank is not None else "不排名"
        passed = "" if self.passed is None else "通过" if self.passed else "未通过"
        return f"{self.unit}{group}：" + "，".join(
            p for p in (f"总分 {self.total}", rank, grade, passed) if p
        )

    def text(self) -> str:
        """Return the derivation in Chinese, indented."""
        lines = [self.headline, *(f"  说明：{r}" for r in self.reasons), *self.root.lines()]
        if self.rank_how:
            lines.append(f"名次：{self.rank_how}（依据：{in_chinese(self.rank_basis)}）")
        if self.grade_how:
            lines.append(f"等级：{self.grade_how}（依据：{in_chinese(self.grade_basis)}）")
        return "\n".join(lines)


def explain(
    scores: pa.Table | Iterable[Mapping[str, Any]],
    results: pa.Table | Iterable[Mapping[str, Any]],
    scoring: Scoring,
    unit: str,
    sources: Mapping[str, Source],
    groups: Mapping[str, str] | None = None,
) -> Explanation:
    """Return the derivation of ``unit`` from the engine's (or the store's) scores and results.

    ``results``: of everybody, for the number of those ranked. ``sources``: where each input stands, under
    whatever key; an input that experts score has one for each of them.
    ``groups``: what the groups are called (default: their codes). Raises UnknownError where the results do
    not hold the unit, or a rule has no words.
    """
    everybody = _rows(results)
    found = [r for r in everybody if r["unit"] == unit]
    if not found:
        raise UnknownError(f"结果中没有单位“{unit}”")
    rows = {r["node"]: r for r in _rows(scores, unit)}
    head = found[0]
    grade = next((g for g in scoring.grades if g.name == head["grade"]), None)
    total, rank = head["total"], head["rank"]
    ranked = sum(r["rank"] is not None for r in everybody)
    return Explanation(
        unit=unit,
        group=head["group"],
        group_name=(groups or {}).get(head["group"], head["group"]),
        total=total,
        rank=rank,
        group_rank=head["group_rank"],
        rank_how="" if rank is None else rank_words(scoring, rank, ranked),
        rank_basis=basis_of(scoring, scoring.rounding),
        grade=head["grade"],
        passed=head["passed"],
        grade_how="" if grade is None or total is None else _grade_how(scoring, grade.name, total, rows),
        grade_basis=basis_of(scoring, grade),
        reasons=tuple(head["reasons"]),
        root=_root(scoring, rows, sources),
    )


def _rows(given: pa.Table | Iterable[Mapping[str, Any]], unit: str | None = None) -> list[dict[str, Any]]:
    """Return rows (of a unit) with their JSON texts read, whether they come from engine or database."""
    if hasattr(given, "to_pylist"):
        import pyarrow.compute as pc

        whole: Any = given
        table = whole if unit is None else whole.filter(pc.equal(whole["unit"], unit))
        rows = table.to_pylist()
    else:
        rows = [dict(r) for r in given if unit is None or r["unit"] == unit]
    for row in rows:
        for name in ("detail", "reasons"):
            if isinstance(row.get(name), str):
                row[name] = json.loads(row[name])
    return rows


def _root(scoring: Scoring, rows: Mapping[str, Mapping[str, Any]], sources: Mapping[str, Source]) -> Step:
    if ROOT not in rows:
        return Step(ROOT, "总分", "total", basis_of(scoring), how="没有可以计分的数据")
    row, detail = rows[ROOT], rows[ROOT]["detail"]
    outside = [i for i in scoring.indicators if i.role != "score" and i.code in rows]
    children = [
        *(
            _dimension(scoring, d, rows, sources, _WHOLE)
            for d in scoring.dimensions
            if not d.parent and d.code in rows
        ),
        *(_indicator(scoring, i, rows, sources, None) for i in outside),
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
        share=None if row["contribution"] is None else _WHOLE,
        contribution=row["contribution"],
        rounding=_residue(row["contribution"], children),
        children=tuple(children),
    )


def _dimension(
    scoring: Scoring,
    d: Dimension,
    rows: Mapping[str, Mapping[str, Any]],
    sources: Mapping[str, Source],
    above: Decimal | None,
) -> Step:
    row = rows[d.code]
    share = _share(above, row)
    below = [c for c in scoring.dimensions if c.parent == d.code and c.code in rows]
    leaves = [i for i in scoring.indicators if i.dimension == d.code and i.code in rows]
    children = [
        *(_indicator(scoring, i, rows, sources, share) for i in leaves),
        *(_dimension(scoring, c, rows, sources, share) for c in below),
    ]
    score = row["normalised"]
    how = f"{weighing(d.aggregation)} {_score(score, scoring.rounding.dimension)}"
    if d.normalisation is not None and score is not None and row["value"] is not None:
        words = method(d.normalisation, row["value"], row["detail"], full=scoring.full_score)
        how = f"{weighing(d.aggregation)} {plain(row['value'])} → {words} → {plain(score)}"
    return Step(
        d.code,
        d.name,
        "dimension",
        basis_of(scoring, d),
        how=how if score is not None else "下级指标均不计分，权重分给其余维度",
        normalised=score,
        weight=row["weight"],
        share=share,
        contribution=row["contribution"],
        rounding=_residue(row["contribution"], children),
        children=tuple(children),
    )


def _indicator(
    scoring: Scoring,
    i: Indicator,
    rows: Mapping[str, Mapping[str, Any]],
    sources: Mapping[str, Source],
    above: Decimal | None,
) -> Step:
    row, detail = rows[i.code], rows[i.code]["detail"]
    value, score = row["value"], row["normalised"]
    if value is None:
        how = absence(i, detail)
    else:
        words = [*_before_normalising(i, value, detail)]
        words.append(method(i.normalisation, value, detail, full=scoring.full_score, unit=i.unit))
        how = " → ".join(words)
        if score is not None:
            how += f" → {_score(score, scoring.rounding.indicator)} 分"
    return Step(
        i.code,
        i.name,
        i.role,
        indicator_basis(scoring, i),
        value=value,
        unit=i.unit,
        sources=tuple(
            s for n in (i.source_field, i.denominator) for s in sources.values() if n and s.field == n
        ),
        how=how,
        normalised=score,
        weight=row["weight"],
        share=_share(above, row),
        contribution=row["contribution"],
    )


def _before_normalising(i: Indicator, value: Decimal, detail: Mapping[str, Any]) -> Iterable[str]:
    """Yield what was measured, then what each transform made of it."""
    if not i.transforms:
        yield raw_value(i, value, detail)
        return
    given = detail.get("given")
    yield raw_value(i, None if given is None else Decimal(given), detail)
    told = detail.get("transforms") or [{}] * len(i.transforms)
    for rule, noted in zip(i.transforms, told, strict=True):
        yield transform(rule, noted)


def _grade_how(scoring: Scoring, grade: str, total: Decimal, rows: Mapping[str, Mapping[str, Any]]) -> str:
    values = [
        (i.normalisation.at_least, rows[i.code]["value"])
        for i in scoring.indicators
        if isinstance(i.normalisation, Threshold) and i.code in rows
    ]
    vetoed = any(value is not None and value >= floor for floor, value in values)
    return grade_words(scoring, grade, total, vetoed=vetoed)


def _share(above: Decimal | None, row: Mapping[str, Any]) -> Decimal | None:
    """Return a node's share of the total; None outside the tree and where it brings nothing of its own."""
    if above is None or row["weight"] is None or row["contribution"] is None:
        return None
    return (above * row["weight"] / 100).quantize(_MILLIONTH, ROUND_HALF_UP)


def _residue(own: Decimal | None, children: Sequence[Step]) -> Decimal | None:
    """Return what rounding added: the node's own contribution less its children's."""
    known = [c.contribution for c in children if c.contribution is not None]
    return own - sum(known, Decimal(0)) if own is not None and known else None


def _score(score: Decimal | None, decimals: int) -> str:
    return "" if score is None else format(score.quantize(Decimal(1).scaleb(-decimals)), "f")
