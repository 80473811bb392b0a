"""What an operator asks of backups: take, list, check, restore, rehearse, and how fresh the last one is."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from ipgov.core.errors import EnvironmentProblemError, GovernanceError, Problem
from ipgov.core.settings import settings
from ipgov.core.tables import backup_event, dispatch_begun
from ipgov.documents import dispatch
from ipgov.operations import backup, backup_check, restore, scratch_installation
from ipgov.operations import manifest as manifests
from ipgov.operations.manifest import Manifest
from ipgov.operations.place import Place
from ipgov.operations.restore import Restored, Say, Target


def place(location: str | None) -> Place:
    """Return a place of backups; without one the installation's (``backup_destination``).

    The endpoint is the setting's: two S3 services for backups are not provided for.
    """
    found = location or settings().backup_destination
    if not found:
        raise EnvironmentProblemError("没有备份存放处：请在命令中给出，或设置 IPGOV_BACKUP_DESTINATION")
    return Place(found, settings().backup_endpoint)


def take(location: str | None, performed_by: str, known_at: dt.datetime) -> Manifest:
    """Take a backup; raises as ``backup.create``."""
    return backup.create(place(location), performed_by, known_at)


def daily(known_at: dt.datetime) -> dict[str, Any]:
    """Take the daily backup where a destination is set; GovernanceError, once it is taken, for its gaps."""
    from ipgov.core.database import account

    if not settings().backup_destination:
        return {"skipped": "未设置 IPGOV_BACKUP_DESTINATION"}
    made = take(None, account(), known_at)
    if made.problems:
        raise GovernanceError(
            f"备份 {made.backup} 有 {len(made.problems)} 处缺漏",
            tuple(Problem("backup_gap", p, "对象在库，与指纹一致") for p in made.problems),
        )
    return {"backup": made.backup, "objects": made.objects, "copied": made.copied, "head": made.head}


def listing(location: str | None) -> list[dict[str, Any]]:
    """Return every backup of a place, oldest first."""
    return backup_check.listing(place(location))


def check(location: str | None, name: str | None) -> tuple[Manifest, list[Problem]]:
    """Read a backup (the newest) whole; return its manifest and everything wrong with it."""
    at = place(location)
    found = manifests.read(at, name or manifests.newest(at))
    return found, backup_check.problems(at, found)


def bring_back(
    location: str | None,
    name: str | None,
    state: Path | None,
    *,
    set_aside: bool,
    heads: list[str],
    performed_by: str,
    moment: dt.datetime,
    say: Say,
) -> Restored:
    """Restore a backup into a state folder, or into the databases and the store of the settings.

    Raises as ``restore.restore`` and, for a state folder, ``scratch_installation.installation``.
    """
    at = place(location)
    manifest = manifests.read(at, name or manifests.newest(at))
    restore.require_usable(at, manifest)
    if state is None:
        target = _installed()
        if set_aside:
            for moved in restore.set_aside(target, moment):
                say(f"现有内容已移为 {moved}")
        return _noted(at, restore.restore(at, manifest, target, say, heads), target, performed_by, moment)
    begun = time.monotonic()
    with scratch_installation.installation(state, manifest, moment, set_aside=set_aside) as target:
        told = restore.restore(at, manifest, target, say, heads)
        told.seconds = time.monotonic() - begun
        return _noted(at, told, target, performed_by, moment)


def _installed() -> Target:
    s = settings()
    if not (s.owner_database_url and s.database_url):
        raise EnvironmentProblemError(
            "恢复到现有的数据库服务器，须设置 IPGOV_OWNER_DATABASE_URL 与 IPGOV_DATABASE_URL（空库），"
            "以及 IPGOV_ACCOUNTS_DATABASE_URL（Airflow 的空库）；恢复到单机安装，用 --state 文件夹"
        )
    return Target(
        owner=s.owner_database_url,
        application=s.database_url,
        airflow=s.accounts_database_url,
        objects=s.objects_location,
        endpoint=s.s3_endpoint,
        state=str(s.state),
    )


def _noted(at: Place, told: Restored, target: Target, by: str, moment: dt.datetime) -> Restored:
    """Record in the restored database that it is one, and of when; hold the letters that may have left."""
    from sqlalchemy import create_engine

    engine = create_engine(target.application)
    try:
        with engine.begin() as connection:
            told.held = hold_letters(connection, told.manifest.backup, moment)
            connection.execute(backup_event.insert().values(_row("restored", at, told, by, moment)))
    except Exception as error:  # of a database that could not be brought to this form, the problems tell
        if not told.problems:
            raise
        told.problems.append(f"恢复未能登记：{type(error).__name__}")
    finally:
        engine.dispose()
    return told


def hold_letters(connection: Connection, backup: str, moment: dt.datetime) -> int:
    """Let no letter that was unsent at the backup leave by itself: it may have left since. Return how many.

    Marked as begun they are uncertain, as after a kill (docs/dispatch.md); files are put again unchanged.
    """
    held = [
        {
            "dispatch_id": s.row["id"],
            "number": s.row["attempts"] + 1,
            "target": f"恢复自备份 {backup}",
            "known_at": moment,
        }
        for s in dispatch.unsent(connection)
        if s.row["channel"] == "mail" and s.state in ("waiting", "retry")
    ]
    if held:
        connection.execute(dispatch_begun.insert(), held)
    return len(held)


def _row(kind: str, at: Place, told: Restored, by: str, moment: dt.datetime) -> dict[str, Any]:
    m = told.manifest
    return {
        "kind": kind,
        "backup": m.backup,
        "place": at.location,
        "snapshot_at": m.at,
        "seconds": f"{told.seconds:.3f}",
        "objects": m.objects,
        "bytes": m.size,
        "head": m.head or None,
        "detail": {
            "verified": told.verified,
            "document": told.document,
            "problems": told.problems[:50],
            "received_anew": told.received_anew[:50],
        },
        "performed_by": by,
        "known_at": moment,
    }


def rehearse(
    location: str | None, name: str | None, performed_by: str, moment: dt.datetime, say: Say
) -> Restored:
    """Restore a backup into a server of its own, verify it, drop it, and record how long that took."""
    from ipgov.core.database import transaction

    at = place(location)
    manifest = manifests.read(at, name or manifests.newest(at))
    begun = time.monotonic()  # with the start of a server: as long as people would wait
    try:
        restore.require_usable(at, manifest)
        with scratch_installation.scratch(manifest, moment) as target:
            told = restore.restore(at, manifest, target, say)
            told.seconds = time.monotonic() - begun
    except GovernanceError as error:
        said = [error.message, *map(str, error.problems[:50])]
        told = Restored(manifest, problems=said)
    kind = "rehearsal_failed" if told.problems else "rehearsed"
    with transaction() as connection:
        connection.execute(backup_event.insert().values(_row(kind, at, told, performed_by, moment)))
    return told


def last(connection: Connection, *kinds: str) -> dict[str, Any] | None:
    """Return the newest event of some kinds; for backups that is the newest state of the record saved."""
    return _event(connection, kinds, backup_event.c.snapshot_at.desc(), backup_event.c.id.desc())


def last_known(connection: Connection, *kinds: str) -> dict[str, Any] | None:
    """Return the event of some kinds that was recorded last."""
    return _event(connection, kinds, backup_event.c.id.desc())


def first_known(connection: Connection, *kinds: str) -> dict[str, Any] | None:
    """Return the event of some kinds that is known longest."""
    return _event(connection, kinds, backup_event.c.known_at, backup_event.c.id)


def _event(connection: Connection, kinds: tuple[str, ...], *order: Any) -> dict[str, Any] | None:
    query = select(backup_event).where(backup_event.c.kind.in_(kinds)).order_by(*order).limit(1)
    found = connection.execute(query).mappings().first()
    return None if found is None else dict(found)
