"""What the application's own role may do by SQL: the last part of docs/access-table.md, tried."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from access_table import SQL
from ipgov.core import tables
from ipgov.core.settings import settings
from psycopg.errors import Error

TABLES = sorted(tables.metadata.tables)
FACT = "extension"
REFUSED = {"42501", "23000"}  # no privilege; the trigger that refuses a change of facts

STATEMENTS = {
    "SELECT": ["SELECT * FROM {t} LIMIT 1"],
    "INSERT": ["INSERT INTO {t} (programme) SELECT programme FROM {t} WHERE false"],
    "UPDATE": ["UPDATE {t} SET known_at = known_at WHERE false"],
    "DELETE": ["DELETE FROM {t} WHERE false"],
    "TRUNCATE": ["TRUNCATE {t}"],
    "COPY … TO STDOUT": ["COPY {t} TO STDOUT"],
    "COPY … FROM STDIN": ["COPY {t} FROM STDIN"],
    "COPY … TO a file or PROGRAM": [
        "COPY {t} TO '/tmp/x'",
        "COPY {t} TO PROGRAM 'cat'",
        "COPY {t} FROM '/tmp/x'",
    ],
    "ALTER, DROP, CREATE": [
        "ALTER TABLE {t} ADD COLUMN x int",
        "DROP TABLE {t} CASCADE",
        "CREATE TABLE x (i int)",
        "CREATE FUNCTION x() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ],
    "DISABLE TRIGGER": ["ALTER TABLE {t} DISABLE TRIGGER append_only", "DROP TRIGGER append_only ON {t}"],
    "SET ROLE to the owner": ["SET ROLE ipgov_owner"],
}


@pytest.fixture
def connections(database: Path) -> Iterator[dict[str, Any]]:
    urls = {"ipgov_app": settings().database_url, "owner": settings().owner_database_url}
    found = {n: psycopg.connect(u.replace("+psycopg", "")) for n, u in urls.items()}
    yield found
    for connection in found.values():
        connection.close()


def may(connection: Any, statement: str) -> bool:
    """Run a statement and take it back; False where it is refused for who asks."""
    try:
        if statement.startswith("COPY") and "STDIN" in statement:
            with connection.cursor().copy(statement):
                pass
        elif statement.startswith("COPY") and "STDOUT" in statement:
            with connection.cursor().copy(statement) as rows:
                list(rows)
        else:
            connection.execute(statement)
    except Error as error:
        if error.sqlstate not in REFUSED:
            raise
        return False
    finally:
        connection.rollback()
    return True


def test_every_statement_is_as_the_table_says(connections: dict[str, Any]) -> None:
    assert STATEMENTS.keys() == SQL.keys()
    for kind, statements in STATEMENTS.items():
        for role, allowed in zip(("ipgov_app", "owner"), SQL[kind], strict=True):
            found = {s: may(connections[role], s.format(t=FACT)) for s in statements}
            assert set(found.values()) == {allowed}, (kind, role, found)


def test_the_application_reads_and_adds_and_nothing_else_in_every_table(connections: dict[str, Any]) -> None:
    # without the right to grant this only warns
    connections["ipgov_app"].execute(f"GRANT UPDATE ON {FACT} TO ipgov_app")
    rows = connections["ipgov_app"].execute(
        "SELECT t, p, has_table_privilege('ipgov_app', quote_ident(t), p)"
        " FROM unnest(%s::text[]) t, unnest(%s::text[]) p",
        (TABLES, ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"]),
    )
    held = {(t, p) for t, p, has in rows if has}
    assert held == {(t, p) for t in TABLES for p in ("SELECT", "INSERT")}


def test_the_application_is_nobody_special(connections: dict[str, Any]) -> None:
    row = connections["ipgov_app"].execute(
        "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls"
        " FROM pg_roles r WHERE rolname = 'ipgov_app'"
    )
    assert row.fetchone() == (False, False, False, False, False)


def test_the_application_may_become_a_province_alone_and_has_nothing_of_it_before(
    connections: dict[str, Any],
) -> None:
    """Roles are the server's, not the database's: those of other tests may be there, too."""
    rows = connections["ipgov_app"].execute(
        "SELECT g.rolname, m.inherit_option, m.admin_option FROM pg_auth_members m"
        " JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles r ON r.oid = m.member"
        " WHERE r.rolname = 'ipgov_app'"
    )
    for role, inherits, administers in rows:
        assert role.startswith("ipgov_province_")
        assert role != "ipgov_province_reader"
        assert (inherits, administers) == (False, False)
