"""A year on the record, and a database of Airflow's that stands for the real one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

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
