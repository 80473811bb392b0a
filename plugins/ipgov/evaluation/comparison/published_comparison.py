"""A published result against a recalculated one: every difference by cause, as far as the published data say.

values
    an indicator was published with another value than the one that was submitted.
rules
    the published document names another rule version, or the same value was given another score.
knowledge
    who is on the list and who was evaluated differ, or what counts was received after the day of publishing.
unexplained
    what none of these proves. Nothing is guessed: a published list without indicators explains little.

The parts of a total's difference that can be told in points, and the unexplained rest, sum to it exactly.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal, get_args

from ipgov.evaluation.comparison.changes import NOT_LISTED, Outcome, signed
from ipgov.evaluation.wording import plain

Cause = Literal["knowledge", "values", "rules", "unexplained"]
CAUSES: tuple[Cause, ...] = get_args(Cause)
NAMES: Mapping[Cause, str] = {
    "knowledge": "名单与报送",
    "values": "数值",
    "rules": "规则",
    "unexplained": "公布材料不足以说明",
}
_FEWEST_DECIMALS = 2  # of a published value that may be a rounded one


@dataclass(frozen=True)
class Indicator:
    """An indicator of a body: what went in, its score, and what it brings to the total; None: unknown."""

    value: Decimal | None = None
    score: Decimal | None = None
    contribution: Decimal | None = None


@dataclass(frozen=True)
class Side:
    """A body on one side. ``state``: why it counts or not, in Chinese; ``received_at``: of its submission."""

    name: str
    outcome: Outcome
    indicators: Mapping[str, Indicator] = field(default_factory=dict)
    state: str = ""
    received_at: dt.datetime | None = None


@dataclass(frozen=True)
class Basis:
    """What is known of both results as a whole; ``stated`` None: the document names no rule version.

    ``additive``: the recalculated total is the sum of what its indicators bring.
    """

    published_until: dt.datetime
    stated: str | None
    version: str
    additive: bool
    names: Mapping[str, str]

    @property
    def other_rules(self) -> bool:
        """Tell whether the published document names another rule version."""
        return self.stated is not None and self.stated != self.version


@dataclass(frozen=True)
class Part:
    """A difference and what caused it; ``points``: of a total or a rank, None where it cannot be told."""

    aspect: Literal["list", "total", "rank", "grade"]
    cause: Cause
    told: str
    points: Decimal | None = None


@dataclass(frozen=True)
class Difference:
    """A body whose published and recalculated results differ."""

    unit: str
    name: str
    published: Outcome
    recalculated: Outcome
    parts: tuple[Part, ...]

    @property
    def causes(self) -> tuple[Cause, ...]:
        """Return the causes in their order."""
        return tuple(c for c in CAUSES if any(p.cause == c for p in self.parts))


@dataclass(frozen=True)
class PublishedComparison:
    """Every difference of a year's published and recalculated results; ``same``: bodies without any."""

    units: tuple[Difference, ...]
    same: int

    def count(self, cause: Cause) -> int:
        """Return how many bodies differ for a cause."""
        return sum(cause in u.causes for u in self.units)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data; decimals as text."""
        return {
            "same": self.same,
            "causes": {c: self.count(c) for c in CAUSES},
            "units": [
                {
                    "unit": u.unit,
                    "name": u.name,
                    "published": u.published.as_dict(),
                    "recalculated": u.recalculated.as_dict(),
                    "parts": [
                        {**vars(p), "points": None if p.points is None else plain(p.points)} for p in u.parts
                    ],
                }
                for u in self.units
            ],
        }


def compare(
    published: Mapping[str, Side], recalculated: Mapping[str, Side], basis: Basis
) -> PublishedComparison:
    """Compare two results of a year, by unit; a pure function."""
    units = sorted({*published, *recalculated})
    own = {u: tuple(_own(published.get(u), recalculated.get(u), basis)) for u in units}
    found = []
    for unit in units:
        a, b = published.get(unit), recalculated.get(unit)
        parts = own[unit]
        if a and b:
            parts += tuple(_rank(unit, published, recalculated, own))
            parts += tuple(_grade(a.outcome, b.outcome, parts, basis))
        if parts:
            before, after = (s.outcome if s else NOT_LISTED for s in (a, b))
            known = b or a
            found.append(Difference(unit, known.name if known else "", before, after, parts))
    return PublishedComparison(tuple(found), len(units) - len(found))


def _own(a: Side | None, b: Side | None, basis: Basis) -> Iterator[Part]:
    """Yield how a body differs in itself: on the list or not, evaluated or not, its total."""
    if a is None or b is None:
        yield Part("list", "knowledge", "公布的名单中没有该单位" if a is None else "重算的名单中没有该单位")
        return
    was, now = a.outcome.passed is not None, b.outcome.passed is not None
    if was != now:
        told = f"公布时{'已' if was else '未'}评价，重算时{'已' if now else '未'}评价（{b.state}）"
        yield Part("list", "knowledge", told)
        return
    if a.outcome.total is None or b.outcome.total is None or a.outcome.total == b.outcome.total:
        return
    yield from _total(a, b, b.outcome.total - a.outcome.total, basis)


def _total(a: Side, b: Side, whole: Decimal, basis: Basis) -> Iterator[Part]:
    rest = whole
    for code in sorted(a.indicators):
        if part := _indicator(code, a.indicators[code], b.indicators.get(code, Indicator()), basis):
            rest -= part.points or 0
            yield part
    if b.received_at and b.received_at > basis.published_until:
        yield Part("total", "knowledge", "重算所用的报送在公布之后收到，公布时尚不知道")
    if basis.other_rules:
        yield Part("total", "rules", f"公布载明依规则 {basis.stated}，重算依规则 {basis.version}")
    if rest:
        missing = "" if basis.stated else "未载明规则版本，"
        told = f"总分相差的 {signed(rest)} 分，公布材料{missing}没有足以分清原因的指标值与得分"
        yield Part("total", "unexplained", told, rest)


def _indicator(code: str, a: Indicator, b: Indicator, basis: Basis) -> Part | None:
    name = f"{code} {basis.names.get(code, '')}".strip()
    other = a.value is not None and b.value is not None and not _equal(a.value, b.value)
    scored = a.score is not None and b.score is not None and a.score != b.score
    points = _points(a, b) if scored and basis.additive else None
    values = f"公布 {_said(a.value)}，重算 {_said(b.value)}"
    scores = f"得分公布 {_said(a.score)}，重算 {_said(b.score)}"
    if other:
        told = scores if scored else "得分未公布，不能折算为总分" if a.score is None else "得分相同"
        return Part("total", "values", f"{name}：指标值{values}；{told}", points)
    if scored and a.value is not None and b.value is not None:
        return Part("total", "rules", f"{name}：指标值相同而{scores}，评分办法不同", points)
    if scored:
        return Part("total", "unexplained", f"{name}：{scores}，指标值未公布", points)
    return None


def _equal(published: Decimal, recalculated: Decimal) -> bool:
    """Tell whether a published value is the recalculated one, or that one rounded to the digits published."""
    if published == recalculated:
        return True
    decimals = -int(published.as_tuple().exponent)
    if decimals < _FEWEST_DECIMALS:
        return False
    return recalculated.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP) == published


def _points(a: Indicator, b: Indicator) -> Decimal | None:
    """Return what another score brings to the total at the recalculated weight; None: unknown."""
    if a.score is None or not b.score or b.contribution is None:
        return None
    return ((b.score - a.score) * b.contribution / b.score).quantize(Decimal("0.0001"), ROUND_HALF_UP)


def _said(number: Decimal | None) -> str:
    return "无" if number is None else plain(number)


def _rank(
    unit: str,
    published: Mapping[str, Side],
    recalculated: Mapping[str, Side],
    own: Mapping[str, tuple[Part, ...]],
) -> Iterator[Part]:
    a, b = published[unit].outcome, recalculated[unit].outcome
    if a.rank is None or b.rank is None or a.rank == b.rank:
        return
    points = Decimal(b.rank - a.rank)
    crossed = [u for u in own if u != unit and _crossed(unit, u, published, recalculated)]
    causes = [c for c in CAUSES if any(p.cause == c for u in (unit, *crossed) for p in own[u])]
    if not crossed or not causes:
        yield Part("rank", "unexplained", "总分高下未变而名次不同，公布材料没有说明排名办法", points)
        return
    among = "、".join(crossed[:6]) + (f" 等 {len(crossed)} 家" if len(crossed) > 6 else "")
    told = f"与 {among} 的高下因其总分或本单位总分变动而不同"
    for cause in causes:
        yield Part("rank", cause, told, points if len(causes) == 1 else None)


def _crossed(unit: str, other: str, published: Mapping[str, Side], recalculated: Mapping[str, Side]) -> bool:
    """Tell whether another body stands on the other side of this one than before, or came or left."""
    signs = []
    for side in (published, recalculated):
        mine, theirs = side[unit].outcome.total, side[other].outcome.total if other in side else None
        if mine is None:
            return False
        signs.append(None if theirs is None else (theirs > mine) - (theirs < mine))
    return signs[0] != signs[1]


def _grade(a: Outcome, b: Outcome, parts: tuple[Part, ...], basis: Basis) -> Iterator[Part]:
    same_grade = a.grade is None or b.grade is None or a.grade == b.grade
    if any(p.aspect == "list" for p in parts) or (same_grade and a.passed == b.passed):
        return
    told = f"“{a.grade or '未载明'}”→“{b.grade or '无'}”"
    if a.passed != b.passed:
        told += f"，{'通过' if a.passed else '未通过'}→{'通过' if b.passed else '未通过'}"
    of_total = [c for c in CAUSES if any(p.cause == c and p.aspect == "total" for p in parts)]
    for cause in of_total:
        yield Part("grade", cause, f"{told}：随总分变动")
    if of_total:
        return
    if basis.other_rules:
        yield Part("grade", "rules", f"{told}：总分未变，公布载明依规则 {basis.stated}")
    else:
        why = "没有总分" if a.total is None else "总分相同，未载明等级界限"
        yield Part("grade", "unexplained", f"{told}：公布材料{why}")
