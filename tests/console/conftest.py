"""The console behind Airflow's own login dependency; only the auth manager, who knows the people, is ours."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# before anything imports Airflow, which writes its settings there
os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="ipgov-console-airflow-"))

import pytest
from airflow.api_fastapi import app as airflow_app
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from console_browser import Browser, open_browser
from console_sample import Sample, fill
from jwt import ExpiredSignatureError, InvalidTokenError


@dataclass
class Person(BaseUser):
    login: str

    def get_id(self) -> str:
        return self.login

    def get_name(self) -> str:
        return self.login


@dataclass
class People:
    """An auth manager that knows tokens by heart and who may do what on which resource."""

    may: dict[str, set[tuple[str, str]]] = field(
        default_factory=lambda: {
            "reviewer1": {("GET", "governance"), ("POST", "governance")},
            "issuer1": {("GET", "governance"), ("POST", "governance")},
            "viewer1": {("GET", "governance")},
            "stranger1": {("GET", "something else")},
        }
    )

    async def get_user_from_token(self, token: str) -> Person:
        if token == "token-expired":
            raise ExpiredSignatureError
        if token.removeprefix("token-") not in self.may:
            raise InvalidTokenError
        return Person(token.removeprefix("token-"))

    def is_authorized_custom_view(self, *, method: str, resource_name: str, user: Person) -> bool:
        return (method, resource_name) in self.may[user.login]

    def get_url_login(self, **given: Any) -> str:
        return f"/auth/login?next={given['next_url']}"


@pytest.fixture(autouse=True)
def people(monkeypatch: pytest.MonkeyPatch) -> People:
    known = People()
    monkeypatch.setattr(airflow_app._AuthManagerState, "instance", known)
    return known


@pytest.fixture
def sample(database: Path) -> Sample:
    return fill()


@pytest.fixture
def anonymous(database: Path) -> Browser:
    return open_browser()


@pytest.fixture
def viewer(database: Path) -> Browser:
    return open_browser("viewer1")


@pytest.fixture
def issuer(database: Path) -> Browser:
    return open_browser("issuer1")
