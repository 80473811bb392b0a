"""The console behind Airflow's own login dependency; only the auth manager, who knows the people, is ours."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
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
        login = token.removeprefix("token-")
        if login == "expired":
            raise ExpiredSignatureError
        if login not in self.may:
            raise InvalidTokenError
        return Person(login)

    def is_authorized_custom_view(self, *, method: str, resource_name: str, user: Person) -> bool:
        return (method, resource_name) in self.may[user.login]

    def get_url_login(self, **given: Any) -> str:
        return f"/auth/login?next={given['next_url']}"


@pytest.fixture(autouse=True)
def people(monkeypatch: pytest.MonkeyPatch) -> People:
    known = People()
    monkeypatch.setattr(airflow_app._AuthManagerState, "instance", known)
    return known


@dataclass
class Filled:
    """A database with the sample in it, to be cloned, and the files that it names."""

    name: str
    sample: Sample
    state: Path


@pytest.fixture(scope="session")
def filled(postgres: Path, migrated_template: str, tmp_path_factory: pytest.TempPathFactory) -> Filled:
    name, state = "console_sample", tmp_path_factory.mktemp("console")
    with pytest.MonkeyPatch.context() as patch:
        use_database(patch, postgres, name, state, migrated_template)
        inserted = fill()
    forget()
    return Filled(name, inserted, state)


@pytest.fixture
def sample(postgres: Path, filled: Filled, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sample]:
    """The sample, shared by the tests that only read."""
    use_database(monkeypatch, postgres, "console_read", filled.state, filled.name)
    yield filled.sample
    forget()


@pytest.fixture
def own_sample(
    postgres: Path, filled: Filled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Sample]:
    """The sample in a database and an object store of the test's own."""
    from ipgov.launcher import postgres as embedded

    name = f"console_{os.getpid()}_{abs(hash(tmp_path)) % 10**9}"
    use_database(monkeypatch, postgres, name, tmp_path, filled.name)
    shutil.copytree(filled.state / "objects", tmp_path / "objects")
    yield filled.sample
    forget()
    embedded.drop_database(postgres, name)


def use_database(patch: pytest.MonkeyPatch, postgres: Path, name: str, state: Path, template: str) -> None:
    from ipgov.launcher import postgres as embedded

    embedded.ensure_database(postgres, name, owner=embedded.OWNER, template=template)
    patch.setenv("IPGOV_DATABASE_URL", embedded.url(postgres, name, embedded.APPLICATION))
    patch.setenv("IPGOV_STATE", str(state))
    forget()


def forget() -> None:
    """Drop what was cached for another database."""
    from ipgov.core import database, objects, settings

    if database.engine.cache_info().currsize:
        database.engine().dispose()
    for cached in (database.engine, objects.store, settings.settings):
        cached.cache_clear()


@pytest.fixture
def anonymous() -> Browser:
    return open_browser()


@pytest.fixture
def viewer() -> Browser:
    return open_browser("viewer1")


@pytest.fixture
def issuer() -> Browser:
    return open_browser("issuer1")
