"""What is owed by whom and until when, on a page; the same as a workbook and as calendar files."""

from __future__ import annotations

import datetime as dt
from itertools import groupby
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from ipgov.console import access
from ipgov.console import rendering as r
from ipgov.console.access import Name, Reader
from ipgov.console.downloads import download
from ipgov.console.quality_pages import Word, refuse_unknown_parameters
from ipgov.core.database import is_simulation, reading
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.core.steps import SHANGHAI, resolve_moment
from ipgov.documents.work_plan import Item, state_of, week_of
from ipgov.procedures import follow_up, work_plan
from ipgov.registry.asof import listed

router = APIRouter()
Weeks = Annotated[int | None, Query(ge=1, le=104)]
Day = Annotated[str | None, Query(max_length=40)]


@router.get("/duties", response_class=HTMLResponse)
def duties(
    request: Request, user: Reader, as_of: Day = None, weeks: Weeks = None, owner: Word = None
) -> HTMLResponse:
    """Show what is late and what is due in the coming weeks: by week, and how much each unit owes."""
    refuse_unknown_parameters(request, {"as_of", "weeks", "owner"})
    day, known_at, simulation = shown_moment(as_of)
    plan, _ = work_plan.plan(day, known_at, weeks)
    owners = {i.owner: i.owner_name for i in plan.items}
    if owner is not None and owner not in owners:
        raise UnknownError(f"“{owner}”在此期间没有待办事项；有待办事项的单位：{listed(sorted(owners))}")
    shown = [i for i in plan.items if owner in (None, i.owner)]
    return r.page(
        request,
        "duties.html",
        simulation=simulation,
        login=user.get_name(),
        now=access.now(),
        plan=plan,
        owner=owner,
        weeks=[(week, list(items)) for week, items in groupby(shown, _week)],
        units=[(code, name, _counts(plan.items, code)) for code, name in sorted(owners.items())],
        shown=shown,
        state_of=state_of,
        soon=plan.soon,
        to=lambda *parts, **changed: _link(request, as_of, weeks, parts, changed),
    )


@router.get("/duties/xlsx")
def workbook(request: Request, user: Reader, as_of: Day = None, weeks: Weeks = None) -> Response:
    """Hand out the work plan as a workbook."""
    refuse_unknown_parameters(request, {"as_of", "weeks"})
    day, known_at, _ = shown_moment(as_of)
    return download(work_plan.workbook(day, known_at, weeks), f"工作计划-{day}.xlsx", "xlsx")


@router.get("/duties/calendar/{party}")
def calendar(request: Request, user: Reader, party: Name, as_of: Day = None) -> Response:
    """Hand out a responsible unit's calendar file."""
    refuse_unknown_parameters(request, {"as_of"})
    day, known_at, _ = shown_moment(as_of)
    return download(work_plan.calendar(party, day, known_at), f"{party}-待办与期限.ics", "ics")


def shown_moment(as_of: str | None) -> tuple[dt.date, dt.datetime, bool]:
    """Return the day shown, what is known then, and whether this is a simulation.

    A simulation shows by default the last day that it has lived through, which may lie ahead of us.
    """
    now = access.now()
    with reading() as connection:
        simulation = is_simulation(connection)
    try:
        asked = dt.date.fromisoformat(as_of) if as_of else None
    except ValueError:
        raise RefusedError(f"基准日“{as_of}”不是日期，应为 2026-04-15 的形式") from None
    if asked is None and simulation:
        asked = follow_up.last_day()
    day, known_at = resolve_moment(now, simulation, as_of=asked or now.astimezone(SHANGHAI).date())
    return day, known_at, simulation


def _week(item: Item) -> str:
    return "逾期" if item.late else week_of(item.due_on)


def _counts(items: Any, code: str) -> dict[str, int]:
    own = [i for i in items if i.owner == code]
    return {
        "all": len(own),
        "late": sum(i.late for i in own),
        "provisional": sum(i.provisional for i in own),
    }


def _link(request: Request, as_of: str | None, weeks: int | None, parts: Any, changed: dict[str, Any]) -> str:
    given = {"as_of": as_of, "weeks": weeks, **changed}
    kept = {k: v for k, v in given.items() if v is not None}
    return r.link(request, "duties", *parts) + (f"?{urlencode(kept)}" if kept else "")
