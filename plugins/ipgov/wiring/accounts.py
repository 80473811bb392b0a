"""Airflow's accounts from outside Airflow: one check of a password for page, REST and command line alike.

Works on the auth manager's own tables, without importing Airflow (seconds). Whoever signs in, fails to, or
gives a command stands in Airflow's audit log (table ``log``), which auditors read in Airflow's interface; the
failures that close an account are counted there too, so every door counts the same.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy import Connection, Engine, select

from ipgov.core.errors import EnvironmentProblemError
from ipgov.core.settings import settings
from ipgov.wiring.roles import SignIn

Door = Literal["page", "token", "command"]
LONGEST_LOGIN, LONGEST_PASSWORD = 64, 1024
SIGNED_IN, FAILED, UNLOCKED, COMMAND = "sign_in", "sign_in_failed", "sign_in_unlocked", "ipgov_command"

_metadata = sa.MetaData()
# What we use of tables that are Airflow's (a test compares them with the installed version).
USER = sa.Table(
    "ab_user",
    _metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("first_name", sa.String(256), nullable=False),
    sa.Column("last_name", sa.String(256), nullable=False),
    sa.Column("username", sa.String(512), nullable=False, unique=True),
    sa.Column("password", sa.String(256)),
    sa.Column("active", sa.Boolean),
    sa.Column("email", sa.String(512), nullable=False, unique=True),
    sa.Column("last_login", sa.DateTime),
    sa.Column("login_count", sa.Integer),
    sa.Column("fail_login_count", sa.Integer),
    sa.Column("created_on", sa.DateTime),
    sa.Column("changed_on", sa.DateTime),
)
ROLE = sa.Table(
    "ab_role",
    _metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(64), nullable=False, unique=True),
)
USER_ROLE = sa.Table(
    "ab_user_role",
    _metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("user_id", sa.Integer, sa.ForeignKey("ab_user.id")),
    sa.Column("role_id", sa.Integer, sa.ForeignKey("ab_role.id")),
)
LOG = sa.Table(
    "log",
    _metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("dttm", sa.DateTime(timezone=True)),
    sa.Column("event", sa.String(60), nullable=False),
    sa.Column("owner", sa.String(500)),
    sa.Column("owner_display_name", sa.String(500)),
    sa.Column("extra", sa.Text),
)
SESSION = sa.Table(
    "session",
    _metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("session_id", sa.String(255), unique=True),
    sa.Column("data", sa.LargeBinary),
    sa.Column("expiry", sa.DateTime),
)


@dataclass(frozen=True)
class Account:
    """An account as the auth manager knows it; ``roles`` are its names of roles."""

    id: int
    login: str
    name: str
    roles: frozenset[str]
    active: bool


@cache
def engine() -> Engine:
    """Return connections to Airflow's database; EnvironmentProblemError where its address is not set."""
    url = settings().accounts_database_url
    if not url:
        raise EnvironmentProblemError(
            "没有账户数据库的地址：请设置 IPGOV_ACCOUNTS_DATABASE_URL（Airflow 的数据库；"
            "单机安装由状态文件夹的 env 文件给出：. 状态文件夹/env）"
        )
    return sa.create_engine(
        url, pool_pre_ping=True, connect_args={"options": "-c timezone=UTC", "application_name": "ipgov"}
    )


def hashed(password: str) -> str:
    """Return what is stored of a password, as the auth manager itself makes it."""
    from werkzeug.security import generate_password_hash

    return generate_password_hash(password, method="scrypt")


@cache
def _nobodys_hash() -> str:
    """Return a hash to be checked where there is no account, so that the answer takes as long."""
    return hashed("nobody")


def plausible(login: object, password: object) -> bool:
    """Tell whether both are texts that an account can have: no control characters, not beyond bounds."""
    return (
        isinstance(login, str)
        and isinstance(password, str)
        and 0 < len(login) <= LONGEST_LOGIN
        and login.isprintable()
        and 0 < len(password) <= LONGEST_PASSWORD
        and "\0" not in password
        and not any(0xD800 <= ord(c) <= 0xDFFF for c in password)
    )


