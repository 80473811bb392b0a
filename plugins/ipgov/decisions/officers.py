"""Officers: the people of the office, and what each of them may decide."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, select

from ipgov.core import tables
from ipgov.core.database import lock
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.registry.asof import listed
from ipgov.registry.codes import uscc_form_problem


class Role(StrEnum):
    """What a person of the office may do; policies name these in their approval steps."""

    VIEWER = "viewer"
    REVIEWER = "reviewer"
    ISSUER = "issuer"
    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"

    @property
    def label(self) -> str:
        """Return the word that people read."""
        return _LABELS[self]


_LABELS = {
    Role.VIEWER: "查阅",
    Role.REVIEWER: "审核",
    Role.ISSUER: "签发",
    Role.OPERATOR: "经办",
    Role.ADMINISTRATOR: "管理",
    Role.AUDITOR: "审计",
}


def role_label(role: str) -> str:
    """Return a role as people read it: ``审核（reviewer）``; the bare name where it is none of Role."""
    return f"{Role(role).label}（{role}）" if role in list(Role) else role


@dataclass(frozen=True)
class Officer:
    """A person: login, name, roles, the organisation they belong to (for recusal), active or not."""

    login: str
    name: str
    roles: tuple[str, ...]
    organisation_code: str | None
    active: bool


def register_officer(connection: Connection, officer: Officer, known_at: dt.datetime) -> bool:
    """Enter an officer or a change of one; return whether a row was written (an unchanged one writes none).

    Raises UnknownError for an unknown role; RefusedError for an empty login or name and for a malformed
    统一社会信用代码, under which no recusal would ever be found.
    """
    if not officer.login.strip() or not officer.name.strip():
        raise RefusedError(f"人员“{officer.login or officer.name}”的账号与姓名均须填写")
    if unknown := [r for r in officer.roles if r not in list(Role)]:
        raise UnknownError(f"人员“{officer.login}”的角色“{'、'.join(unknown)}”不明；可用：{'、'.join(Role)}")
    if officer.organisation_code and (problem := uscc_form_problem(officer.organisation_code)):
        raise RefusedError(f"人员“{officer.login}”的所属单位代码有误：{problem}")
    lock(connection, "officer", officer.login)
    if _newest(connection, officer.login, known_at) == officer:
        return False
    connection.execute(
        tables.officer.insert().values(
            login=officer.login,
            name=officer.name,
            roles=list(officer.roles),
            organisation_code=officer.organisation_code,
            active=officer.active,
            known_at=known_at,
        )
    )
    return True


def officer(connection: Connection, login: str, known_at: dt.datetime) -> Officer:
    """Return an officer, active or not, as known at a moment; UnknownError where there is none."""
    found = _newest(connection, login, known_at)
    if found is None:
        table = tables.officer
        logins = connection.execute(
            select(table.c.login).where(table.c.known_at <= known_at).distinct().order_by(table.c.login)
        )
        raise UnknownError(f"没有账号为“{login}”的人员；现有：{listed(list(logins.scalars()))}")
    return found


def _newest(connection: Connection, login: str, known_at: dt.datetime) -> Officer | None:
    table = tables.officer
    row = (
        connection.execute(
            select(table)
            .where(table.c.login == login, table.c.known_at <= known_at)
            .order_by(table.c.known_at.desc(), table.c.id.desc())
            .limit(1)
        )
        .mappings()
        .first()
    )
    if row is None:
        return None
    return Officer(row["login"], row["name"], tuple(row["roles"]), row["organisation_code"], row["active"])
