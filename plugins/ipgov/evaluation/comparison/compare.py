"""Two results compared: each change of a total, rank or grade attributed to knowledge, values or rules.

One factor after another is exchanged, and the engine evaluates what comes of it; so the changes of a total or
rank at each factor sum to the whole change. Where factors work on each other, what each is given depends on
the order, which is therefore stated with the result.

knowledge
    who is on the list, in which group and state: who counts. A body that comes in brings its values.
values
    of the bodies that count in both: every value that another submission changed.
rules
    the scoring, and what a body without values gets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

from ipgov.core.errors import GovernanceError, UnknownError
from ipgov.core.scratch import spill_folder
from ipgov.evaluation.comparison.changes import (
    FACTORS,
    NOT_LISTED,
    ORDER,
    Basis,
    Comparison,
    Factor,
    NodeChange,
    Outcome,
    Standing,
    StandingChange,
    UnitChange,
    ValueChange,
)
from ipgov.evaluation.comparison.rebuilt import Rebuilt, node_names
from ipgov.policy.differences import differences

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


def compare(a: Basis, b: Basis, order: Sequence[Factor] = ORDER) -> Comparison:
    """Compare what came of two bases; a pure function that evaluates four times at most.

    Raises UnknownError for an order that is none of the three factors' and GovernanceError where a stage
    cannot be evaluated (say, a new group that the old rules do not know): another order may do.
    """
    if sorted(order) != sorted(ORDER):
        raise UnknownError(f"分步次序“{'、'.join(order)}”无效；应为 {'、'.join(ORDER)} 各一次")
    values = _Values(a, b)
    changed = _changed_factors(a, b, values)
    stages = [Rebuilt(a.standings, values.mixed(a, b, frozenset()), a.rules)]
    for place in range(1, len(order) + 1):
        if order[place - 1] not in changed:
            stages.append(stages[-1])
            continue
        taken = frozenset(order[:place])
        try:
            stages.append(_stage(a, b, taken, values))
        except GovernanceError as error:
            said = "、".join(FACTORS[f] for f in order[:place])
            raise GovernanceError(
                f"换用“{b.name}”的{said}后不能评价，无法按此次序分步比较，可改用其他次序：{error.message}",
                error.problems,
            ) from None
    outcomes = tuple(s.outcomes for s in stages)
    value_changes = values.changes()
    standing_changes = _standing_changes(a, b)
    own: dict[Factor, set[str]] = {
        "values": {v.unit for v in value_changes},
        "knowledge": {s.unit for s in standing_changes},
        "rules": set(),
    }
    return Comparison(
        a=a.name,
        b=b.name,
        order=tuple(order),
        units=_unit_changes(a, b, stages, outcomes, own),
        values=value_changes,
        rules=tuple(differences(a.rules, b.rules)),
        standings=standing_changes,
        outcomes=outcomes,
    )


def _stage(a: Basis, b: Basis, taken: frozenset[Factor], values: _Values) -> Rebuilt:
    standings = b.standings if "knowledge" in taken else a.standings
    return Rebuilt(standings, values.mixed(a, b, taken), (b if "rules" in taken else a).rules)


class _Values:
    """The values of both sides in one DuckDB, taken apart and put together by set operations."""

    def __init__(self, a: Basis, b: Basis):
        import duckdb

        self._connection: duckdb.DuckDBPyConnection = duckdb.connect(
            ":memory:", config={"threads": 1, "temp_directory": spill_folder()}
        )
        for side, basis in (("a", a), ("b", b)):
            _register(self._connection, side, basis)

    def mixed(self, a: Basis, b: Basis, taken: frozenset[Factor]) -> pa.Table:
        """Return the values of everybody who counts: of bodies on both sides, those of the side taken."""
        import pyarrow as pa

        standings = b.standings if "knowledge" in taken else a.standings
        rows = []
        for unit, s in standings.items():
            if s.counts:
                both = _counts(a, unit) and _counts(b, unit)
                side = ("b" if "values" in taken else "a") if both else ("a" if _counts(a, unit) else "b")
                rows.append((unit, s.group, side))
        wanted = pa.table(
            {n: pa.array([r[k] for r in rows], pa.string()) for k, n in enumerate(("unit", "grp", "side"))}
        )
        self._connection.register("wanted", wanted)
        return self._connection.sql(_MIXED).to_arrow_table()

    def changes(self) -> tuple[ValueChange, ...]:
        """Return the values that differ, of those who count on both sides."""
        return tuple(ValueChange(*row) for row in self._connection.execute(_CHANGES).fetchall())


_OPTIONAL = ("rater", "source")
_MIXED = """
SELECT v.unit, v.indicator, v.value, w.grp AS "group", v.rater, v.source
FROM wanted w JOIN (SELECT 'a' AS side, * FROM values_a UNION ALL SELECT 'b', * FROM values_b) v
    USING (unit, side)