def verify(
    where: Engine, login: object, password: object, door: Door, limits: SignIn, now: dt.datetime
) -> Account | None:
    """Check a password; return the account, or None without saying why.

    None: no such account, a wrong password, the account closed or locked after ``limits.failures`` wrong
    passwords within ``limits.minutes``. One attempt at an account at a time, so that none goes uncounted.
    """
    from werkzeug.security import check_password_hash

    if not plausible(login, password):
        check_password_hash(_nobodys_hash(), "")
        return None
    with where.begin() as connection:
        row = _row(connection, str(login))
        if row is not None:
            _one_at_a_time(connection, row["username"])
        if (
            row is None
            or not row["active"]
            or not row["password"]
            or locked(connection, row["username"], limits, now)
        ):
            check_password_hash(_nobodys_hash(), str(password))
            return None
        right = check_password_hash(row["password"], str(password))
        note(connection, SIGNED_IN if right else FAILED, row["username"], now, door=door)
        connection.execute(USER.update().where(USER.c.id == row["id"]).values(_counted(row, right, now)))
        return _account(connection, row) if right else None


def _counted(row: Any, right: bool, now: dt.datetime) -> dict[str, Any]:
    """Return the auth manager's own counters, which its page of an account shows."""
    if not right:
        return {"fail_login_count": (row["fail_login_count"] or 0) + 1}
    naive = now.astimezone(dt.UTC).replace(tzinfo=None)
    return {"login_count": (row["login_count"] or 0) + 1, "last_login": naive, "fail_login_count": 0}


def locked(connection: Connection, login: str, limits: SignIn, now: dt.datetime) -> bool:
    """Tell whether so many wrong passwords came of late, since the last right one or unlocking."""
    since = now - dt.timedelta(minutes=limits.minutes)
    last = (
        select(sa.func.max(LOG.c.id))
        .where(LOG.c.owner == login, LOG.c.event.in_((SIGNED_IN, UNLOCKED)), LOG.c.dttm > since)
        .scalar_subquery()
    )
    failures = connection.execute(
        select(sa.func.count())
        .select_from(LOG)
        .where(
            LOG.c.owner == login,
            LOG.c.event == FAILED,
            LOG.c.dttm > since,
            LOG.c.id > sa.func.coalesce(last, 0),
        )
    ).scalar_one()
    return bool(failures >= limits.failures)


def note(connection: Connection, event: str, login: str, now: dt.datetime, **extra: object) -> None:
    """Write a line of Airflow's audit log; never a password, nor a login that no account has."""
    connection.execute(
        LOG.insert().values(
            dttm=now,
            event=event,
            owner=login,
            owner_display_name=login,
            extra=json.dumps(extra, ensure_ascii=False) if extra else None,
        )
    )


def account(connection: Connection, login: str) -> Account | None:
    """Return an account, active or not, or None."""
    row = _row(connection, login)
    return None if row is None else _account(connection, row)


def _row(connection: Connection, login: str) -> Any:
    statement = select(USER).where(sa.func.lower(USER.c.username) == login.lower())
    return connection.execute(statement).mappings().first()


def _account(connection: Connection, row: Any) -> Account:
    roles = select(ROLE.c.name).join(USER_ROLE).where(USER_ROLE.c.user_id == row["id"])
    name = " ".join(x for x in (row["first_name"], row["last_name"]) if x)
    return Account(
        row["id"],
        row["username"],
        name,
        frozenset(connection.execute(roles).scalars()),
        bool(row["active"]),
    )


def _one_at_a_time(connection: Connection, login: str) -> None:
    """Wait for whoever else tries this account: parallel guesses must not see the same count."""
    connection.execute(sa.text("SET LOCAL lock_timeout = '30s'"))
    connection.execute(
        sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"sign_in|{login}"}
    )
