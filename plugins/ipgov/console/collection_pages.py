"""A period's collection on a page: numbers by province, day after day, and the bodies behind each."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from ipgov.console import access, charts, queries
from ipgov.console import rendering as r
from ipgov.console.access import Name, Reader
from ipgov.console.quality_pages import Place, Word, last_page, refuse_unknown_parameters
from ipgov.core.database import is_simulation, reading
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.core.steps import SHANGHAI, resolve_moment
from ipgov.policy.title_words import day_words
from ipgov.procedures import audit_routes
from ipgov.procedures import collection as collecting
from ipgov.registry.asof import listed

router = APIRouter()
BODIES_PER_PAGE = 100
NOT_IN_TIME = "open"  # what is listed unless a number was chosen: expected, and not accepted in time
_GROUPS = {NOT_IN_TIME: "未按期受理", **collecting.GROUPS}
Date = Annotated[str | None, Query(max_length=40)]


@router.get("/collection/{programme}/{period}", response_class=HTMLResponse)
def collection(
    request: Request,
    user: Reader,
    programme: Name,
    period: Name,
    as_of: Date = None,
    line: Word = None,
    group: Word = None,
    page: Place = 1,
) -> HTMLResponse:
    """Show who was expected, who reported, and how it went on, day after day."""
    refuse_unknown_parameters(request, {"as_of", "line", "group", "page"})
    now = access.now()
    with reading() as connection:
        simulation = is_simulation(connection)
        opened = queries.cycle(connection, programme, period)
    asked = _day(as_of)
    if asked is None and simulation and now.astimezone(SHANGHAI).date() < opened["opened_on"]:
        asked = opened["evaluate_on"]  # a period of the simulation that lies ahead of us
    day, known_at = resolve_moment(now, simulation, as_of=asked)
    found = collecting.collection(programme, period, day, known_at)
    there = [collecting.TOTAL, *(c.line for c in found.lines)]
    line = line or collecting.TOTAL
    if line not in there:
        raise UnknownError(f"没有名为“{line}”的省份；有应报单位的：{listed(there[1:])}")
    group = group or NOT_IN_TIME
    if group not in _GROUPS:
        raise UnknownError(f"没有名为“{group}”的类别；可用：{'、'.join(_GROUPS)}")
    bodies = [b for b in found.bodies if line in (collecting.TOTAL, b.line) and _belongs(b, group)]
    pages = last_page(len(bodies), BODIES_PER_PAGE, page, "名单")
    start = (page - 1) * BODIES_PER_PAGE

    def to(**changed: Any) -> str:
        whole = {"as_of": as_of, "line": line, "group": group, **changed}
        query = urlencode({k: v for k, v in whole.items() if v not in (None, collecting.TOTAL, NOT_IN_TIME)})
        return r.link(request, "collection", programme, period) + (f"?{query}" if query else "")

    return r.page(
        request,
        "collection.html",
        simulation=simulation,
        login=user.get_name(),
        now=now,
        found=found,
        chart=charts.days(
            found.days[line],
            found.due_on,
            found.late_until,
            found.evaluate_on,
            day_words(programme).evaluate_on.removesuffix("日"),
        ),
        all_days=found.days[line],
        line=line,
        line_name=collecting.line_name,
        group=group,
        groups=_GROUPS,
        states=collecting.STATES,
        audit_states=audit_routes.TOLD,
        bodies=bodies[start : start + BODIES_PER_PAGE],
        count=len(bodies),
        first=start,
        page=page,
        pages=pages,
        to=to,
    )


def _belongs(body: collecting.Body, group: str) -> bool:
    return body.expected and body.state != "accepted" if group == NOT_IN_TIME else body.belongs_to(group)


def _day(text: str | None) -> dt.date | None:
    if not text:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise RefusedError(f"截至日“{text}”不是日期，应为 2026-04-15 的形式") from None
