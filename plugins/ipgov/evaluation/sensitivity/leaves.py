"""The engine's scores of indicators as arrays of whole numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ipgov.evaluation.sensitivity.recombination import Leaf, Units
from ipgov.policy.methods import Threshold
from ipgov.policy.scoring import Scoring

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Array = np.ndarray[Any, Any]


def units_of(results: pa.Table) -> Units:
    """Return the units of a result in their order."""
    return Units(tuple(results["unit"].to_pylist()), tuple(results["group"].to_pylist()))


def leaves_of(scoring: Scoring, runs: Sequence[tuple[Scoring, Any]], units: Units) -> Mapping[str, Leaf]:
    """Return the scores of every indicator, a row for each run; rows that say the same stand once.

    ``runs``: rules of ``leaf_rules`` (whatever is missing is dropped) and what the engine made of them.
    """
    import numpy as np

    column_of = {unit: n for n, unit in enumerate(units.codes)}
    rows = {i.code: ([], [], []) for i in scoring.indicators}  # type: ignore[var-annotated]
    for rule, evaluation in runs:
        table = evaluation.scores.select(["unit", "node", "role", "value", "normalised"])
        numbers, given = _whole(table["normalised"], scoring.rounding.indicator)
        missing = np.asarray(table["value"].is_null())
        at = _places(table["unit"], column_of)
        nodes = table["node"].combine_chunks().dictionary_encode()
        names, index = nodes.dictionary.to_pylist(), np.asarray(nodes.indices)
        by_node = {name: np.flatnonzero(index == n) for n, name in enumerate(names)}
        for i in rule.indicators:
            mine = by_node.get(i.code, np.zeros(0, np.int64))
            score = np.zeros(len(units.codes), numbers.dtype)
            present, lacking = np.zeros(score.shape, bool), np.zeros(score.shape, bool)
            score[at[mine]] = numbers[mine]
            present[at[mine]] = given[mine]
            lacking[at[mine]] = (missing if i.role == "veto" else ~given)[mine]
            for parts, part in zip(rows[i.code], (score, present, lacking), strict=True):
                parts.append(part)
    leaves = {}
    for code, whole in rows.items():
        same = all(np.array_equal(parts[0], part) for parts in whole for part in parts)
        leaves[code] = Leaf(*(np.stack(parts[:1] if same else parts) for parts in whole))
    return leaves


def vetoed_of(scoring: Scoring, scores: pa.Table, units: Units) -> Array:
    """Return which units a veto lowers."""
    import numpy as np

    column_of = {unit: n for n, unit in enumerate(units.codes)}
    limits = {
        i.code: i.normalisation.at_least for i in scoring.indicators if isinstance(i.normalisation, Threshold)
    }
    vetoed = np.zeros(len(units.codes), bool)
    if limits:
        import pyarrow.compute as pc

        table = scores.filter(pc.equal(scores["role"], "veto")).select(["unit", "node", "value"])
        for row in table.to_pylist():
            if row["value"] is not None and row["value"] >= limits[row["node"]]:
                vetoed[column_of[row["unit"]]] = True
    return vetoed


def _places(column: pa.ChunkedArray, column_of: Mapping[str, int]) -> Array:
    import numpy as np

    coded = column.combine_chunks().dictionary_encode()
    places = np.array([column_of[u] for u in coded.dictionary.to_pylist()], np.int64)
    return places[np.asarray(coded.indices)]


def _whole(column: pa.ChunkedArray, decimals: int) -> tuple[Array, Array]:
    """Return decimals as whole numbers at ``decimals`` (0 where there is none), and where there is one."""
    import numpy as np
    import pyarrow as pa

    array = column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):  # of no chunk
        array = pa.array([], column.type)
    given = np.asarray(array.is_valid())
    # a decimal of 128 bits is its digits as a whole number, low half first
    halves = np.frombuffer(array.buffers()[1], np.int64).reshape(-1, 2)
    low, high = halves[array.offset : array.offset + len(array)].T
    unit = 10 ** (column.type.scale - decimals)
    if bool(((low >> 63) == high)[given].all()):
        return np.where(given, low // unit, 0), given
    return np.array([0 if x is None else int(x.scaleb(decimals)) for x in array.to_pylist()], object), given
