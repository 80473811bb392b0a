"""Intake: every new object of the inbox is read once and answered with a receipt or a correction workbook."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from ipgov.calendars.deadlines import cycle_days
from ipgov.core import objects
from ipgov.core.database import is_simulation, lock, reading, transaction
from ipgov.core.errors import UnknownError
from ipgov.core.fingerprint import sha256_hex
from ipgov.core.steps import Cycle, StepResult
from ipgov.documents import dispatch, register, templates
from ipgov.documents.model import SIMULATION_BANNER
from ipgov.intake import correction, inbox, submissions
from ipgov.intake import reading as reader
from ipgov.policy.store import Loaded
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
    """Read and answer each object in a transaction of its own, so that one bad file stops no other."""
    outcomes = [_receive_one(key, as_of, known_at) for key in keys]
    answered = [o for o in outcomes if o is not None]
    return StepResult(
        read=len(outcomes),
        written=len(answered),
        skipped=len(outcomes) - len(answered),
        found=sum(o.problems for o in answered),
        output={"outcomes": {o.key: o.outcome for o in answered}},
    )


@dataclass(frozen=True)
class _Answered:
    key: str
    outcome: str  # accepted, returned, refused or unclaimed
    problems: int


def _receive_one(key: str, as_of: dt.date, known_at: dt.datetime) -> _Answered | None:
    info = objects.store().info(key)
    data = objects.store().get(key)
    sha256 = sha256_hex(data)
    with transaction() as connection:
        lock(connection, "intake", key)
        if submissions.recorded(connection, key, sha256, info.modified):
            return None
        objects.put_content(data)
        place = inbox.parse_key(key)
        if isinstance(place, str):
            submissions.record_unclaimed(connection, key, sha256, place, info.modified, known_at)
            return _Answered(key, "unclaimed", 1)
        cycle = Cycle(place.programme, place.period, as_of, known_at)
        try:
            rules = rules_of(connection, cycle)
            sender = registered_unit(connection, place.programme, place.unit, as_of, known_at)
            if sender.province != place.province:
                raise UnknownError(
                    f"{sender.unit} 属省份 {sender.province}，文件却放在省份 {place.province} 的目录"
                )
        except UnknownError as error:
            submissions.record_unclaimed(connection, key, sha256, error.message, info.modified, known_at)
            return _Answered(key, "unclaimed", 1)
        return _answer(connection, cycle, place, sender, rules, data, sha256, info.modified)


def _answer(
    connection: Connection,
    cycle: Cycle,
    place: inbox.InboxKey,
    sender: Unit,
    rules: Loaded,
    data: bytes,
    sha256: str,
    received_at: dt.datetime,
) -> _Answered:
    due_on = cycle_days(rules.rules.cycle, cycle.year).due.date
    until = submissions.extension_until(
        connection, cycle.programme, cycle.period, sender.unit, cycle.known_at
    )
    late = submissions.is_late(received_at, due_on, until)
    expected = reader.Expected(programme=cycle.programme, period=cycle.period, unit=sender)
    got = reader.read_submission(data, place.filename, expected, rules)
    outcome = got.outcome
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
    }
    kind = "receipt" if outcome == "accepted" else "correction"
    notice = rules.rules.notice(kind)
    letter, template_sha256 = templates.render(
        notice.template,
        context,
        kind=kind,
        issuer=rules.rules.issuer.name,
        recipients=(sender.name,),
        date=cycle.as_of,
        basis=notice.clause or rules.rules.form.clause,
        banner=banner,
    )
    files = {}
    if outcome != "accepted":
        files["xlsx"] = correction.correction_workbook(
            rules.rules, rules.sha256, cycle.period, sender, got, banner=banner
        )
    key = f"{cycle.programme}/{cycle.period}/{sender.unit}/{kind}/{sha256}"
    document = register.file_document(
        connection,
        key=key,
        kind=kind,
        programme=cycle.programme,
        period=cycle.period,
        unit=sender.unit,
        recipient=sender.unit,
        document=letter,
        template_sha256=template_sha256,
        number=None,
        round_id=None,
        known_at=cycle.known_at,
        formats=("pdf",),
        files=files,
        filename=f"{sender.unit}-{cycle.period}-{'回执' if kind == 'receipt' else '更正'}-{sha256[:8]}",
    )
    answer = register.file_sha256(connection, document, "xlsx" if files else "pdf")
    submissions.record(
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
    for channel in notice.channels:
        dispatch.queue(connection, document, sender.unit, channel, cycle.known_at)
    return _Answered(place.key, outcome, len(got.problems))
