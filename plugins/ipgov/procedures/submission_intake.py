"""Intake: every new object of the inbox is read once and answered with a receipt or a correction workbook."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from ipgov.calendars.deadlines import cycle_days
from ipgov.core import objects
from ipgov.core.database import is_simulation, lock, reading, transaction
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.core.fingerprint import sha256_hex
from ipgov.core.settings import settings
from ipgov.core.steps import Cycle, StepResult
from ipgov.documents.model import SIMULATION_BANNER
from ipgov.intake import attachments, content_type, correction, inbox, scanner, submissions
from ipgov.intake import reading as reader
from ipgov.intake.scanner import NotScannedError
from ipgov.policy.store import Loaded
from ipgov.procedures import applications, attachment_intake, audit_returns, case_workbooks
from ipgov.procedures.answers import Answer, file_answer, mark_of
from ipgov.procedures.attachment_intake import Arrival
from ipgov.procedures.cycles import rules_of
from ipgov.registry.platforms import Unit
from ipgov.registry.platforms import unit as registered_unit

INBOX = "inbox/"


def new_objects(known_at: dt.datetime) -> list[str]:
    """Return the keys of the inbox that were received by ``known_at`` and never read."""
    there = [o for o in objects.store().list(INBOX) if o.modified <= known_at]
    with reading() as connection:
        done = submissions.seen(connection, [(o.key, o.modified) for o in there])
    return [o.key for o in there if (o.key, o.modified) not in done]


def receive(keys: Sequence[str], as_of: dt.date, known_at: dt.datetime) -> StepResult:
    """Read and answer each object in a transaction of its own, so that one bad file stops no other.

    Attachments go first, so that the receipt of a workbook that came with them can list them. Raises
    NotScannedError, once all others are answered, where the site's scanner gave no verdict on some: they are
    not recorded, and the next run takes them up again.
    """
    outcomes: list[_Answered | None] = []
    waiting: dict[str, str] = {}
    for key in sorted(keys, key=_probably_workbook):
        try:
            outcomes.append(_receive_one(key, as_of, known_at))
        except NotScannedError as error:
            waiting[key] = error.message
    if waiting:
        told = "；".join(f"{key}：{message}" for key, message in waiting.items())
        raise NotScannedError(f"{len(waiting)} 个文件未能扫描，未予接收，下次再试：{told}")
    answered = [o for o in outcomes if o is not None]
    applications.catch_up_received([o.key for o in answered], as_of, known_at)
    return StepResult(
        read=len(outcomes),
        written=len(answered),
        skipped=len(outcomes) - len(answered),
        found=sum(o.problems for o in answered),
        output={"outcomes": {o.key: o.outcome for o in answered}},
    )


def _probably_workbook(key: str) -> bool:
    """Tell what to leave to the end; what an object is, is told when it is read."""
    name = key.lower()
    if name.endswith(content_type.WORKBOOK_SUFFIXES):
        return True
    named_otherwise = name.endswith(tuple(s for suffixes in content_type.SUFFIXES.values() for s in suffixes))
    return not named_otherwise and content_type.may_be_workbook(
        objects.store().head(key, content_type.HEAD_BYTES)
    )


@dataclass(frozen=True)
class _Answered:
    key: str
    outcome: str  # accepted, returned, refused, kept (an attachment) or unclaimed
    problems: int


@dataclass(frozen=True)
class _Claim:
    """Who sent an object, for what, under which rules."""

    cycle: Cycle
    place: inbox.InboxKey
    sender: Unit
    rules: Loaded


def _claim(
    connection: Connection, key: str, as_of: dt.date, known_at: dt.datetime
) -> _Claim | inbox.InboxKey | str:
    """Return whose an object is: a body's, or a province's own (its place alone).

    A str is the reason (Chinese) why nobody can be said to have sent it.
    """
    place = inbox.parse_key(key)
    if isinstance(place, str):
        return place
    if place.unit == inbox.PROVINCE_FOLDER:
        return audit_returns.claims(connection, place, as_of, known_at) or place
    cycle = Cycle(place.programme, place.period, as_of, known_at)
    try:
        rules = rules_of(connection, cycle)
        sender = registered_unit(connection, place.programme, place.unit, as_of, known_at)
    except (UnknownError, RefusedError) as error:
        return error.message
    if sender.province != place.province:
        return f"{sender.unit} 属省份 {sender.province}，文件却放在省份 {place.province} 的目录"
    return _Claim(cycle, place, sender, rules)


def _of_case(
    connection: Connection,
    key: str,
    data: bytes,
    received_at: dt.datetime,
    as_of: dt.date,
    known_at: dt.datetime,
) -> _Answered | None:
    """Hand a workbook of a case (整改台账) to its procedure; None: it is none, or in nobody's folder."""
    place = inbox.parse_key(key)
    if isinstance(place, str) or (says := case_workbooks.identity(data)) is None:
        return None
    sender = case_workbooks.sender(connection, place, as_of, known_at)
    if sender is None:
        return None
    arrival = case_workbooks.CaseArrival(place, sender, says, data, received_at, as_of, known_at)
    return _Answered(key, *case_workbooks.receive(connection, arrival))


