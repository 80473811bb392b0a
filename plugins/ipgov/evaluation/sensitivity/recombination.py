"""Many weightings and methods at once: indicators' scores from the engine, put together anew for every draw.

An indicator's scores under each of its methods come from runs of the engine; a draw chooses among them and
gives other weights. Everything is whole numbers (scores times a power of ten), rounded half-up (四舍五入)
exactly where the engine rounds: the result of a draw equals a run of the engine with the rule of that draw.
``unsupported`` names what of a rule cannot be put together here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from ipgov.evaluation.scales import VALUE_DECIMALS, decimals_of, exact
from ipgov.evaluation.sensitivity.means import ARITHMETIC, MEANS, TOGETHER, Score, Weighted
from ipgov.evaluation.sensitivity.variation import (
    BASE,
    Draws,
    Factor,
    MethodFactor,
    children,
    choices_of,
    rebuilt,
    with_method,
)
from ipgov.evaluation.weights import weights_of
from ipgov.policy.blocks import Block
from ipgov.policy.scoring import Dimension, Grade, Indicator, Quota, Rounding, Scoring
from ipgov.policy.sensitivity import (
    ROOT,
    AggregationVariation,
    LeaveOut,
    MissingVariation,
    NormalisationVariation,
)

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_COMMON = {"clause", "operator"}
# what this room reckons with; anything else that a rule says, other than its default, is the engine's alone
_KNOWN: dict[type[Block], set[str]] = {
    Indicator: set(Indicator.model_fields),  # the engine has scored them
    Dimension: {"code", "name", "parent", "weight", "aggregation"},
    Rounding: {"indicator", "dimension", "total", "rank_on", "ties", "first"},
    Quota: {"share", "counted", "within", "rounding", "tie_at_edge"},
    Grade: {"name", "floor", "ceiling", "below", "quota", "passes"},
    Scoring: {
        "indicators",
        "dimensions",
        "aggregation",
        "weights",
        "full_score",
        "bonus_cap",
        "deduction_cap",
        "minimum",
        "maximum",
        "rounding",
        "grades",
        "veto_grade",
        "groups",
        "unranked",
    },
}
_MISSING = ("exclude_unit", "zero", "drop_and_rescale")
_CELLS = 400_000  # draws x units reckoned at once: some megabytes
_SAFE = 2**62


def unsupported(scoring: Scoring, every: Sequence[Factor]) -> list[str]:
    """Return what of the rule, or of its variations, only the engine can reckon; empty: nothing."""
    found = []
    for place, block in (
        ("scoring", scoring),
        ("rounding", scoring.rounding),
        *((f"dimensions[{d.code}]", d) for d in scoring.dimensions),
        *((f"grades[{g.name}]", g) for g in scoring.grades),
        *((f"grades[{g.name}].quota", g.quota) for g in scoring.grades if g.quota),
    ):
        for name, field in type(block).model_fields.items():
            known = name in _COMMON or name in _KNOWN[type(block)]
            if not known and getattr(block, name) != field.get_default(call_default_factory=True):
                found.append(f"{place}.{name}")
    used = {scoring.aggregation, *(d.aggregation for d in scoring.dimensions)}
    for f in every:
        if isinstance(f.rule, AggregationVariation):
            used |= set(f.rule.alternatives)
    return found + sorted(f"aggregation: {a}" for a in used if a not in MEANS)


class Leaf(NamedTuple):
    """An indicator's scores, one row per normalisation, one column per unit; 0 where it has none.

    ``missing``: it applies to the unit, and has no score of its own.
    """

    score: Array
    present: Array  # of bool
    missing: Array  # of bool


class Placed(NamedTuple):
    """What a draw gives, one row per draw, one column per unit; ``rank`` and ``grade`` -1: none."""

    total: Array  # integers at the decimals of the total
    evaluated: Array
    rank: Array
    grade: Array


@dataclass(frozen=True)
class Units:
    """The units in the order of the columns, and where each group stands (columns of one group together)."""

    codes: tuple[str, ...]
    groups: tuple[str, ...]

    def columns(self) -> dict[str, Array]:
        """Return the columns of each group."""
        import numpy as np

        names = np.array(self.groups, dtype=object)
        return {g: np.flatnonzero(names == g) for g in sorted(set(self.groups))}


def configurations(code: str, every: Sequence[Factor]) -> list[MethodFactor]:
    """Return the factors that change the scores that an indicator gives."""
    return [
        f
        for f in every
        if isinstance(f, MethodFactor) and isinstance(f.rule, NormalisationVariation) and code in f.targets
    ]


def leaf_rules(scoring: Scoring, every: Sequence[Factor]) -> list[Scoring]:
    """Return the rules whose runs give every indicator's scores under every one of its normalisations.

    Scores of indicators do not look at each other, so run k takes configuration k of all of them. What is
    missing is dropped, and what it means comes later; the tree above the indicators is the plainest.
    """
    variants: list[list[Indicator]] = []
    for i in scoring.indicators:
        own = [i.model_copy(update={"missing": "drop_and_rescale"})]
        for f in configurations(i.code, every):
            own = [with_method(x, f, c) for x in own for c in range(choices_of(f) + 1)]
        variants.append(own)
    plain = tuple(
        Dimension(code=d.code, name=d.name, parent=d.parent, weight=d.weight) for d in scoring.dimensions
    )
    return [
        rebuilt(
            scoring,
            aggregation=ARITHMETIC,
            dimensions=plain,
            indicators=tuple(own[min(k, len(own) - 1)] for own in variants),
        )
        for k in range(max(map(len, variants)))
    ]


class Model:
    """A rule over its units, ready for any number of draws."""

    def __init__(
        self,
        scoring: Scoring,
        every: Sequence[Factor],
        known: tuple[str, ...],
        units: Units,
        leaves: Mapping[str, Leaf],
        vetoed: Array,
    ):
        self.scoring = scoring
        self.every = tuple(every)
        self.known = known
        self.units = units
        self.leaves = leaves
        self.vetoed = vetoed
        self._weights: dict[str, dict[str, dict[str, int]]] = {}
        self.dtype = self._number_type()

    def place(self, draws: Draws) -> Placed:
        """Reckon every draw: totals, ranks over all units, grades."""
        import numpy as np

        step = max(1, _CELLS // max(1, len(self.units.codes)))
        parts = [self._part(draws.part(slice(a, a + step))) for a in range(0, draws.count, step)]
        return Placed(*(np.concatenate(p) for p in zip(*parts, strict=True)))

    def _part(self, draws: Draws) -> Placed:
        import numpy as np

        from ipgov.evaluation.sensitivity.placing import placed

        shape = (draws.count, len(self.units.codes))
        base: Array = np.zeros(shape, self.dtype)
        unrounded: Array = np.zeros(shape, self.dtype)
        evaluated = np.zeros(shape, bool)
        for group, columns in self.units.columns().items():
            at = _Group(self, draws, group, columns)
            got = at.node(ROOT, self.scoring.rounding.total)
            base[:, columns] = got.score
            evaluated[:, columns] = got.present & ~at.excluded()
            if self.scoring.rounding.rank_on == "unrounded":
                unrounded[:, columns] = at.node(ROOT, VALUE_DECIMALS).score
        return placed(self, base, unrounded, evaluated, self._points("bonus"), self._points("deduction"))

    def _points(self, role: str) -> Array:
        """Return the points of a role by unit, at the decimals of indicators: their methods never vary."""
        import numpy as np

        points: Array = np.zeros(len(self.units.codes), self.dtype)
        for i in self.scoring.indicators:
            if i.role == role:
                leaf = self.leaves[i.code]
                points = points + np.where(leaf.present[0], leaf.score[0], 0).astype(self.dtype)
        return points

    def _number_type(self) -> type:
        """Return the type that holds every number on the way: 64 bits, or Python's own integers."""
        r = self.scoring.rounding
        finest, coarsest = max(r.indicator, r.dimension, r.total), min(r.indicator, r.dimension)
        sizes = (int(abs(leaf.score).max(initial=0)) for leaf in self.leaves.values())
        largest = max(1, *sizes) * 10 ** (finest - r.indicator)
        weight = max(sum(max(w.values()) for w in self.weights(n).values()) for n in self._nodes())
        weight *= 2 * BASE
        decimals = VALUE_DECIMALS if r.rank_on == "unrounded" else finest
        on_the_way = weight * 10 ** (decimals - coarsest)
        totals = (largest + 10**finest * 100) * 10 ** (VALUE_DECIMALS - finest)
        return _integers(4 * max(largest * weight, on_the_way, totals) < _SAFE)

    def _nodes(self) -> list[str]:
        return [ROOT, *(d.code for d in self.scoring.dimensions)]

    def weights(self, node: str) -> dict[str, dict[str, int]]:
        """Return the whole-number weights of a node's children by code and group, in proportion."""
        if node not in self._weights:
            self._weights[node] = self._whole(node)
        return self._weights[node]

    def _whole(self, node: str) -> dict[str, dict[str, int]]:
        own = {c.code: weights_of(c, self.known) for c in children(self.scoring, node)}
        groups = sorted(set(self.units.groups))
        none = Decimal(0)
        by_group = {
            c: {g: w if isinstance(w, Decimal) else w.get(g, none) for g in groups} for c, w in own.items()
        }
        d = decimals_of([w for of in by_group.values() for w in of.values()])
        return {c: {g: exact(w, d) for g, w in of.items()} for c, of in by_group.items()}


