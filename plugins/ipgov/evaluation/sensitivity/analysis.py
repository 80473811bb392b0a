"""How firm ranks and grades are: uncertainty and sensitivity analysis of a rule on its values.

OECD/JRC Handbook on Constructing Composite Indicators (2008), step 7; Saisana, Saltelli and Tarantola (2005),
J. R. Statist. Soc. A 168, 307-323. The rule is drawn many times with other weights and methods
(``variation``); of each unit the interval of its ranks and how often it keeps its grade is told, and of each
factor:

``first_order``
    the share of the variance of all ranks that the factor explains by itself: first-order Sobol' index,
    summed over units (Gamboa et al. 2014), from the same draws: those that fall into one class of the factor
    against all (correlation ratio, less what chance gives: Kelley's epsilon squared).
``rank_shift``
    the mean absolute shift of ranks (R_S of the Handbook) when this factor alone goes to its ends (weights)
    or to each of its alternatives, all else as the rule says.

Everything is whole numbers and fractions; nothing depends on threads, machine or the order of the values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ipgov.core.errors import GovernanceError, UnknownError
from ipgov.evaluation.engine import evaluate
from ipgov.evaluation.sensitivity.leaves import leaves_of, units_of, vetoed_of
from ipgov.evaluation.sensitivity.recombination import Model, Placed, leaf_rules, unsupported
from ipgov.evaluation.sensitivity.variation import (
    Draws,
    Factor,
    WeightFactor,
    choices_of,
    draw,
    factors,
    inputs_of,
    joined,
    one_at_a_time,
    rule_of_draw,
)
from ipgov.policy.scoring import Scoring
from ipgov.policy.sensitivity import SensitivityRules

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Array = np.ndarray[Any, Any]

_PLACES = Decimal("0.0001")
_TOLD = 6  # alternatives that are named one by one


@dataclass(frozen=True)
class UnitFirmness:
    """One unit over all draws. ``rank`` None: the rule itself gives it none, and the ranks are of no account.

    ``low``, ``median``, ``high``: percentiles (nearest rank) of its ranks over the draws that give it one.
    ``grades``: in how many draws it has which grade ("" none). ``moved``: in how many its rank is another.
    """

    unit: str
    group: str
    total: Decimal | None
    rank: int | None
    grade: str | None
    low: int | None
    median: int | None
    high: int | None
    moved: int
    grades: Mapping[str, int]
    draws: int

    @property
    def kept(self) -> Decimal:
        """Return the share of the draws that give the grade that the rule itself gives."""
        return _share(self.grades.get(self.grade or "", 0), self.draws)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "unit": self.unit,
            "group": self.group,
            "total": None if self.total is None else str(self.total),
            "rank": self.rank,
            "grade": self.grade,
            "rank_low": self.low,
            "rank_median": self.median,
            "rank_high": self.high,
            "rank_changed": str(_share(self.moved, self.draws)),
            "grade_kept": str(self.kept),
            "grades": {g: str(_share(n, self.draws)) for g, n in self.grades.items()},
        }


@dataclass(frozen=True)
class FactorEffect:
    """What one factor does to the ranks; see the module. ``first_order`` None: no rank ever changed."""

    code: str
    name: str
    levels: tuple[str, ...]
    first_order: Decimal | None
    rank_shift: Decimal

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "factor": self.code,
            "name": self.name,
            "levels": list(self.levels),
            "first_order": None if self.first_order is None else str(self.first_order),
            "rank_shift": str(self.rank_shift),
        }


@dataclass(frozen=True)
class Sensitivity:
    """The whole: units in the order of their ranks, factors with the greatest effect first.

    ``rank_shift``: mean absolute shift of ranks over all draws and units. ``by_engine``: what of the rule had
    every draw run through the engine, draw by draw; empty: recombined.
    """

    rules: SensitivityRules
    grades: tuple[str, ...]  # best first
    units: tuple[UnitFirmness, ...]
    factors: tuple[FactorEffect, ...]
    rank_shift: Decimal
    by_engine: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "seed": self.rules.seed,
            "draws": self.rules.draws,
            "interval": [str(self.rules.interval.low), str(self.rules.interval.high)],
            "varied": list(self.varied()),
            "rank_shift": str(self.rank_shift),
            "by_engine": list(self.by_engine),
            "units": [u.as_dict() for u in self.units],
            "factors": [f.as_dict() for f in self.factors],
        }

    def varied(self) -> tuple[str, ...]:
        """Return, in Chinese, what was varied and how."""
        told = []
        if w := self.rules.weights:
            shape = {"uniform": "均匀分布", "triangular": "三角分布"}[w.distribution]
            where = f"（限 {'、'.join(w.nodes)} 之下）" if w.nodes else ""
            told.append(f"各级权重{where}在 ±{_percent(w.share)} 内变动（{shape}），变动后按原合计重新分摊")
        names = {f.code: f for f in self.factors}
        for number, m in enumerate(self.rules.methods):
            every = names[f"method/{number}"].levels
            levels = "、".join(every) if len(every) <= _TOLD else f"{every[0]}等，共 {len(every)} 种"
            told.append(f"{m.name}：{_percent(m.kept)} 的次数用本规则的办法，其余均分于：{levels}")
        return tuple(told)


def _percent(share: Decimal) -> str:
    return f"{(share * 100).normalize():f}%"


def _share(part: int, whole: int) -> Decimal:
    return _rounded(Fraction(part, whole)) if whole else Decimal(0)


def _rounded(number: Fraction) -> Decimal:
    exact = Decimal(number.numerator * 10**9 // number.denominator).scaleb(-9)
    # nine decimals cut off leave every half of the fourth decimal as it is
    return exact.quantize(_PLACES, ROUND_HALF_UP)


def analyse(
    values: pa.Table | Path,
    scoring: Scoring,
    rules: SensitivityRules,
    *,
    groups: tuple[str, ...] = (),
    allowed_unused: frozenset[str] = frozenset(),
) -> Sensitivity:
    """Draw the rule ``rules.draws`` times and tell how firm its ranks and grades are.

    Values and groups as ``engine.evaluate`` takes them, whose errors it raises; UnknownError for a factor
    that names what the scoring does not have. What cannot be recombined runs through the engine draw by draw.
    """
    every = factors(scoring, rules)
    random = draw(every, rules.seed, rules.draws)
    single, places = one_at_a_time(every)
    whole = joined(single, random)

    nominal = evaluate(values, scoring, groups=groups, allowed_unused=allowed_unused)
    known = nominal.plan.groups

    def run(rule: Scoring) -> Any:
        if rule == scoring:
            return nominal
        return evaluate(values, rule, groups=known, allowed_unused=allowed_unused | inputs_of(scoring))

    model = build_model(run, scoring, every, known)
    placed, by_engine = None, tuple(unsupported(scoring, every))
    if not by_engine:
        placed = model.place(whole)
        # proof: the rule itself and the first random draw, against the engine
        for at in (0, single.count):
            rule = rule_of_draw(scoring, every, whole, at, known) if at else scoring
            differing = _difference(model, placed, at, run(rule)) if rule else ""
            if differing:
                raise GovernanceError(f"敏感性复算与评价引擎不一致（{differing}），请报告系统维护人员")
    else:
        placed = _engine_draws(model, run, scoring, every, whole, known)
    return _told(model, rules, every, whole, placed, places, single.count, by_engine)


def build_model(
    run: Callable[[Scoring], Any], scoring: Scoring, every: Sequence[Factor], known: tuple[str, ...]
) -> Model:
    """Return the rule over its units, with scores of indicators from the engine's runs."""
    runs = [(rule, run(rule)) for rule in leaf_rules(scoring, every)]
    units = units_of(runs[0][1].results)
    leaves = leaves_of(scoring, runs, units)
    return Model(scoring, every, known, units, leaves, vetoed_of(scoring, runs[0][1].scores, units))


