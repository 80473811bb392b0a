"""What normalisations need to know of other units: the statistics of their values, and places among them.

Works on any table with ``unit``, ``grp`` and columns of values: on those of the indicators, and on the scores
of a level of the tree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ipgov.core.errors import GovernanceError, Problem
from ipgov.evaluation.places import make_places
from ipgov.evaluation.scales import SHOWN
from ipgov.evaluation.statistics import Need, Sample, gather, tabulate, told
from ipgov.evaluation.templates import sql_text
from ipgov.policy.scoring import Scoring

if TYPE_CHECKING:
    import duckdb

    from ipgov.evaluation.templates import Templates


@dataclass(frozen=True)
class Judged:
    """Values with their compiled normalisation; ``name`` as people read it ("指标 I01").

    ``column``: SQL of a decimal. The columns made for it end in its ``key``. ``applies``: SQL for the units
    that it is for; ``r``: the decimals of the score.
    """

    key: str
    name: str
    column: str
    method: str
    rule: Mapping[str, Any]
    applies: str
    r: int

    @property
    def statistics(self) -> bool:
        """Tell whether the method looks at other units."""
        return "within" in self.rule

    @property
    def placed(self) -> bool:
        """Tell whether the method looks at places."""
        return "placed" in self.rule


def counted_of(scoring: Scoring) -> str:
    """Return SQL for the units that count among all: those of groups that are ranked."""
    if not scoring.unranked:
        return "TRUE"
    return f"grp NOT IN ({', '.join(map(sql_text, scoring.unranked))})"


def look(
    connection: duckdb.DuckDBPyConnection,
    templates: Templates,
    table: str,
    judged: Sequence[Judged],
    counted: str,
    *,
    looked_at: str = "looked_at",
    places: str = "places",
) -> None:
    """Make the tables ``looked_at`` (a row per group) and ``places`` (a row per unit), where they are needed.

    ``counted``: SQL for the units that count among all. Raises GovernanceError (Chinese) naming what has too
    few values in which group and says nothing for that case, or whose value has no logarithm.
    """
    for j in judged:
        if j.method == "goalposts" and j.rule["log"] and j.rule["least"] is None:
            _check_logarithms(connection, table, j)
    looking = [j for j in judged if j.statistics]
    if not looking:
        return
    needs = [
        Need(
            j.key,
            j.column,
            j.rule["within"],
            j.applies,
            squares=j.method == "z_score",
        )
        for j in looking
    ]
    found = gather(connection, templates, table, needs, counted)
    columns: dict[str, dict[str, Any]] = {}
    problems = []
    for j in looking:
        for group, sample in sorted(found[j.key].items()):
            a, b, why = _statistics(j, sample)
            if why and sample.present and j.rule["otherwise"] is None:
                problems.append(_few(j, group, why))
            own = {"few": bool(why), "a": a, "b": b, "told": _told(j, sample, a, b, bool(why))}
            for name, value in own.items():
                columns.setdefault(f"{name}_{j.key}", {})[group] = value
    if problems:
        _refuse(problems)
    tabulate(connection, "found", columns)
    # the same as integers, once a group and not once a unit
    whole = ", ".join(
        f"scaled_12({n}_{j.key}) AS {name}_{j.key}"
        for j in looking
        for n, name in (("a", "low"), ("b", "high"))
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {looked_at} AS SELECT *, {whole} FROM found")  # noqa: S608
    placed = [n for j, n in zip(looking, needs, strict=True) if j.placed]
    if placed:
        falling = {j.key for j in looking if j.rule.get("down")}
        make_places(connection, table, placed, falling, counted, places)


def _statistics(j: Judged, sample: Sample) -> tuple[int | None, int | None, str]:
    """Return the two numbers that the method reckons with, and why it cannot ("" where it can)."""
    least = j.rule["minimum_members"]
    if sample.n < max(1, least):
        return None, None, f"只有 {sample.n} 个数值，少于规定的 {least} 个"
    low, high = sample.low, sample.high
    worst, best = (high, low) if j.rule.get("down") else (low, high)
    match j.method:
        case "min_max":
            return low, high, "" if low < high else "数值全部相同"
        case "z_score":
            deviation = sample.deviation(sample=j.rule["sample"])
            return sample.mean, deviation, "" if deviation else "数值全部相同"
        case "distance_to_target":
            beyond = j.rule["target"] < worst if j.rule["down"] else j.rule["target"] > worst
            return worst, None, "" if beyond else "最差值已达到目标值"
        case "efficacy":
            a = worst if j.rule["not_allowed"] is None else j.rule["not_allowed"]
            b = best if j.rule["satisfactory"] is None else j.rule["satisfactory"]
            better = b < a if j.rule["down"] else b > a
            return a, b, "" if better else "满意值不优于不允许值"
    return None, None, ""


_TOLD = {
    "min_max": ("minimum", "maximum"),
    "z_score": ("mean", "deviation"),
    "distance_to_target": ("worst",),
    "efficacy": ("not_allowed", "satisfactory"),
}


def _told(j: Judged, sample: Sample, a: int | None, b: int | None, few: bool) -> str:
    numbers = dict(zip(_TOLD.get(j.method, ()), (a, b), strict=False))
    facts: dict[str, Any] = {} if j.placed else {"members": sample.n}
    return told(facts | ({"few": True} if few else {}), {k: v for k, v in numbers.items() if v is not None})


def _few(j: Judged, group: str, why: str) -> Problem:
    where = f"组别“{group}”" if j.rule["within"] == "group" and group else "全体"
    return Problem("few_members", f"{j.name} 在{where}中{why}", "更多的数值，或在规则中写明 otherwise")


def _refuse(problems: Sequence[Problem]) -> None:
    once = list(dict.fromkeys(problems))
    listed = "；".join(p.found for p in once[:SHOWN])
    more = f"（只列前 {SHOWN} 处）" if len(once) > SHOWN else ""
    raise GovernanceError(
        f"有 {len(once)} 处数值不足以按规则计分{more}：{listed}。应为：{once[0].expected}", tuple(once)
    )


def _check_logarithms(connection: duckdb.DuckDBPyConnection, table: str, j: Judged) -> None:
    """Refuse values that have no logarithm and are not clamped above zero."""
    rows = connection.execute(
        f"SELECT count(*) OVER (), unit, plain({j.column}) FROM {table} "  # noqa: S608 - our own names
        f"WHERE ({j.applies}) AND {j.column} <= 0 ORDER BY unit LIMIT {SHOWN}"
    ).fetchall()
    if not rows:
        return
    expected = "大于 0 的数值，或在规则中写 clamp: both 或 minimum"
    problems = tuple(
        Problem("logarithm", f"对象“{unit}”{j.name} 的数值 {found} 不能取对数", expected)
        for _, unit, found in rows
    )
    more = f"（只列前 {SHOWN} 处）" if rows[0][0] > SHOWN else ""
    listed = "；".join(p.found for p in problems)
    raise GovernanceError(f"有 {rows[0][0]} 处数值不能取对数{more}：{listed}。应为：{expected}", problems)
