"""How long the evaluation engine takes: 3,000 units x 25 indicators, and 1,000,000 x 12, rules of every kind.

    .venv/bin/python benchmarks/evaluation.py [SIZE ...]      # sizes: small, large; default both

Each case runs in a process of its own, so that its peak of memory is its own. Values are synthetic, made
from a seed, and read from Parquet.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from ipgov.evaluation.engine import evaluate
from ipgov.policy.scoring import Scoring

CASES = {"small": (3_000, 25), "large": (1_000_000, 12)}
GROUPS = tuple(f"G{n:02}" for n in range(31))
SEED = 20230905
METHODS: tuple[dict[str, Any], ...] = (
    {"method": "goalposts", "minimum": 0, "maximum": 800},
    {
        "method": "steps",
        "steps": [{"score": 0}, {"at_least": 100, "score": 60, "per_unit": Decimal("0.05"), "cap": 100}],
    },
    {"method": "ratio_to_benchmark", "benchmark": 750},
    {
        "method": "ratio_to_benchmark",
        "benchmark": {"statistic": "median", "minimum_members": 5, "otherwise": 500},
    },
    {"method": "goalposts", "minimum": 100, "maximum": 900, "direction": "down"},
    {
        "method": "ratio_to_benchmark",
        "benchmark": {"statistic": "mean", "minimum_members": 5, "otherwise": 500},
    },
)


def rules(indicators: int) -> Scoring:
    """The last three are bonus, deduction and veto, the others of four dimensions in turn."""
    inside = indicators - 3
    scored = [
        {
            "code": f"I{n:02}",
            "name": f"指标{n}",
            "dimension": f"D{n % 4}",
            "weight": 10 + n,
            "missing": "drop_and_rescale" if n % 3 == 0 else "zero",
            "normalisation": METHODS[n % len(METHODS)],
        }
        for n in range(inside)
    ]
    points = {"method": "per_unit", "points": Decimal("0.01"), "cap": 5}
    outside = [
        {"code": f"I{inside:02}", "name": "加分", "role": "bonus", "normalisation": points},
        {"code": f"I{inside + 1:02}", "name": "扣分", "role": "deduction", "normalisation": points},
        {"code": f"I{inside + 2:02}", "name": "否决", "role": "veto",
         "normalisation": {"method": "threshold", "at_least": 999}},
    ]  # fmt: skip
    quota = {"share": Decimal("0.2"), "rounding": "down", "tie_at_edge": "all_out"}
    return Scoring.model_validate(
        {
            "operator": "benchmark",
            "groups": GROUPS,
            "indicators": [*scored, *outside],
            "dimensions": [{"code": f"D{n}", "name": f"维度{n}", "weight": 25} for n in range(4)],
            "bonus_cap": 5,
            "rounding": {"indicator": 2, "dimension": 2, "total": 2, "ties": "dense"},
            "grades": [
                {"name": "优秀", "floor": 60, "quota": quota, "passes": True},
                {"name": "合格", "floor": 40, "passes": True},
                {"name": "不合格", "passes": False},
            ],
            "veto_grade": "不合格",
        }
    )


def make_values(path: Path, units: int, indicators: int) -> None:
    """Two decimals from 0 to 999.99, one in a hundred missing, in 31 groups."""
    duckdb.connect().execute(
        f"""
        COPY (
            SELECT printf('U%07d', u) AS unit, printf('I%02d', i) AS indicator,
                CASE WHEN h % 101 > 0 THEN h % 100000 END::DECIMAL(9, 0) * 0.01 AS value,
                printf('G%02d', u % {len(GROUPS)}) AS "group"
            FROM (
                SELECT u, i, hash(u * 100 + i + {SEED}) // 7 AS h
                FROM range({units}) AS units(u), range({indicators}) AS indicators(i)
            )
        ) TO '{path}' (FORMAT parquet)
        """  # noqa: S608 - numbers of our own
    )


def run(size: str) -> None:
    """Measure one case and print it."""
    _, indicators = CASES[size]
    with tempfile.TemporaryDirectory() as folder:
        values = Path(folder) / "values.parquet"
        subprocess.run([sys.executable, __file__, "--values", str(values), size], check=True)
        scoring = rules(indicators)
        for turn in range(3):
            start = time.perf_counter()
            evaluation = evaluate(values, scoring)
            rows = evaluation.results.num_rows
            report(size, f"run {turn + 1}, {rows:,} results", start)
            if turn < 2:
                evaluation.connection.close()
        start = time.perf_counter()
        evaluation.write_scores(Path(folder) / "scores.parquet")
        report(size, "scores to Parquet", start)


def report(size: str, what: str, start: float) -> None:
    """Print the time since ``start`` and the peak of this process's memory so far."""
    units, indicators = CASES[size]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"{units:>9,} x {indicators}  {time.perf_counter() - start:6.2f} s  peak {peak:,} MB  {what}",
        flush=True,
    )


def main(arguments: list[str]) -> None:
    """Run the named cases, each in its own process."""
    match arguments:
        case ["--values", path, size]:
            make_values(Path(path), *CASES[size])
        case ["--run", size]:
            run(size)
        case sizes:
            for size in sizes or CASES:
                subprocess.run([sys.executable, __file__, "--run", size], check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
