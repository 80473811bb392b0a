"""The waivers of a period as records: in force, over, replaced, revoked; and the revocation itself."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, text

from ipgov.core.database import lock
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.core.steps import SHANGHAI
from ipgov.core.tables import waiver
from ipgov.policy.store import governs

IN_FORCE, OVER, REPLACED, REVOKED, REVOCATION = "in_force", "over", "replaced", "revoked", "revocation"
STATES = {
    IN_FORCE: "生效中",
    OVER: "已到期",
    REPLACED: "已被后一次豁免取代",
    REVOKED: "已撤销",
    REVOCATION: "撤销",
}

# A revocation is a newer row whose last day lies before its own: nobody can grant such a one.
_EVERY = text(
    """
    WITH known AS (
        SELECT w.*,
            w.until < (w.known_at AT TIME ZONE 'Asia/Shanghai')::date AS revocation,
            lead(w.id) OVER newer AS next_id,
            lead(w.until < (w.known_at AT TIME ZONE 'Asia/Shanghai')::date) OVER newer AS then_revoked
        FROM waiver w
        WHERE w.programme = :programme AND w.period = :period AND w.known_at <= :known_at
        WINDOW newer AS (PARTITION BY w.unit, w.rule ORDER BY w.id)
    ),
    body AS (
        SELECT DISTINCT ON (unit) unit, name FROM titled_body
        WHERE programme = :bodies AND known_at <= :known_at
        ORDER BY unit, valid_from DESC, id DESC
    )
    SELECT k.id, k.unit, b.name, k.rule, k.granted_by, k.reason, k.until, k.known_at,
        CASE
            WHEN k.revocation THEN 'revocation'
            WHEN k.then_revoked THEN 'revoked'
            WHEN k.next_id IS NOT NULL THEN 'replaced'
            WHEN k.until < :today THEN 'over'
            ELSE 'in_force'
        END AS state
    FROM known k
    LEFT JOIN body b ON b.unit = k.unit
    ORDER BY k.id DESC
    """
)


@dataclass(frozen=True)
class Waiver:
    """A waiver, or the revocation of one, with what it is worth at the moment asked for."""

    id: int
    unit: str
    name: str | None  # of the body; None for every body
    rule: str
    granted_by: str
    reason: str
    until: dt.date
    known_at: dt.datetime
    state: str

    @property
    def state_name(self) -> str:
        """Return the state in words."""
        return STATES[self.state]

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self) | {"state_name": self.state_name}


def every(connection: Connection, programme: str, period: str, known_at: dt.datetime) -> list[Waiver]:
    """Return every waiver and revocation of a period known at a moment, the newest first."""
    today = known_at.astimezone(SHANGHAI).date()
    given = {
        "programme": programme,
        "bodies": governs(programme),
        "period": period,
        "known_at": known_at,
        "today": today,
    }
    return [Waiver(**row) for row in connection.execute(_EVERY, given).mappings()]


def revoke(
    connection: Connection,
    programme: str,
    period: str,
    unit: str,
    rule: str,
    revoked_by: str,
    reason: str,
    known_at: dt.datetime,
) -> int:
    """End the waiver in force of a body (or ``*``) and rule at once, by a newer row; return its id.

    Raises UnknownError where none is in force, RefusedError without person or reason.
    """
    if not revoked_by.strip() or not reason.strip():
        raise RefusedError("撤销豁免须写明撤销人和理由")
    lock(connection, "waiver", programme, period, unit, rule)
    in_force = [w for w in every(connection, programme, period, known_at) if w.state == IN_FORCE]
    if not any((w.unit, w.rule) == (unit, rule) for w in in_force):
        there = "、".join(f"{w.unit} {w.rule}" for w in in_force) or "无"
        raise UnknownError(f"{unit} 的规则 {rule} 没有生效中的豁免；生效中的有：{there}")
    row = {
        "programme": programme,
        "period": period,
        "unit": unit,
        "rule": rule,
        "granted_by": revoked_by.strip(),
        "reason": reason.strip(),
        "until": known_at.astimezone(SHANGHAI).date() - dt.timedelta(days=1),
        "known_at": known_at,
    }
    return int(connection.execute(waiver.insert().values(row).returning(waiver.c.id)).scalar_one())