def _of_province(
    connection: Connection,
    place: inbox.InboxKey,
    data: bytes,
    received_at: dt.datetime,
    as_of: dt.date,
    known_at: dt.datetime,
) -> _Answered:
    """Hand what lies in a province's own folder to its procedure."""
    arrival = audit_returns.AuditArrival(place, data, received_at, as_of, known_at)
    return _Answered(place.key, *audit_returns.receive(connection, arrival))


def _receive_one(key: str, as_of: dt.date, known_at: dt.datetime) -> _Answered | None:
    """Look at an object and record it: scanned before the transaction, which holds up the seals."""
    info = objects.store().info(key)
    with reading() as connection:
        if submissions.seen(connection, [(key, info.modified)]):
            return None
        claim = _claim(connection, key, as_of, known_at)
    head = objects.store().head(key, content_type.HEAD_BYTES)
    reason = _too_large(info.size, head, claim)
    data = None if reason else objects.store().get(key)
    digest = None if data is None else sha256_hex(data)
    scan = scanner.Scan("not_scanned") if data is None else scanner.scan(data)
    with transaction() as connection:
        lock(connection, "intake", key)
        if submissions.recorded(connection, key, digest, info.modified):
            return None
        if isinstance(claim, str):
            if data is not None and scan.verdict != "infected":
                answered = _of_case(connection, key, data, info.modified, as_of, known_at)
                if answered is not None:
                    return answered
            return _unclaimed(connection, key, claim, reason, data, scan, info.modified, known_at)
        if isinstance(claim, inbox.InboxKey):
            if data is None or scan.verdict == "infected":
                return _unclaimed(connection, key, "", reason, data, scan, info.modified, known_at)
            return _of_province(connection, claim, data, info.modified, as_of, known_at)
        arrival = Arrival(
            claim.cycle, claim.place, claim.sender, claim.rules, info.size, info.modified, data, scan
        )
        asked = claim.rules.rules.form.attachments
        if data is None or scan.verdict == "infected":
            outcome = attachment_intake.receive(connection, arrival, reason)
        elif asked is not None and attachments.sort_of(head, data, claim.place.filename) == "attachment":
            outcome = attachment_intake.receive(connection, arrival)
        else:
            return _answer(connection, claim, data, objects.put_content(data), info.modified)
        return _Answered(key, outcome, int(outcome == "refused"))


def _too_large(size: int, head: bytes, claim: _Claim | inbox.InboxKey | str) -> str:
    """Return why an object is not even read (Chinese); empty: it is."""
    limit = settings().max_object_bytes
    if size > limit:
        return attachment_intake.unreadable(size, limit)
    asked = claim.rules.rules.form.attachments if isinstance(claim, _Claim) else None
    if asked is None or content_type.may_be_workbook(head):
        return ""
    return attachments.too_large(size, asked)


