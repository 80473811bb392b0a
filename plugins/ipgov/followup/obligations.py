"""Who owes what by when, as it stands on a day and as known at a moment: for lists, papers and people."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, RowMapping, text

from ipgov.core.fingerprint import sha256_hex, short_code
from ipgov.followup.events import end_of
from ipgov.followup.facts import OFFICE
from ipgov.policy.duty_store import DutyRule, frozen_duty
from ipgov.registry.codes import PROVINCES

State = Literal["open", "overdue", "met", "lapsed", "withdrawn"]
STATE_NAMES: Mapping[str, str] = {
    "open": "待办",
    "overdue": "逾期",
    "met": "已办结",
    "lapsed": "已期满",
    "withdrawn": "已撤销",
}
FAILED_NAME = "未通过"
OFFICE_NAME = "本局"
REFERENCE = re.compile(r"[0-9A-F]{4}(-[0-9A-F]{4}){2}")


def reference(key: str) -> str:
    """Return the number by which letters and lists speak of an obligation: it never changes."""
    return short_code(sha256_hex(key.encode()))


@dataclass(frozen=True)
class OwedEvent:
    """Something that the daily advance did about it."""

    id: int
    day: dt.date
    event: str
    step: str
    detail: Mapping[str, Any]


@dataclass(frozen=True)
class EarlierDue:
    """A due day that counted before."""

    due_on: dt.date
    provisional: bool
    set_on: dt.date
    reason: str
    calendar_version: str


@dataclass(frozen=True)
class Owed:
    """One obligation as it stands. Codes with their Chinese names; ``rule`` governs it to its end."""

    id: int
    key: str
    duty: str
    duty_name: str
    programme: str
    period: str | None
    unit: str | None
    unit_name: str | None
    owed_by: str
    owed_by_name: str
    owed_to: str
    owed_to_name: str
    opened_on: dt.date
    due_on: dt.date
    provisional: bool
    calendar_version: str
    earlier_dues: tuple[EarlierDue, ...]
    clause: str
    rule: DutyRule
    rule_sha256: str
    state: State
    met_on: dt.date | None
    late: bool
    failed: bool  # it was judged to have failed, rather than that its time ran out
    lifted: bool  # it was told to be overdue, and then it became known that it had been met in time
    cause: str
    part_of_id: int | None
    events: tuple[OwedEvent, ...]

    @property
    def reference(self) -> str:
        """Return its number as every list, page and letter gives it."""
        return reference(self.key)

    @property
    def state_name(self) -> str:
        """Return the state as people read it."""
        if self.state == "met" and self.late:
            return "逾期办结"
        if self.failed:
            return FAILED_NAME
        return STATE_NAMES[self.state]

    def waits_for_calendar(self, as_of: dt.date) -> bool:
        """Tell whether it would be overdue, but for a holiday notice that was not entered yet."""
        return self.state == "open" and self.provisional and self.due_on < as_of


_QUERY = """
SELECT o.id, o.key, o.duty, o.programme, o.period, o.unit, o.owed_by, o.owed_to, o.opened_on, o.cause,
       o.rule_sha256, o.part_of_id, d.dues, e.events, body.name AS unit_name,
       by_body.name AS by_body, by_organisation.name AS by_organisation,
       to_body.name AS to_body, to_organisation.name AS to_organisation
