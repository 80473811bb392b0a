"""A restore: into an empty place, verified before it counts, by the seals and by making a document again.

Objects first, then the database in one transaction, so that no row is there whose content is not. Killed, it
is run again: what lies there already is left, a database that is not whole is not there at all.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from sqlalchemy import create_engine, text

from ipgov.core.errors import EnvironmentProblemError, GovernanceError, RefusedError
from ipgov.core.fingerprint import sha256_hex
from ipgov.core.objects import LocalStore, ObjectStore, open_store
from ipgov.core.s3 import S3Store
from ipgov.core.settings import settings
from ipgov.operations import backup_check, tools
from ipgov.operations import manifest as manifests
from ipgov.operations.backup_objects import AT_ONCE
from ipgov.operations.manifest import AIRFLOW, GOVERNANCE, Entry, Manifest
from ipgov.operations.place import Place, object_key, part_key
from ipgov.procedures.submission_intake import INBOX

Say = Callable[[str], None]


@dataclass(frozen=True)
class Target:
    """Where a backup goes: addresses of the two databases (``airflow`` may be left out), the object store."""

    owner: str
    application: str
    airflow: str
    objects: str
    endpoint: str | None = None
    state: str = ""

    def environment(self) -> dict[str, str]:
        """Return what a command needs to work with the restored installation, and none of this one's."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("IPGOV_")}
        given = {
            "IPGOV_ROOT": str(settings().root),
            "IPGOV_STATE": self.state,
            "IPGOV_DATABASE_URL": self.application,
            "IPGOV_OWNER_DATABASE_URL": self.owner,
            "IPGOV_OBJECT_STORE": self.objects,
            "IPGOV_S3_ENDPOINT": self.endpoint or "",
            "IPGOV_CALENDARS": str(settings().calendars or ""),
            "IPGOV_FONTS": str(settings().fonts or ""),
        }
        return kept | {name: value for name, value in given.items() if value}


@dataclass
class Restored:
    """What a restore brought back, how long it took, and what is not right with it."""

    manifest: Manifest
    seconds: float = 0.0
    verified: dict[str, Any] = field(default_factory=dict)
    document: str = ""
    problems: list[str] = field(default_factory=list)
    received_anew: list[str] = field(default_factory=list)  # objects that bear another time of receipt now
    held: int = 0  # letters that were unsent at the backup and may have left since


def restore(
    place: Place, manifest: Manifest, target: Target, say: Say, heads: Sequence[str] = ()
) -> Restored:
    """Bring a usable backup back and prove it; ``heads`` are chain heads that were deposited elsewhere.

    Raises, before anything is written, RefusedError for a place that is not empty, and
    EnvironmentProblemError for damaged content. Problems found at the end are in what it returns.
    """
    begun = time.monotonic()
    listed = list(manifests.entries(place, manifest))
    require_roles(manifest, target.owner)
    _require_empty(manifest, listed, target)
    told = Restored(manifest)
    say(f"正在写入 {len(listed)} 个对象（{manifest.bytes} 字节）…")
    told.received_anew = _objects(place, listed, open_store(target.objects, target.endpoint))
    say("正在恢复治理数据库…")
    with place.file(part_key(manifest.backup, GOVERNANCE)) as archive:
        tools.restore(target.owner, manifest.postgres, archive)
    told.problems += _rows(manifest, target.owner)
    if manifest.airflow and target.airflow:
        say("正在恢复 Airflow 的数据库…")
        with place.file(part_key(manifest.backup, AIRFLOW)) as archive:
            tools.restore(target.airflow, _major(target.airflow), archive)
    say("正在核验…")
    _prove(told, target, heads)
    told.problems += [f"备份时即缺：{p}" for p in manifest.problems]
    told.seconds = time.monotonic() - begun
    return told


def require_usable(place: Place, manifest: Manifest) -> None:
    """Refuse, before anything is touched, what newer code wrote (RefusedError) and what is damaged."""
    _require_known(manifest)
    if damaged := backup_check.parts(place, manifest):
        raise GovernanceError(f"备份 {manifest.backup} 已损坏，未恢复任何内容", tuple(damaged))


