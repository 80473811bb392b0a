"""The workbook of a case (整改台账) come back through the inbox: the plan, progress, or answered why not.

It is known by its own identity sheet, lies in the unit's folder of any period, and is answered like a form:
with a receipt, with a correction workbook, or with the reason why it cannot be taken at all.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from sqlalchemy import Connection, Row, select

from ipgov.core import objects
from ipgov.core.database import lock
from ipgov.core.errors import Problem, RefusedError, UnknownError
from ipgov.core.fingerprint import sha256_hex
from ipgov.core.tables import case_event, case_workbook, titled_body
from ipgov.documents import case_form, sheets
from ipgov.documents.case_form import Identity
from ipgov.documents.model import printable
from ipgov.followup import case_states, cases
from ipgov.followup.case_states import CaseEvent
from ipgov.followup.cases import Case
from ipgov.followup.store import day_of
from ipgov.intake.inbox import InboxKey
from ipgov.policy.correspondence import correspondence
from ipgov.procedures import rectification
from ipgov.procedures.answers import Answer, file_answer, mark_of
from ipgov.registry.asof import newest

identity = case_form.identity
_OWN = "随本单位整改通知下发、填写后保存的整改台账"
_PLANNED = "报送进展的，在原件的“进展情况”栏填写；要改动整改方案的，先与我局联系，退回后再报送"
Outcome = Literal["accepted", "returned", "refused"]


@dataclass(frozen=True)
class Sender:
    """A registered body, with a title or (as pilot platforms are) without."""

    unit: str
    name: str


@dataclass(frozen=True)
class CaseArrival:
    """A 整改台账 in a unit's folder, scanned and found clean; ``as_of``: the day of the answer."""

    place: InboxKey
    sender: Sender
    says: Identity
    data: bytes
    received_at: dt.datetime
    as_of: dt.date
    known_at: dt.datetime


@dataclass(frozen=True)
class _Read:
    """What became of it; ``event_id``: the event that it is, ``again``: the day on which that was taken."""

    outcome: Outcome
    case: Case | None = None
    event: Literal["plan", "progress"] = "plan"
    problems: tuple[Problem, ...] = ()
    event_id: int | None = None
    again: dt.date | None = None
    files: dict[str, bytes] = field(default_factory=dict)


def sender(connection: Connection, place: InboxKey, as_of: dt.date, known_at: dt.datetime) -> Sender | None:
    """Return whose folder it is; None: nobody's that is registered in this province."""
    body = newest(titled_body, (titled_body.c.programme, titled_body.c.unit), as_of, known_at)
    query = select(body.c.unit, body.c.name).where(
        body.c.programme == place.programme, body.c.unit == place.unit, body.c.province == place.province
    )
    found = connection.execute(query).first()
    return None if found is None else Sender(found.unit, printable(found.name))


def receive(connection: Connection, arrival: CaseArrival) -> tuple[Outcome, int]:
    """Record a 整改台账 and answer it; return what became of it and how many problems it has.

    What is not accepted leaves nothing in the case.
    """
    lock(connection, "case_workbook", arrival.place.programme, arrival.sender.unit)
    read = _read(connection, arrival)
    named = tuple(replace(p, file=arrival.place.filename) for p in read.problems)
    read = replace(read, problems=named)
    sha256 = objects.put_content(arrival.data)
    answer = _answer(connection, arrival, read, sha256)
    connection.execute(
        case_workbook.insert().values(
            object_key=arrival.place.key,
            programme=arrival.place.programme,
            unit=arrival.sender.unit,
            obligation_id=None if read.case is None else read.case.obligation_id,
            event_id=read.event_id,
            sha256=sha256,
            received_at=arrival.received_at,
            outcome=read.outcome,
            problems=[p.as_dict() for p in read.problems],
            answer_sha256=answer,
            known_at=arrival.known_at,
        )
    )
    return read.outcome, len(read.problems)


def of_case(connection: Connection, case_id: int, known_at: dt.datetime) -> list[dict[str, Any]]:
    """Return what came through the inbox as the workbook of a case, in order, and what became of it."""
    table = case_workbook
    query = select(table).where(table.c.obligation_id == case_id, table.c.known_at <= known_at)
    return [
        {
            "filename": row["object_key"].rpartition("/")[2],
            "received_at": row["received_at"],
            "outcome": row["outcome"],
            "problems": [str(Problem(**{**p, "file": ""})) for p in row["problems"]],
            "sha256": row["sha256"],
        }
        for row in connection.execute(query.order_by(table.c.id)).mappings()
    ]


