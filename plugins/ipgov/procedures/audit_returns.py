"""Audit workbooks that provinces send back: read, recorded and answered, all of their answers or none."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from sqlalchemy import Connection

from ipgov.core import objects
from ipgov.core.database import lock
from ipgov.core.errors import Problem, RefusedError, UnknownError
from ipgov.core.steps import SHANGHAI, Cycle
from ipgov.decisions import audits
from ipgov.documents import audit_form, returned_audits
from ipgov.documents.audit_form import Item
from ipgov.intake.inbox import InboxKey
from ipgov.policy.audits import ProvinceAudit
from ipgov.policy.store import Loaded
from ipgov.procedures.answers import mark_of
from ipgov.procedures.cycles import rules_of
from ipgov.procedures.province_audits import Asked, compose, file_letter, last_day, rule_of
from ipgov.procedures.snapshots import bodies
from ipgov.registry.codes import PROVINCES, province_name, province_office
from ipgov.registry.platforms import Unit

Outcome = Literal["accepted", "returned", "refused"]


@dataclass(frozen=True)
class AuditArrival:
    """A file in a province's own folder, scanned and found clean; ``as_of``: the day of the answer."""

    place: InboxKey
    data: bytes
    received_at: dt.datetime
    as_of: dt.date
    known_at: dt.datetime

    @property
    def cycle(self) -> Cycle:
        """Return the period that the folder belongs to."""
        return Cycle(self.place.programme, self.place.period, self.as_of, self.known_at)


@dataclass(frozen=True)
class _Read:
    outcome: Outcome
    problems: tuple[Problem, ...] = ()
    sheet: audits.Sheet | None = None
    answers: tuple[returned_audits.Answered, ...] = ()
    rows: Mapping[str, Mapping[str, Any]] | None = None  # the submission by body
    due: Mapping[str, dt.date] | None = None
    changed: bool = False
    correction: bytes | None = None


def claims(connection: Connection, place: InboxKey, as_of: dt.date, known_at: dt.datetime) -> str:
    """Return why a file in a province's folder is nobody's (Chinese); empty: a province sent it."""
    if place.province not in PROVINCES:
        return f"没有代码为“{place.province}”的省份"
    try:
        rules = rules_of(connection, Cycle(place.programme, place.period, as_of, known_at)).rules
    except UnknownError as error:
        return error.message
    return "" if rules.province_audit is not None else f"“{rules.title}”不由省级审核，不收审核工作簿"


def receive(connection: Connection, arrival: AuditArrival) -> tuple[Outcome, int]:
    """Record an audit workbook and answer it: all of its answers count, or none.

    Returns what became of it and how many problems it has.
    """
    place, cycle = arrival.place, arrival.cycle
    lock(connection, "province audit", place.programme, place.period, place.province)
    loaded = rules_of(connection, cycle)
    asked = {a.form.province: a for a in compose(connection, cycle, loaded)}.get(place.province)
    read = _read(connection, arrival, loaded, asked)
    read = replace(read, problems=tuple(replace(p, file=place.filename) for p in read.problems))
    received_on = arrival.received_at.astimezone(SHANGHAI).date()
    late = {u: received_on > day for u, day in (read.due or {}).items()}
    sha256 = objects.put_content(arrival.data)
    answer = _answer(connection, arrival, loaded, asked, read, sha256, bool(late) and all(late.values()))
    return_id = audits.record_return(
        connection,
        {
            "object_key": place.key,
            "programme": place.programme,
            "period": place.period,
            "province": place.province,
            "sheet_id": None if read.sheet is None else read.sheet.id,
            "sha256": sha256,
            "received_at": arrival.received_at,
            "late": bool(late) and all(late.values()),
            "outcome": read.outcome,
            "problems": [p.as_dict() for p in read.problems],
            "answer_sha256": answer,
            "known_at": arrival.known_at,
        },
    )
    rule = rule_of(loaded.rules)
    rows = [_row(rule, a, read, return_id, arrival, late[a.unit]) for a in read.answers]
    audits.record(connection, rows)
    forwarded = {r["unit"]: r["opinion"] for r in rows if r["forwards"]}
    if rule.duty and forwarded:
        by = province_office(place.province)
        audits.meet(connection, rule.duty, place.period, forwarded, received_on, by, sha256, arrival.known_at)
    return read.outcome, len(read.problems)


