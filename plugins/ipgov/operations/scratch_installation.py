"""An embedded installation that a backup is restored into: a new state folder, or one for a rehearsal."""

from __future__ import annotations

import datetime as dt
import fcntl
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ipgov.core.errors import EnvironmentProblemError, RefusedError, os_problem
from ipgov.launcher import airflow, postgres
from ipgov.operations.manifest import Manifest
from ipgov.operations.restore import Target


@contextmanager
def installation(
    state: Path, manifest: Manifest, moment: dt.datetime, *, set_aside: bool
) -> Iterator[Target]:
    """Start a server with empty databases in a state folder; it is stopped at the end.

    ``set_aside`` renames what is there. Raises RefusedError where something is there without it, or where the
    installation of that folder is running.
    """
    state = state.absolute()
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = open(state / "lock", "a", encoding="utf-8")  # noqa: SIM115
    except OSError as error:
        raise os_problem(f"无法写入状态文件夹 {state}", error) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RefusedError(f"状态文件夹 {state} 的实例正在运行，请先停止它") from None
        data, objects = state / "pg", state / "objects"
        mark = state / "restoring"  # what an interrupted restore left may be taken away
        broken_off = mark.exists() and mark.read_text(encoding="utf-8") == manifest.backup
        if broken_off:
            postgres.stop(data)
            shutil.rmtree(data, ignore_errors=True)
        for each in (data, objects):
            if each.exists() and set_aside:
                postgres.stop(data)
                each.rename(each.with_name(f"{each.name}.set-aside-{moment:%Y%m%dT%H%M%SZ}"))
            elif each.exists() and not (broken_off and each == objects):
                raise RefusedError(
                    f"{each} 已存在，未恢复任何内容；请另指定空的文件夹，或用 --set-aside 将其移到一旁"
                )
        mark.write_text(manifest.backup, encoding="utf-8")
        data.mkdir(mode=0o700)  # also where this process knows the folder from an earlier restore
        _start(data)
        try:
            yield _prepared(state, data, manifest)
            mark.unlink(missing_ok=True)
        finally:
            postgres.stop(data)


def _start(data: Path) -> None:
    """Start the server; a busy machine takes longer than the package waits. EnvironmentProblemError."""
    for pause in (1.0, 5.0, None):
        try:
            postgres.start(data, survive=True, quiet=True)
            return
        except subprocess.SubprocessError as error:
            if pause is None:
                raise EnvironmentProblemError(
                    f"内置 PostgreSQL 未能启动（{type(error).__name__}），日志见 {data / 'log'}"
                ) from error
            time.sleep(pause)


def _prepared(state: Path, data: Path, manifest: Manifest) -> Target:
    for name, owner in (
        (airflow.AIRFLOW_DATABASE, postgres.AIRFLOW),
        (airflow.GOVERNANCE_DATABASE, postgres.OWNER),
    ):
        postgres.ensure_database(data, name, owner=owner)
    _roles(data, manifest.roles)
    return Target(
        owner=postgres.url(data, airflow.GOVERNANCE_DATABASE, postgres.OWNER),
        application=postgres.url(data, airflow.GOVERNANCE_DATABASE, postgres.APPLICATION),
        airflow=postgres.url(data, airflow.AIRFLOW_DATABASE, postgres.AIRFLOW),
        objects=str(state / "objects"),
        state=str(state),
    )


def _roles(data: Path, roles: list[dict[str, Any]]) -> None:
    """Make the roles to which the record's rights were granted; their passwords are in no backup."""
    from psycopg import sql

    with postgres.connect(data) as connection:
        there = {r[0] for r in connection.execute("SELECT rolname FROM pg_roles")}
        for role in (r for r in roles if r["name"] not in there):
            login = sql.SQL("LOGIN" if role["login"] else "NOLOGIN")
            connection.execute(sql.SQL("CREATE ROLE {} {}").format(sql.Identifier(role["name"]), login))
        for role in roles:
            for group in role["member_of"]:
                connection.execute(
                    sql.SQL("GRANT {} TO {}").format(sql.Identifier(group), sql.Identifier(role["name"]))
                )


@contextmanager
def scratch(manifest: Manifest, moment: dt.datetime) -> Iterator[Target]:
    """Give an installation of its own below TMPDIR that is gone afterwards, data and all."""
    with (
        tempfile.TemporaryDirectory(prefix="restore-") as folder,
        installation(Path(folder), manifest, moment, set_aside=False) as target,
    ):
        yield target