def _integers(fits: bool) -> type:
    import numpy as np

    return np.int64 if fits else object


class _Group:
    """The units of one group under some draws."""

    def __init__(self, model: Model, draws: Draws, group: str, columns: Array):
        self.model, self.draws, self.group, self.columns = model, draws, group, columns
        self._leaves: dict[str, tuple[Score, Array]] = {}
        self._below: dict[str, list[Weighted]] = {}
        self.left_out: dict[str, Array] = {}
        for f in model.every:
            if isinstance(f.rule, LeaveOut):
                chosen = draws.of[f.code]
                for number, code in enumerate(f.targets, 1):
                    out = chosen == number
                    self.left_out[code] = self.left_out.get(code, False) | out

    def leaf(self, code: str) -> tuple[Score, Array]:
        """Return an indicator's scores under the draws, and who is excluded for it."""
        if code not in self._leaves:
            self._leaves[code] = self._leaf(code)
        return self._leaves[code]

    def _leaf(self, code: str) -> tuple[Score, Array]:
        import numpy as np

        leaf = self.model.leaves[code]
        score, present, missing = (x[:, self.columns] for x in leaf)
        factors = configurations(code, self.model.every)
        if factors and len(score) > 1:
            chosen = np.zeros(self.draws.count, np.int64)
            for f in factors:
                chosen = chosen * (choices_of(f) + 1) + self.draws.of[f.code]
            score, present, missing = score[chosen], present[chosen], missing[chosen]
        excluded = np.zeros((1, len(self.columns)), bool)
        if missing.any():
            rule = self._missing_rule(code)[:, None]
            present = present | (missing & (rule != _MISSING.index("drop_and_rescale")))
            excluded = missing & (rule == _MISSING.index("exclude_unit"))
        out = self.left_out.get(code)
        if out is not None and out.any():
            present = present & ~out[:, None]
            excluded = excluded & ~out[:, None]
        return Score(score.astype(self.model.dtype), present), excluded

    def _missing_rule(self, code: str) -> Array:
        """Return what a missing value means in each draw (or in all: one row), as its place in _MISSING."""
        import numpy as np

        own = next(i.missing for i in self.model.scoring.indicators if i.code == code)
        rule = np.full(1, _MISSING.index(own))
        for f in self.model.every:
            if isinstance(f.rule, MissingVariation) and code in f.targets:
                of = np.array([-1, *(_MISSING.index(a) for a in f.rule.alternatives)])
                number = of[self.draws.of[f.code]]
                rule = np.where(number >= 0, number, rule)
        return rule

    def excluded(self) -> Array:
        """Return which units have no total because a value is missing."""
        import numpy as np

        found = np.zeros((1, len(self.columns)), bool)
        for i in self.model.scoring.indicators:
            found = found | self.leaf(i.code)[1]
        return found

    def node(self, code: str, decimals: int) -> Score:
        """Return a node's scores under the draws, at ``decimals``."""
        import numpy as np

        if code not in self._below:
            self._below[code] = self._children(code)
        if below := self._below[code]:
            return self._by_method(code, below, decimals)
        nothing: Array = np.zeros((1, len(self.columns)), self.model.dtype)
        return Score(nothing, np.zeros(nothing.shape, bool))

    def _children(self, code: str) -> list[Weighted]:
        import numpy as np

        r = self.model.scoring.rounding
        whole = self.model.weights(code)
        below: list[Weighted] = []
        for c in children(self.model.scoring, code):
            w = whole[c.code][self.group]
            if w == 0:
                continue
            inner = self.leaf(c.code)[0] if isinstance(c, Indicator) else self.node(c.code, r.dimension)
            scale = r.indicator if isinstance(c, Indicator) else r.dimension
            multiplier = self.draws.of.get(f"weight/{c.code}", np.full(1, BASE))
            below.append(Weighted((multiplier.astype(self.model.dtype) * w)[:, None], inner, scale))
        return below

    def _by_method(self, code: str, below: list[Weighted], decimals: int) -> Score:
        """Bring children together, each draw by its own aggregation."""
        import numpy as np

        scoring = self.model.scoring
        own = scoring.aggregation if code == ROOT else self._dimension(code).aggregation
        chosen = np.full(self.draws.count, MEANS.index(own))
        for f in self.model.every:
            if isinstance(f.rule, AggregationVariation) and code in f.targets:
                of = np.array([-1, *(MEANS.index(a) for a in f.rule.alternatives)])
                number = of[self.draws.of[f.code]]
                chosen = np.where(number >= 0, number, chosen)
        methods = np.unique(chosen)
        if len(methods) == 1:
            return TOGETHER[MEANS[methods[0]]](below, decimals)
        shape = (self.draws.count, len(self.columns))
        score: Array = np.zeros(shape, self.model.dtype)
        present = np.zeros(shape, bool)
        for method in methods:
            rows = np.flatnonzero(chosen == method)
            some = [
                Weighted(_rows(w, rows), Score(_rows(s.score, rows), _rows(s.present, rows)), d)
                for w, s, d in below
            ]
            got = TOGETHER[MEANS[method]](some, decimals)
            score[rows], present[rows] = got
        return Score(score, present)

    def _dimension(self, code: str) -> Dimension:
        return next(d for d in self.model.scoring.dimensions if d.code == code)


def _rows(array: Array, rows: Array) -> Array:
    return array if len(array) == 1 else array[rows]
