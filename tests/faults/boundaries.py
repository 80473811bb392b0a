"""Where a step can be cut: around every commit and at every stage of every write to the object store.

Everything is seen from outside (the driver's commit, the store's methods, the operating system's calls); the
programs that are tested know nothing of it.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.engine.default import DefaultDialect

INSERTS = re.compile(r"\s*INSERT INTO \"?(\w+)")
# Of an object's key only its kind tells one boundary from another.
DIGEST = re.compile(r"[0-9a-f]{12,}")


def watch(reached: Callable[[str], None]) -> None:
    """Call ``reached`` with a boundary's name whenever this process comes to one."""
    _watch_commits(reached)
    _watch_objects(reached)


def _watch_commits(reached: Callable[[str], None]) -> None:
    inserted: dict[int, list[str]] = {}

    @event.listens_for(Engine, "before_cursor_execute")
    def statement(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if found := INSERTS.match(statement):
            tables = inserted.setdefault(id(connection.connection.dbapi_connection), [])
            if found[1] not in tables:
                tables.append(found[1])

    plain = DefaultDialect.do_commit

    def do_commit(self: Any, dbapi_connection: Any) -> None:
        driver = getattr(dbapi_connection, "dbapi_connection", dbapi_connection)
        tables = inserted.pop(id(driver), None)
        if not tables:
            return plain(self, dbapi_connection)
        reached(f"before commit of {'+'.join(tables)}")
        plain(self, dbapi_connection)
        reached(f"after commit of {'+'.join(tables)}")
        return None

    DefaultDialect.do_commit = do_commit  # type: ignore[method-assign]

    @event.listens_for(Engine, "rollback")
    def rolled_back(connection: Any) -> None:
        inserted.pop(id(connection.connection.dbapi_connection), None)


def _watch_objects(reached: Callable[[str], None]) -> None:
    from ipgov.core.objects import LocalStore

    now: list[str] = []  # what is being put
    put = LocalStore.put

    def watched_put(self: Any, key: str, data: bytes, *, once: bool = False) -> None:
        kind = key.split("/")[0]
        reached(f"before put of {kind}")
        now.append(kind)
        try:
            put(self, key, data, once=once)
        finally:
            now.pop()
        reached(f"after put of {kind}")

    LocalStore.put = watched_put  # type: ignore[method-assign]

    def around(module: Any, name: str, before: str, after: str) -> None:
        plain = getattr(module, name)

        def watched(*arguments: Any, **named: Any) -> Any:
            if now and before:
                reached(f"{before} of {now[-1]}")
            answer = plain(*arguments, **named)
            if now and after:
                reached(f"{after} of {now[-1]}")
            return answer

        setattr(module, name, watched)

    around(tempfile, "mkstemp", "", "temporary file made")
    around(os, "link", "temporary file written", "name given")
    around(os, "replace", "temporary file written", "name given")
