"""What a draft would have made of past years: read only, and of no effect."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

from sqlalchemy import Connection, select

from ipgov.core.database import is_simulation, reading
from ipgov.core.errors import GovernanceError, UnknownError
from ipgov.core.fingerprint import fingerprint
from ipgov.core.tables import proposed_outcome
from ipgov.documents import what_if_sheet
from ipgov.documents.model import SIMULATION_BANNER
from ipgov.evaluation import store as results
from ipgov.evaluation.comparison.changes import Outcome
from ipgov.evaluation.comparison.what_if import NotAsked, PastYear, WhatIf, what_if
from ipgov.evaluation.engine import ENGINE_VERSION
from ipgov.policy import store
from ipgov.policy.check import check_scoring
from ipgov.policy.store import Loaded
from ipgov.procedures.comparison import Side, period_results, side


def under_draft(
    policy: Path, programme: str, periods: str, known_at: dt.datetime, not_asked: NotAsked = "refuse"
) -> WhatIf:
    """Hold a draft against past years: ``periods`` is ``2023-2025``, ``2023,2025`` or one year.

    Of each year the result that was issued last, else its newest live one. Raises UnknownError for years
    without results, GovernanceError for a policy file that cannot be read, RefusedError for inputs that the
    years do not have.
    """
    draft = _draft(policy, programme)
    with reading() as connection:
        years = [_past_year(connection, programme, p) for p in _periods(periods)]
        earlier = results.history(connection, programme, str(min(y.period for y in years)), known_at)
    return what_if(draft.rules, years, earlier, not_asked)


def sheet(found: WhatIf, policy: Path) -> bytes:
    """Return the policy maker's workbook."""
    draft = store.load(policy)
    with reading() as connection:
        banner = SIMULATION_BANNER if is_simulation(connection) else ""
    trace = fingerprint([draft.sha256, ENGINE_VERSION, [y.trace for y in found.years]])
    return what_if_sheet.write(found, draft.sha256, trace, banner)


def _draft(policy: Path, programme: str) -> Loaded:
    draft = store.load(policy)
    if draft.rules.programme != programme:
        raise UnknownError(f"{policy.name} 是“{draft.rules.programme}”的规则，不是“{programme}”的")
    if problems := check_scoring(draft.rules, policy.name):
        raise GovernanceError(f"{policy.name} 的评分规则有 {len(problems)} 处问题", tuple(problems))
    return draft


def _periods(text: str) -> list[str]:
    found: list[str] = []
    for part in text.split(","):
        years = re.fullmatch(r"(\d{4})(?:-(\d{4}))?", part.strip(), re.A)
        if years is None or (years[2] and years[1] > years[2]):
            raise UnknownError(f"年度“{text}”无效；应为 2023-2025、2023,2025 或 2025")
        found += map(str, range(int(years[1]), int(years[2] or years[1]) + 1))
    return sorted(set(found))


def _past_year(connection: Connection, programme: str, period: str) -> PastYear:
    heads, issued = period_results(connection, programme, period)
    live = [h for h in heads if h["mode"] == "live"]
    if not live:
        raise UnknownError(f"“{programme}”{period} 年度没有正式评价结果，不能试算")
    head = next((h for h in live if h["id"] == issued), live[0])
    was = side(connection, head)
    ended, said = _consequences(connection, was)
    return PastYear(
        period=int(period),
        basis=was.basis,
        rules=was.rules,
        results={
            r["unit"]: Outcome(
                True, r["total"], r["rank"], r["group_rank"], r["grade"], r["passed"], tuple(r["reasons"])
            )
            for r in results.results(connection, head["id"])
        },
        source=f"第 {head['id']} 号结果（{'已发文' if head['id'] == issued else '尚未发文'}）",
        trace=head["fingerprint"],
        ended=ended,
        said=said,
    )


def _consequences(connection: Connection, was: Side) -> tuple[frozenset[str], dict[str, str]]:
    """Return for whom the end of the title was proposed, and what was proposed for each body."""
    names = {o.outcome: o for o in was.rules.outcomes}
    rows = connection.execute(
        select(proposed_outcome.c.unit, proposed_outcome.c.outcome).where(
            proposed_outcome.c.result_set_id == was.head["id"]
        )
    ).all()
    ended = frozenset(r.unit for r in rows if names[r.outcome].event == "cancelled")
    return ended, {r.unit: names[r.outcome].name for r in rows}
