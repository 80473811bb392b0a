"""The evaluation engine: values and a scoring rule in, scores, ranks and grades out.

The rule is compiled to wide SQL (``sql/evaluation``) that DuckDB runs in process. The same input gives
the same output to the last digit, whatever the order of rows or threads. Every stage gives decimals
rounded half-up (四舍五入, half away from zero) at a scale that the rule or this room names:

======================  =========================================================================
stage                   decimals
======================  =========================================================================
value, quotient,        12 (a quotient is value / denominator; the value stage of an expert
benchmark               indicator is the mean of the scores that count)
indicator, points       ``rounding.indicator``, in one rounding from the value
dimension               ``rounding.dimension``, from the rounded scores below it
base                    ``rounding.total``: the aggregation of the top dimensions
total                   ``rounding.total``: base + bonus - deduction, between its bounds
rank                    on the total, or (``rank_on: unrounded``) on the total with the base at 12
======================  =========================================================================

What is missing: no row, no value, no or a zero denominator, too few raters. ``zero`` gives the score (not
the value) 0; ``drop_and_rescale`` gives the weight to the other children of the node, and a node without any
child left is dropped in its turn; ``exclude_unit`` leaves the unit without total, rank and grade.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from ipgov.core.errors import GovernanceError
from ipgov.core.scratch import spill_folder
from ipgov.evaluation.geometric import exact_geometric_mean
from ipgov.evaluation.growth import grow
from ipgov.evaluation.harmonic import exact_harmonic_mean
from ipgov.evaluation.measuring import measure
from ipgov.evaluation.narrow import quick_of
from ipgov.evaluation.plan import Plan, compile_plan
from ipgov.evaluation.templates import Templates, sql_text
from ipgov.evaluation.transcendental import FUNCTIONS
from ipgov.evaluation.values import load
from ipgov.policy.scoring import Scoring

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

ENGINE_VERSION = "2"
_UNITS_AT_ONCE = 25_000


class Evaluation:
    """What came out. Holds the DuckDB connection; the scores are computed when first asked for."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, plan: Plan, templates: Templates, rounded_values: int
    ):
        self.connection = connection
        self.plan = plan
        self.templates = templates
        self.rounded_values = rounded_values  # values that had more than 12 decimals

    @cached_property
    def results(self) -> pa.Table:
        """One row per unit, ordered by unit.

        unit, group ("" for none), total, rank, group_rank, grade, passed (all NULL: not evaluated), reasons
        (JSON list of Chinese sentences with their basis: exclusion, veto, quota).
        """
        return _arrow(self.connection, "FROM results ORDER BY unit")

    @cached_property
    def scores(self) -> pa.Table:
        """One row per unit and node that applies to it, units in order, nodes in the order of the rule.

        unit, node, parent, role (score, dimension, bonus, deduction, veto, adjustment, total), value,
        normalised, weight (in its parent, of 100, after rescaling), contribution (see scores.sql: they sum
        exactly to the total; what rounding, caps and bounds did stands in adjustment rows), detail (JSON).
        """
        import pyarrow as pa

        return pa.concat_tables(self.score_parts())

    def score_parts(self) -> Iterator[pa.Table]:
        """Yield the scores of some tens of thousands of units at a time, in order: never all at once."""
        placed = "(SELECT unit, row_number() OVER (ORDER BY unit) AS place FROM results)"
        ends = self.connection.execute(
            f"SELECT unit FROM {placed} WHERE place % {_UNITS_AT_ONCE} = 0 ORDER BY unit"  # noqa: S608
        ).fetchall()
        edges = [None, *(unit for (unit,) in ends), None]
        for after, upto in pairwise(edges):
            part = [f"unit > {sql_text(after)}"] if after is not None else []
            part += [f"unit <= {sql_text(upto)}"] if upto is not None else []
            yield _arrow(self.connection, self.templates.render("scores.sql", part=part))

    def write_scores(self, path: Path) -> None:
        """Write the scores to a Parquet file without holding them in memory; same rows, same bytes."""
        import pyarrow.parquet as pq

        parts = self.score_parts()
        first = next(parts)
        with pq.ParquetWriter(path, first.schema, compression="zstd", store_schema=False) as writer:
            writer.write_table(first)
            for part in parts:
                writer.write_table(part)


def evaluate(
    values: pa.Table | Path,
    scoring: Scoring,
    *,
    groups: tuple[str, ...] = (),
    allowed_unused: frozenset[str] = frozenset(),
    threads: int | None = None,
) -> Evaluation:
    """Evaluate every unit that has a row in ``values``.

    ``values``: a long table or its Parquet file: unit, indicator (the name of the input, a field's code),
    value (decimal, integer or text of a decimal; NULL is missing), and optionally group, rater, source, line.
    Values with more than 12 decimals are rounded half-up from their digits, and counted.
    ``groups``: all that there are (default: those of the rule; where it knows none, any). ``allowed_unused``:
    inputs that may be there and that no indicator uses.

    Raises UnknownError or GovernanceError in Chinese, naming the rows.
    """
    import duckdb

    plan = compile_plan(scoring, groups)
    templates = Templates(plan.context())
    limits = {"threads": threads} if threads else {}
    connection = duckdb.connect(":memory:", config={"temp_directory": spill_folder(), **limits})
    for exact in (exact_geometric_mean, exact_harmonic_mean):
        connection.create_function(
            exact.__name__,
            exact,
            [duckdb.sqltype("VARCHAR"), duckdb.sqltype("INTEGER")],
            duckdb.sqltype("VARCHAR"),
        )
    for function, kinds in FUNCTIONS.items():
        connection.create_function(
            function.__name__, function, [duckdb.sqltype(kind) for kind in kinds], duckdb.sqltype("VARCHAR")
        )
    connection.execute(templates.render("macros.sql"))
    rounded_values = load(connection, templates, plan, values, allowed_unused)
    try:
        measure(connection, templates, plan)
        connection.execute(templates.render("normalised.sql", quick=quick_of(connection, plan)))
        grow(connection, templates, plan)
        for stage in ("totals", "release", "grades", "results"):
            connection.execute(templates.render(f"{stage}.sql"))
    except duckdb.OutOfRangeException as error:
        raise GovernanceError(f"计算中的数超出 38 位：请检查规则中的数与数值的大小（{error}）") from None
    return Evaluation(connection, plan, templates, rounded_values)


def _arrow(connection: duckdb.DuckDBPyConnection, query: str) -> pa.Table:
    return connection.sql(query).to_arrow_table()
