"""How long the evaluation engine takes, beside hand-written floating-point Polars doing the same job.

    .venv/bin/python benchmarks/bench_evaluation.py [SIZE ...]      # small, large, linear; default all

small: 3,000 units x 25 indicators; large: 1,000,000 x 12, rules of every kind, from the same long Parquet
file for both: read, pivot, score, aggregate, rank, grade. Engine and Polars run in turn, each in a process of
its own (so that its peak of memory is its own). Where others use the machine too, the ratio of medians
counts, not the seconds. linear: the engine alone on 0.6 to 10 million rows of values, made from a seed.

Polars is no dependency of the project (`make bench` installs the extra "bench"); without it the engine runs
alone.
"""

from __future__ import annotations

import importlib.util
import json
import resource
import statistics
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
LINEAR = (50_000, 100_000, 200_000, 400_000, 833_334)  # units x 12 indicators: up to 10 million rows
TURNS = 3
LIMITS = {"large": "at most 5 x Polars, under 2,048 MB", "small": "under 0.30 s in process"}
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


def by_polars(path: Path, indicators: int) -> Any:
    """The same rules written by hand for these values, in floating point, by someone who knows Polars.

    What the engine does beside it is left out: refusing wrong or doubled values, exact rounding, reasons.
    """
    import polars as pl

    inside = indicators - 3
    codes = [f"I{n:02}" for n in range(indicators)]
    number = pl.col("value").cast(pl.Float64)
    # faster than pivot, which cannot stream
    wide = (
        pl.scan_parquet(path)
        .group_by("unit")
        .agg(
            pl.col("group").first(),
            *(pl.when(pl.col("indicator") == c).then(number).max().alias(c) for c in codes),
        )
        .collect(engine="streaming")
        .lazy()
    )

    def own(c: str, statistic: pl.Expr) -> pl.Expr:
        fits = (pl.col(c).count().over("group") >= 5) & (statistic.over("group") > 0)
        return pl.when(fits).then(statistic.over("group")).otherwise(500.0)

    def score(n: int) -> pl.Expr:
        c = codes[n]
        v = pl.col(c)
        kind = n % len(METHODS)
        if kind == 0:
            s = v.clip(0, 800) / 800 * 100
        elif kind == 1:
            s = pl.when(v >= 100).then((60 + 0.05 * (v - 100)).clip(upper_bound=100)).otherwise(0.0)
        elif kind == 2:
            s = (v / 750 * 100).clip(0, 100)
        elif kind == 4:
            s = (900 - v.clip(100, 900)) / 800 * 100
        else:
            s = (v / own(c, v.median() if kind == 3 else v.mean()) * 100).clip(0, 100)
        s = pl.when(v.is_null()).then(None if n % 3 == 0 else 0.0).otherwise(s)
        return s.round(2).alias(f"s{n}")

    def mean(weighted: list[tuple[float, str]], name: str) -> pl.Expr:
        n = sum((pl.col(c).fill_null(0.0) * w for w, c in weighted), pl.lit(0.0))
        w = sum((pl.col(c).is_not_null().cast(pl.Float64) * w for w, c in weighted), pl.lit(0.0))
        return pl.when(w > 0).then(n / w).round(2).alias(name)

    below = {d: [(10.0 + n, f"s{n}") for n in range(inside) if n % 4 == d] for d in range(4)}
    bonus, deduction, veto = (pl.col(c) for c in codes[inside:])
    scored = (
        wide.with_columns(*(score(n) for n in range(inside)))
        .with_columns(*(mean(below[d], f"d{d}") for d in range(4)))
        .with_columns(mean([(25.0, f"d{d}") for d in range(4)], "base"))
        .with_columns(
            (
                pl.col("base")
                + (bonus.fill_null(0.0) * 0.01).clip(0, 5).round(2)
                - (deduction.fill_null(0.0) * 0.01).clip(0, 5).round(2)
            )
            .clip(0, 100)
            .round(2)
            .alias("total")
        )
        .with_columns(
            pl.col("total").rank("dense", descending=True).alias("rank"),
            pl.col("total").rank("dense", descending=True).over("group").alias("group_rank"),
            (veto.fill_null(0.0) >= 999).alias("vetoed"),
        )
    )
    candidate = (pl.col("total") >= 60) & ~pl.col("vetoed")
    last = pl.col("total").filter(candidate).rank("max", descending=True)
    seats = (pl.col("total").count() * 0.2).floor()
    edge = pl.col("total").filter(candidate).filter(last <= seats).min()
    return (
        scored.with_columns(
            pl.when(candidate & (pl.col("total") >= edge))
            .then(pl.lit("优秀"))
            .when((pl.col("total") >= 40) & ~pl.col("vetoed"))
            .then(pl.lit("合格"))
            .otherwise(pl.lit("不合格"))
            .alias("grade")
        )
        .select("unit", "group", "total", "rank", "group_rank", "grade")
        .sort("unit")
        .collect()
    )