ORDER BY v.unit, v.indicator, v.rater
"""
_CHANGES = """
SELECT coalesce(a.unit, b.unit), coalesce(a.indicator, b.indicator), coalesce(a.rater, b.rater),
    a.value, b.value, a.source, b.source
FROM (FROM values_a SEMI JOIN counting_b USING (unit)) a
FULL JOIN (FROM values_b SEMI JOIN counting_a USING (unit)) b
    ON a.unit = b.unit AND a.indicator = b.indicator AND a.rater IS NOT DISTINCT FROM b.rater
WHERE a.value IS DISTINCT FROM b.value
ORDER BY 1, 2, 3
"""


def _register(connection: duckdb.DuckDBPyConnection, side: str, basis: Basis) -> None:
    import pyarrow as pa

    counting = pa.table({"unit": pa.array([u for u, s in basis.standings.items() if s.counts], pa.string())})
    connection.register(f"given_{side}", basis.values)
    connection.register(f"counting_{side}", counting)
    optional = ", ".join(
        c if c in basis.values.column_names else f"CAST(NULL AS VARCHAR) AS {c}" for c in _OPTIONAL
    )
    connection.execute(
        f"CREATE TABLE values_{side} AS SELECT unit, indicator, CAST(value AS DECIMAL(38, 12)) AS value, "  # noqa: S608
        f"{optional} FROM given_{side} SEMI JOIN counting_{side} USING (unit)"
    )


def _counts(basis: Basis, unit: str) -> bool:
    return unit in basis.standings and basis.standings[unit].counts


def _changed_factors(a: Basis, b: Basis, values: _Values) -> set[Factor]:
    changed: set[Factor] = set()
    if {u: (s.group, s.state) for u, s in a.standings.items()} != {
        u: (s.group, s.state) for u, s in b.standings.items()
    }:
        changed.add("knowledge")
    if values.changes():
        changed.add("values")
    if a.rules != b.rules:
        changed.add("rules")
    return changed


def _standing_changes(a: Basis, b: Basis) -> tuple[StandingChange, ...]:
    found = []
    for unit in sorted({*a.standings, *b.standings}):
        old, new = a.standings.get(unit), b.standings.get(unit)
        if old is None or new is None or _decisive(old) != _decisive(new):
            found.append(StandingChange(unit, old, new))
    return tuple(found)


def _decisive(s: Standing) -> tuple[str, str, str]:
    return s.group, s.state, s.submission


def _unit_changes(
    a: Basis,
    b: Basis,
    stages: Sequence[Rebuilt],
    outcomes: Sequence[Mapping[str, Outcome]],
    own: Mapping[Factor, set[str]],
) -> tuple[UnitChange, ...]:
    units = sorted({u for o in outcomes for u in o})
    paths = {u: tuple(o.get(u, NOT_LISTED) for o in outcomes) for u in units}
    moved = {u: path for u, path in paths.items() if any(x.result != y.result for x, y in pairwise(path))}
    summed = [u for u, path in moved.items() if all(o.total is not None for o in path)]
    by_stage = {id(s): s.parts(summed) for s in stages} if summed else {}
    names = node_names(a.rules, b.rules)
    return tuple(
        UnitChange(
            unit=u,
            name=(b.standings.get(u) or a.standings[u]).name,
            stages=path,
            own=frozenset(f for f in ORDER if u in own[f]),
            nodes=_nodes([by_stage[id(s)][u] for s in stages], names) if u in summed else (),
        )
        for u, path in moved.items()
    )


def _nodes(stages: Sequence[Mapping[str, Decimal]], names: Mapping[str, str]) -> tuple[NodeChange, ...]:
    found = []
    for node in {n: None for s in stages for n in s}:
        path = tuple(s.get(node, Decimal(0)) for s in stages)
        if any(x != y for x, y in pairwise(path)):
            found.append(NodeChange(node, names.get(node, node), path))
    return tuple(found)
