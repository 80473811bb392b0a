"""Letting a province see its own bodies, and no longer (2022-985#24): by a person, on record."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from ipgov.core import province_roles
from ipgov.core.database import lock, owning, reading
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.core.province_roles import Limits, State, role_of
from ipgov.registry.codes import PROVINCES, province_name

SHORTEST = 16  # characters: operator: a machine's password that nobody types
# operator: a province's people and their spreadsheet programs, beside everything else of the server
LIMITS = Limits(connections=4, statement_seconds=60)


@dataclass(frozen=True)
class Done:
    """What became of a decision; ``repeated``: it stood already, nothing was written."""

    province: str
    role: str
    state: State
    repeated: bool
    ended: int = 0  # sessions

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return vars(self)


def grant(province: str, by: str, reason: str, known_at: dt.datetime, password: str | None = None) -> Done:
    """Open a province's view, for exports; with ``password`` its people can also sign in to the database.

    Done again it mends a role that a restored database lost. Raises UnknownError for a province that is none,
    RefusedError for a missing reason or a weak password.
    """
    province_name(province)
    _require(reason)
    if password is not None:
        _require_strong(password)
    role, state = role_of(province), "opened" if password is None else "login"
    with owning() as connection:
        lock(connection, "province_access", province)
        province_roles.require_maker(connection)
        last = province_roles.newest(connection).get(province)
        province_roles.open_role(connection, role, LIMITS)
        if password is None:
            province_roles.shut_out(connection, role)
        else:
            province_roles.let_in(connection, role, password)
        repeated = password is None and last is not None and last["state"] == state
        if not repeated:
            province_roles.record(connection, province, state, by, reason, known_at)  # type: ignore[arg-type]
    ended = _end(role) if password is None and last is not None and last["state"] == "login" else 0
    return Done(province, role, state, repeated, ended)  # type: ignore[arg-type]


def revoke(province: str, by: str, reason: str, known_at: dt.datetime) -> Done:
    """Close a province's view: no row is its own any more, nobody signs in, open sessions end.

    Raises UnknownError where it was never opened, RefusedError for a missing reason.
    """
    province_name(province)
    _require(reason)
    role = role_of(province)
    with owning() as connection:
        lock(connection, "province_access", province)
        last = province_roles.newest(connection).get(province)
        if last is None:
            raise UnknownError(f"{PROVINCES[province].name}（{province}）从未开通查看")
        repeated = last["state"] == "revoked"
        there = province_roles.exists(connection, role)
        if there:
            province_roles.shut_out(connection, role)
        if not repeated:
            province_roles.record(connection, province, "revoked", by, reason, known_at)
    return Done(province, role, "revoked", repeated, _end(role) if there else 0)


def _end(role: str) -> int:
    with owning() as connection:
        return province_roles.end_sessions(connection, role)


def listed() -> list[dict[str, Any]]:
    """Return every province that was ever let in: state, who decided it, whether the server has its role."""
    with reading() as connection:
        return [
            {
                "province": code,
                "name": PROVINCES[code].name,
                "role": row["role"],
                "state": row["state"],
                "decided_by": row["decided_by"],
                "reason": row["reason"],
                "known_at": row["known_at"],
                "role_exists": province_roles.exists(connection, row["role"]),
            }
            for code, row in province_roles.newest(connection).items()
        ]


def _require(reason: str) -> None:
    if not reason.strip():
        raise RefusedError("须写明依据：如省级联系人信息表与盖章申请表的收到日期（2022-985#23）")


def _require_strong(password: str) -> None:
    if len(password) < SHORTEST or len(set(password)) < SHORTEST // 2 or not password.isprintable():
        raise RefusedError(f"密码不合要求：应为 {SHORTEST} 个以上可见字符，且不为简单重复；建议随机生成")