def _difference(model: Model, placed: Placed, at: int, evaluation: Any) -> str:
    """Return where a draw differs from a run of the engine; empty: nowhere."""
    decimals = model.scoring.rounding.total
    names = [g.name for g in model.scoring.grades]
    for column, row in enumerate(evaluation.results.to_pylist()):
        there = placed.evaluated[at, column]
        mine = (
            Decimal(int(placed.total[at, column])).scaleb(-decimals) if there else None,
            int(placed.rank[at, column]) if placed.rank[at, column] >= 0 else None,
            names[placed.grade[at, column]] if placed.grade[at, column] >= 0 else None,
        )
        if mine != (row["total"], row["rank"], row["grade"]):
            return f"{row['unit']}：{mine}，引擎 {(row['total'], row['rank'], row['grade'])}"
    return ""


def _engine_draws(
    model: Model,
    run: Callable[[Scoring], Any],
    scoring: Scoring,
    every: Sequence[Factor],
    draws: Draws,
    known: tuple[str, ...],
) -> Placed:
    """Run every draw through the engine."""
    import numpy as np

    names = [g.name for g in scoring.grades]
    shape = (draws.count, len(model.units.codes))
    total = np.zeros(shape, object)
    evaluated = np.zeros(shape, bool)
    rank, grade = np.full(shape, -1, np.int32), np.full(shape, -1, np.int8)
    for at in range(draws.count):
        rule = rule_of_draw(scoring, every, draws, at, known) if at else scoring
        if rule is None:
            continue
        for column, row in enumerate(run(rule).results.to_pylist()):
            if row["total"] is not None:
                evaluated[at, column] = True
                total[at, column] = int(row["total"].scaleb(scoring.rounding.total))
            rank[at, column] = -1 if row["rank"] is None else row["rank"]
            grade[at, column] = -1 if row["grade"] is None else names.index(row["grade"])
    return Placed(total, evaluated, rank, grade)


