"""A year's published results, as imported, against the newest recalculation; nothing is written."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from ipgov.core.database import is_simulation, reading
from ipgov.core.errors import UnknownError
from ipgov.core.steps import SHANGHAI
from ipgov.documents import published_comparison_sheet
from ipgov.documents.model import SIMULATION_BANNER
from ipgov.evaluation import published
from ipgov.evaluation import store as results
from ipgov.evaluation.comparison import published_comparison
from ipgov.evaluation.comparison.changes import Outcome, said
from ipgov.evaluation.comparison.published_comparison import (
    NAMES,
    Basis,
    Indicator,
    PublishedComparison,
    Side,
)
from ipgov.procedures import comparison
from ipgov.procedures.rating_lists import STATES


@dataclass(frozen=True)
class Compared:
    """A comparison with where both sides come from."""

    source: published.Source
    b: comparison.Side
    comparison: PublishedComparison
    simulation: bool

    def source_facts(self) -> dict[str, str]:
        """Return where the published result comes from, in Chinese."""
        source = self.source
        imported = source.known_at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
        return {
            "文号": source.document_number,
            "公布日期": source.published_on.isoformat(),
            "公布单位": source.publisher,
            "查得处": source.found_at,
            "所依规则版本": source.rule_version or "公布材料未载明",
            "导入": f"{source.imported_by}，{imported}（北京时间）",
            "导入文件 SHA-256": source.sha256,
        }

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {"a": self.source_facts(), "b": self.b.facts(), **self.comparison.as_dict()}

    def text(self) -> list[str]:
        """Return every difference in Chinese."""
        c = self.comparison
        causes = "，".join(f"{name} {c.count(cause)} 家" for cause, name in NAMES.items())
        lines = [
            f"A：已公布，{self.source.label}；B：{self.b.basis.name}",
            f"有差异 {len(c.units)} 家，没有差异 {c.same} 家；原因：{causes}",
        ]
        for u in c.units:
            lines.append(f"{u.unit} {u.name}：{said(u.published)} → {said(u.recalculated)}")
            lines += [f"  {NAMES[p.cause]}：{p.told}" for p in u.parts]
        return lines


def applies(programme: str, period: str) -> bool:
    """Tell whether a period was imported as published and none of its results was issued here."""
    with reading() as connection:
        _, issued = comparison.period_results(connection, programme, period)
        return issued is None and published.newest(connection, programme, period) is not None


def compare(
    programme: str, period: str, b: int | None = None, known_at: dt.datetime | None = None
) -> Compared:
    """Compare the imported results of a period (known by ``known_at``) with a recalculated one.

    By default it is the newest one.

    Raises UnknownError where nothing was imported, or there is no such recalculation.
    """
    with reading() as connection:
        source = published.newest(connection, programme, period, known_at)
        if source is None:
            raise UnknownError(f"“{programme}”{period} 年度没有导入已公布的结果")
        heads, _ = comparison.period_results(connection, programme, period)
        known = [h for h in heads if h["mode"] == "recalculate"]
        head = next((h for h in known if b is None or h["id"] == b), None)
        if head is None:
            listed = "、".join(f"第 {h['id']} 号" for h in known) or "无"
            raise UnknownError(
                f"“{programme}”{period} 年度没有可与已公布的结果比较的重算结果；现有：{listed}"
            )
        side = comparison.side(connection, head)
        rules = side.rules
        basis = Basis(
            published_until=dt.datetime.combine(
                source.published_on + dt.timedelta(days=1), dt.time(), tzinfo=SHANGHAI
            ),
            stated=source.rule_version,
            version=rules.version,
            additive=rules.scoring.aggregation == "weighted_arithmetic_mean",
            names={i.code: i.name for i in rules.scoring.indicators},
        )
        compared = published_comparison.compare(
            _published(connection, source), _recalculated(connection, side), basis
        )
        return Compared(source, side, compared, is_simulation(connection))


def _published(connection: Connection, source: published.Source) -> dict[str, Side]:
    indicators: dict[str, dict[str, dict[str, Any]]] = {}
    for (unit, aspect, code), row in published.values(connection, source).items():
        if code:
            indicators.setdefault(unit, {}).setdefault(code, {})[aspect] = row["value"]
    return {
        unit: Side(
            name=r.name,
            outcome=Outcome(True, r.total, r.rank, None, r.grade, r.passed),
            indicators={c: Indicator(**found) for c, found in indicators.get(unit, {}).items()},
        )
        for unit, r in published.results(connection, source.id).items()
    }


def _recalculated(connection: Connection, side: comparison.Side) -> dict[str, Side]:
    scores: dict[str, dict[str, Indicator]] = {}
    for row in results.scores(connection, side.head["id"]):
        found = Indicator(row["value"], row["normalised"], row["contribution"])
        scores.setdefault(row["unit"], {})[row["node"]] = found
    made = {}
    for r in results.results(connection, side.head["id"]):
        standing = side.basis.standings[r["unit"]]
        outcome = Outcome(True, r["total"], r["rank"], None, r["grade"], r["passed"])
        made[r["unit"]] = Side(
            standing.name, outcome, scores.get(r["unit"], {}), STATES[standing.state], standing.received_at
        )
    return made


def sheet(compared: Compared) -> bytes:
    """Return the reviewers' workbook."""
    rules = compared.b.rules
    about = published_comparison_sheet.About(
        title=f"{rules.title}已公布与重算结果比较（{compared.source.period}年度）",
        author=rules.issuer.name,
        banner=SIMULATION_BANNER if compared.simulation else "",
        published=compared.source_facts(),
        recalculated=compared.b.facts(),
    )
    return published_comparison_sheet.write(compared.comparison, about)
