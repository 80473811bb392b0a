"""Where the public notices stand: days left, bodies, objections and their answers. Nobody's name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, func, select

from ipgov.calendars.running import Running, calendar_of
from ipgov.core import tables
from ipgov.core.database import reading
from ipgov.decisions import publicities
from ipgov.decisions.publicities import Publicity
from ipgov.procedures import objections
from ipgov.procedures.follow_up_papers import working_days_left
from ipgov.registry.titles import life, standings

OUTCOMES = {None: "待答复", "upheld": "成立", "rejected": "不成立"}


def listed(as_of: dt.date, known_at: dt.datetime) -> list[dict[str, Any]]:
    """Return every public notice: its time, state, bodies with their standing, and objections in order."""
    with reading() as connection:
        notices = publicities.every(connection, known_at)
        made = publicities.objections(connection, known_at)
        refused = _refused(connection, known_at)
        now = {p: standings(connection, p, as_of, known_at) for p in {n.programme for n in notices}}
        return [
            _one(connection, n, as_of, [o for o in made if o["publicity_id"] == n.id], refused, now)
            for n in notices
        ]


def current(as_of: dt.date, known_at: dt.datetime) -> list[dict[str, Any]]:
    """Return the notices that run, and those over of whose bodies one is neither recognised nor refused."""
    return [n for n in listed(as_of, known_at) if n["state"] != "withdrawn" and n["unsettled"]]


def _refused(connection: Connection, known_at: dt.datetime) -> Mapping[int, int]:
    own = tables.refused_objection
    query = select(own.c.publicity_id, func.count()).where(own.c.known_at <= known_at)
    return {row[0]: row[1] for row in connection.execute(query.group_by(own.c.publicity_id))}


def _one(
    connection: Connection,
    notice: Publicity,
    as_of: dt.date,
    made: Sequence[Any],
    refused: Mapping[int, int],
    now: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    time = notice.on(as_of)
    states = now[notice.programme]
    expected = {e.to for e in life(notice.programme).events if e.code in ("publicised", "publicity_expired")}
    names = publicities.units(connection, notice.id)
    bodies = [{"unit": u, "name": name, "state": states[u].name} for u, name in names.items()]
    return {
        "id": notice.id,
        "programme": notice.programme,
        "title": notice.title,
        "round_id": notice.round_id,
        "starts_on": notice.starts_on,
        "last_on": time.last_on,
        "told": notice.last_on,
        "provisional": time.provisional and time.over_on is None,
        "state": _state(notice, time, as_of),
        "days_left": working_days_left(as_of, time.last_on, calendar_of(as_of))
        if as_of <= time.last_on
        else 0,
        "withdrawn_on": notice.withdrawn_on,
        "moved": [f"{m.set_on} 起截止日由 {m.earlier} 改为 {m.last_on}：{m.reason}" for m in time.moved],
        "bodies": bodies,
        "unsettled": [u for u in names if states[u].code in expected or time.over_on is None],
        "objections": [
            {
                "objection": o["id"],
                "unit": o["unit"],
                "name": names[o["unit"]],
                "received_on": o["received_on"],
                "basis": o["basis"],
                "text": objections.words(o),
                "outcome": o["outcome"],
                "outcome_name": OUTCOMES[o["outcome"]],
                "reason": o["answer_reason"],
                "answered_on": o["answered_on"],
                "files": objections.files(connection, o["id"]),
            }
            for o in made
        ],
        "open": sum(o["outcome"] is None for o in made),
        "refused": refused.get(notice.id, 0),
    }


def _state(notice: Publicity, time: Running, as_of: dt.date) -> str:
    if notice.withdrawn_on is not None:
        return "withdrawn"
    if time.over_on is not None:
        return "over"
    return "running" if as_of <= time.last_on else "waiting"


STATES = {
    "running": "公示中",
    "waiting": "待放假安排公布",
    "over": "公示期满",
    "withdrawn": "已撤回",
}


def line(notice: Mapping[str, Any]) -> str:
    """Return a notice in a line."""
    left = f"，还有 {notice['days_left']} 个工作日" if notice["state"] == "running" else ""
    provisional = "（暂定）" if notice["provisional"] else ""
    counts = (
        f"异议 {len(notice['objections'])} 件，待答复 {notice['open']} 件，未予受理 {notice['refused']} 件"
    )
    days = f"{notice['starts_on']} 至 {notice['last_on']}{provisional}，{STATES[notice['state']]}{left}"
    return f"公示 {notice['id']} {notice['programme']}：{len(notice['bodies'])} 家，{days}；{counts}"