def _told(
    model: Model,
    rules: SensitivityRules,
    every: Sequence[Factor],
    draws: Draws,
    placed: Placed,
    places: Mapping[str, Sequence[int]],
    first: int,
    by_engine: tuple[str, ...],
) -> Sensitivity:
    names = [g.name for g in model.scoring.grades]
    decimals = model.scoring.rounding.total
    random = Placed(*(a[first:] for a in placed))
    percentiles = [
        _percentiles(random.rank, p) for p in (rules.interval.low, Decimal(50), rules.interval.high)
    ]
    counts = {name: (random.grade == number).sum(axis=0) for number, name in (*enumerate(names), (-1, ""))}
    moved = (random.rank != placed.rank[0]).sum(axis=0)
    units = []
    for column, code in enumerate(model.units.codes):
        rank, grade = int(placed.rank[0, column]), int(placed.grade[0, column])
        low, median, high = (p[column] if rank >= 0 else None for p in percentiles)
        has_total = bool(placed.evaluated[0, column])
        units.append(
            UnitFirmness(
                unit=code,
                group=model.units.groups[column],
                total=Decimal(int(placed.total[0, column])).scaleb(-decimals) if has_total else None,
                rank=rank if rank >= 0 else None,
                grade=names[grade] if grade >= 0 else None,
                low=low,
                median=median,
                high=high,
                moved=int(moved[column]) if rank >= 0 else 0,
                grades={name: int(of[column]) for name, of in counts.items() if of[column]},
                draws=rules.draws,
            )
        )
    units.sort(key=lambda u: (u.rank is None, u.rank, u.unit))
    shares = _first_order(every, draws, random.rank, first, rules.bins)
    effects = [
        FactorEffect(
            code=f.code,
            name=_name(model.scoring, f),
            levels=f.levels,
            first_order=shares[f.code],
            rank_shift=_rank_shift(placed.rank[0], placed.rank[list(places[f.code])]),
        )
        for f in every
    ]
    effects.sort(key=lambda e: (-(e.first_order or Decimal(0)), -e.rank_shift))
    shift = _rank_shift(placed.rank[0], random.rank)
    return Sensitivity(rules, tuple(names), tuple(units), tuple(effects), shift, by_engine)


def _name(scoring: Scoring, f: Factor) -> str:
    return f"权重：{f.name}" if isinstance(f, WeightFactor) else f.name


def _percentiles(ranks: Array, p: Decimal) -> list[int | None]:
    """Return each unit's rank at place ceil(n p / 100) of its n ranks; None where it never has one."""
    import numpy as np

    given = (ranks >= 0).sum(axis=0)
    share = int(p * 100)
    place = np.maximum(-(-given * share // 10_000), 1) - 1
    ordered = np.sort(np.where(ranks >= 0, ranks, np.iinfo(np.int32).max), axis=0)
    found = np.take_along_axis(ordered, place[None, :], axis=0)[0].tolist()
    return [f if n else None for f, n in zip(found, given.tolist(), strict=True)]


def _rank_shift(own: Array, ranks: Array) -> Decimal:
    """Return the mean absolute difference from the rule's own ranks, over those ranked in both."""
    import numpy as np

    both = (ranks >= 0) & (own >= 0)[None, :]
    shift = np.where(both, np.abs(ranks.astype(np.int64) - own.astype(np.int64)), 0)
    return _share(int(shift.sum()), int(both.sum()))


def _first_order(
    every: Sequence[Factor], draws: Draws, ranks: Array, first: int, bins: int
) -> dict[str, Decimal | None]:
    """Return each factor's share of the variance of ranks; a unit without a rank counts as last of all."""
    import numpy as np

    n = len(ranks)
    ranked = (ranks >= 0).sum(axis=1, dtype=np.int64)[:, None]
    y = np.where(ranks >= 0, ranks.astype(np.int64), ranked + 1)
    squares = int((y * y).sum())
    sums = _squares(y.sum(axis=0))
    within_all = squares * n - sums  # n x the sum of squares about the means, over all units
    if within_all == 0:
        return {f.code: None for f in every}
    found: dict[str, Decimal | None] = {}
    for f in every:
        classes = _classes(f, draws.of[f.code][first:], bins)
        between = sum(Fraction(_squares(y[c].sum(axis=0)), len(c)) for c in classes) - Fraction(sums, n)
        explained = between / Fraction(within_all, n)
        if len(classes) > 1:
            chance = Fraction(n - 1, n - len(classes))
            explained = max(Fraction(0), 1 - (1 - explained) * chance)
        found[f.code] = _rounded(explained)
    return found


def _squares(sums: Array) -> int:
    return sum(x * x for x in sums.tolist())


def _classes(f: Factor, numbers: Array, bins: int) -> list[Array]:
    """Return the draws by class: of a method its alternatives, of a weight classes of equal size in order."""
    import numpy as np

    if isinstance(f, WeightFactor):
        return [c for c in np.array_split(np.argsort(numbers, kind="stable"), bins) if len(c)]
    every = (np.flatnonzero(numbers == c) for c in range(choices_of(f) + 1))
    return [c for c in every if len(c)]


def required(rules: SensitivityRules | None, where: str) -> SensitivityRules:
    """Return the block ``sensitivity`` of a rule version; UnknownError where it has none."""
    if rules is None:
        raise UnknownError(f"{where} 没有 sensitivity 一节，未说明变动什么；请在规则文件中写明")
    return rules
