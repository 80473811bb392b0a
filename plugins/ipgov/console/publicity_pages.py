"""The public notices on a page: how long each still runs, its bodies, objections and what became of them."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from ipgov.console import access
from ipgov.console import rendering as r
from ipgov.console.access import Reader
from ipgov.console.duty_pages import Day, shown_moment
from ipgov.console.quality_pages import refuse_unknown_parameters
from ipgov.procedures import publicity_overview

router = APIRouter()


@router.get("/publicities", response_class=HTMLResponse)
def publicities(request: Request, user: Reader, as_of: Day = None) -> HTMLResponse:
    """Show every public notice, the newest first; who objected is nowhere on it."""
    refuse_unknown_parameters(request, {"as_of"})
    day, known_at, simulation = shown_moment(as_of)
    found = publicity_overview.listed(day, known_at)
    return r.page(
        request,
        "publicities.html",
        simulation=simulation,
        login=user.get_name(),
        now=access.now(),
        day=day,
        notices=list(reversed(found)),
        states=publicity_overview.STATES,
    )
