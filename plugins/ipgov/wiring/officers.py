"""People of the office: the account that lets them in and the register of officers, kept together.

Two databases, so no common transaction: what opens is written to the register first, what closes to the
account first, and every function can be run again until both agree.
"""

from __future__ import annotations

import datetime as dt
import re
import secrets
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, select

from ipgov.core import tables
from ipgov.core.database import reading, transaction
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.core.settings import settings
from ipgov.decisions.officers import Officer, officer, register_officer
from ipgov.wiring import accounts
from ipgov.wiring.accounts import ROLE, SESSION, USER, USER_ROLE
from ipgov.wiring.roles import BUILT_IN, Roles, load_roles

_LOGIN = re.compile(r"[A-Za-z][A-Za-z0-9._-]{1,63}")


@dataclass(frozen=True)
class Change:
    """What was written, and the password that was made (shown once, stored only as a hash)."""

    login: str
    registered: bool
    account: bool
    password: str | None = None
    sessions: int = 0

    @property
    def anything(self) -> bool:
        """Tell whether anything changed."""
        return self.registered or self.account or self.password is not None


@dataclass(frozen=True)
class Listed:
    """An officer as both sides know them; ``problem`` says where they differ."""

    login: str
    name: str
    roles: tuple[str, ...]
    organisation_code: str | None
    active: bool
    locked: bool
    problem: str

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return vars(self) | {"roles": list(self.roles)}


def add(person: Officer, known_at: dt.datetime, now: dt.datetime) -> Change:
    """Enter a new person; the same again changes nothing, another under that login is refused.

    Raises RefusedError for a malformed login and a login in use; UnknownError for an unknown role.
    """
    if not _LOGIN.fullmatch(person.login):
        raise RefusedError(
            f"账号“{_shown(person.login)}”无效：应为 2 至 64 个字母、数字、点、横线或下划线，以字母开头"
        )
    role = _role(person)
    with reading() as connection:
        known = _registered(connection, person.login, known_at)
    if known is not None and known != person:
        raise RefusedError(f"账号“{person.login}”已登记为 {known.name}；更改请用 ipgov officer change")
    with accounts.engine().begin() as airflow:
        if known is None and accounts.account(airflow, person.login) is not None:
            raise RefusedError(f"账号“{person.login}”在 Airflow 中已存在而不在人员登记中；请另取账号")
    with transaction() as connection:
        registered = register_officer(connection, person, known_at)
    with accounts.engine().begin() as airflow:
        if accounts.account(airflow, person.login) is not None:
            return Change(person.login, registered, _write(airflow, person, role, now))
        password = _new_password()
        _create(airflow, person, role, password, now)
    return Change(person.login, registered, True, password)


def change(
    login: str,
    known_at: dt.datetime,
    now: dt.datetime,
    *,
    name: str | None = None,
    role: str | None = None,
    organisation_code: str | None = None,
    active: bool | None = None,
) -> Change:
    """Change what is given of a person, on both sides; closing also ends the person's sessions.

    Raises UnknownError for a login nobody has; RefusedError where no administrator would be left.
    """
    with reading() as connection:
        person = officer(connection, login, known_at)
    if name is not None:
        person = replace(person, name=name)
    if role is not None:
        person = replace(person, roles=(role,))
    if organisation_code is not None:
        person = replace(person, organisation_code=organisation_code or None)
    if active is not None:
        person = replace(person, active=active)
    account_role = _role(person)
    with accounts.engine().begin() as airflow:
        found = _existing(airflow, login)
        stays = person.active and account_role == BUILT_IN
        if not stays and administrators(airflow) == {found.login}:
            raise RefusedError(f"“{login}”是唯一在用的系统管理员，不能停用或改任；请先增加一名")
    if person.active:
        registered = _register(person, known_at)
    with accounts.engine().begin() as airflow:
        written = _write(airflow, person, account_role, now)
        ended = 0 if person.active else _end_sessions(airflow, found.id)
    if not person.active:
        registered = _register(person, known_at)
    return Change(login, registered, written, None, ended)


def new_password(login: str, now: dt.datetime) -> Change:
    """Give an account a new password, unlock it and end its sessions; UnknownError where there is none."""
    with accounts.engine().begin() as airflow:
        found = _existing(airflow, login)
        password = _new_password()
        values = {"password": accounts.hashed(password), "fail_login_count": 0, "changed_on": _naive(now)}
        airflow.execute(USER.update().where(USER.c.id == found.id).values(values))
        accounts.note(airflow, accounts.UNLOCKED, found.login, now)
        ended = _end_sessions(airflow, found.id)
    return Change(found.login, False, True, password, ended)


def unlock(login: str, now: dt.datetime) -> bool:
    """Open an account that wrong passwords closed; tell whether it was closed."""
    limits = load_roles(settings().policies).sign_in
    with accounts.engine().begin() as airflow:
        found = _existing(airflow, login)
        closed = accounts.locked(airflow, found.login, limits, now)
        if closed:
            accounts.note(airflow, accounts.UNLOCKED, found.login, now)
    return closed


