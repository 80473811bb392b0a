"""The installation in one look: what runs, who is waited for, what is late, failed or filling up."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import Connection, text

from ipgov.core import audit, objects, seals
from ipgov.core.database import reading
from ipgov.core.settings import settings
from ipgov.operations import airflow_state, backups, conditions


def state(as_of: dt.date, now: dt.datetime) -> dict[str, Any]:
    """Return plain data: components, runs, waiting rounds, what needs a person, sizes, seal, backups."""
    airflow = airflow_state.look()
    needs = conditions.find(as_of, now, airflow)
    with reading() as connection:
        found = {
            "components": airflow.components,
            "running": airflow.running,
            "airflow_unknown": airflow.unknown,
            "approvals": conditions.waiting_rounds(connection),
            "database_bytes": _size(connection),
            "airflow_database_bytes": airflow.bytes,
            "last_seal": _last_seal(connection),
            "last_backup": _backup(connection, now, "made"),
            "last_rehearsal": _backup(connection, now, "rehearsed", "rehearsal_failed"),
        }
    return found | {
        "objects": _objects(),
        "disks": conditions.disks(),
        "backup_destination": settings().backup_destination,
        "needs_person": [need.as_dict() for need in needs],
    }


def _size(connection: Connection) -> int:
    found: int = connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one()
    return found


def _objects() -> dict[str, int]:
    count = size = 0
    for info in objects.store().list(""):
        count += 1
        size += info.size
    return {"count": count, "bytes": size}


def _last_seal(connection: Connection) -> dict[str, Any] | None:
    row = seals.newest(connection)
    return None if row is None else {"head": audit.head(row), "known_at": row["known_at"]}


def _backup(connection: Connection, now: dt.datetime, *kinds: str) -> dict[str, Any] | None:
    row = backups.last_known(connection, *kinds) if len(kinds) > 1 else backups.last(connection, *kinds)
    if row is None:
        return None
    age = now - row["snapshot_at"] if kinds == ("made",) else now - row["known_at"]
    kept = ("kind", "backup", "place", "snapshot_at", "known_at", "seconds", "objects", "bytes", "head")
    return {name: row[name] for name in kept} | {"age_hours": round(age.total_seconds() / 3600, 1)}
