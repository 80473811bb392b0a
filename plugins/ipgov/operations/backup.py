"""A backup: one moment of the record, every object that it names, Airflow's own database.

It holds what a kill at that moment would have left (docs/faults.md): rows of one snapshot, the content that
they name, the seals they make up, and the other objects written by then. Airflow's database is dumped before:
restored, it may know less than the record and do a step again, which finds itself done; never the other way.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, text

from ipgov.core import audit, seals
from ipgov.core.audit_files import columns_there
from ipgov.core.database import is_simulation, transaction
from ipgov.core.errors import EnvironmentProblemError, RefusedError
from ipgov.core.faults import database_fault
from ipgov.core.fingerprint import canonical_json
from ipgov.core.settings import settings
from ipgov.core.tables import backup_event
from ipgov.operations import backup_objects, tools
from ipgov.operations import manifest as manifests
from ipgov.operations.manifest import AIRFLOW, GOVERNANCE, OBJECTS, Manifest
from ipgov.operations.place import Place, digest, part_key

NOT_ASIDE = "--exclude-schema=set_aside_*"  # what a restore moved out of the way
# Sessions of the interface: whoever held the backup would be signed in.
_AIRFLOW_OPTIONS = ("--exclude-table-data=public.session", NOT_ASIDE)


def create(place: Place, performed_by: str, known_at: dt.datetime) -> Manifest:
    """Take a backup and record it; ``problems`` of the manifest name what could not be saved.

    Raises RefusedError where another one runs or the destination is the store itself, EnvironmentProblemError
    and TemporaryProblemError where database, store, disk or tools are at fault: then there is no new backup.
    """
    begun = time.monotonic()
    place.require_apart_from(settings().objects_location)
    with _engine(_address()) as engine, _alone(engine) as moment:
        place.clear_partial()
        backup = manifests.new_id(moment)
        with place.workspace(backup) as folder:
            airflow = _dump_airflow(folder)
            made = _save(place, engine, backup, folder, airflow)
            manifests.write(place, made)
    record(
        "incomplete" if made.problems else "made",
        made,
        place.location,
        time.monotonic() - begun,
        {"copied": made.copied, "copied_bytes": made.copied_bytes, "problems": made.problems[:50]},
        performed_by,
        known_at,
    )
    return made


def record(
    kind: str,
    of: Manifest,
    place: str,
    seconds: float,
    detail: dict[str, Any],
    performed_by: str,
    known_at: dt.datetime,
) -> None:
    """Note in the record what was done with a backup."""
    with transaction() as connection:
        connection.execute(
            backup_event.insert().values(
                kind=kind,
                backup=of.backup,
                place=place,
                snapshot_at=of.at,
                seconds=f"{seconds:.3f}",
                objects=of.objects,
                bytes=of.size,
                head=of.head or None,
                detail=detail,
                performed_by=performed_by,
                known_at=known_at,
            )
        )


def _address() -> str:
    given = settings().backup_database_url or settings().owner_database_url
    if not given:
        raise EnvironmentProblemError(
            "备份需要能读取全部数据的角色：请设置 IPGOV_BACKUP_DATABASE_URL（见 docs/backup.md）"
        )
    return given


@contextmanager
def _engine(url: str) -> Iterator[Engine]:
    tools.address(url)
    made = create_engine(url, connect_args={"options": "-c timezone=UTC", "application_name": "ipgov backup"})
    try:
        yield made
    except Exception as error:
        found = database_fault(error)
        if found is None:
            raise
        raise found from error
    finally:
        made.dispose()


@contextmanager
def _alone(engine: Engine) -> Iterator[dt.datetime]:
    """Let no other backup of this database run meanwhile; gives the server's time."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        free, moment = connection.execute(
            text("SELECT pg_try_advisory_lock(hashtextextended('backup', 0)), clock_timestamp()")
        ).one()
        if not free:
            raise RefusedError("另一个备份正在进行，请等它完成")
        try:
            yield moment
        finally:
            connection.execute(text("SELECT pg_advisory_unlock_all()"))