def measured(path: Path, indicators: int, what: str, turns: int) -> dict[str, Any]:
    """Run one thing in a process of its own; return seconds of every turn, peak and how many were 优秀."""
    script = [sys.executable, __file__, "--measure", str(path), str(indicators), what, str(turns)]
    return dict(json.loads(subprocess.run(script, check=True, stdout=subprocess.PIPE, text=True).stdout))


def measure(path: Path, indicators: int, what: str, turns: int) -> None:
    """Print what ``measured`` returns."""
    seconds = []
    best = 0
    rules_ = rules(indicators)
    for _ in range(turns):
        start = time.perf_counter()
        if what == "polars":
            table = by_polars(path, indicators)
            seconds.append(time.perf_counter() - start)
            best = int((table["grade"] == "优秀").sum())
        else:
            evaluation = evaluate(path, rules_)
            grades = evaluation.results["grade"]
            seconds.append(time.perf_counter() - start)
            best = sum(g == "优秀" for g in grades.to_pylist()) if turns == 1 else best
            if what == "scores":
                start = time.perf_counter()
                evaluation.write_scores(path.with_name("scores.parquet"))
                seconds = [time.perf_counter() - start]
            evaluation.connection.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({"seconds": seconds, "peak": peak, "best": best}))


def compare(size: str, folder: Path) -> None:
    """Print engine and Polars, in turn, on the same file."""
    units, indicators = CASES[size]
    path = folder / f"{size}.parquet"
    make_values(path, units, indicators)
    inner = 5 if size == "small" else 1  # in process: what comes after the first is without imports
    found: dict[str, list[dict[str, Any]]] = {"engine": [], "polars": []}
    things = list(found) if importlib.util.find_spec("polars") else ["engine"]
    for _ in range(TURNS):
        for what in things:
            found[what].append(measured(path, indicators, what, inner))
    medians = {}
    for what in things:
        seconds = [s for turn in found[what] for s in turn["seconds"][1 if inner > 1 else 0 :]]
        medians[what] = statistics.median(seconds)
        show(size, what, medians[what], max(t["peak"] for t in found[what]), f"from {min(seconds):.2f}")
    if "polars" in medians:
        print(
            f"{size}: engine / polars = {medians['engine'] / medians['polars']:.2f} ({LIMITS[size]})",
            flush=True,
        )
    one = measured(path, indicators, "scores", 1)
    show(size, "scores to Parquet", one["seconds"][0], one["peak"], "")


def linear(folder: Path) -> None:
    """Print the cost per million rows of values, which must not grow."""
    for units in LINEAR:
        path = folder / f"{units}.parquet"
        make_values(path, units, 12)
        turns = [measured(path, 12, "engine", 1) for _ in range(TURNS)]
        seconds = statistics.median(t["seconds"][0] for t in turns)
        rows = units * 12
        print(
            f"linear: {rows:>10,} rows {seconds:6.2f} s = {seconds / rows * 1e6:5.2f} s per million, "
            f"peak {max(t['peak'] for t in turns):,} MB",
            flush=True,
        )


def show(size: str, what: str, seconds: float, peak: int, more: str) -> None:
    """Print one line of the table."""
    units, indicators = CASES[size]
    print(f"{units:>9,} x {indicators}  {what:<18} {seconds:6.2f} s  peak {peak:,} MB  {more}", flush=True)


def main(arguments: list[str]) -> None:
    """Run the named cases; ``--measure`` is how they run each thing in a process of its own."""
    match arguments:
        case ["--measure", path, indicators, what, turns]:
            measure(Path(path), int(indicators), what, int(turns))
        case sizes:
            with tempfile.TemporaryDirectory() as folder:
                for size in sizes or [*CASES, "linear"]:
                    if size == "linear":
                        linear(Path(folder))
                    else:
                        compare(size, Path(folder))


if __name__ == "__main__":
    main(sys.argv[1:])