def _require_known(manifest: Manifest) -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from packaging.version import Version

    config = Config()
    config.set_main_option("script_location", str(settings().sql / "migrations"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if manifest.revision not in known:
        raise RefusedError(
            f"备份 {manifest.backup} 的数据库为 {manifest.revision} 版，本程序只知道 {max(known)} 版及以前："
            f"它由较新的程序（{manifest.code}）所作，请先升级程序再恢复"
        )
    here = version("apache-airflow")
    if manifest.airflow and Version(manifest.airflow) > Version(here):
        raise RefusedError(f"备份中的 Airflow 为 {manifest.airflow} 版，本机为 {here} 版：请先升级程序再恢复")


_THERE = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v', 'm', 'p', 'S') AND n.nspname !~ '^(pg_|set_aside_)'
  AND n.nspname <> 'information_schema'
ORDER BY n.nspname <> 'public', n.nspname, c.relname
"""


def _tables(url: str) -> list[tuple[str, str]]:
    """Return every table, view and sequence of a database by schema and name."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return [(schema, name) for schema, name in connection.execute(text(_THERE))]
    finally:
        engine.dispose()


def _require_empty(manifest: Manifest, listed: list[Entry], target: Target) -> None:
    """Refuse a database with anything in it, and a store with objects that the backup does not have."""
    urls = {"治理数据库": target.owner, "Airflow 数据库": target.airflow if manifest.airflow else ""}
    for name, url in urls.items():
        if url and (there := _tables(url)):
            raise RefusedError(
                f"{name}不是空的（有 {there[0][1]} 等 {len(there)} 项），未恢复任何内容；"
                "请恢复到新建的空库，或用 --set-aside 将现有内容移到一旁"
            )
    ours = {e.key: e.size for e in listed}
    for info in open_store(target.objects, target.endpoint).list(""):
        if ours.get(info.key) != info.size:
            raise RefusedError(
                f"对象库 {target.objects} 不是空的（有 {info.key}），未恢复任何内容；"
                "请恢复到新的文件夹、存储桶或前缀，或用 --set-aside 将现有内容移到一旁"
            )


def set_aside(target: Target, moment: dt.datetime) -> list[str]:
    """Move what is at a target out of the way, deleting nothing; return what it is called now.

    Raises RefusedError for a bucket, whose objects cannot be renamed.
    """
    name = f"set_aside_{moment:%Y%m%dt%H%M%Sz}"
    moved: list[str] = []
    store = open_store(target.objects, target.endpoint)
    if next(iter(store.list("")), None) is not None:
        if not isinstance(store, LocalStore):
            raise RefusedError("存储桶中的对象不能移到一旁：请以 IPGOV_OBJECT_STORE 另指定空的存储桶或前缀")
        aside = store.root.with_name(f"{store.root.name}.{name}")
        store.root.rename(aside)
        moved.append(str(aside))
    for url in filter(None, (target.owner, target.airflow)):
        schemas = sorted({schema for schema, _ in _tables(url)})
        engine = create_engine(url)
        try:
            with engine.begin() as connection:
                for schema in schemas:
                    renamed = f"{name}_{schema}"
                    connection.execute(text(f'ALTER SCHEMA "{schema}" RENAME TO "{renamed}"'))
                    moved.append(f"{engine.url.database}.{renamed}")
                if "public" in schemas:
                    connection.execute(text("CREATE SCHEMA public"))
                    connection.execute(text("GRANT USAGE ON SCHEMA public TO PUBLIC"))
        finally:
            engine.dispose()
    return moved


def require_roles(manifest: Manifest, url: str) -> None:
    """Refuse a server without the roles to which the record's rights are granted: RefusedError."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            there = set(connection.execute(text("SELECT rolname FROM pg_roles")).scalars())
    finally:
        engine.dispose()
    if lacking := sorted(r["name"] for r in manifest.roles if r["name"] not in there):
        raise RefusedError(
            f"数据库服务器缺少角色 {'、'.join(lacking)}：请管理员先建立（口令不在备份之内），未恢复任何内容"
        )


def _objects(place: Place, listed: list[Entry], store: ObjectStore) -> list[str]:
    """Write every object, proved against its hash; return those that could not keep their time of receipt."""

    def one(entry: Entry) -> None:
        data = place.store.get(object_key(entry.sha256))
        if sha256_hex(data) != entry.sha256:
            raise EnvironmentProblemError(
                f"备份中对象 {entry.key} 的内容被改动（{entry.sha256}）：恢复中止，数据库尚未写入"
            )
        store.put(entry.key, data)
        if isinstance(store, LocalStore) and entry.modified:
            moment = dt.datetime.fromisoformat(entry.modified)
            nanoseconds = int(moment.timestamp()) * 10**9 + moment.microsecond * 1000
            os.utime(store.root / entry.key, ns=(nanoseconds, nanoseconds))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(one, listed))
    if not isinstance(store, S3Store):
        return []
    return [f"{e.key}（原收件时刻 {e.modified}）" for e in listed if e.key.startswith(INBOX)]


def _major(url: str) -> int:
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return tools.major(connection)
    finally:
        engine.dispose()


def _rows(manifest: Manifest, url: str) -> list[str]:
    """Hold the number of every table's rows against what the snapshot had."""
    engine, wrong = create_engine(url), []
    try:
        with engine.connect() as connection:
            for table, count in manifest.rows.items():
                found = connection.execute(text(f'SELECT count(*) FROM "{table}"')).scalar_one()  # noqa: S608
                if found != count:
                    wrong.append(f"表 {table} 恢复后有 {found} 行，备份时有 {count} 行")
    finally:
        engine.dispose()
    return wrong


def _prove(told: Restored, target: Target, heads: Sequence[str]) -> None:
    """Have what was restored proved by a process that works with it (``proof.py``)."""
    done = subprocess.run(
        [sys.executable, "-m", "ipgov.operations.proof", *heads],
        env=target.environment(),
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    try:
        found = json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        told.problems.append(f"恢复的内容无法核验：{done.stderr.strip()[-2000:]}")
        return
    told.verified, told.document = found.get("verified", {}), found.get("document", "")
    told.problems += found["problems"]
    if told.verified and told.verified["head"] != told.manifest.head:
        told.problems.append(f"恢复后的链头为 {told.verified['head']}，备份时为 {told.manifest.head}")
