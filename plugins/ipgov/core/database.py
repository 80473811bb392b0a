"""The system of record: connections, transactions, migrations and what kind of database this is."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Literal

from psycopg import Error as PsycopgError
from sqlalchemy import Connection, Engine, create_engine, select, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, ProgrammingError, SQLAlchemyError
from sqlalchemy.sql.elements import TextClause

from ipgov.core import revisions
from ipgov.core.errors import EnvironmentProblemError, RefusedError
from ipgov.core.faults import database_fault
from ipgov.core.settings import settings
from ipgov.core.tables import database_identity

Kind = Literal["production", "simulation"]

# Every writing transaction holds this lock shared; a seal takes it alone and so sees no half-written step.
SEAL_LOCK = 0x69_70_67_6F


def _open(url: str, statement_timeout: int = 0) -> Engine:
    options = f"-c timezone=UTC -c lock_timeout=120s -c statement_timeout={statement_timeout}s"
    waits = {"connect_timeout": settings().database_connect_timeout, "tcp_user_timeout": 60_000}
    try:
        return create_engine(
            url,
            pool_pre_ping=True,
            connect_args={"options": options, "application_name": "ipgov", "keepalives_idle": 30, **waits},
        )
    except (ArgumentError, NoSuchModuleError):  # its words may hold the password
        raise EnvironmentProblemError(
            "数据库地址无效：应为 postgresql+psycopg://角色@主机/数据库 的形式（IPGOV_DATABASE_URL）"
        ) from None


def _where(engine: Engine) -> str:
    """Return server and database as they may be shown: no role, no password."""
    host = engine.url.host or engine.url.query.get("host") or "本机"
    return f"（{host}:{engine.url.port or 5432}，库 {engine.url.database}）"


@contextmanager
def _told(engine: Engine, *, read_only: bool = False) -> Iterator[None]:
    """Say in the project's words where the server is at fault."""
    try:
        yield
    except (SQLAlchemyError, PsycopgError) as error:
        state = getattr(getattr(error, "orig", error), "sqlstate", None)
        found = None if read_only and state == "25006" else database_fault(error, _where(engine))
        if found is None:
            raise
        raise found from error


@cache
def engine() -> Engine:
    """Return the pool of connections as the application's role (SELECT and INSERT only)."""
    url = settings().database_url
    if not url:
        raise EnvironmentProblemError(
            "没有数据库地址：请设置 IPGOV_DATABASE_URL；单机安装先启动，再载入状态文件夹的 env"
        )
    return _open(url, settings().database_statement_timeout)


@contextmanager
def transaction() -> Iterator[Connection]:
    """Open one writing transaction: all of a step, or nothing of it.

    Raises EnvironmentProblemError (where it may pass, TemporaryProblemError) where the server is at fault.
    """
    with _told(engine()), engine().begin() as connection:
        _begin(
            connection, text("SELECT version_num, pg_advisory_xact_lock_shared(:key) FROM alembic_version")
        )
        yield connection


def _begin(connection: Connection, statement: TextClause) -> None:
    """See that the database is of this program's form: every transaction asks, for it may be upgraded."""
    try:
        found = connection.execute(statement, {"key": SEAL_LOCK}).scalar()
    except ProgrammingError as error:
        if not revisions.not_made(error):
            raise
        found = None
    revisions.check(found, _where(connection.engine))


@contextmanager
def owning() -> Iterator[Connection]:
    """Open one writing transaction as the owner of the tables; raises as ``transaction``."""
    owner = _open(_owner_url())
    try:
        with _told(owner), owner.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock_shared(:key)"), {"key": SEAL_LOCK})
            yield connection
    finally:
        owner.dispose()


def _owner_url() -> str:
    url = settings().owner_database_url
    if not url:
        raise EnvironmentProblemError("没有表所有者的数据库地址：请设置 IPGOV_OWNER_DATABASE_URL")
    return url


@contextmanager
def reading() -> Iterator[Connection]:
    """Open one read-only transaction that sees a single state of the database; raises as ``transaction``."""
    with _told(engine(), read_only=True), engine().connect() as connection:
        connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with connection.begin():
            _begin(connection, text("SELECT version_num FROM alembic_version WHERE :key > 0"))
            yield connection


def lock(connection: Connection, *names: object) -> None:
    """Wait until no other transaction works on the thing so named."""
    connection.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": "|".join(map(str, names))}
    )


def try_lock(connection: Connection, *names: object) -> bool:
    """Take the lock on the thing so named if no other transaction has it; tell whether it was taken."""
    taken: bool = connection.execute(
        text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))"),
        {"name": "|".join(map(str, names))},
    ).scalar_one()
    return taken


def migrate(
    kind: Kind, note: str, known_at: dt.datetime, first: Callable[[Connection], None] | None = None
) -> None:
    """Bring the database to the newest form (as the owner), recreate the views, and record what it is.

    All of it or nothing: one transaction. ``first`` records, in the same one, what every database begins
    with.

    Raises RefusedError where the database already exists as another kind, or is newer than this program.
    """
    from alembic import command
    from alembic.config import Config

    owner_url = _owner_url()
    config = Config()
    config.set_main_option("script_location", str(settings().sql / "migrations"))
    owner = _open(owner_url)
    try:
        with _told(owner), owner.begin() as connection:
            lock(connection, "migrate")
            revisions.require_upgradable(connection)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            _run(connection, (settings().sql / "append_only.sql").read_text(encoding="utf-8"))
            _create_views(connection)
            for file in sorted((settings().sql / "province").glob("*.sql")):
                _run(connection, file.read_text(encoding="utf-8"))
            there = connection.execute(select(database_identity.c.kind)).scalar()
            if there is None:
                connection.execute(database_identity.insert().values(kind=kind, note=note, known_at=known_at))
            elif there != kind:
                raise RefusedError(f"此数据库创建时登记为“{there}”，不能当作“{kind}”使用")
            if first is not None:
                first(connection)
    finally:
        owner.dispose()


def kind_before_migration() -> Kind:
    """Return what a database of any revision was made as (a restored one may be older than the program)."""
    owner = _open(_owner_url())
    try:
        with _told(owner, read_only=True), owner.connect() as connection:
            return "simulation" if is_simulation(connection) else "production"
    finally:
        owner.dispose()


def account() -> str:
    """Return the name of the operating system's account that this process runs as; read at the edge only."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return f"uid {os.getuid()}"


def _run(connection: Connection, script: str) -> None:
    """Run SQL text as it stands: no placeholders are looked for in it."""
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101
    driver.execute(script)


def _create_views(connection: Connection) -> None:
    files = sorted((settings().sql / "views").glob("*.sql"))
    for file in reversed(files):
        connection.execute(text(f"DROP VIEW IF EXISTS {_view_name(file.stem)} CASCADE"))
    for file in files:
        body = file.read_text(encoding="utf-8")
        _run(connection, f"CREATE VIEW {_view_name(file.stem)} AS {body}")
        _run(connection, f"GRANT SELECT ON {_view_name(file.stem)} TO ipgov_app")


def _view_name(stem: str) -> str:
    """``20_standing.sql`` defines the view ``standing``; the number orders what builds on what."""
    return stem.partition("_")[2]


def is_simulation(connection: Connection) -> bool:
    """Tell whether this database was created as a simulation (every page and document then says so)."""
    kind = connection.execute(select(database_identity.c.kind)).scalar()
    if kind is None:
        raise EnvironmentProblemError("数据库尚未初始化：请先运行 ipgov migrate")
    return kind == "simulation"
