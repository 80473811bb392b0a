"""The transforms of indicators: from the rule to SQL, and their stages, one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ipgov.core.errors import GovernanceError, Problem
from ipgov.evaluation.outliers import Treatment, kurtosis_shown, treat
from ipgov.evaluation.scales import SHOWN, decimals_of, exact
from ipgov.evaluation.statistics import Need, Sample, gather, middle, quantile_places, tabulate, told
from ipgov.evaluation.transcendental import half_up
from ipgov.policy.transforms import (
    Clip,
    Exp,
    Impute,
    Log,
    Multiply,
    Power,
    Transform,
    WinsoriseFences,
    WinsoriseShare,
    WinsoriseSkew,
)

if TYPE_CHECKING:
    import duckdb

    from ipgov.evaluation.plan import Plan
    from ipgov.evaluation.templates import Templates

_QUARTERS = (Fraction(1, 4), Fraction(3, 4))


@dataclass(frozen=True)
class TransformPlan:
    """One transform of an indicator as the templates need it: ``before`` and ``after`` are columns."""

    key: str
    code: str
    kind: str
    rule: Transform
    before: str
    after: str
    applies: str
    strict: bool  # what it is not defined for is an error
    numbers: Mapping[str, Any] = field(default_factory=dict)

    @property
    def statistics(self) -> bool:
        """Tell whether it looks at other units."""
        return self.clamping or isinstance(self.rule, Impute)

    @property
    def clamping(self) -> bool:
        """Tell whether it draws values in."""
        return isinstance(self.rule, WinsoriseShare | WinsoriseSkew | WinsoriseFences)

    @property
    def curved(self) -> bool:
        """Tell whether it takes logarithms or powers."""
        return isinstance(self.rule, Log | Exp | Power | WinsoriseSkew)


def transform_plans(
    code: str, key: str, transforms: Sequence[Transform], applies: str
) -> tuple[TransformPlan, ...]:
    """Compile the transforms of the indicator of columns ``key``; its value as given is in ``g_<key>``."""
    plans: list[TransformPlan] = []
    for n, t in enumerate(transforms):
        before = plans[-1].after if plans else f"g_{key}"
        own = f"{key}_{n}"
        strict = not (isinstance(t, Log) and t.not_positive == "missing")
        plans.append(
            TransformPlan(own, code, t.transform, t, before, f"v_{own}", applies, strict, _numbers(t))
        )
    return tuple(plans)


def _numbers(t: Transform) -> Mapping[str, Any]:
    match t:
        case Multiply():
            by = Fraction(exact(t.by, decimals_of([t.by])), 10 ** decimals_of([t.by]))
            return {"times": by.numerator, "over": by.denominator}
        case Log():
            return {"plus": exact(t.plus), "base": t.base}
        case Exp():
            return {"rate": format(t.rate, "f")}
        case Power():
            return {
                "exponent": format(t.exponent, "f"),
                "whole": t.exponent == t.exponent.to_integral_value(),
            }
        case Clip():
            return {
                "minimum": None if t.minimum is None else exact(t.minimum),
                "maximum": None if t.maximum is None else exact(t.maximum),
            }
    return {}


def prepare(connection: duckdb.DuckDBPyConnection, templates: Templates, plan: Plan, counted: str) -> None:
    """Make the view ``quotients`` out of ``measured``, all transforms done; nothing where there are none.

    ``counted``: SQL for the units that count among all. Raises GovernanceError (Chinese; the first units and
    their number) for values that a transform is not defined for, or that it makes too large.
    """
    transformed = [i for i in plan.indicators if i.transforms]
    steps = max((len(i.transforms) for i in transformed), default=0)
    for step in range(steps):
        due = [i.transforms[step] for i in transformed if len(i.transforms) > step]
        looking = [t for t in due if t.statistics]
        if looking:
            table = f"prepared_{step}" if step else "measured"
            tabulate(
                connection, f"statistics_{step}", _statistics(connection, templates, table, looking, counted)
            )
        stage = {
            "step": step,
            "first": step == 0,
            "last": step == steps - 1,
            "transforms": due,
            "statistics": bool(looking),
        }
        connection.execute(templates.render("prepared.sql", **stage))
        for t in due:
            _check(connection, templates, t, step)


def _check(connection: duckdb.DuckDBPyConnection, templates: Templates, t: TransformPlan, step: int) -> None:
    sql = templates.render("transform_checks.sql", t=t, step=step, limit=SHOWN)
    rows = connection.execute(sql).fetchall()
    if not rows:
        return
    what = f"变换 {t.kind} 对此数值没有定义", f"变换 {t.kind} 后数值过大"
    expected = "有定义的数值，或在规则中写明如何处理", "变换后绝对值小于 10 的 13 次方"
    problems = tuple(
        Problem(
            "transform",
            f"对象“{unit}”指标“{t.code}”的数值 {found}：{what[0] if undefined else what[1]}",
            expected[0] if undefined else expected[1],
        )
        for _, unit, found, undefined in rows
    )
    more = f"（只列前 {SHOWN} 处）" if rows[0][0] > SHOWN else ""
    listed = "；".join(p.found for p in problems)
    raise GovernanceError(
        f"有 {rows[0][0]} 处数值不能变换{more}：{listed}。应为：{problems[0].expected}", problems
    )


def _statistics(
    connection: duckdb.DuckDBPyConnection,
    templates: Templates,
    table: str,
    looking: Sequence[TransformPlan],
    counted: str,
) -> Mapping[str, Mapping[str, Any]]:
    needs = {t.key: _need(t) for t in looking}
    wider = {
        t.key: replace(needs[t.key], key=f"{t.key}_all", within="all")
        for t in looking
        if isinstance(t.rule, Impute) and t.rule.within == "group" and t.rule.otherwise == "all"
    }
    found = gather(connection, templates, table, [*needs.values(), *wider.values()], counted)
    columns: dict[str, dict[str, Any]] = {}
    for t in looking:
        for group, sample in found[t.key].items():
            everybody = found[f"{t.key}_all"][group] if t.key in wider else None
            for name, value in _columns(t, sample, everybody).items():
                columns.setdefault(f"{name}_{t.key}", {})[group] = value
    return columns


def _need(t: TransformPlan) -> Need:
    rule = t.rule
    assert isinstance(rule, Impute | WinsoriseShare | WinsoriseSkew | WinsoriseFences)  # noqa: S101 - for mypy
    own = Need(t.key, t.before, rule.within, t.applies)
    match rule:
        case Impute(by="median"):
            return replace(own, places=middle)
        case WinsoriseShare():
            ends = [Fraction(rule.lower), Fraction(rule.upper)]
            kind = rule.quantile
            return replace(own, places=lambda n: [x for p in ends for x in quantile_places(n, p, kind)])
        case WinsoriseFences(by="iqr"):
            linear = "linear"
            return replace(
                own, places=lambda n: [x for p in _QUARTERS for x in quantile_places(n, p, linear)]
            )
        case WinsoriseFences():
            return replace(own, squares=True)
        case WinsoriseSkew():
            return replace(own, whole=True)
    return own


def _columns(t: TransformPlan, sample: Sample, everybody: Sample | None) -> Mapping[str, Any]:
    """Return the statistics of a group: what prepared.sql reckons with, and as ``told`` what explains it."""
    rule = t.rule
    enough = sample.n >= max(1, getattr(rule, "minimum_members", 1))
    if isinstance(rule, Impute):
        return _imputed(rule, sample, sample if enough else everybody)
    if isinstance(rule, WinsoriseSkew):
        return _treated(sample.n, treat(sample.values, rule))
    if not enough:
        return {"a": None, "b": None, "mode": None, "told": told({"members": sample.n})}
    found: dict[str, int] = {}
    if isinstance(rule, WinsoriseShare):
        low, high = (sample.quantile(Fraction(p), rule.quantile) for p in (rule.lower, rule.upper))
    else:
        assert isinstance(rule, WinsoriseFences)  # noqa: S101 - for mypy
        if rule.by == "iqr":
            found = {
                name: sample.quantile(p, "linear") for name, p in zip(("q1", "q3"), _QUARTERS, strict=True)
            }
            first, last, length = found["q1"], found["q3"], found["q3"] - found["q1"]
        else:
            found = {"mean": sample.mean, "deviation": sample.deviation(sample=True)}
            first, last, length = found["mean"], found["mean"], found["deviation"]
        reach = Fraction(rule.k) * length
        low, high = half_up(first - reach), half_up(last + reach)
    numbers = {"low": low, "high": high} | found
    return {"a": low, "b": high, "mode": "clamp", "told": told({"members": sample.n}, numbers)}


def _imputed(rule: Impute, sample: Sample, chosen: Sample | None) -> Mapping[str, Any]:
    if chosen is None or not chosen.n:
        return {"a": None, "told": told({"members": sample.n})}
    within = rule.within if chosen is sample else "all"
    value = chosen.mean if rule.by == "mean" else chosen.median
    return {"a": value, "told": told({"members": chosen.n, "within": within})}


def _treated(n: int, result: Treatment) -> Mapping[str, Any]:
    facts: dict[str, Any] = {"members": n, "drawn": result.drawn}
    facts |= {"treatment": result.mode} if result.mode else {}
    numbers = {"low": result.low, "high": result.high}
    for when, shape in (("before", result.before), ("after", result.after)):
        if shape is not None:
            numbers |= {f"skewness_{when}": shape.skewness, f"kurtosis_{when}": kurtosis_shown(shape)}
    return {
        "a": result.low,
        "b": result.high,
        "mode": result.mode or None,
        "multiplier": result.multiplier,
        "addend": result.addend,
        "divisor": result.divisor,
        "told": told(facts, numbers),
    }