def _dump_airflow(folder: Path) -> str:
    """Dump Airflow's database where its address is known; return the version of Airflow, or nothing."""
    url = settings().airflow_database_url or settings().accounts_database_url
    if not url:
        return ""
    with _engine(url) as engine, engine.connect() as connection:
        number = tools.major(connection)
    tools.dump(url, number, folder / AIRFLOW, *_AIRFLOW_OPTIONS)
    return version("apache-airflow")


def _save(place: Place, engine: Engine, backup: str, folder: Path, airflow: str) -> Manifest:
    """Dump one state of the record and copy what belongs to it; the manifest is still to be written."""
    with engine.connect() as connection:
        connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with connection.begin():
            snapshot, moment = connection.execute(
                text("SELECT pg_export_snapshot(), clock_timestamp()")
            ).one()
            number = tools.major(connection)
            tools.dump(_address(), number, folder / GOVERNANCE, NOT_ASIDE, f"--snapshot={snapshot}")
            told = _told(connection)
            wanted = list(backup_objects.named(connection, moment))
    copied = backup_objects.copy(place, wanted)
    entries = [c.entry for c in copied if c.entry]
    (folder / OBJECTS).write_bytes(b"".join(canonical_json(asdict(e)) + b"\n" for e in entries))
    parts = {p.name: {"sha256": digest(p), "size": p.stat().st_size} for p in sorted(folder.iterdir())}
    for name in parts:
        place.put_file(part_key(backup, name), folder / name)
    return Manifest(
        backup=backup,
        snapshot_at=moment.isoformat(),
        finished_at=_now(engine).isoformat(),
        code=version("ipgov"),
        postgres=number,
        parts=parts,
        objects=len(entries),
        bytes=sum(e.size for e in entries),
        copied=sum(1 for c in copied if c.written),
        copied_bytes=sum(c.written for c in copied),
        airflow=airflow,
        problems=sorted(c.problem for c in copied if c.problem),
        **told,
    )


def _now(engine: Engine) -> dt.datetime:
    with engine.connect() as connection:
        now: dt.datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        return now


# The roles that own something here or were granted it, and who is a member of them.
_ROLES = """
WITH ours AS (
    SELECT oid FROM pg_namespace WHERE nspname !~ '^(pg_|set_aside_)' AND nspname <> 'information_schema'
), named AS (
    SELECT (aclexplode(c.relacl)).grantee AS role FROM pg_class c JOIN ours ON ours.oid = c.relnamespace
    UNION SELECT c.relowner FROM pg_class c JOIN ours ON ours.oid = c.relnamespace
    UNION SELECT (aclexplode(n.nspacl)).grantee FROM pg_namespace n JOIN ours ON ours.oid = n.oid
    UNION SELECT (aclexplode(f.proacl)).grantee FROM pg_proc f JOIN ours ON ours.oid = f.pronamespace
    UNION SELECT (aclexplode(a.attacl)).grantee FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    JOIN ours ON ours.oid = c.relnamespace
    UNION SELECT unnest(p.polroles) FROM pg_policy p
), wanted AS (
    SELECT role FROM named UNION SELECT m.member FROM pg_auth_members m JOIN named n ON n.role = m.roleid
)
SELECT r.rolname AS name, r.rolcanlogin AS login,
       array(SELECT g.rolname::text FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid
             WHERE m.member = r.oid AND m.roleid IN (SELECT role FROM wanted) ORDER BY 1) AS member_of
FROM pg_roles r JOIN wanted w ON w.role = r.oid
WHERE NOT r.rolsuper AND r.rolname !~ '^pg_' ORDER BY r.rolname
"""


def _told(connection: Connection) -> dict[str, Any]:
    """Return what the manifest says of the record itself: kind, revision, head of the chain, rows, roles."""
    last = seals.newest(connection)
    rows = {
        name: connection.execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one()  # noqa: S608
        for name in sorted(columns_there(connection))
    }
    return {
        "kind": "simulation" if is_simulation(connection) else "production",
        "revision": connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one(),
        "head": audit.head(last) if last else "",
        "rows": rows,
        "roles": [dict(r) for r in connection.execute(text(_ROLES)).mappings()],
    }
