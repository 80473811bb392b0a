"""A slow, plain second implementation of the scoring rules, in fractions: what the engine must equal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import floor
from typing import Any

from ipgov.policy.methods import GroupBenchmark
from ipgov.policy.scoring import Indicator, Scoring


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
    scores: dict[str, Fraction | None] = field(default_factory=dict)
    vetoed: bool = False
    excluded: bool = False  # for a dimension without a score
    total: Fraction | None = None
    key: Fraction | None = None
    rank: int | None = None
    group_rank: int | None = None
    grade: str | None = None
    passed: bool | None = None


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
        for unit in self.units.values():
            self.score(unit)
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
        return None if value is None or not below else half_up(value / below, 12)

    def kept(self, unit: Unit, i: Indicator) -> list[Fraction]:
        n = i.normalisation
        ratings = sorted(unit.ratings[i.source_field].values())
        if len(ratings) < n.minimum_raters:
            return ratings if n.below_minimum == "mean_of_all" else []
        return ratings[n.drop_lowest : len(ratings) - n.drop_highest]

    def benchmark(self, i: Indicator, group: str) -> Fraction:
        b = i.normalisation.benchmark
        if isinstance(b, dict):
            return Fraction(b[group])
        if not isinstance(b, GroupBenchmark):
            return Fraction(b)
        own = sorted(
            u.measured[i.code]
            for u in self.units.values()
            if u.group == group and self.applies(i, group) and u.measured[i.code] is not None
        )
        if len(own) < b.minimum_members:
            return Fraction(b.otherwise)
        middle = (own[(len(own) - 1) // 2] + own[len(own) // 2]) / 2
        statistic = {"mean": sum(own) / len(own), "median": middle, "maximum": own[-1]}[b.statistic]
        statistic = half_up(statistic, 12)
        return statistic if statistic > 0 else Fraction(b.otherwise)

    def normalise(self, i: Indicator, v: Fraction, group: str) -> Fraction:
        n = i.normalisation
        match n.method:
            case "goalposts":
                low, high = Fraction(n.minimum), Fraction(n.maximum)
                share = min(max((v - low) / (high - low), Fraction(0)), Fraction(1))
                return 100 * (1 - share if n.direction == "down" else share)
            case "steps":
                reached = [s for s in n.steps if s.at_least is None or v >= Fraction(s.at_least)][-1]
                above = v - Fraction(reached.at_least) if reached.at_least is not None else Fraction(0)
                points = Fraction(reached.score) + Fraction(reached.per_unit) * above
                return points if reached.cap is None else min(points, Fraction(reached.cap))
            case "ratio_to_benchmark":
                return min(max(100 * v / self.benchmark(i, group), Fraction(0)), Fraction(n.cap))
            case "boolean":
                return Fraction(n.score if v == 1 else n.otherwise)
            case "expert_mean":
                low, high = Fraction(n.scale.minimum), Fraction(n.scale.maximum)
                return 100 * (v - low) / (high - low)
            case "per_unit":
                return min(max(v * Fraction(n.points), Fraction(0)), Fraction(n.cap))
        raise AssertionError(n.method)

    def score(self, unit: Unit) -> None:
        s = self.scoring
        excluded = False
        points = {"bonus": Fraction(0), "deduction": Fraction(0)}
        for i in s.indicators:
            if not self.applies(i, unit.group):
                continue
            v = unit.measured[i.code]
            excluded = excluded or (v is None and i.missing == "exclude_unit")
            if i.role == "veto":
                unit.vetoed = unit.vetoed or (v is not None and v >= Fraction(i.normalisation.at_least))
                continue
            if v is not None:
                score = half_up(self.normalise(i, v, unit.group), s.rounding.indicator)
            else:
                score = None if i.missing == "drop_and_rescale" else Fraction(0)
            unit.scores[i.code] = score
            if i.role != "score":
                points[i.role] += score or 0
        base = self.node(unit, None, s.rounding.total)
        if base is None or excluded or unit.excluded:
            return
        bonus = min(points["bonus"], Fraction(s.bonus_cap))
        deduction = points["deduction"]
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
        """The score of a dimension (None: the root), and of everything below it."""
        s, code, owner = self.scoring, d.code if d else "", d or self.scoring
        below = [
            (self.weight(i, unit.group), unit.scores.get(i.code))
            for i in s.indicators
            if code and i.dimension == code
        ]
        for c in s.dimensions:
            if c.parent == code:
                score = self.node(unit, c, s.rounding.dimension)
                unit.scores[c.code] = score
                below.append((self.weight(c, unit.group), score))
        present = [(w, x) for w, x in below if x is not None and w > 0]
        if present and self.covered(unit, code) >= Fraction(owner.minimum_coverage):
            part = Fraction(1) if s.weights == "relative" else Fraction(1, 100)
            return together(owner.aggregation, present, decimals, part)
        if d is None or not self.counts(unit, d):
            return None
        unit.excluded = unit.excluded or d.missing == "exclude_unit"
        return Fraction(0) if d.missing == "zero" else None

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