def _unclaimed(
    connection: Connection,
    key: str,
    why: str,
    too_large: str,
    data: bytes | None,
    scan: scanner.Scan,
    received_at: dt.datetime,
    known_at: dt.datetime,
) -> _Answered | None:
    kept = None
    if data is None:
        why = "；".join(filter(None, (why, too_large)))
    elif scan.verdict == "infected":
        found = f"{attachment_intake.INFECTED}（SHA-256 {attachment_intake.quarantine(data)}）"
        why = "；".join(filter(None, (why, found)))
    else:
        kept = objects.put_content(data)
    if kept is None and submissions.recorded(connection, key, None, received_at):
        return None
    submissions.record_unclaimed(connection, key, kept, why, received_at, known_at)
    return _Answered(key, "unclaimed", 1)


def _answer(
    connection: Connection, claim: _Claim, data: bytes, sha256: str, received_at: dt.datetime
) -> _Answered:
    """Read a workbook, record it and answer with a receipt or a correction workbook."""
    cycle, place, sender, rules = claim.cycle, claim.place, claim.sender, claim.rules
    due_on = cycle_days(rules.rules.cycle, cycle.year).due.date
    until = submissions.extension_until(
        connection, cycle.programme, cycle.period, sender.unit, cycle.known_at
    )
    late = submissions.is_late(received_at, due_on, until)
    of_unit = cycle.programme, cycle.period, sender.unit
    kept = attachments.kept_names(connection, *of_unit, cycle.known_at)
    expected = reader.Expected(cycle.programme, cycle.period, sender, kept)
    got = reader.read_submission(data, place.filename, expected, rules)
    outcome = got.outcome
    if outcome == "refused" and (
        answered := _of_case(connection, place.key, data, received_at, cycle.as_of, cycle.known_at)
    ):
        return answered
    listed = attachments.standing_for(connection, place, got.attachments, cycle.known_at)
    banner = SIMULATION_BANNER if is_simulation(connection) else ""
    context = {
        "unit": sender,
        "period": cycle.period,
        "programme_title": rules.rules.title,
        "filename": place.filename,
        "sha256": sha256,
        "received_at": received_at,
        "due_on": due_on,
        "extension_until": until,
        "late": late,
        "values": len(got.values),
        "problems": got.problems,
        **attachment_intake.told(rules.rules, sender, listed, received_at, due_on, until),
    }
    kind = "receipt" if outcome == "accepted" else "correction"
    notice = rules.rules.notice(kind)
    files = {}
    if outcome != "accepted":
        files["xlsx"] = correction.correction_workbook(
            rules.rules, rules.sha256, cycle.period, sender, got, banner=banner
        )
    answer = file_answer(
        connection,
        Answer(
            kind=kind,
            template=notice.template,
            issuer=rules.rules.issuer.name,
            basis=notice.clause or rules.rules.form.clause,
            channels=notice.channels,
            programme=cycle.programme,
            period=cycle.period,
            unit=sender.unit,
            recipient=sender.unit,
            recipient_name=sender.name,
            filename=f"{sender.unit}-{cycle.period}-{'回执' if kind == 'receipt' else '更正'}",
        ),
        context,
        mark_of(place.key, sha256, received_at),
        cycle.as_of,
        cycle.known_at,
        files,
    )
    submission_id = submissions.record(
        connection,
        key=place.key,
        data_sha256=sha256,
        inbox=place,
        reading=got,
        outcome=outcome,
        rules=rules,
        received_at=received_at,
        due_on=due_on,
        late=late,
        answer_sha256=answer,
        known_at=cycle.known_at,
    )
    if outcome == "accepted":
        attachments.record_list(connection, submission_id, got.attachments, cycle.known_at)
    return _Answered(place.key, outcome, len(got.problems))
