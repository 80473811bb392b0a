"""The database role of a province: made, let in, shut out. Works as the owner, who makes these and no others.

What such a role sees is said in ``sql/province``; here only who may sign in. PostgreSQL 16 or later.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

from psycopg import sql
from sqlalchemy import Connection, select, text

from ipgov.core.errors import EnvironmentProblemError
from ipgov.core.tables import province_access

State = Literal["opened", "login", "revoked"]
GROUP, APPLICATION = "ipgov_province", "ipgov_app"


@dataclass(frozen=True)
class Limits:
    """What a session of a province may take up; the timeout is a default that it can change for itself."""

    connections: int
    statement_seconds: int


def role_of(province: str) -> str:
    """Return the name of a province's role."""
    return f"ipgov_province_{province}"


def verifier(connection: Connection, role: str, password: str) -> str:
    """Return what PostgreSQL keeps of a password: the password itself would stand in the server's log."""
    made: bytes = _driver(connection).pgconn.encrypt_password(
        password.encode(), role.encode(), b"scram-sha-256"
    )
    return made.decode()


def open_role(connection: Connection, role: str, limits: Limits) -> None:
    """Make a province's role where it is missing: nobody can sign in with it, the application can export."""
    name = sql.Identifier(role)
    if not exists(connection, role):
        _run(connection, sql.SQL("CREATE ROLE {} NOLOGIN").format(name))
    give = "WITH INHERIT TRUE, SET FALSE", "WITH INHERIT FALSE, SET TRUE"
    for group, member, how in ((GROUP, role, give[0]), (role, APPLICATION, give[1])):
        statement = sql.SQL("GRANT {} TO {} " + how)
        _run(connection, statement.format(sql.Identifier(group), sql.Identifier(member)))
    _run(connection, sql.SQL("ALTER ROLE {} CONNECTION LIMIT {}").format(name, limits.connections))
    for setting, value in (
        ("default_transaction_read_only", "on"),
        ("statement_timeout", f"{limits.statement_seconds}s"),
        ("lock_timeout", "10s"),
        ("idle_in_transaction_session_timeout", f"{limits.statement_seconds}s"),
        ("search_path", "province"),
    ):
        statement = sql.SQL("ALTER ROLE {} SET {} TO {}")
        _run(connection, statement.format(name, sql.Identifier(setting), sql.Literal(value)))


def let_in(connection: Connection, role: str, password: str) -> None:
    """Let a province's people sign in to this database, with this password from now on."""
    kept = sql.Literal(verifier(connection, role, password))
    _run(connection, sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), kept))
    _run(connection, sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(_here(connection), _id(role)))


def shut_out(connection: Connection, role: str) -> None:
    """Let nobody sign in with the role any more; its password is forgotten."""
    _run(connection, sql.SQL("ALTER ROLE {} NOLOGIN PASSWORD NULL").format(sql.Identifier(role)))
    _run(connection, sql.SQL("REVOKE CONNECT ON DATABASE {} FROM {}").format(_here(connection), _id(role)))


def end_sessions(connection: Connection, role: str) -> int:
    """End the role's open sessions; return how many. After the shutting out was committed."""
    own = sql.SQL("GRANT {} TO CURRENT_USER WITH INHERIT TRUE").format(_id(role))
    _run(connection, own)  # only who has a role's rights may end its sessions
    ended = connection.execute(
        text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = :role"), {"role": role}
    ).scalars()
    count = sum(map(bool, ended))
    _run(connection, sql.SQL("GRANT {} TO CURRENT_USER WITH INHERIT FALSE").format(_id(role)))
    return count


def exists(connection: Connection, role: str) -> bool:
    """Tell whether the server has the role: a restored database may lie on one that does not."""
    found = connection.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role})
    return found.first() is not None


def require_maker(connection: Connection) -> None:
    """Raise EnvironmentProblemError where the owner may make no roles, with what an administrator runs."""
    may = connection.execute(
        text("SELECT rolcreaterole OR rolsuper FROM pg_roles WHERE rolname = current_user")
    ).scalar_one()
    if not may:
        raise EnvironmentProblemError(
            "表所有者无权建立各省的数据库角色；请由数据库管理员运行："
            f"ALTER ROLE ipgov_owner CREATEROLE; GRANT {GROUP} TO ipgov_owner WITH ADMIN TRUE;"
        )


def newest(connection: Connection) -> dict[str, dict[str, Any]]:
    """Return what was last decided of every province, by its code."""
    rows = connection.execute(select(province_access).order_by(province_access.c.id)).mappings()
    found = {row["province"]: dict(row) for row in rows}
    return dict(sorted(found.items()))


def record(
    connection: Connection, province: str, state: State, by: str, reason: str, known_at: dt.datetime
) -> None:
    """Record a decision: the row policies go by the newest of a role."""
    connection.execute(
        province_access.insert().values(
            province=province,
            role=role_of(province),
            state=state,
            decided_by=by,
            reason=reason,
            known_at=known_at,
        )
    )


def _driver(connection: Connection) -> Any:
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101
    return driver


def _run(connection: Connection, statement: sql.Composed) -> None:
    _driver(connection).execute(statement)


def _id(name: str) -> sql.Identifier:
    return sql.Identifier(name)


def _here(connection: Connection) -> sql.Identifier:
    return sql.Identifier(connection.execute(text("SELECT current_database()")).scalar_one())
