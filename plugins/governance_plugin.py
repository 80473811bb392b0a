"""Airflow plug-in of ipgov: timetable, console, answers. Every process loads it: nothing heavy here."""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin
from ipgov.wiring.answers import AnswersAtOnce
from ipgov.wiring.deadlines import LiveRunDue
from ipgov.wiring.timetables import PeriodTimetable


async def console(scope: Any, receive: Any, send: Any) -> None:
    """Hand a request to the console, which is imported at the first one (only the API server gets any)."""
    from ipgov.console.app import app

    await app(scope, receive, send)


class GovernancePlugin(AirflowPlugin):
    """What ipgov adds to Airflow."""

    name = "governance"
    timetables = [PeriodTimetable]
    deadline_references = [LiveRunDue]
    fastapi_apps = [{"app": console, "url_prefix": "/governance", "name": "治理"}]
    fastapi_root_middlewares = [{"middleware": AnswersAtOnce, "name": "治理：答复随即入册"}]
    external_views = [
        {
            "name": "治理",
            "href": "/governance/",
            "destination": "nav",
            "url_route": "governance",
            "nav_top_level": True,
        }
    ]
