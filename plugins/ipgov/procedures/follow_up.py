"""Follow-up: every duty is opened, reminded of, escalated and closed, day by day; what people record of it.

``advance`` works on every day after the last one worked on, each in a transaction of its own. What people
record (an occurrence, a report, more time) counts from the day after it became known.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.postgresql import insert

from ipgov.calendars.working_days import day as calendar_day
from ipgov.calendars.working_days import known
from ipgov.core import objects
from ipgov.core import tables as t
from ipgov.core.database import engine as database_engine
from ipgov.core.database import lock, reading, transaction
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.core.fingerprint import fingerprint
from ipgov.core.settings import settings
from ipgov.core.steps import Cycle, StepResult, run_step
from ipgov.decisions.policy_changes import require_files_approved
from ipgov.followup import engine, store
from ipgov.followup.engine import Event
from ipgov.followup.facts import OFFICE, ONE_DAY
from ipgov.followup.obligations import REFERENCE, Owed, State, owed
from ipgov.followup.store import begin, day_of
from ipgov.policy.cases import governing, inquiries
from ipgov.policy.duty_store import DutyRule, duties
from ipgov.registry.codes import PROVINCES

PROGRAMME = "follow_up"  # under which the days are kept as steps
STEP = "advance"


def last_day() -> dt.date | None:
    """Return the last day that was worked on; None: none was."""
    with reading() as connection:
        return _days(connection)[1]


def _days(connection: Connection) -> tuple[dt.date | None, dt.date | None]:
    """Return the day from which on things are followed up, and the last day worked on."""
    run = t.step_run
    mine = (run.c.programme == PROGRAMME) & (run.c.step == STEP)
    since = connection.execute(
        select(run.c.result["output"]["since"].astext).where(mine).order_by(run.c.id).limit(1)
    ).scalar()
    last = connection.execute(select(func.max(run.c.period)).where(mine)).scalar()
    return (
        None if since is None else dt.date.fromisoformat(since),
        None if last is None else dt.date.fromisoformat(last),
    )


def first_day() -> dt.date:
    """Return the day from which on duties are followed up where nobody asked for an earlier one."""
    return dt.date(settings().automatic_from, 1, 1)


def advance(as_of: dt.date, known_at: dt.datetime, since: dt.date | None = None) -> StepResult:
    """Work on every day after the last one worked on, up to ``as_of``; each is one transaction.

    The first time it begins with the first day of ``settings().automatic_from``: what was due before does
    not spring to life, unless a person (or a simulation) asks for it with ``since``. The same days again
    change nothing. Raises RefusedError for a day that had not begun at ``known_at``, and for a ``since``
    other than the one with which it began, or while a file of duties is not approved.
    """
    if begin(as_of) > known_at:
        raise RefusedError(f"{as_of} 尚未开始（所知截至 {known_at:%Y-%m-%d %H:%M %Z}），不能办理当日事项")
    with database_engine().begin() as guard:  # one advance at a time, however many days it takes
        lock(guard, PROGRAMME)
        with reading() as connection:
            began, last = _days(connection)
            if since is not None and began is not None and since != began:
                raise RefusedError(f"后续事项已自 {began} 起办理，不能改为自 {since} 起")
            begins = began or since or first_day()
            first = begins if last is None else last + ONE_DAY
            if first > as_of:
                return StepResult(output={"since": begins.isoformat(), "days": 0}, repeated=True)
            require_files_approved(connection, "duties", known_at)
            facts = store.load_facts(connection, begins, begin(as_of))
            obligations, ids = store.load_obligations(connection)
        counts: Counter[str] = Counter()
        book, read, written, worked = duties(), len(obligations), 0, first - ONE_DAY
        kept = {o.rule.sha256 for o in obligations.values()}
        for day, events in engine.run(obligations, facts, book, _calendar_on, first, as_of):
            for rule in {e.opens.rule.sha256: e.opens.rule for e in events if e.opens}.values():
                if rule.sha256 not in kept:
                    objects.put_content(rule.content)
                    kept.add(rule.sha256)
            written += _write(day, begins, events, ids, known_at).written
            counts.update(e.event for e in events)
            worked = day
        if worked < as_of:
            _write(as_of, begins, [], ids, known_at)
    output = {
        "since": begins.isoformat(),
        "first": first.isoformat(),
        "last": as_of.isoformat(),
        "days": (as_of - first).days + 1,
        "events": dict(sorted(counts.items())),
    }
    return StepResult(read=read, written=written, found=sum(counts.values()), output=output)


def _calendar_on(day: dt.date) -> engine.WorkingDays:
    return known(day - ONE_DAY)


def _write(
    day: dt.date, since: dt.date, events: list[Event], ids: dict[str, int], known_at: dt.datetime
) -> StepResult:
    def work(connection: Connection) -> StepResult:
        written = store.write(connection, events, ids, _calendar_on(day), known_at)
        counts = Counter(e.event for e in events)
        output = {"since": since.isoformat(), "events": dict(sorted(counts.items()))}
        return StepResult(written=written, found=len(events), output=output)

    cycle = Cycle(PROGRAMME, day.isoformat(), day, known_at)
    return run_step(cycle, STEP, fingerprint({"day": day}), work)


def record_occurrence(
    programme: str,
    party: str,
    kind: str,
    subject: str,
    occurred_on: dt.date,
    by: str,
    note: str,
    known_at: dt.datetime,
    reported_on: dt.date | None = None,
    evidence: bytes | None = None,
) -> bool:
    """Record something that opens a duty; return False where the same was recorded before.

    ``reported_on``: whoever owes the duty told of it on that day, so that no other report is due.
    Raises UnknownError for a kind that no duty of the programme names and for an unknown party, RefusedError
    for a day to come, an empty subject, or another day under the same subject.
    """
    _require(by, "经办人")
    _require(subject, "事项")
    _past(occurred_on, "发生日期", known_at)
    if reported_on is not None:
        _past(reported_on, "报送日期", known_at)
        if reported_on < occurred_on:
            raise RefusedError(f"报送日期 {reported_on} 早于发生日期 {occurred_on}")
    rule = duties().opened_by(programme, kind, occurred_on)
    if rule.duty.code in inquiries(programme):
        raise RefusedError(f"“{rule.duty.name}”须连同佐证材料登记（ipgov case find），不在此登记")
    values = {
        "programme": programme,
        "party": party,
        "kind": kind,
        "subject": subject,
        "occurred_on": occurred_on,
        "reported_on": reported_on,
        "reported_by": by,
        "note": note,
        "evidence_sha256": None if evidence is None else objects.put_content(evidence),
    }
    with transaction() as connection:
        return write_occurrence(connection, values, rule, known_at) is not None


def write_occurrence(
    connection: Connection, values: Mapping[str, Any], rule: DutyRule, known_at: dt.datetime
) -> int | None:
    """Write an occurrence in a transaction of the caller's; return its number, None where it was there.

    Raises UnknownError for an unknown party, RefusedError for another day under the same subject and for one
    that was taken back.
    """
    table = t.occurrence
    own = ("programme", "party", "kind", "subject")
    party, subject = values["party"], values["subject"]
    if {"/", "#"} & set(subject):
        raise RefusedError(f"事项“{subject}”不能含 / 或 #")
    lock(connection, "occurrence", *(values[n] for n in own))
    _check_party(connection, values["programme"], party, rule, known_at)
    same = [table.c[n] == values[n] for n in own]
    there = connection.execute(select(table).where(*same)).mappings().first()
    if there is not None:
        back = t.occurrence_retraction
        taken = select(back.c.id).where(back.c.occurrence_id == there["id"])
        if connection.execute(taken).first() is not None:
            raise RefusedError(f"{party} 的“{subject}”登记后已撤回；如确有其事，请用另一名称登记")
        if all(there[n] == values[n] for n in ("occurred_on", "reported_on")):
            return None
        raise RefusedError(
            f"{party} 的“{subject}”已登记（发生于 {there['occurred_on']}），日期与本次不同；"
            "已登记的事项不得改写，另一事项请用另一名称"
        )
    return int(
        connection.execute(
            table.insert().values(**values, known_at=known_at).returning(table.c.id)
        ).scalar_one()
    )


def _check_party(
    connection: Connection, programme: str, party: str, rule: DutyRule, known_at: dt.datetime
) -> None:
    bodies = select(t.titled_body.c.unit).where(
        t.titled_body.c.programme == programme, t.titled_body.c.known_at <= known_at
    )
    units = sorted(set(connection.execute(bodies).scalars()))
    roles = {rule.duty.owed_by, rule.duty.owed_to, *(r for s in _rungs(rule) for r in s)}
    accepted = list(units)
    if not roles & {"body", "host", "operating"}:
        accepted += sorted(PROVINCES) if "province" in roles else [OFFICE]
    if party not in accepted:
        shown = "、".join(accepted[:20]) + (f" 等 {len(accepted)} 个" if len(accepted) > 20 else "")
        raise UnknownError(f"“{rule.duty.name}”的当事方“{party}”不明；可用：{shown or '无'}")


def _rungs(rule: DutyRule) -> list[tuple[str, ...]]:
    return [] if rule.ladder is None else [rung.to for rung in rule.ladder.rungs]


def record_report(
    key: str, received_on: dt.date, by: str, note: str, known_at: dt.datetime, evidence: bytes | None = None
) -> bool:
    """Record what came in for an obligation; return False where the same was recorded before.

    A report counts by the day on which it was received, whenever it is recorded. Raises UnknownError for an
    unknown obligation, RefusedError for one that no report meets, that has ended, or for a day to come.
    """
    _require(by, "经办人")
    _past(received_on, "收到日期", known_at)
    evidence_sha256 = None if evidence is None else objects.put_content(evidence)
    with transaction() as connection:
        one = _one(connection, key, day_of(known_at), known_at)
        if one.rule.duty.met_by != "report":
            raise RefusedError(
                f"“{one.duty_name}”不以报告办结（{_MET_BY[one.rule.duty.met_by]}），不能登记报告"
            )
        values = {"received_on": received_on, "reported_by": by, "note": note}
        report = t.obligation_report
        same = [report.c[n] == v for n, v in values.items()]
        if connection.execute(select(report.c.id).where(report.c.obligation_id == one.id, *same)).first():
            return False
        if one.state in engine.ENDS:
            raise RefusedError(f"{key}（{one.duty_name}）{one.state_name}，不能再登记报告")
        connection.execute(
            insert(report)
            .values(obligation_id=one.id, **values, evidence_sha256=evidence_sha256, known_at=known_at)
            .on_conflict_do_nothing()
        )
    return True


_MET_BY = {
    "report": "以报告办结",
    "submission": "以该年度合格的报送办结",
    "judgement": "以验收结论办结",
    "lapse": "期满即告终结",
}


def extend(key: str, until: dt.date, by: str, reason: str, known_at: dt.datetime) -> bool:
    """Give more time by a recorded decision; return False where the same was decided before.

    Raises UnknownError for an unknown obligation; RefusedError without person or reason, for one that has
    ended or whose day has passed, and for a day that is not after the due day or is not worked.
    """
    _require(by, "批准人")
    _require(reason, "理由")
    today = day_of(known_at)
    with transaction() as connection:
        own = _one(connection, key, today, known_at).key  # whatever form of it was given: one lock
        lock(connection, "obligation", own)
        one = _one(connection, own, today, known_at)
        more = t.obligation_extension
        mine = select(more.c.until, more.c.granted_by).where(more.c.obligation_id == one.id)
        granted = connection.execute(mine.order_by(more.c.id)).all()
        if (until, by) in [(g.until, g.granted_by) for g in granted]:
            return False
        if governing(one.rule.duty.programme, one.rule.duty.code, one.opened_on) is not None:
            raise RefusedError(f"{key}（{one.duty_name}）是案件，延期由 ipgov case extend {one.id} 办理")
        if one.rule.duty.met_by == "lapse":
            raise RefusedError(f"“{one.duty_name}”{_MET_BY['lapse']}，不能延期")
        if one.state != "open":
            raise RefusedError(f"{key}（{one.duty_name}）{one.state_name}，不能延期")
        counts = max([one.due_on, *(g.until for g in granted)])
        if counts < today:
            raise RefusedError(f"{key}（{one.duty_name}）已于 {counts} 到期，不能延期")
        if until <= counts:
            raise RefusedError(f"延期至 {until} 不晚于现定的 {counts}")
        if not calendar_day(until, today).working:
            raise RefusedError(f"{until} 不是工作日，请定在工作日")
        connection.execute(
            more.insert().values(
                obligation_id=one.id, until=until, granted_by=by, reason=reason, known_at=known_at
            )
        )
    return True


def _one(connection: Connection, key: str, on: dt.date, known_at: dt.datetime) -> Owed:
    """Return an obligation by its number as lists and letters show it, by its key or its row's number."""
    given = key.strip()
    if REFERENCE.fullmatch(given.upper()):
        asked: dict[str, Any] = {"digest": given.replace("-", "").lower()}
    elif given.isascii() and given.isdigit():
        asked = {"id": int(given)}
    else:
        asked = {"key": given}
    found = owed(connection, day_of(known_at), known_at, **asked)
    if not found:
        raise UnknownError(f"没有编号为“{key}”的事项；现有的见 ipgov duty list")
    if len(found) > 1:
        raise RefusedError(f"编号“{key}”不止一项，请写全：{'、'.join(o.key for o in found)}")
    return found[0]


def one(key: str, as_of: dt.date, known_at: dt.datetime) -> Owed:
    """Return one obligation by its key or number, as it stands on a day; UnknownError where there is none."""
    with reading() as connection:
        return _one(connection, key, as_of, known_at)


def listed(
    as_of: dt.date,
    known_at: dt.datetime,
    *,
    states: Iterable[State] | None = None,
    programme: str | None = None,
    unit: str | None = None,
    owed_by: str | None = None,
    duty: str | None = None,
) -> list[Owed]:
    """Return the obligations as they stand on a day; ``states`` None: whatever became of them."""
    with reading() as connection:
        return owed(
            connection,
            as_of,
            known_at,
            states=states,
            programme=programme,
            unit=unit,
            owed_by=owed_by,
            duty=duty,
        )


def _require(text: str, what: str) -> None:
    if not text.strip():
        raise RefusedError(f"须写明{what}")


def _past(day: dt.date, what: str, known_at: dt.datetime) -> None:
    if day > (today := day_of(known_at)):
        raise RefusedError(f"{what} {day} 晚于今天（{today}）")
