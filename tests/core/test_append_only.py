"""Facts are appended, never changed: by nobody, in no table, on no path."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from ipgov.core.tables import metadata
from ipgov.launcher import postgres as embedded
from psycopg import errors, sql

TABLES = sorted(metadata.tables)


@pytest.fixture
def connect(database: Path, postgres: Path) -> Iterator[object]:
    from ipgov.core.settings import settings

    name = settings().database_url.partition("@/")[2].partition("?")[0]
    opened = []

    def connect(role: str) -> psycopg.Connection:
        connection = psycopg.connect(f"postgresql://{role}@/{name}?host={postgres}", autocommit=True)
        opened.append(connection)
        return connection

    yield connect
    for connection in opened:
        connection.close()


def statements(table: str) -> list[sql.Composed]:
    name = sql.Identifier(table)
    return [
        sql.SQL("UPDATE {} SET known_at = known_at").format(name),
        sql.SQL("DELETE FROM {}").format(name),
        sql.SQL("TRUNCATE {} CASCADE").format(name),
        sql.SQL("MERGE INTO {} t USING (SELECT 1) s ON true WHEN MATCHED THEN DELETE").format(name),
    ]


def test_there_are_tables() -> None:
    assert len(TABLES) > 25


@pytest.mark.parametrize("role", [embedded.OWNER, "postgres"])
@pytest.mark.parametrize("replica", [False, True], ids=["", "as a replica"])
def test_owner_and_superuser_are_refused_in_every_table(connect, role: str, replica: bool) -> None:  # type: ignore[no-untyped-def]
    connection = connect(role)
    if replica and role != "postgres":
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute("SET session_replication_role = replica")
        return
    if replica:
        connection.execute("SET session_replication_role = replica")
    for table in TABLES:
        for statement in statements(table):
            with pytest.raises(errors.IntegrityConstraintViolation, match="never changed"):
                connection.execute(statement)


def test_application_may_only_read_and_add(connect) -> None:  # type: ignore[no-untyped-def]
    connection = connect(embedded.APPLICATION)
    for table in TABLES:
        connection.execute(sql.SQL("SELECT * FROM {} LIMIT 1").format(sql.Identifier(table)))
        for statement in statements(table):
            with pytest.raises(errors.InsufficientPrivilege):
                connection.execute(statement)
    rights = connection.execute(
        "SELECT DISTINCT privilege_type FROM information_schema.table_privileges WHERE grantee = %s"
        " AND table_name = ANY(%s)",
        (embedded.APPLICATION, TABLES),
    ).fetchall()
    assert {r for (r,) in rights} == {"SELECT", "INSERT"}


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (a int)",
        "ALTER TABLE finding DISABLE TRIGGER append_only",
        "DROP TRIGGER append_only ON finding",
        "DROP TABLE finding",
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS ''",
        "SET session_replication_role = replica",
        "SET ROLE ipgov_owner",
        "INSERT INTO alembic_version VALUES ('x')",
        "DELETE FROM alembic_version",
    ],
)
def test_application_cannot_change_the_rules(connect, statement: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(errors.InsufficientPrivilege):
        connect(embedded.APPLICATION).execute(statement)


def test_application_cannot_choose_an_id_or_overwrite_on_conflict(connect) -> None:  # type: ignore[no-untyped-def]
    connection = connect(embedded.APPLICATION)
    add = (
        "INSERT INTO extension ({}programme, period, unit, until, granted_by, reason, known_at) {}"
        "VALUES ({}'p', '2023', 'u', '2024-01-01', 'x', 'y', now()) {}"
    )
    connection.execute(add.format("", "", "", ""))
    with pytest.raises(errors.GeneratedAlways):
        connection.execute(add.format("id, ", "", "1, ", ""))
    with pytest.raises(errors.InsufficientPrivilege):
        connection.execute(
            add.format(
                "id, ", "OVERRIDING SYSTEM VALUE ", "1, ", "ON CONFLICT (id) DO UPDATE SET reason = 'z'"
            )
        )
    with pytest.raises(errors.IntegrityConstraintViolation, match="never changed"):
        connect("postgres").execute(
            add.format(
                "id, ", "OVERRIDING SYSTEM VALUE ", "1, ", "ON CONFLICT (id) DO UPDATE SET reason = 'z'"
            )
        )
