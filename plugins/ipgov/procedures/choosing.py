"""Which file of a body counts in a period: in time, accepted, come by the route that the rules ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from ipgov.calendars.deadlines import cycle_days
from ipgov.core.steps import Cycle
from ipgov.intake import attachments, submissions
from ipgov.policy.rules import RuleVersion
from ipgov.policy.store import Loaded
from ipgov.procedures import audit_routes, snapshots
from ipgov.registry.platforms import Unit


def choose(
    connection: Connection, cycle: Cycle, rules: Loaded, units: Sequence[Unit]
) -> list[snapshots.Chosen]:
    """Return, of each of these bodies, what it sent in for a period that counts, or why nothing does."""
    until = cycle_days(rules.rules.cycle, cycle.year).late_until.date
    in_time = submissions.accepted_in_time(connection, cycle.programme, cycle.period, cycle.known_at, until)
    newest = submissions.states(connection, cycle.programme, cycle.period, cycle.known_at)
    chosen = [_state_of(u, cycle, rules.rules, in_time, newest) for u in units]
    chosen = _routed(connection, cycle, rules.rules, chosen)
    listed: dict[str, list[attachments.Standing]] = {}
    ids = snapshots.submission_ids(chosen)
    for row in attachments.standing(connection, cycle.programme, cycle.period, ids, cycle.known_at):
        listed.setdefault(row.unit, []).append(row)
    return [replace(c, attachments=tuple(listed.get(c.unit.unit, ()))) for c in chosen]


def _routed(
    connection: Connection, cycle: Cycle, rules: RuleVersion, chosen: Sequence[snapshots.Chosen]
) -> list[snapshots.Chosen]:
    """Let only that count which came by the route that the rules ask for (2024-1155#38, #39)."""
    sent = {c.unit.unit: (c.unit, c.submission_id) for c in chosen if c.submission_id is not None}
    routes = audit_routes.routes(connection, cycle, rules, sent)
    return [
        c
        if (route := routes.get(c.unit.unit)) is None
        else snapshots.Chosen(c.unit, route.blocks, route=route)
        if route.blocks
        else replace(c, route=route)
        for c in chosen
    ]


def _state_of(
    unit: Unit,
    cycle: Cycle,
    rules: RuleVersion,
    in_time: Mapping[str, Mapping[str, Any]],
    newest: Mapping[str, Mapping[str, Any]],
) -> snapshots.Chosen:
    if snapshots.titled_too_short(unit, rules, cycle.year):
        return snapshots.Chosen(unit, "exempt")
    if row := in_time.get(unit.unit):
        state = "accepted_late" if row["late"] else "accepted"
        return snapshots.Chosen(unit, state, row["id"], row["sha256"])
    if row := newest.get(unit.unit):
        return snapshots.Chosen(unit, "late" if row["outcome"] == "accepted" else "returned")
    return snapshots.Chosen(unit, "missing")
