"""Scores of indicators in 64-bit integers where the values allow it.

The rules hold their numbers as integers at 12 decimals, like values. Values rarely need twelve: divided by
what all of them have in common, numbers and values give the same score, and mostly fit a BIGINT, which DuckDB
computes thirty times as fast as a HUGEINT. The bounds of every intermediate number are proved here from the
least and the greatest value there is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ipgov.evaluation.arithmetic import NARROW
from ipgov.evaluation.indicators import IndicatorPlan
from ipgov.evaluation.plan import Plan
from ipgov.evaluation.scales import VALUE_DECIMALS

if TYPE_CHECKING:
    import duckdb

Numbers = Mapping[str, Any]


@dataclass(frozen=True)
class Quick:
    """An indicator whose value is an input as it stands: its rule in numbers as small as the values allow."""

    plan: IndicatorPlan
    value: str  # SQL of the value as an integer at the scale of the rule
    column: str  # of the input; NULL: missing
    kind: str  # the SQL type in which the score is computed


@dataclass(frozen=True)
class _Small:
    """A rule divided by ``unit``, and a number that nothing on the way to the score exceeds."""

    unit: int
    plan: IndicatorPlan
    largest: int


def quick_of(connection: duckdb.DuckDBPyConnection, plan: Plan) -> dict[str, Quick]:
    """Return the indicators that need neither quotients nor transforms, by key."""
    wide = connection.table("wide")
    types = dict(zip(wide.columns, map(str, wide.types), strict=True))
    direct = [
        i for i in plan.indicators if not i.denominator and not i.transforms and i.method != "expert_mean"
    ]
    decimals = {
        c: int(found[1]) for c, t in types.items() if (found := re.match(r"DECIMAL\(\d+,\s*(\d+)\)", t))
    }
    if not direct:
        return {}
    columns = list(dict.fromkeys(i.column for i in direct))
    listed = ", ".join(f"{f}({c})" for c in columns for f in ("min", "max"))
    ends = connection.execute(f"SELECT {listed} FROM wide").fetchall()[0]  # noqa: S608 - our names
    bounds = {c: (low, high) for c, low, high in zip(columns, ends[::2], ends[1::2], strict=True)}
    return {i.key: _quick(i, decimals[i.column], *bounds[i.column]) for i in direct}


def _quick(i: IndicatorPlan, decimals: int, low: Any, high: Any) -> Quick:
    size = max((abs(int(x.scaleb(decimals))) for x in (low, high) if x is not None), default=0)
    step = 10 ** (VALUE_DECIMALS - decimals)
    smaller = _SMALLER.get(i.method)
    small = smaller(i, step, size) if smaller else None
    unit, plan = (small.unit, small.plan) if small else (1, i)
    narrow = small is not None and max(small.largest, size * step // unit) <= NARROW
    kind = "BIGINT" if narrow else "HUGEINT"
    # a DECIMAL of 18 digits times ten to its decimals is again one of 18 digits
    given = i.column if size * 10**decimals < 10**18 else f"CAST({i.column} AS DECIMAL(38, {decimals}))"
    whole = f"CAST({given} * {10**decimals} AS {kind})" if decimals else f"CAST({i.column} AS {kind})"
    times = step // unit
    return Quick(plan, whole if times == 1 else f"({whole} * {times})", i.column, kind)


def _goalposts(i: IndicatorPlan, step: int, size: int) -> _Small | None:
    n = i.rule
    if n["log"]:
        return None
    unit = math.gcd(step, n["minimum"], n["maximum"])
    low, high = n["minimum"] // unit, n["maximum"] // unit
    common = math.gcd(n["times"] * unit, n["plus"], n["over"])
    line = {"times": n["times"] * unit // common, "plus": n["plus"] // common, "over": n["over"] // common}
    ends = {k: None if n[k] is None else n[k] // unit for k in ("least", "most")}
    reach = max(size * step // unit, abs(low), abs(high)) + abs(low)
    largest = 2 * (reach * abs(line["times"]) + abs(line["plus"])) + line["over"]
    return _Small(unit, replace(i, rule={**n, "minimum": low, "maximum": high, **ends, **line}), largest)


def _steps(i: IndicatorPlan, step: int, size: int) -> _Small:
    steps = i.rule["steps"]
    numbers = [s[k] for s in steps for k in ("at_least", "score", "cap", "divisor") if s[k] is not None]
    unit = math.gcd(step, *numbers)
    small = [{k: v if k == "per_unit" or v is None else v // unit for k, v in s.items()} for s in steps]
    reach = size * step // unit
    largest = max(
        2 * (abs(s["score"]) + abs(s["per_unit"]) * (reach + abs(s["at_least"] or 0)) + abs(s["cap"] or 0))
        + s["divisor"]
        for s in small
    )
    return _Small(unit, replace(i, rule={**i.rule, "steps": small}), largest)


def _ratio(i: IndicatorPlan, step: int, size: int) -> _Small | None:
    if not i.benchmark.isdigit():
        return None
    unit = math.gcd(step, int(i.benchmark))
    benchmark = int(i.benchmark) // unit
    common = math.gcd(i.rule["times"], i.rule["over"])
    times, over = i.rule["times"] // common, i.rule["over"] // common
    largest = 2 * max(size * step // unit, benchmark * i.rule["clamp"]) * times + benchmark * over
    return _Small(
        unit,
        replace(i, rule={**i.rule, "times": times, "over": over}, benchmark=str(benchmark)),
        largest,
    )


def _per_unit(i: IndicatorPlan, step: int, size: int) -> _Small:
    n = i.rule
    unit = math.gcd(step, n["cap"], n["divisor"])
    cap, divisor = n["cap"] // unit, n["divisor"] // unit
    largest = 2 * max(size * step // unit * n["points"], cap) + divisor
    return _Small(unit, replace(i, rule={**n, "cap": cap, "divisor": divisor}), largest)


def _boolean(i: IndicatorPlan, step: int, size: int) -> _Small:
    return _Small(step, replace(i, rule={**i.rule, "one": 10**VALUE_DECIMALS // step}), size)


def _threshold(i: IndicatorPlan, step: int, size: int) -> _Small:
    unit = math.gcd(step, i.rule["at_least"])
    return _Small(unit, replace(i, rule={**i.rule, "at_least": i.rule["at_least"] // unit}), 0)


_SMALLER: dict[str, Callable[[IndicatorPlan, int, int], _Small | None]] = {
    "goalposts": _goalposts,
    "steps": _steps,
    "ratio_to_benchmark": _ratio,
    "per_unit": _per_unit,
    "boolean": _boolean,
    "threshold": _threshold,
}