FROM obligation o
JOIN LATERAL (
    SELECT json_agg(
        json_build_array(due_on, provisional, set_on, reason, calendar_version) ORDER BY id
    ) AS dues
    FROM obligation_due WHERE obligation_id = o.id AND set_on <= :as_of AND known_at <= :known_at
) d ON d.dues IS NOT NULL
JOIN LATERAL (
    SELECT json_agg(json_build_array(id, day, event, step, detail) ORDER BY id) AS events
    FROM obligation_event WHERE obligation_id = o.id AND day <= :as_of AND known_at <= :known_at
) e ON e.events IS NOT NULL
LEFT JOIN bodies body ON body.programme = o.programme AND body.unit = o.unit
LEFT JOIN bodies by_body ON by_body.programme = o.programme AND by_body.unit = o.owed_by
LEFT JOIN bodies to_body ON to_body.programme = o.programme AND to_body.unit = o.owed_to
LEFT JOIN organisations by_organisation ON by_organisation.code = o.owed_by
LEFT JOIN organisations to_organisation ON to_organisation.code = o.owed_to
WHERE o.known_at <= :known_at {where}
ORDER BY o.id
"""
_NAMES = """
WITH bodies AS (
    SELECT DISTINCT ON (programme, unit) programme, unit, name FROM titled_body
    WHERE known_at <= :known_at AND valid_from <= :as_of
    ORDER BY programme, unit, valid_from DESC, known_at DESC, id DESC
), organisations AS (
    SELECT DISTINCT ON (code) code, name FROM organisation
    WHERE known_at <= :known_at AND valid_from <= :as_of
    ORDER BY code, valid_from DESC, known_at DESC, id DESC
)
"""
_NOT_ENDED = """ AND coalesce((
    SELECT event FROM obligation_event WHERE obligation_id = o.id AND day <= :as_of AND known_at <= :known_at
    AND event IN ('met', 'lapsed', 'withdrawn', 'resumed') ORDER BY id DESC LIMIT 1
    ), 'resumed') = 'resumed'"""
_FILTERS = {
    **{n: f"o.{n}" for n in ("programme", "duty", "unit", "period", "owed_by", "owed_to", "key", "id")},
    "digest": "left(encode(sha256(convert_to(o.key, 'UTF8')), 'hex'), 12)",  # what ``reference`` is made of
}


def owed(
    connection: Connection,
    as_of: dt.date,
    known_at: dt.datetime,
    *,
    programme: str | None = None,
    duty: str | None = None,
    unit: str | None = None,
    period: str | None = None,
    owed_by: str | None = None,
    owed_to: str | None = None,
    key: str | None = None,
    id: int | None = None,
    digest: str | None = None,
    states: Iterable[State] | None = None,
) -> list[Owed]:
    """Return every obligation opened by a day, as known at a moment, in the order of opening.

    ``digest``: the first twelve hexadecimal digits of its key's SHA-256, of which its number is made.
    """
    given = {
        "programme": programme, "duty": duty, "unit": unit, "period": period, "owed_by": owed_by,
        "owed_to": owed_to, "key": key, "id": id, "digest": digest,
    }  # fmt: skip
    asked = {name: value for name, value in given.items() if value is not None}
    where = "".join(f" AND {column} = :{name}" for name, column in _FILTERS.items() if name in asked)
    wanted = None if states is None else set(states)
    if wanted is not None and wanted <= {"open", "overdue"}:
        where += _NOT_ENDED
    query = text(_NAMES + _QUERY.format(where=where))
    rows = connection.execute(query, {"as_of": as_of, "known_at": known_at, **asked}).mappings()
    found = [_owed(row) for row in rows]
    return [o for o in found if wanted is None or o.state in wanted]


def _owed(row: RowMapping) -> Owed:
    rule = frozen_duty(row["rule_sha256"])
    dues = [EarlierDue(_day(d[0]), d[1], _day(d[2]), d[3], d[4]) for d in row["dues"]]
    events = tuple(OwedEvent(e[0], _day(e[1]), e[2], e[3], e[4]) for e in row["events"])
    due = dues[-1]
    end = end_of(events)
    overdue = any(e.event == "overdue" and e.step == due.due_on.isoformat() for e in events)
    state: State = "overdue" if overdue else "open"
    if end is not None:
        state = end.event  # type: ignore[assignment]
    return Owed(
        id=row["id"],
        key=row["key"],
        duty=row["duty"],
        duty_name=rule.duty.name,
        programme=row["programme"],
        period=row["period"],
        unit=row["unit"],
        unit_name=row["unit_name"],
        owed_by=row["owed_by"],
        owed_by_name=_name(row["owed_by"], row["by_body"], row["by_organisation"]),
        owed_to=row["owed_to"],
        owed_to_name=_name(row["owed_to"], row["to_body"], row["to_organisation"]),
        opened_on=row["opened_on"],
        due_on=due.due_on,
        provisional=due.provisional,
        calendar_version=due.calendar_version,
        earlier_dues=tuple(dues[:-1]),
        clause=rule.clause,
        rule=rule,
        rule_sha256=row["rule_sha256"],
        state=state,
        met_on=None if end is None or end.event != "met" else _day(end.detail["on"]),
        late=bool(end is not None and end.detail.get("late")),
        failed=bool(end is not None and end.detail.get("judged") == "failed"),
        lifted=bool(end is not None and end.detail.get("lifted")),
        cause=row["cause"],
        part_of_id=row["part_of_id"],
        events=events,
    )


def _day(iso: str) -> dt.date:
    return dt.date.fromisoformat(iso)


def _name(code: str, body: str | None, organisation: str | None) -> str:
    if code == OFFICE:
        return OFFICE_NAME
    if code in PROVINCES:
        return PROVINCES[code].name
    return body or organisation or code