def _row(
    rule: ProvinceAudit,
    a: returned_audits.Answered,
    read: _Read,
    return_id: int,
    arrival: AuditArrival,
    late: bool,
) -> dict[str, Any]:
    chosen = rule.answer(a.answer)
    assert chosen is not None  # noqa: S101 - read as one of the answers
    assert read.rows is not None  # noqa: S101 - an accepted one has them
    return {
        "return_id": return_id,
        "programme": arrival.place.programme,
        "period": arrival.place.period,
        "province": arrival.place.province,
        "unit": a.unit,
        "submission_id": read.rows[a.unit]["id"],
        "answer": a.answer,
        "forwards": chosen.forwards,
        "opinion": a.opinion,
        "place": a.place,
        "auditor": a.auditor,
        "audited_on": a.audited_on,
        "received_at": arrival.received_at,
        "late": late,
        "sheet": audit_form.SHEET,
        "cell": a.cell,
        "known_at": arrival.known_at,
    }


def _refused(found: str, expected: str) -> _Read:
    return _Read("refused", (Problem("province_audit", found, expected),))


def _read(connection: Connection, arrival: AuditArrival, loaded: Loaded, asked: Asked | None) -> _Read:
    place = arrival.place
    at = (place.programme, place.period, place.province)
    try:
        says = returned_audits.identity(arrival.data)
    except RefusedError as error:
        return _refused(error.message, returned_audits.NEED)
    if says.province != place.province:
        return _refused("这是发给另一省的审核工作簿", f"发给{province_name(place.province)}的审核工作簿")
    if (says.programme, says.period) != at[:2]:
        return _refused("这是另一业务或年度的审核工作簿", f"{place.period} 年度本业务的审核工作簿")
    sheet = audits.issued(connection, at, says.fingerprint, arrival.known_at)
    if sheet is None or asked is None:
        return _refused("身份信息页已被改动，或不是本系统下发的审核工作簿", returned_audits.NEED)
    received_on = arrival.received_at.astimezone(SHANGHAI).date()
    issued = objects.get_content(sheet.sha256)
    units = {u.unit: u for u in bodies(connection, arrival.cycle, loaded.rules)}
    rule = rule_of(loaded.rules)
    try:
        got = returned_audits.read_returned(
            arrival.data, issued, rule, lambda code: _stranger(code, units, place), received_on
        )
    except RefusedError as error:
        return _refused(error.message, returned_audits.NEED)
    now = {i.unit: (n, i) for n, i in enumerate(asked.form.items)}
    was = returned_audits.hashes(issued)
    problems = [*got.problems, *_outdated(got.answers, was, now), *_over(rule, got.answers, asked)]
    if problems:
        places = {n: now[u][0] for n, (u, sent) in was.items() if u in now and _shown(now[u][1]) == sent}
        filled = returned_audits.shown_again(got.filled, places, rule.ranked)
        listed = tuple(dict.fromkeys(problems))
        moved = [_moved(p, was, now) for p in listed]
        audits.issue(
            connection, at, asked.form.fingerprint, audit_form.write(asked.form), asked.form.due_on,
            arrival.known_at,
        )  # fmt: skip
        return _Read("returned", listed, sheet, correction=audit_form.write(asked.form, filled, moved))
    rows = {i.unit: asked.rows[n] for n, i in enumerate(asked.form.items)}
    before = {asked.form.items[n].unit: a for n, a in asked.before.items()}
    return _Read(
        "accepted",
        sheet=sheet,
        answers=got.answers,
        rows=rows,
        due={a.unit: now[a.unit][1].due_on for a in got.answers},
        changed=any(_differs(a, before.get(a.unit)) for a in got.answers),
    )


def _shown(item: Item) -> str:
    return item.sha256[: audit_form.HASH_SHOWN]


def _differs(a: returned_audits.Answered, before: audits.Audit | None) -> bool:
    new = (a.answer, a.opinion, a.place, a.auditor, a.audited_on)
    old = before and (before.answer, before.opinion, before.place, before.auditor, before.audited_on)
    return new != old


