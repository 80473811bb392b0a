"""A comparison of two results as data: what each was made from, and what differs between them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, get_args

from ipgov.evaluation.wording import plain
from ipgov.policy.differences import Difference
from ipgov.policy.rules import ScoringRules

if TYPE_CHECKING:
    import pyarrow as pa

Factor = Literal["knowledge", "values", "rules"]
ORDER: tuple[Factor, ...] = get_args(Factor)
FACTORS: Mapping[Factor, str] = {"knowledge": "名单与报送", "values": "数值", "rules": "规则"}
COUNTING = ("accepted", "accepted_late")


@dataclass(frozen=True)
class Standing:
    """How a body stands in a snapshot; ``submission``: hash of the workbook that counts, if one does."""

    group: str
    state: str = "accepted"
    name: str = ""
    submission: str = ""
    received_at: dt.datetime | None = None

    @property
    def counts(self) -> bool:
        """Tell whether its values are evaluated."""
        return self.state in COUNTING


@dataclass(frozen=True)
class Basis:
    """Everything that a result came from. ``values``: the table that the engine takes, decimals or texts."""

    name: str
    standings: Mapping[str, Standing]
    values: pa.Table
    rules: ScoringRules


@dataclass(frozen=True)
class Outcome:
    """What a body has: ``listed`` tells whether it is on the list at all."""

    listed: bool = False
    total: Decimal | None = None
    rank: int | None = None
    group_rank: int | None = None
    grade: str | None = None
    passed: bool | None = None
    reasons: tuple[str, ...] = ()

    @property
    def result(self) -> tuple[Any, ...]:
        """Return what counts as changed when it differs; ranks within a group follow from the others."""
        return (self.listed, self.total, self.rank, self.grade, self.passed)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data; decimals as text."""
        return {**vars(self), "total": None if self.total is None else format(self.total, "f")}


NOT_LISTED = Outcome()


@dataclass(frozen=True)
class NodeChange:
    """What a node brings to the total, before and after each factor; in all nodes they sum to the totals."""

    node: str
    name: str
    stages: tuple[Decimal, ...]

    @property
    def change(self) -> Decimal:
        """Return the whole change."""
        return self.stages[-1] - self.stages[0]

    def part(self, at: int) -> Decimal:
        """Return the change at the factor in this place of the order."""
        return self.stages[at + 1] - self.stages[at]


@dataclass(frozen=True)
class UnitChange:
    """A body whose total, rank or grade differs, or moved on the way.

    ``stages``: before, and after each factor in their order. ``nodes``: empty unless both totals are known.
    ``own``: the factors of which something of the body's own changed; what others changed moves ranks too.
    """

    unit: str
    name: str
    stages: tuple[Outcome, ...]
    own: frozenset[Factor]
    nodes: tuple[NodeChange, ...] = ()

    @property
    def before(self) -> Outcome:
        """Return the first result."""
        return self.stages[0]

    @property
    def after(self) -> Outcome:
        """Return the second result."""
        return self.stages[-1]

    def total_part(self, at: int) -> Decimal | None:
        """Return what the factor in this place did to the total; None where there was or is none."""
        before, after = self.stages[at].total, self.stages[at + 1].total
        return None if before is None or after is None else after - before

    def rank_part(self, at: int) -> int | None:
        """Return by how many places the factor moved the body, down being positive."""
        before, after = self.stages[at].rank, self.stages[at + 1].rank
        return None if before is None or after is None else after - before

    def moved(self, at: int) -> bool:
        """Tell whether the factor in this place changed anything."""
        return self.stages[at].result != self.stages[at + 1].result


@dataclass(frozen=True)
class ValueChange:
    """A value that differs, of a body that counts in both; None: no value. Sources: as the values' table."""

    unit: str
    field: str
    rater: str | None
    old: Decimal | None
    new: Decimal | None
    old_source: str | None
    new_source: str | None


@dataclass(frozen=True)
class StandingChange:
    """A body that came or left, or whose group, state or submission is another; None: not on the list."""

    unit: str
    old: Standing | None
    new: Standing | None


@dataclass(frozen=True)
class Comparison:
    """Everything that differs between two results, and why."""

    a: str
    b: str
    order: tuple[Factor, ...]
    units: tuple[UnitChange, ...]
    values: tuple[ValueChange, ...]
    rules: tuple[Difference, ...]
    standings: tuple[StandingChange, ...]
    outcomes: tuple[Mapping[str, Outcome], ...]  # of every body at every stage

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON; decimals as text, changes by factor in the order used."""
        return {
            "order": list(self.order),
            "units": [_unit_dict(u, self.order) for u in self.units],
            "values": [_plain(vars(v)) for v in self.values],
            "rules": [d.as_dict() for d in self.rules],
            "standings": [
                {"unit": s.unit, "old": s.old and _plain(vars(s.old)), "new": s.new and _plain(vars(s.new))}
                for s in self.standings
            ],
        }

    def text(self) -> list[str]:
        """Return what changed in Chinese: a headline, then a line for each body and factor."""
        order = " → ".join(FACTORS[f] for f in self.order)
        changed = sum(u.before.result != u.after.result for u in self.units)
        lines = [
            f"A：{self.a}；B：{self.b}",
            f"结果变动 {changed} 家；数值不同 {len(self.values)} 处，规则不同 {len(self.rules)} 处，"
            f"名单与报送不同 {len(self.standings)} 家（换用次序：{order}）",
        ]
        for u in self.units:
            lines.append(f"{u.unit} {u.name}：{said(u.before)} → {said(u.after)}")
            lines += [
                f"  {FACTORS[f]}：{said(u.stages[at])} → {said(u.stages[at + 1])}"
                for at, f in enumerate(self.order)
                if u.moved(at)
            ]
        return lines

    @property
    def same(self) -> bool:
        """Tell whether nothing at all differs."""
        return not (self.units or self.values or self.rules or self.standings)


def said(outcome: Outcome) -> str:
    """Write a result in a few words: ``86.20 分、第 2 名、“良好”``."""
    if not outcome.listed:
        return "不在名单"
    parts = [
        f"{outcome.total} 分" if outcome.total is not None else "",
        f"第 {outcome.rank} 名" if outcome.rank is not None else "",
        f"“{outcome.grade}”" if outcome.grade is not None else "未评价" if outcome.total is None else "",
    ]
    return "、".join(p for p in parts if p)


def signed(number: Decimal | int | None) -> str:
    """Write a change with its sign."""
    if number is None:
        return "—"
    text = plain(Decimal(number))
    return f"+{text}" if number > 0 else text


def _unit_dict(u: UnitChange, order: tuple[Factor, ...]) -> dict[str, Any]:
    parts = {
        f: {
            "before": u.stages[at].as_dict(),
            "after": u.stages[at + 1].as_dict(),
            "total": _plain(u.total_part(at)),
            "rank": u.rank_part(at),
            "own": f in u.own,
        }
        for at, f in enumerate(order)
    }
    nodes = [
        {"node": n.node, "name": n.name, "change": _plain(n.change)}
        | {f: _plain(n.part(at)) for at, f in enumerate(order)}
        for n in u.nodes
    ]
    ends = {"before": u.before.as_dict(), "after": u.after.as_dict()}
    return {"unit": u.unit, "name": u.name, **ends, "parts": parts, "nodes": nodes}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, Decimal):
        return plain(value)
    return value.isoformat() if isinstance(value, dt.datetime) else value
