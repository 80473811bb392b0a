"""By which route a body's file came: forwarded by its province, or sent directly with a copy to it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, func, select

from ipgov.core.steps import SHANGHAI, Cycle
from ipgov.core.tables import province_audit, snapshot_audit, snapshot_unit, submission
from ipgov.decisions import audits
from ipgov.documents.rating_layout import RouteRow
from ipgov.policy.audits import ProvinceAudit
from ipgov.policy.rules import RuleVersion
from ipgov.registry.codes import province_name
from ipgov.registry.platforms import Unit


@dataclass(frozen=True)
class Route:
    """How a body's file came. ``state``: of ``snapshot_audit``; ``blocks``: the body's, if it does not count.

    ``audit_id``: the answer that counts; ``copied_on``: the day of the report of the copy.
    """

    state: str
    blocks: str = ""
    audit_id: int | None = None
    copied_on: dt.date | None = None

    @property
    def key(self) -> list[Any]:
        """Return what of it decides a snapshot's content."""
        return [self.state, self.audit_id, self.copied_on]


def routes(
    connection: Connection, cycle: Cycle, rules: RuleVersion, sent: Mapping[str, tuple[Unit, int]]
) -> dict[str, Route]:
    """Return how every file came, by body; none where no province audits. ``sent``: body → it, submission."""
    rule = rules.province_audit
    if rule is None:
        return {}
    answers = audits.standing(connection, (id_ for _, id_ in sent.values()), cycle.known_at)
    in_time = audits.standing(connection, (id_ for _, id_ in sent.values()), cycle.known_at, in_time=True)
    direct = [code for code, (unit, _) in sent.items() if unit.route == "direct"]
    copied = audits.copies(connection, rule.copy_duty, cycle.period, direct, cycle.known_at)
    return {
        code: _direct(rule, copied.get(code))
        if unit.route == "direct"
        else _audited(in_time.get(id_), answers.get(id_))
        for code, (unit, id_) in sent.items()
    }


def _direct(rule: ProvinceAudit, copied_on: dt.date | None) -> Route:
    if copied_on is not None or rule.direct_copy is None:
        return Route("copied", copied_on=copied_on)
    return Route("not_copied", "not_copied" if rule.direct_copy == "require" else "")


def _audited(counts: audits.Audit | None, newest: audits.Audit | None) -> Route:
    if counts is None:
        if newest is None:
            return Route("none", "not_forwarded")
        return Route("late", "not_forwarded", newest.id)
    if counts.forwards:
        return Route("forwarded", audit_id=counts.id)
    return Route("returned", "returned_by_province", counts.id)


def save(
    connection: Connection, snapshot_id: int, routes: Mapping[str, Route], known_at: dt.datetime
) -> None:
    """Store how the files of a snapshot's bodies came."""
    if routes:
        connection.execute(
            snapshot_audit.insert(),
            [
                {
                    "snapshot_id": snapshot_id,
                    "unit": unit,
                    "state": route.state,
                    "province_audit_id": route.audit_id,
                    "copied_on": route.copied_on,
                    "known_at": known_at,
                }
                for unit, route in routes.items()
            ],
        )


TOLD = {
    "forwarded": "经省级审核报送",
    "returned": "省级退回",
    "late": "省级审核逾期，不计入",
    "none": "省级尚未审核",
    "copied": "直接报送，已抄送",
    "not_copied": "直接报送，未见抄送记录",
}


def listed(connection: Connection, snapshot_id: int, rules: RuleVersion) -> tuple[RouteRow, ...]:
    """Return how the file of every body of a snapshot came; nothing where no province audits."""
    if rules.province_audit is None:
        return ()
    unit, route, audit, sent = snapshot_unit, snapshot_audit, province_audit, submission
    same = and_(route.c.snapshot_id == unit.c.snapshot_id, route.c.unit == unit.c.unit)
    rows = connection.execute(
        select(
            unit.c.unit, unit.c.name, unit.c.province, unit.c.route, unit.c.state.label("counted"),
            route.c.state, route.c.copied_on, audit.c.opinion, audit.c.auditor, audit.c.audited_on,
            sent.c.received_at,
        )
        .join(route, same, isouter=True)
        .join(audit, audit.c.id == route.c.province_audit_id, isouter=True)
        .join(sent, sent.c.id == func.coalesce(unit.c.submission_id, audit.c.submission_id), isouter=True)
        .where(unit.c.snapshot_id == snapshot_id)
        .order_by(unit.c.province, unit.c.unit)
    ).mappings()  # fmt: skip
    return tuple(_listed(row) for row in rows)


def _listed(row: RowMapping) -> RouteRow:
    told = TOLD.get(row["state"] or "", "直接报送" if row["route"] == "direct" else "经省级")
    if row["copied_on"] is not None:
        told = f"{told}（{row['copied_on']}）"
    return RouteRow(
        row["unit"],
        row["name"],
        province_name(row["province"]),
        row["counted"],
        row["received_at"].astimezone(SHANGHAI).date().isoformat() if row["received_at"] else "",
        told,
        row["opinion"] or "",
        row["auditor"] or "",
        row["audited_on"].isoformat() if row["audited_on"] else "",
    )


def flags(connection: Connection, snapshot_id: int) -> list[tuple[str, str]]:
    """Return what reviewers must see of how files came, by body (Chinese)."""
    rows = connection.execute(
        select(snapshot_audit.c.unit).where(
            snapshot_audit.c.snapshot_id == snapshot_id, snapshot_audit.c.state == "not_copied"
        )
    ).scalars()
    return [(unit, "直接报送，未见同步抄送所在地省级知识产权管理部门的记录") for unit in rows]
