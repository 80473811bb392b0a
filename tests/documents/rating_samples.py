"""A whole rating list: real scores of the engine, years, findings, derivations."""

from __future__ import annotations

import random
from decimal import Decimal
from functools import cache
from typing import Any

from document_samples import LOADED, RULES
from ipgov.documents.rating_list import RatingList, Row
from ipgov.evaluation import engine
from ipgov.evaluation.explain import Source, explain
from ipgov.evaluation.outcomes import YearResult
from ipgov.policy import store
from ipgov.quality.findings import Finding

PROVINCES = ("11", "31", "44", "51")
NAME = '=1+1,"<b>$x$&_乙'


@cache
def whole_list(count: int = 12, *, explained: bool = True) -> RatingList:
    """Return a list of ``count`` bodies, evaluated by the engine on made-up values, seed 7."""
    import pyarrow as pa

    rules, chance = RULES, random.Random(7)  # noqa: S311
    kinds = list(rules.kinds)
    group = {f"FP{n:04d}": kinds[n % len(kinds)] for n in range(1, count + 1)}
    fields = {n for i in rules.scoring.indicators for n in (i.source_field, i.denominator) if n}
    few = ("F19", "F22", "F23", "F26")
    rows = [
        (
            unit,
            f,
            str(chance.randint(*((0, 1) if f in few else (5, 99)))),
            kind,
        )
        for unit, kind in group.items()
        for f in sorted(fields)
    ]
    names = ("unit", "indicator", "value", "group")
    table = pa.table({n: pa.array([r[k] for r in rows], pa.string()) for k, n in enumerate(names)})
    found = engine.evaluate(
        table, rules.scoring, groups=tuple(kinds), allowed_unused=frozenset(rules.form.fields)
    )
    results = found.results.to_pylist()
    nodes: dict[str, dict[str, dict[str, Any]]] = {}
    for score in found.scores.to_pylist():
        nodes.setdefault(score["unit"], {})[score["node"]] = score
    listed = [_row(n, r, nodes[r["unit"]]) for n, r in enumerate(results)]
    listed.sort(key=lambda r: (r.rank is None, r.rank, r.unit))
    source = Source("F08", "a.xlsx", "=cmd|'x'", "一、业务绩效", "D7", "cd" * 32, "服务企业数")
    told = {code: kind.name for code, kind in rules.kinds.items()}
    one, two, waived = listed[0].unit, listed[1].unit, "张三豁免至 2026-12-31：复核"
    return RatingList(
        rules, LOADED.sha256, "functional_platform", "2025", "ab12" * 16, tuple(listed),
        findings=(
            Finding("R1", "warning", "operator", one, "F08", "偏大", "=9", "一、业务绩效", "D7", 1),
            Finding("R2", "critical", "2023-156#26", two, None, "刻章", None, None, None, 1, 5, waived),
        ),
        explained=tuple(
            explain(found.scores, results, rules.scoring, r.unit, {"F08": source}, told) for r in listed
        )
        if explained
        else (),
        clauses=store.clauses(),
    )  # fmt: skip


def _row(n: int, result: dict[str, Any], nodes: dict[str, dict[str, Any]]) -> Row:
    last = YearResult(2024, True, "良好", Decimal("70.5") + n, n + 2) if n % 3 else None
    return Row(
        unit=result["unit"],
        name=NAME if n == 0 else f"第{n}号平台",
        kind=RULES.kinds[result["group"]].name,
        province=PROVINCES[n % len(PROVINCES)],
        state="按期报送",
        total=result["total"],
        rank=result["rank"],
        group_rank=result["group_rank"],
        grade=result["grade"],
        scores={k: v["normalised"] for k, v in nodes.items()},
        values={k: v["value"] for k, v in nodes.items()},
        weights={k: v["weight"] for k, v in nodes.items()},
        points={k: v["contribution"] for k, v in nodes.items()},
        last_total=last and last.total,
        last_rank=last and last.rank,
        last_grade=last and last.grade,
        history=(YearResult(2023, True, "通过", Decimal("66"), n + 1), *([last] if last else [])),
    )