def listed(known_at: dt.datetime, now: dt.datetime) -> list[Listed]:
    """Return everybody of either side, by login."""
    roles = load_roles(settings().policies)
    with reading() as connection:
        table = tables.officer
        logins = connection.execute(
            select(table.c.login).where(table.c.known_at <= known_at).distinct()
        ).scalars()
        registered = {login: officer(connection, login, known_at) for login in logins.all()}
    with accounts.engine().begin() as airflow:
        names = airflow.execute(select(USER.c.username)).scalars().all()
        found = {name: accounts.account(airflow, name) for name in names}
        closed = {name for name in names if accounts.locked(airflow, name, roles.sign_in, now)}
    return [
        _listed(login, registered.get(login), found.get(login), login in closed, roles)
        for login in sorted(registered.keys() | found.keys())
    ]


def administrators(airflow: Connection) -> set[str]:
    """Return the logins of the accounts that may administer: active, with a password."""
    statement = (
        select(USER.c.username)
        .join(USER_ROLE, USER_ROLE.c.user_id == USER.c.id)
        .join(ROLE, ROLE.c.id == USER_ROLE.c.role_id)
        .where(ROLE.c.name == BUILT_IN, USER.c.active, USER.c.password.is_not(None))
    )
    return set(airflow.execute(statement).scalars())


def _listed(
    login: str, person: Officer | None, account: accounts.Account | None, closed: bool, roles: Roles
) -> Listed:
    of_account = tuple(r.code for r in roles.of_account(account.roles)) if account else ()
    if person is None:
        name, active = (account.name, account.active) if account else ("", False)
        return Listed(login, name, of_account, None, active, closed, "未在人员登记中")
    problem = ""
    if account is None:
        problem = "没有账户"
    elif sorted(of_account) != sorted(person.roles):
        problem = f"账户的角色为 {'、'.join(of_account) or '无'}"
    elif account.active != person.active:
        problem = "账户在用而登记已停用" if account.active else "账户已停用而登记在用"
    return Listed(login, person.name, person.roles, person.organisation_code, person.active, closed, problem)


def _role(person: Officer) -> str:
    """Return the auth manager's name of a person's one role."""
    if len(person.roles) != 1:
        raise RefusedError(f"“{person.login}”须有且只有一个角色")
    return load_roles(settings().policies).role(person.roles[0]).account_role


def _registered(connection: Connection, login: str, known_at: dt.datetime) -> Officer | None:
    try:
        return officer(connection, login, known_at)
    except UnknownError:
        return None


def _register(person: Officer, known_at: dt.datetime) -> bool:
    with transaction() as connection:
        return register_officer(connection, person, known_at)


def _existing(airflow: Connection, login: str) -> accounts.Account:
    found = accounts.account(airflow, login)
    if found is None:
        raise UnknownError(f"没有账号为“{_shown(login)}”的账户；现有账户见 ipgov officer list")
    return found


def _create(airflow: Connection, person: Officer, role: str, password: str, now: dt.datetime) -> None:
    inserted = airflow.execute(
        USER.insert()
        .values(
            username=person.login,
            first_name=person.name,
            last_name="",
            email=f"{person.login}@localhost",
            active=person.active,
            password=accounts.hashed(password),
            login_count=0,
            fail_login_count=0,
            created_on=_naive(now),
            changed_on=_naive(now),
        )
        .returning(USER.c.id)
    )
    airflow.execute(USER_ROLE.insert().values(user_id=inserted.scalar_one(), role_id=_role_id(airflow, role)))


def _write(airflow: Connection, person: Officer, role: str, now: dt.datetime) -> bool:
    """Make an account what the person is; tell whether anything was different."""
    found = _existing(airflow, person.login)
    if (found.name, found.roles, found.active) == (person.name, frozenset({role}), person.active):
        return False
    role_id = _role_id(airflow, role)
    values = {
        "first_name": person.name,
        "last_name": "",
        "active": person.active,
        "changed_on": _naive(now),
    }
    airflow.execute(USER.update().where(USER.c.id == found.id).values(values))
    airflow.execute(USER_ROLE.delete().where(USER_ROLE.c.user_id == found.id))
    airflow.execute(USER_ROLE.insert().values(user_id=found.id, role_id=role_id))
    return True


def _role_id(airflow: Connection, role: str) -> int:
    found = airflow.execute(select(ROLE.c.id).where(ROLE.c.name == role)).scalar()
    if found is None:
        raise UnknownError(f"Airflow 的账户库中没有角色“{role}”；请先启动一次，使 policies/roles.yaml 生效")
    return int(found)


def _end_sessions(airflow: Connection, user_id: int) -> int:
    """Delete a person's sessions of the interface; return how many there were.

    A token already given stays good until it expires, unless the account is closed (asked every request).
    """
    import msgspec

    ended = []
    for row in airflow.execute(select(SESSION.c.id, SESSION.c.data)):
        try:
            data = msgspec.msgpack.decode(row.data or b"")
        except msgspec.DecodeError:
            continue
        if isinstance(data, dict) and str(data.get("_user_id")) == str(user_id):
            ended.append(row.id)
    if ended:
        airflow.execute(SESSION.delete().where(SESSION.c.id.in_(ended)))
    return len(ended)


def _new_password() -> str:
    return secrets.token_urlsafe(18)


def _naive(now: dt.datetime) -> dt.datetime:
    """Return a moment as the auth manager stores it: UTC without saying so."""
    return now.astimezone(dt.UTC).replace(tzinfo=None)


def _shown(login: str) -> str:
    return "".join(c if c.isprintable() else "�" for c in login[:64])
