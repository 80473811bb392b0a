"""The database is what core/tables says, however often it is migrated, and stays what it was made as."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from ipgov.core import database as db
from ipgov.core.database import is_simulation, migrate, reading
from ipgov.core.errors import EnvironmentProblemError, RefusedError
from ipgov.core.settings import settings
from ipgov.core.tables import database_identity, metadata
from ipgov.launcher import postgres as embedded
from sqlalchemy import create_engine, inspect, select, text

KNOWN_AT = dt.datetime(2024, 1, 2, tzinfo=dt.UTC)


def identities() -> list[tuple[str, str]]:
    with reading() as connection:
        rows = connection.execute(select(database_identity.c.kind, database_identity.c.note))
        return [(kind, note) for kind, note in rows]


def test_migrations_make_exactly_the_tables_of_the_code(database: Path) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    engine = create_engine(settings().owner_database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, metadata) == []
        assert set(inspect(connection).get_table_names()) == {*metadata.tables, "alembic_version"}
    engine.dispose()


def test_every_check_constraint_of_the_code_is_in_the_database(database: Path) -> None:
    """The comparison above does not look at these."""
    from sqlalchemy import CheckConstraint

    told = {c.name for t in metadata.tables.values() for c in t.constraints if isinstance(c, CheckConstraint)}
    with reading() as connection:
        there = connection.execute(
            text("SELECT conname FROM pg_constraint WHERE contype = 'c' AND conrelid <> 0")
        )
        assert set(there.scalars()) == told


def test_every_view_of_the_folder_can_be_read_by_the_application(database: Path) -> None:
    named = {f.stem.partition("_")[2] for f in (settings().sql / "views").glob("*.sql")}
    with reading() as connection:
        readable = connection.execute(
            text(
                "SELECT relname FROM pg_class WHERE relkind = 'v'"
                " AND relnamespace = 'public'::regnamespace AND has_table_privilege(oid, 'SELECT')"
            )
        )
        assert set(readable.scalars()) == named
    assert named


def test_migrating_again_is_harmless(database: Path) -> None:
    before = identities()
    migrate("simulation", "another note", KNOWN_AT)
    migrate("simulation", "another note", KNOWN_AT)
    assert identities() == before == [("simulation", "database of a test")]


def test_kind_cannot_change(database: Path) -> None:
    with pytest.raises(RefusedError, match="此数据库创建时登记为“simulation”，不能当作“production”使用"):
        migrate("production", "", KNOWN_AT)
    assert [kind for kind, _ in identities()] == ["simulation"]


def test_second_identity_is_refused_by_the_database(database: Path) -> None:
    from sqlalchemy.exc import IntegrityError

    row = {"kind": "production", "note": "", "known_at": KNOWN_AT}
    with pytest.raises(IntegrityError), db.transaction() as connection:
        connection.execute(database_identity.insert().values(row))


def test_simulation_is_told_from_production(
    database: Path, postgres: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with reading() as connection:
        assert is_simulation(connection)
    name = "fresh_production"
    embedded.ensure_database(postgres, name, owner=embedded.OWNER)
    try:
        monkeypatch.setenv("IPGOV_DATABASE_URL", embedded.url(postgres, name, embedded.APPLICATION))
        monkeypatch.setenv("IPGOV_OWNER_DATABASE_URL", embedded.url(postgres, name, embedded.OWNER))
        db.engine().dispose()
        for cached in (db.engine, settings):
            cached.cache_clear()
        migrate("production", "生产库", KNOWN_AT)
        with reading() as connection:
            assert not is_simulation(connection)
        db.engine().dispose()
    finally:
        embedded.drop_database(postgres, name)


def test_missing_addresses_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("IPGOV_DATABASE_URL", "IPGOV_OWNER_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    for cached in (db.engine, settings):
        cached.cache_clear()
    try:
        with pytest.raises(EnvironmentProblemError, match="请设置 IPGOV_DATABASE_URL"):
            db.engine()
        with pytest.raises(EnvironmentProblemError, match="请设置 IPGOV_OWNER_DATABASE_URL"):
            migrate("simulation", "", KNOWN_AT)
    finally:
        settings.cache_clear()
