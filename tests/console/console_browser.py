"""A client that asks for pages as browsers do, at a console mounted as Airflow mounts it."""

from __future__ import annotations

import html
import re
from typing import Any

from fastapi.testclient import TestClient

HOST = "http://governance.test"


def words(page: str) -> str:
    """A page's text as a reader sees it: no markup, single spaces."""
    text = html.unescape(re.sub(r"<[^>]*>", " ", page))
    return re.sub(r"\s+", " ", text)


class Browser(TestClient):
    """Keeps the login in the cookie that Airflow's login page sets."""

    def login(self, person: str) -> Browser:
        self.cookies.set("_token", f"token-{person}")
        return self

    def upload(self, round_id: int, data: bytes, origin: str | None = HOST, **fields: str) -> Any:
        """Post a workbook by the form of a round's page."""
        return self.post(
            f"/governance/round/{round_id}",
            files={"workbook": ("评级表.xlsx", data)},
            data=fields,
            headers={"origin": origin} if origin else {},
        )


def open_browser(person: str | None = None) -> Browser:
    from ipgov.console.app import app
    from starlette.applications import Starlette
    from starlette.routing import Mount

    browser = Browser(
        Starlette(routes=[Mount("/governance", app)]),
        base_url=HOST,
        follow_redirects=False,
        headers={"accept": "text/html"},
    )
    return browser.login(person) if person else browser