def _moved(
    problem: Problem, was: Mapping[int, tuple[str, str]], now: Mapping[str, tuple[int, Item]]
) -> Problem:
    """Return a problem where its row now stands; the summary still names the cell that came."""
    digits = "".join(c for c in problem.cell if c.isdigit())
    number = int(digits or 0) - audit_form.row_of(0)
    if problem.sheet != audit_form.SHEET or number not in was or was[number][0] not in now:
        return problem
    letters = problem.cell.rstrip("0123456789")
    return replace(problem, cell=f"{letters}{audit_form.row_of(now[was[number][0]][0])}")


def _stranger(code: str, units: Mapping[str, Unit], place: InboxKey) -> str:
    unit = units.get(code)
    if unit is None:
        return f"{code} 不是本年度应报送的单位"
    if unit.route == "direct":
        return f"{code} 直接报送，不由省级审核"
    if unit.province != place.province:
        return f"{code} 属{province_name(unit.province)}，不由本省审核"
    return f"{code} 不在这一行，或报送材料未列入本工作簿"


def _outdated(
    answers: Sequence[returned_audits.Answered],
    was: Mapping[int, tuple[str, str]],
    now: Mapping[str, tuple[int, Item]],
) -> Iterator[Problem]:
    """Yield answers about a submission that is no longer the newest."""
    for a in answers:
        if a.unit not in now:
            found = f"{a.unit} 已没有可供审核的报送材料"
        elif _shown(now[a.unit][1]) != was[a.number][1]:
            found = f"{a.unit} 已于 {now[a.unit][1].received_on} 重新报送，所审核的不是最新的报送材料"
        else:
            continue
        yield Problem("province_audit", found, "就最新的报送材料审核", sheet=audit_form.SHEET, cell=a.cell)


def _over(
    rule: ProvinceAudit, answers: Sequence[returned_audits.Answered], asked: Asked
) -> Iterator[Problem]:
    """Yield a recommendation over quota, and places that are taken by earlier answers that stand."""
    told = {a.unit: a for a in answers}
    kept = {
        asked.form.items[n].unit: a
        for n, a in asked.before.items()
        if a.forwards and asked.form.items[n].unit not in told
    }
    forwarded = [a for a in answers if (chosen := rule.answer(a.answer)) is not None and chosen.forwards]
    if rule.quota is not None and len(forwarded) + len(kept) > rule.quota:
        found = f"本省予以报送的共 {len(forwarded) + len(kept)} 家"
        cell = forwarded[-1].cell if forwarded else ""
        yield Problem("province_audit", found, f"至多 {rule.quota} 家", sheet=audit_form.SHEET, cell=cell)
    places = {a.place: unit for unit, a in kept.items() if a.place is not None}
    for a in forwarded:
        if a.place in places:
            found = f"{a.unit} 的推荐次序 {a.place} 与此前 {places[a.place]} 的相同"
            yield Problem("province_audit", found, "各不相同", sheet=audit_form.SHEET, cell=a.cell)


def _answer(
    connection: Connection,
    arrival: AuditArrival,
    loaded: Loaded,
    asked: Asked | None,
    read: _Read,
    sha256: str,
    late: bool,
) -> str:
    place = arrival.place
    names = {} if asked is None else {i.unit: i.name for i in asked.form.items}
    context = {
        "title": loaded.rules.subject.title,
        "period": place.period,
        "outcome": read.outcome,
        "filename": place.filename,
        "received_at": arrival.received_at,
        "sha256": sha256,
        "audits": [{"name": names[a.unit], "answer": a.answer} for a in read.answers],
        "changed": read.changed,
        "late": late,
        "problems": [{"told": str(replace(p, file=""))} for p in read.problems],
        "due_on": last_day(loaded.rules, arrival.cycle),
    }
    mark = mark_of(place.key, sha256, arrival.received_at)
    files = {} if read.correction is None else {"xlsx": read.correction}
    name = f"{place.province}-{place.period}-审核工作簿答复"
    return file_letter(
        connection, arrival.cycle, loaded, "province_audit_answer", place.province, context, mark, files, name
    )
