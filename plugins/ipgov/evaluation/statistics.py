"""What the values of other units come to, exactly: in whole numbers at 12 decimals.

Sums are taken in SQL over integers; squares, which have more than 38 digits, in two parts that Python puts
together; skewness and kurtosis over all values in Python. No result depends on the order of rows.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ipgov.evaluation.scales import VALUE_DECIMALS
from ipgov.evaluation.transcendental import half_up, square_root

if TYPE_CHECKING:
    import duckdb

    from ipgov.evaluation.templates import Templates

_SPLIT = 10**13  # squares are summed of the digits above and below
_EXACT = Context(prec=60)


@dataclass(frozen=True)
class Need:
    """Whose statistics are wanted: those of a column, of all units or per group.

    ``applies``: SQL for the units that it is for. ``places``: from the number of values to the places of the
    ascending order that are wanted.
    """

    key: str
    column: str
    within: str
    applies: str = "TRUE"
    squares: bool = False
    whole: bool = False  # every value, in ascending order
    places: Callable[[int], Iterable[int]] | None = None


@dataclass
class Sample:
    """The ``n`` values of a group, or of all, as whole numbers; ``present``: with those that do not count."""

    n: int = 0
    present: int = 0
    low: int = 0
    high: int = 0
    total: int = 0
    squares: int = 0
    at: dict[int, int] = field(default_factory=dict)  # place -> value
    values: list[int] = field(default_factory=list)

    @property
    def mean(self) -> int:
        """Return the mean, rounded half-up."""
        return half_up(Fraction(self.total, self.n))

    def deviation(self, *, sample: bool) -> int:
        """Return the standard deviation over n, or (``sample``) over n - 1, rounded half-up."""
        spread = self.n * self.squares - self.total**2
        return square_root(Fraction(spread, self.n * (self.n - 1 if sample else self.n)))

    @property
    def median(self) -> int:
        """Return the middle value, or the mean of the two in the middle; needs ``middle`` places."""
        return half_up(Fraction(sum(self.at[p] for p in middle(self.n)), len(list(middle(self.n)))))

    def quantile(self, p: Fraction, definition: str) -> int:
        """Return a quantile, rounded half-up; needs ``quantile_places``."""
        if definition == "nearest":
            return self.at[max(1, math.ceil(self.n * p))]
        h = (self.n - 1) * p + 1
        below = math.floor(h)
        low = self.at[below]
        return low if h == below else half_up(low + (h - below) * (self.at[below + 1] - low))


def middle(n: int) -> tuple[int, ...]:
    """Return the places of the median."""
    return tuple(sorted({(n + 1) // 2, n // 2 + 1})) if n else ()


def quantile_places(n: int, p: Fraction, definition: str) -> tuple[int, ...]:
    """Return the places that a quantile is made of."""
    if not n:
        return ()
    if definition == "nearest":
        return (max(1, math.ceil(n * p)),)
    below = math.floor((n - 1) * p + 1)
    return (below, min(below + 1, n))


def gather(
    connection: duckdb.DuckDBPyConnection,
    templates: Templates,
    table: str,
    needs: Sequence[Need],
    counted: str,
) -> Mapping[str, Mapping[str, Sample]]:
    """Return the statistics by key and group; those of all stand under every group of the table.

    ``counted``: SQL for the units that count among all.
    """
    context = {"needs": list(needs), "table": table, "counted": counted}
    squares = [k for k, n in enumerate(needs) if n.squares]
    found: list[dict[str, Sample]] = [{} for _ in needs]
    query = templates.render("statistics.sql", squares=squares, **context)
    for number, among, n, present, low, high, total, upper, mixed, lower in connection.execute(
        query
    ).fetchall():
        sample = Sample(n, present)
        if n:
            parts = 0 if upper is None else upper * _SPLIT**2 + 2 * mixed * _SPLIT + lower
            sample = Sample(n, present, low, high, int(total), parts)
        found[number][among] = sample
    _places(connection, templates, context, found)
    for need, samples in zip(needs, found, strict=True):
        if need.whole:
            _values(connection, table, need, counted, samples)
    groups = [
        g
        for (g,) in connection.execute(f"SELECT DISTINCT grp FROM {table}").fetchall()  # noqa: S608
    ]
    none = Sample()
    return {
        n.key: {g: samples.get(g if n.within == "group" else "", none) for g in groups}
        for n, samples in zip(needs, found, strict=True)
    }


def _places(
    connection: duckdb.DuckDBPyConnection,
    templates: Templates,
    context: Mapping[str, Any],
    found: Sequence[Mapping[str, Sample]],
) -> None:
    import pyarrow as pa

    chosen = [k for k, need in enumerate(context["needs"]) if need.places]
    needs = [context["needs"][k] for k in chosen]
    wanted = [
        (number, among, place)
        for number, need in enumerate(needs)
        for among, sample in found[chosen[number]].items()
        for place in sorted(set(need.places(sample.n)))
    ]
    if not wanted:
        return
    kinds = {"number": pa.int32(), "among": pa.string(), "place": pa.int64()}
    places = pa.table(
        {name: pa.array([w[n] for w in wanted], kind) for n, (name, kind) in enumerate(kinds.items())}
    )
    connection.register("wanted_places", places)
    query = templates.render("ordered.sql", **{**context, "needs": needs})
    for number, among, place, value in connection.execute(query).fetchall():
        found[chosen[number]][among].at[place] = value
    connection.unregister("wanted_places")


def _values(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    need: Need,
    counted: str,
    found: Mapping[str, Sample],
) -> None:
    grouped = need.within == "group"
    table_of_values = connection.sql(
        f"SELECT CAST({need.column} AS DECIMAL(38, 12)) AS v FROM {table} "  # noqa: S608 - our own names
        f"WHERE ({need.applies}) AND ({'TRUE' if grouped else counted}) AND {need.column} IS NOT NULL "
        f"ORDER BY {'grp, v' if grouped else 'v'}"
    ).to_arrow_table()
    at, numbers = 0, whole_numbers(table_of_values["v"])
    for among in sorted(found, key=str.encode):
        sample = found[among]
        sample.values = numbers[at : at + sample.n]
        at += sample.n


def whole_numbers(column: Any) -> list[int]:
    """Return decimals without a missing one as whole numbers: their digits."""
    high, low, _ = halves(column)
    return [(h << 64) + n for h, n in zip(high.tolist(), low.tolist(), strict=True)]


def halves(column: Any) -> tuple[Any, Any, Any]:
    """Return the digits of decimals of 128 bits as their upper and lower 64, and where there is one."""
    import numpy as np

    high, low, given = [np.zeros(0, np.int64)], [np.zeros(0, np.uint64)], [np.zeros(0, bool)]
    for chunk in column.chunks:
        # a decimal of 128 bits is its digits as a whole number, low half first
        words = np.frombuffer(chunk.buffers()[1], np.uint64).reshape(-1, 2)
        words = words[chunk.offset : chunk.offset + len(chunk)]
        low.append(words[:, 0])
        high.append(words[:, 1].view(np.int64))
        given.append(np.asarray(chunk.is_valid()))
    return np.concatenate(high), np.concatenate(low), np.concatenate(given)


def tabulate(
    connection: duckdb.DuckDBPyConnection, name: str, columns: Mapping[str, Mapping[str, Any]]
) -> None:
    """Make a table with a row per group: grp and ``columns`` (name -> group -> value).

    What a column holds follows from how its name begins: ``few_`` truth, ``a_`` and ``b_`` whole numbers at
    12 decimals (decimals in the table), any other texts.
    """
    import pyarrow as pa

    groups = sorted({g for values in columns.values() for g in values})
    arrays = {"grp": pa.array(groups, pa.string())}
    for column, values in columns.items():
        own = [values[g] for g in groups]
        match column.split("_", 1)[0]:
            case "few":
                arrays[column] = pa.array(own, pa.bool_())
            case "a" | "b":
                decimals = [None if v is None else shown(v) for v in own]
                arrays[column] = pa.array(decimals, pa.decimal128(38, VALUE_DECIMALS))
            case _:
                arrays[column] = pa.array([None if v is None else str(v) for v in own], pa.string())
    connection.register("tabulated", pa.table(arrays))
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS FROM tabulated")
    connection.unregister("tabulated")


def shown(number: int) -> Decimal:
    """Return the decimal that a whole number at 12 decimals stands for."""
    return _EXACT.scaleb(Decimal(number), -VALUE_DECIMALS)


def told(facts: Mapping[str, Any], numbers: Mapping[str, int] | None = None) -> str:
    """Return what is told of a group as members of a JSON object, each after a comma.

    ``numbers``: whole numbers at 12 decimals, told as texts without zeros at their end.
    """
    shown_numbers = {name: f"{shown(n).normalize(_EXACT):f}" for name, n in (numbers or {}).items()}
    listed = json.dumps({**facts, **shown_numbers}, ensure_ascii=False)
    return f", {listed[1:-1]}" if len(listed) > len("{}") else ""
