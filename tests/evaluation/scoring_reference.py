"""A slow, plain second implementation of the scoring rules, in fractions: what the engine must equal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import floor
from typing import Any

from ipgov.policy.methods import GroupBenchmark
from ipgov.policy.scoring import Indicator, Scoring
from methods_reference import TooLargeError, Who, normalise, transform


def half_up(number: Fraction, decimals: int) -> Fraction:
    scale = 10**decimals
    size = floor(abs(number) * scale + Fraction(1, 2))
    return Fraction(size if number >= 0 else -size, scale)


def root(product: Fraction, degree: int, decimals: int) -> Fraction:
    """The degree-th root rounded half-up, by comparing powers only."""
    scale = 10**decimals
    low, high = 0, 10 ** (decimals + 12)
    while low < high:  # the largest m with (m - 1/2) / scale <= root
        middle = (low + high + 1) // 2
        if (Fraction(2 * middle - 1, 2 * scale)) ** degree <= product:
            low = middle
        else:
            high = middle - 1
    return Fraction(low, scale)


@dataclass
class Unit:
    group: str
    values: dict[str, Fraction | None] = field(default_factory=dict)
    ratings: dict[str, dict[str, Fraction]] = field(default_factory=lambda: defaultdict(dict))
    measured: dict[str, Fraction | None] = field(default_factory=dict)
    own: dict[str, Fraction | None] = field(default_factory=dict)  # scores before what is missing gets one
    scores: dict[str, Fraction | None] = field(default_factory=dict)
    points: dict[str, Fraction] = field(default_factory=lambda: defaultdict(Fraction))
    vetoed: bool = False
    excluded: bool = False
    total: Fraction | None = None
    key: Fraction | None = None
    rank: int | None = None
    group_rank: int | None = None
    grade: str | None = None
    passed: bool | None = None


class Looking:
    """A normalisation whose benchmark looks at others, saying at which as the other methods do."""

    def __init__(self, rule: Any, within: str):
        self.rule, self.within = rule, within

    def __getattr__(self, name: str) -> Any:
        return getattr(self.rule, name)


class Reference:
    """Evaluate rows of (unit, indicator, value, group, rater); look at ``units``."""

    def __init__(self, rows: Iterable[Mapping[str, Any]], scoring: Scoring):
        self.scoring = scoring
        self.units: dict[str, Unit] = {}
        rated = {i.source_field for i in scoring.indicators if i.normalisation.method == "expert_mean"}
        for row in rows:
            unit = self.units.setdefault(row["unit"], Unit(row.get("group") or ""))
            value = None if row["value"] is None else Fraction(row["value"])
            if row["indicator"] not in rated:
                unit.values[row["indicator"]] = value
            elif value is not None:
                unit.ratings[row["indicator"]][row["rater"]] = value
        for unit in self.units.values():
            unit.measured = {i.code: self.measure(unit, i) for i in scoring.indicators}
        self.leaves()
        for unit in self.units.values():
            self.points(unit)
        self.grow()
        for unit in self.units.values():
            self.total(unit)
        self.rank()
        self.grade()

    def weight(self, item: Any, group: str) -> Fraction:
        if getattr(item, "groups", ()) and group not in item.groups:
            return Fraction(0)
        given = item.weight
        return Fraction(given.get(group, 0)) if isinstance(given, dict) else Fraction(given)

    def applies(self, i: Indicator, group: str) -> bool:
        if i.role == "score":
            return self.weight(i, group) > 0
        return not i.groups or group in i.groups

    def measure(self, unit: Unit, i: Indicator) -> Fraction | None:
        if i.normalisation.method == "expert_mean":
            kept = self.kept(unit, i)
            return sum(kept) / len(kept) if kept else None
        value = unit.values.get(i.source_field)
        if not i.denominator:
            return value
        below = unit.values.get(i.denominator)
        if value is None or not below or not self.applies(i, unit.group):
            return None
        quotient = half_up(value * Fraction(i.per) / below, 12)
        if abs(quotient) >= 10**13:
            raise TooLargeError
        return quotient

    def kept(self, unit: Unit, i: Indicator) -> list[Fraction]:
        n = i.normalisation
        ratings = sorted(unit.ratings[i.source_field].values())
        if len(ratings) < n.minimum_raters:
            return ratings if n.below_minimum == "mean_of_all" else []
        return ratings[n.drop_lowest : len(ratings) - n.drop_highest]

    def who(self, applies: Callable[[str], bool]) -> list[Who]:
        out = self.scoring.unranked
        return [Who(u.group, applies(u.group), u.group not in out) for u in self.units.values()]

    def leaves(self) -> None:
        """Transform what was measured and give it its score, indicator by indicator."""
        units, s = list(self.units.values()), self.scoring
        for i in s.indicators:
            who = self.who(lambda group, i=i: self.applies(i, group))
            column = [u.measured[i.code] for u in units]
            for t in i.transforms:
                column = transform(column, who, t)
            scores = [None] * len(units)
            if i.role != "veto":
                within = getattr(i.normalisation, "benchmark", None)
                n = i.normalisation
                if isinstance(within, GroupBenchmark):
                    n = Looking(n, within.within)
                scores = normalise(column, who, n, Fraction(s.full_score), s.rounding.indicator)
            for u, v, score in zip(units, column, scores, strict=True):
                u.measured[i.code] = v
                u.own[i.code] = score

    def grow(self) -> None:
        """Give the dimensions their scores, from the leaves up, and normalise those that are."""
        units, s = list(self.units.values()), self.scoring
        done: set[str] = set()
        while len(done) < len(s.dimensions):
            for d in s.dimensions:
                if d.code in done or any(c.parent == d.code and c.code not in done for c in s.dimensions):
                    continue
                done.add(d.code)
                column = [self.node(u, d, s.rounding.dimension) for u in units]
                if d.normalisation:
                    who = self.who(lambda group, d=d: self.counts(Unit(group), d))
                    full = Fraction(s.full_score)
                    column = normalise(column, who, d.normalisation, full, s.rounding.dimension)
                for u, score in zip(units, column, strict=True):
                    if score is None and self.counts(u, d):
                        u.excluded = u.excluded or d.missing == "exclude_unit"
                        score = Fraction(0) if d.missing == "zero" else None
                    u.scores[d.code] = score

    def points(self, unit: Unit) -> None:
        s = self.scoring
        for i in s.indicators:
            if not self.applies(i, unit.group):
                continue
            v = unit.measured[i.code]
            unit.excluded = unit.excluded or (v is None and i.missing == "exclude_unit")
            if i.role == "veto":
                unit.vetoed = unit.vetoed or (v is not None and v >= Fraction(i.normalisation.at_least))
                continue
            if v is not None:
                score = unit.own[i.code]
            else:
                score = None if i.missing == "drop_and_rescale" else Fraction(0)
            unit.scores[i.code] = score
            if i.role != "score":
                unit.points[i.role] += score or 0

    def total(self, unit: Unit) -> None:
        s = self.scoring
        base = self.node(unit, None, s.rounding.total)
        if base is None or unit.excluded:
            return
        bonus = min(unit.points["bonus"], Fraction(s.bonus_cap))
        deduction = unit.points["deduction"]
        if s.deduction_cap is not None:
            deduction = min(deduction, Fraction(s.deduction_cap))

        def bounded(x: Fraction) -> Fraction:
            low, high = s.lowest_total, s.highest_total
            x = x if high is None else min(x, Fraction(high))
            return x if low is None else max(x, Fraction(low))

        unit.total = half_up(bounded(base + bonus - deduction), s.rounding.total)
        unit.key = unit.total
        if s.rounding.rank_on == "unrounded":
            unit.key = bounded(self.node(unit, None, 12) + bonus - deduction)
        if s.rounding.first == "lowest":
            unit.key = -unit.key

    def node(self, unit: Unit, d: Any, decimals: int) -> Fraction | None:
        """The score of a dimension (None: the root) from those below it; None where it has none."""
        s, code, owner = self.scoring, d.code if d else "", d or self.scoring
        below = [
            (self.weight(i, unit.group), unit.scores.get(i.code))
            for i in s.indicators
            if code and i.dimension == code
        ]
        for c in s.dimensions:
            if c.parent == code:
                below.append((self.weight(c, unit.group), unit.scores[c.code]))
        present = [(w, x) for w, x in below if x is not None and w > 0]
        if present and self.covered(unit, code) >= Fraction(owner.minimum_coverage):
            part = Fraction(1) if s.weights == "relative" else Fraction(1, 100)
            return together(owner.aggregation, present, decimals, part)
        return None

    def counts(self, unit: Unit, d: Any) -> bool:
        """Whether a dimension and all above it have weight for the unit."""
        above = next((p for p in self.scoring.dimensions if p.code == d.parent), None)
        return self.weight(d, unit.group) > 0 and (above is None or self.counts(unit, above))

    def covered(self, unit: Unit, code: str) -> Fraction:
        """The share of the indicators that apply below a node and have a value."""
        by_code = {d.code: d for d in self.scoring.dimensions}
        every = []
        for i in self.scoring.indicators:
            home = by_code.get(i.dimension)
            if home and self.weight(i, unit.group) > 0 and self.counts(unit, home):
                path, at = [home.code], home
                while at.parent:
                    at = by_code[at.parent]
                    path.append(at.code)
                if not code or code in path:
                    every.append(unit.measured[i.code] is not None)
        return Fraction(sum(every), len(every)) if every else Fraction(1)

    def place(self, unit: Unit, others: list[Unit]) -> int:
        better = [o.key for o in others if o.key > unit.key]
        match self.scoring.rounding.ties:
            case "min":
                return len(better) + 1
            case "dense":
                return len(set(better)) + 1
        return sum(o.key >= unit.key for o in others)

    def ranked(self) -> list[Unit]:
        """Those evaluated who are in the competition."""
        out = self.scoring.unranked
        return [u for u in self.units.values() if u.total is not None and u.group not in out]

    def rank(self) -> None:
        ranked = self.ranked()
        for u in ranked:
            u.rank = self.place(u, ranked)
            if u.group:
                u.group_rank = self.place(u, [o for o in ranked if o.group == u.group])

    def grade(self) -> None:
        ranked = self.ranked()
        places: dict[str, int] = {g.name: n for n, g in enumerate(self.scoring.grades)}
        for n, g in enumerate(self.scoring.grades):
            candidates = [
                u
                for u in self.units.values()
                if u.total is not None
                and u.grade is None
                and (g.floor is None or u.total >= Fraction(g.floor))
                and (g.ceiling is None or u.total <= Fraction(g.ceiling))
                and (g.below is None or u.total < Fraction(g.below))
                and not (u.vetoed and n < places[self.scoring.veto_grade])
                and not (g.quota and u.group in self.scoring.unranked)
            ]
            chosen = []
            for u in candidates:
                if g.quota is None:
                    chosen.append(u)
                    continue
                apart = g.quota.within == "group"
                field_ = [o for o in ranked if not apart or o.group == u.group]
                rivals = [o for o in candidates if not apart or o.group == u.group]
                exactly = Fraction(g.quota.share) * len(field_)
                seats = {
                    "down": floor(exactly),
                    "up": -floor(-exactly),
                    "half_up": floor(exactly + Fraction(1, 2)),
                }[g.quota.rounding]
                if g.quota.counted == "from_first":
                    seats -= sum(o.grade is not None for o in field_)
                first = sum(o.key > u.key for o in rivals) + 1
                last = sum(o.key >= u.key for o in rivals)
                if (first if g.quota.tie_at_edge == "all_in" else last) <= seats:
                    chosen.append(u)
            for u in chosen:
                u.grade, u.passed = g.name, g.passes


def together(
    aggregation: str, present: list[tuple[Fraction, Fraction]], decimals: int, part: Fraction
) -> Fraction:
    """One score of those below with their weights; ``part``: what a weight of 1 is of a weighted sum."""
    whole = sum(w for w, _ in present)
    if aggregation == "weighted_sum":
        return half_up(sum(w * part * x for w, x in present), decimals)
    if aggregation == "minimum":
        return half_up(min(x for _, x in present), decimals)
    if aggregation == "weighted_arithmetic_mean":
        return half_up(sum(w * x for w, x in present) / whole, decimals)
    if any(x == 0 for _, x in present):
        return Fraction(0)
    if aggregation == "weighted_harmonic_mean":
        return half_up(whole / sum(w / x for w, x in present), decimals)
    shares = [w / whole for w, _ in present]
    degree = 1
    for share in shares:
        degree = degree * share.denominator // _gcd(degree, share.denominator)
    product = Fraction(1)
    for share, (_, x) in zip(shares, present, strict=True):
        product *= x ** int(share * degree)
    return root(product, degree, decimals)


def _gcd(a: int, b: int) -> int:
    while b:
        a, b = b, a % b
    return a
