"""Where values stand among others, counted from the worst. Whole columns at a time, in integers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from ipgov.evaluation.statistics import Need, halves

if TYPE_CHECKING:
    import duckdb
    import numpy as np

    Array = np.ndarray[Any, Any]


def make_places(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    needs: Sequence[Need],
    falling: Collection[str],
    counted: str,
    name: str,
) -> None:
    """Make the table ``name`` with a row per unit of ``table``.

    For every need with its key: ``below_`` how many values are worse, ``same_`` how many are the same (itself
    among them), ``dense_`` how many different ones there are up to it, ``members_`` how many there are.
    ``falling``: the keys of those where less is better. A unit that does not count among all (``counted``,
    SQL) is placed as if it alone did.
    """
    import numpy as np
    import pyarrow as pa

    columns = ", ".join(
        f"CASE WHEN {n.applies} THEN CAST({n.column} AS DECIMAL(38, 12)) END AS v{k}"
        for k, n in enumerate(needs)
    )
    rows = connection.sql(
        f"SELECT unit, grp, CAST({counted} AS TINYINT) AS counted, {columns} FROM {table}"  # noqa: S608 - our names
    ).to_arrow_table()
    groups = np.asarray(rows["grp"].combine_chunks().dictionary_encode().indices).astype(np.int64)
    counts = rows["counted"].to_numpy().astype(bool)
    arrays = {"unit": rows["unit"]}
    for k, need in enumerate(needs):
        high, low, given = halves(rows[f"v{k}"])
        if need.key in falling:
            high, low = ~high, ~low  # turns the order round
        at = np.flatnonzero(given)
        apart = need.within == "group"
        found = _places(
            groups[at] if apart else np.zeros(len(at), np.int64),
            high[at],
            low[at],
            np.ones(len(at), bool) if apart else counts[at],
        )
        for what, numbers in found.items():
            whole = np.zeros(len(given), np.int64)
            whole[at] = numbers
            arrays[f"{what}_{need.key}"] = pa.array(whole, mask=~given)
    connection.register("placed", pa.table(arrays))
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS FROM placed")
    connection.unregister("placed")


def _places(groups: Array, high: Array, low: Array, counted: Array) -> dict[str, Array]:
    """Return the places of values (128 bits in two halves) within their groups, in the order given."""
    import numpy as np

    if not len(groups):
        none = np.zeros(0, np.int64)
        return {"below": none, "same": none, "dense": none, "members": none}
    order = np.lexsort((low, high, groups))
    groups, high, low, counted = groups[order], high[order], low[order], counted[order]
    other_group = np.append(True, groups[1:] != groups[:-1])
    other_value = other_group | np.append(True, (high[1:] != high[:-1]) | (low[1:] != low[:-1]))
    starts = np.flatnonzero(other_value)
    value = np.cumsum(other_value) - 1  # of each unit: which of the different values, over all groups
    here = np.add.reduceat(counted.astype(np.int64), starts)
    first = np.flatnonzero(other_group[starts])  # the first value of each group
    group = np.cumsum(other_group[starts]) - 1
    below = _before(here, first, group)
    dense = _before((here > 0).astype(np.int64), first, group) + 1
    members = np.add.reduceat(here, first)[group]
    alone = (~counted).astype(np.int64)
    found = {
        "below": below[value],
        "same": here[value] + alone,
        "dense": dense[value],
        "members": members[value] + alone,
    }
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return {what: numbers[back] for what, numbers in found.items()}


def _before(numbers: Array, first: Array, group: Array) -> Array:
    """Return the sums of the numbers before each within its group."""
    import numpy as np

    running = np.cumsum(numbers) - numbers
    return running - running[first][group]