def _read(connection: Connection, arrival: CaseArrival) -> _Read:
    case = _case(connection, arrival)
    if isinstance(case, Problem):
        return _Read("refused", problems=(case,))
    lock(connection, "case", case.obligation_id)
    now = cases.standing(connection, case)
    day = max(day_of(arrival.received_at), now.last_day or dt.date.min)
    if (before := _taken(connection, case, sha256_hex(arrival.data))) is not None:
        return _Read("accepted", case, before.event, event_id=before.id, again=before.day)
    planned = rectification.planned_before(connection, case)
    event: Literal["plan", "progress"] = "plan" if planned is None else "progress"
    detail: dict[str, Any] = {"due_on": case.due_on.isoformat()}
    try:
        case_states.apply(case.rules, now, CaseEvent(event, day, arrival.sender.name, "", detail))
    except RefusedError as error:
        return _refused(case, error.message, "整改期内报送")
    issued = rectification.issued_workbook(connection, case)
    try:
        detail = rectification.measures(arrival.data, issued, case)
        if planned is not None:
            if not any(m["progress"] for m in detail["measures"]):
                told = f"案件 {case.obligation_id} 的整改台账已于 {planned.day} 接收，不再另行接收"
                return _refused(case, told, _PLANNED)
            if unlike := case_form.unlike_plan(detail["measures"], planned.detail["measures"]):
                raise RefusedError("进展报告改动了整改方案", unlike)
    except RefusedError as error:
        if not error.problems:
            return _refused(case, error.message, _OWN)
        corrected = case_form.correction(
            issued, arrival.data, error.problems, correspondence().issuer_of(case.programme), case.due_on
        )
        return _Read("returned", case, event, problems=error.problems, files={"xlsx": corrected})
    by, note = arrival.sender.name, f"整改台账 {arrival.place.filename}"
    event_id, _ = cases.record(
        connection, case, event, day, by, note, arrival.known_at, {"kept": 0, **detail}
    )
    received_on = day_of(arrival.received_at)
    proof = detail["workbook_sha256"]
    rectification.meet(connection, case, event, received_on, by, note, arrival.known_at, proof)
    return _Read("accepted", case, event, event_id=event_id)


def _refused(case: Case | None, found: str, expected: str) -> _Read:
    return _Read("refused", case, problems=(Problem("case_workbook", found, expected),))


def _case(connection: Connection, arrival: CaseArrival) -> Case | Problem:
    """Return the case that a workbook names, if it is one of the sender's; another's tells nothing."""
    broken = Problem(
        "case_workbook", "整改台账的身份信息页缺失、不完整或已被改动", _OWN, sheet=sheets.IDENTITY
    )
    number = arrival.says.case
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        return broken
    try:
        case = cases.get(connection, int(number), arrival.known_at)
    except UnknownError:
        return broken
    if (case.programme, case.unit) != (arrival.place.programme, arrival.sender.unit):
        found = f"这是另一单位的整改台账，不是 {arrival.sender.unit} 的"
        return Problem("case_workbook", found, _OWN, sheet=sheets.IDENTITY, cell="B2")
    try:
        issued = case_form.identity(rectification.issued_workbook(connection, case))
    except RefusedError as error:
        return Problem("case_workbook", error.message, _OWN)
    return case if issued == arrival.says else broken


def _taken(connection: Connection, case: Case, sha256: str) -> Row[int, str, dt.date] | None:
    """Return the event as which the same bytes were taken, if it still counts; None: it is new.

    A plan that was sent back since does not.
    """
    table = case_event
    query = select(table.c.id, table.c.event, table.c.day).where(
        table.c.obligation_id == case.obligation_id,
        table.c.event.in_(("plan", "progress")),
        table.c.detail["workbook_sha256"].astext == sha256,
    )
    found = connection.execute(query.order_by(table.c.id.desc()).limit(1)).first()
    if found is None or found.event == "progress":
        return found
    planned = rectification.planned_before(connection, case)
    return found if planned is not None and planned.detail["workbook_sha256"] == sha256 else None


def _answer(connection: Connection, arrival: CaseArrival, read: _Read, sha256: str) -> str:
    """File and queue the answer; return the hash of what it consists in."""
    rules, place, sender = correspondence(), arrival.place, arrival.sender
    kind: Literal["case_receipt", "case_correction"] = (
        "case_receipt" if read.outcome == "accepted" else "case_correction"
    )
    paper, case = rules.papers.of(kind), read.case
    context = {
        "case_name": "整改" if case is None else case.rules.name,
        "reference": "" if case is None else str(case.obligation_id),
        "filename": place.filename,
        "received_at": arrival.received_at,
        "sha256": sha256,
        "taken_as": "整改方案" if read.event == "plan" else "整改进展报告",
        "again": read.again,
        "returned": read.outcome == "returned",
        "due_on": None if case is None else case.due_on,
        "problems": [{"told": str(replace(p, file=""))} for p in read.problems],
        "contact": rules.contact_of(place.programme),
    }
    return file_answer(
        connection,
        Answer(
            kind=kind,
            template=paper.template,
            issuer=rules.issuer_of(place.programme),
            basis=case.rules.clause if case is not None else (),
            channels=("outbox",),
            programme=place.programme,
            period=place.period if case is None else case.round_period,
            unit=sender.unit,
            recipient=sender.unit,
            recipient_name=sender.name,
            filename=f"{sender.unit}-{paper.name}",
        ),
        context,
        mark_of(place.key, sha256, arrival.received_at),
        arrival.as_of,
        arrival.known_at,
        read.files,
    )
