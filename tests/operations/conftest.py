"""A played year, and a database that stands for Airflow's."""

from __future__ import annotations

import datetime as dt
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parents[1] / "procedures"))


@pytest.fixture
def airflow_like(postgres: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a small database with accounts and live sessions, as Airflow's has them."""
    from ipgov.core.settings import settings
    from ipgov.launcher import postgres as embedded
    from sqlalchemy import create_engine, text

    name = "airflow_like"
    embedded.ensure_database(postgres, name, owner=embedded.AIRFLOW)
    url = embedded.url(postgres, name, embedded.AIRFLOW)
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE ab_user (id int PRIMARY KEY, username text)"))
        connection.execute(text("CREATE TABLE session (id int PRIMARY KEY, data text)"))
        connection.execute(text("INSERT INTO ab_user VALUES (1, 'reviewer1')"))
        connection.execute(text("INSERT INTO session VALUES (1, 'signed-in')"))
    engine.dispose()
    monkeypatch.setenv("IPGOV_AIRFLOW_DATABASE_URL", embedded.url(postgres, name, embedded.BACKUP))
    settings.cache_clear()
    yield url
    embedded.drop_database(postgres, name)


@pytest.fixture
def nation(database: Path) -> Any:
    """The synthetic nation on a fresh database."""
    from ipgov.core.database import transaction
    from ipgov.core.steps import SHANGHAI
    from ipgov.decisions.officers import Officer, register_officer
    from ipgov.simulation import nation as synthetic
    from played_nation import Nation

    with transaction() as connection:
        synthetic.register(connection)
        for login, role in (("reviewer1", "reviewer"), ("issuer1", "issuer")):
            known_at = dt.datetime(2023, 9, 5, tzinfo=SHANGHAI)
            register_officer(connection, Officer(login, login, (role,), None, True), known_at)
    return Nation(database / "objects")


@pytest.fixture
def outside() -> Iterator[Path]:
    """A folder in which a server can be started: below pytest's own, every new run of pytest locks it out."""
    with tempfile.TemporaryDirectory(prefix="ipg") as folder:
        yield Path(folder)
