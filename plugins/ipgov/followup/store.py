"""Obligations in the database: the facts that they rest on, their state, and the events of a day."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    Boolean,
    Connection,
    Date,
    RowMapping,
    Select,
    Table,
    and_,
    exists,
    func,
    or_,
    select,
    text,
    tuple_,
)
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by, insert

from ipgov.calendars.working_days import WorkingDays
from ipgov.core import objects
from ipgov.core import tables as t
from ipgov.core.fingerprint import sha256_hex
from ipgov.core.steps import SHANGHAI
from ipgov.followup.engine import ENDS, TURNS, DueSet, Event, Obligation, Obligations
from ipgov.followup.facts import (
    Body,
    Facts,
    Issued,
    Judged,
    MoreTime,
    Named,
    Occurred,
    OpenedPeriod,
    PeriodKey,
    Received,
    Retracted,
    TitleChange,
)
from ipgov.policy import store as rules
from ipgov.policy.duty_store import frozen_duty
from ipgov.policy.lifecycles import RECOGNISED
from ipgov.registry.titles import changes_of_title

_K = TypeVar("_K")
_V = TypeVar("_V")


def begin(day: dt.date) -> dt.datetime:
    """Return the moment at which a day begins in Shanghai."""
    return dt.datetime.combine(day, dt.time(), tzinfo=SHANGHAI)


def day_of(moment: dt.datetime) -> dt.date:
    """Return the calendar day of a moment in Shanghai."""
    return moment.astimezone(SHANGHAI).date()


def load_facts(connection: Connection, since: dt.date, before: dt.datetime) -> Facts:
    """Return every fact known before a moment; one query for each kind."""

    def rows(query: Select[Any], table: Any) -> list[RowMapping]:
        known = query.where(table.c.known_at < before).order_by(table.c.id)
        return list(connection.execute(known).mappings())

    def of_key(table: Any, *columns: Any) -> Select[Any]:
        query = select(t.obligation.c.key, *columns, table.c.known_at)
        return query.join(t.obligation, t.obligation.c.id == table.c.obligation_id)

    body, title, named = t.titled_body, t.title_event, t.organisation
    report, judged, more = t.obligation_report, t.obligation_judgement, t.obligation_extension
    sent, until = t.submission, t.extension
    holds_after = changes_of_title()
    giving_or_ending = tuple_(title.c.programme, title.c.event).in_(list(holds_after))
    accepted = select(sent).where(sent.c.outcome == "accepted", sent.c.unit.is_not(None))
    return Facts(
        since=since,
        bodies=tuple(_body(r) for r in rows(select(body), body)),
        organisations=tuple(
            Named(r["code"], r["name"], r["valid_from"], day_of(r["known_at"]))
            for r in rows(select(named), named)
        ),
        titles=tuple(
            TitleChange(
                r["programme"],
                r["unit"],
                holds_after[r["programme"], r["event"]],
                r["effective_on"],
                day_of(r["known_at"]),
                recognises=r["event"] == RECOGNISED,
            )
            for r in rows(select(title).where(giving_or_ending), title)
        ),
        occurrences=tuple(_occurred(r) for r in rows(_occurrences(before), t.occurrence)),
        periods=tuple(_period(r) for r in rows(_cycles(), t.cycle)),
        issued=tuple(_issued(r) for r in rows(_results(), t.issue)),
        reports=_by(
            rows(of_key(report, report.c.received_on), report),
            lambda r: str(r["key"]),
            lambda r: Received(r["received_on"], day_of(r["known_at"])),
        ),
        judgements=_by(
            rows(of_key(judged, judged.c.judged_on, judged.c.outcome), judged),
            lambda r: str(r["key"]),
            lambda r: Judged(r["judged_on"], r["outcome"], day_of(r["known_at"])),
        ),
        extensions=_by(
            rows(of_key(more, more.c.until, more.c.granted_by, more.c.reason), more),
            lambda r: str(r["key"]),
            _more_time,
        ),
        submissions=_by(
            rows(accepted, sent),
            _period_key,
            lambda r: Received(day_of(r["received_at"]), day_of(r["known_at"])),
        ),
        period_extensions=_by(rows(select(until), until), _period_key, _more_time),
    )


def _by(
    rows: Iterable[RowMapping], key: Callable[[RowMapping], _K], value: Callable[[RowMapping], _V]
) -> dict[_K, tuple[_V, ...]]:
    groups: dict[_K, list[_V]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(value(row))
    return {k: tuple(v) for k, v in groups.items()}


def _period_key(row: RowMapping) -> PeriodKey:
    return (row["programme"], row["period"], row["unit"])


def _more_time(row: RowMapping) -> MoreTime:
    return MoreTime(row["until"], row["granted_by"], row["reason"], day_of(row["known_at"]))


def _body(row: RowMapping) -> Body:
    names = ("programme", "unit", "name", "province", "route", "host_code", "operator_code", "valid_from")
    return Body(**{n: row[n] for n in names}, known_on=day_of(row["known_at"]))


def _occurrences(before: dt.datetime) -> Select[Any]:
    back, made = t.occurrence_retraction, t.occurrence
    query = select(made, back.c.retracted_by, back.c.reason, back.c.known_at.label("retracted_at"))
    return query.outerjoin(back, (back.c.occurrence_id == made.c.id) & (back.c.known_at < before))


def _occurred(row: RowMapping) -> Occurred:
    names = ("id", "programme", "party", "kind", "subject", "occurred_on", "reported_on")
    at = row["retracted_at"]
    back = None if at is None else Retracted(row["retracted_by"], row["reason"], day_of(at))
    return Occurred(**{n: row[n] for n in names}, known_on=day_of(row["known_at"]), retracted=back)


def _cycles() -> Select[Any]:
    cycle, version = t.cycle, t.rule_version
    return select(cycle, version.c.sha256).join(version, version.c.id == cycle.c.rule_version_id)


def _period(row: RowMapping) -> OpenedPeriod:
    names = ("id", "programme", "period", "opened_on", "due_on", "evaluate_on")
    frozen = rules.frozen(row["sha256"]).rules
    known_on = day_of(row["known_at"])
    return OpenedPeriod(**{n: row[n] for n in names}, due=frozen.cycle.due, known_on=known_on, rules=frozen)


def _results() -> Select[Any]:
    """Select what was issued of every body; a correction speaks only of the bodies that it changes."""
    round_, result, outcome = t.review_round, t.result, t.proposed_outcome
    same = and_(
        outcome.c.result_set_id == result.c.result_set_id,
        outcome.c.unit == result.c.unit,
    )
    outcomes = select(func.array_agg(outcome.c.outcome)).where(same).scalar_subquery()
    correction, changed = t.correction, t.correction_unit
    corrects = exists().where(correction.c.round_id == round_.c.id)
    changes = exists().where(
        correction.c.round_id == round_.c.id,
        changed.c.correction_id == correction.c.id,
        changed.c.unit == result.c.unit,
    )
    return (
        select(
            t.issue.c.id,
            t.issue.c.known_at,
            round_.c.programme,
            round_.c.period,
            result.c.unit,
            result.c.grade,
            func.coalesce(outcomes, []).label("outcomes"),
        )
        .join(round_, round_.c.id == t.issue.c.round_id)
        .join(result, result.c.result_set_id == round_.c.result_set_id)
        .where(or_(~corrects, changes))
    )


def _issued(row: RowMapping) -> Issued:
    day = day_of(row["known_at"])
    names = ("id", "programme", "period", "unit", "grade")
    return Issued(
        **{n: row[n] for n in names}, outcomes=frozenset(row["outcomes"]), issued_on=day, known_on=day
    )


def load_obligations(connection: Connection) -> tuple[Obligations, dict[str, int]]:
    """Return every obligation as its events made it, and the numbers of their rows by key.

    Of what has ended for good only that, and when, is read: nothing else about it matters any more. A case
    may go on again, and a milestone may come again.
    """
    o, due, event = t.obligation, t.obligation_due, t.obligation_event
    turns = select(event.c.obligation_id, event.c.event, event.c.detail).where(event.c.event.in_(TURNS))
    ends = {
        r["obligation_id"]: (r["event"], r["detail"])
        for r in connection.execute(turns.order_by(event.c.id)).mappings()
    }
    done, own = t.obligation_event.alias("done"), t.obligation.alias("own")
    judged = exists().where(t.obligation_judgement.c.obligation_id == own.c.id)
    matters = select(own.c.id).where(
        or_(
            ~exists().where(done.c.event.in_(ENDS), done.c.obligation_id == own.c.id),
            own.c.part_of_id.is_not(None),
            judged,
        )
    )
    dues = _by(
        connection.execute(select(due).where(due.c.obligation_id.in_(matters)).order_by(due.c.id)).mappings(),
        lambda r: int(r["obligation_id"]),
        lambda r: DueSet(r["due_on"], r["provisional"], r["calendar_version"], r["reason"], r["set_on"]),
    )
    aggregated = (
        select(
            event.c.obligation_id,
            func.array_agg(aggregate_order_by(event.c.event, event.c.id)).label("events"),
            func.array_agg(aggregate_order_by(event.c.step, event.c.id)).label("steps"),
            func.min(event.c.day).label("opened_day"),
        )
        .where(event.c.obligation_id.in_(matters))
        .group_by(event.c.obligation_id)
        .subquery()
    )
    whole = t.obligation.alias("whole")
    rows = connection.execute(
        select(o, whole.c.key.label("part_of"), aggregated)
        .join(aggregated, aggregated.c.obligation_id == o.c.id, isouter=True)
        .join(whole, whole.c.id == o.c.part_of_id, isouter=True)
        .order_by(o.c.id)
    ).mappings()
    found: Obligations = {}
    ids: dict[str, int] = {}
    for r in rows:
        turn, told = ends.get(r["id"], ("resumed", {}))
        ended = turn != "resumed"
        ids[r["key"]] = r["id"]
        found[r["key"]] = Obligation(
            key=r["key"],
            rule=frozen_duty(r["rule_sha256"]),
            party=r["key"].split("/", 3)[2],
            unit=r["unit"],
            period=r["period"],
            owed_by=r["owed_by"],
            owed_to=r["owed_to"],
            opened_on=r["opened_on"],
            cause=r["cause"],
            part_of=r["part_of"],
            opened_day=r["opened_day"] or r["opened_on"],
            dues=dues.get(r["id"], ()),
            taken=frozenset(zip(r["events"] or (), r["steps"] or (), strict=True)),
            ended=turn if ended else None,
            ended_on=dt.date.fromisoformat(told["on"]) if ended else None,
            judged_by=told.get("judgement") if ended else None,
        )
    return found, ids


def write(
    connection: Connection,
    events: Sequence[Event],
    ids: dict[str, int],
    calendar: WorkingDays,
    known_at: dt.datetime,
) -> int:
    """Write the events of a day, in their order; ``ids`` gains the numbers of what was opened.

    Returns the number of rows. The rules of what is opened must lie in the object store.
    """
    opened = [e.opens for e in events if e.opens is not None]
    dues = [(e.key, e.due) for e in events if e.due is not None]
    if dues:
        _keep_calendar(connection, calendar, known_at)
    for group in _wholes_first(opened):
        ids |= _insert_obligations(connection, group, ids, known_at)
    _insert(
        connection,
        t.obligation_due,
        {
            "obligation_id": [ids[key] for key, _ in dues],
            "due_on": [due.due_on for _, due in dues],
            "provisional": [due.provisional for _, due in dues],
            "calendar_version": [due.calendar for _, due in dues],
            "reason": [due.reason for _, due in dues],
            "set_on": [due.set_on for _, due in dues],
        },
        known_at,
    )
    _insert(
        connection,
        t.obligation_event,
        {
            "obligation_id": [ids[e.key] for e in events],
            "day": [e.day for e in events],
            "event": [e.event for e in events],
            "step": [e.step for e in events],
            "detail": [json.dumps(e.detail, ensure_ascii=False) for e in events],
        },
        known_at,
    )
    return len(opened) + len(dues) + len(events)


def _wholes_first(opened: Sequence[Obligation]) -> list[list[Obligation]]:
    new = {o.key for o in opened}
    parts = [o for o in opened if o.part_of in new]
    wholes = [o for o in opened if o.part_of not in new]
    return [group for group in (wholes, parts) if group]


def _insert_obligations(
    connection: Connection, group: Sequence[Obligation], ids: Mapping[str, int], known_at: dt.datetime
) -> dict[str, int]:
    rows = _insert(
        connection,
        t.obligation,
        {
            "key": [o.key for o in group],
            "duty": [o.rule.duty.code for o in group],
            "programme": [o.rule.duty.programme for o in group],
            "period": [o.period for o in group],
            "unit": [o.unit for o in group],
            "owed_by": [o.owed_by for o in group],
            "owed_to": [o.owed_to for o in group],
            "opened_on": [o.opened_on for o in group],
            "cause": [o.cause for o in group],
            "rule_sha256": [o.rule.sha256 for o in group],
            "part_of_id": [None if o.part_of is None else ids[o.part_of] for o in group],
        },
        known_at,
        returning=", key, id",
    )
    return {key: int(id_) for _, key, id_ in rows}


def _insert(
    connection: Connection,
    table: Table,
    columns: Mapping[str, Sequence[Any]],
    known_at: dt.datetime,
    returning: str = "",
) -> list[Any]:
    """Insert rows, given as columns, in their order: one statement."""
    if not next(iter(columns.values())):
        return []
    names = ", ".join(f'"{name}"' for name in columns)
    arrays = ", ".join(
        f"CAST(:{name} AS {_ARRAYS.get(type(table.c[name].type), 'text')}[])" for name in columns
    )
    values = ", ".join(
        f'CAST("{name}" AS jsonb)' if isinstance(table.c[name].type, JSONB) else f'"{name}"'
        for name in columns
    )
    statement = text(
        f"INSERT INTO {table.name} ({names}, known_at) "  # noqa: S608 - names of our own columns
        f"SELECT {values}, :known_at FROM unnest({arrays}) WITH ORDINALITY AS r({names}, place) "
        f"ORDER BY place RETURNING 1{returning}"
    )
    given = {name: list(values) for name, values in columns.items()}
    return list(connection.execute(statement, {**given, "known_at": known_at}))


_ARRAYS: Mapping[type, str] = {BigInteger: "bigint", Date: "date", Boolean: "boolean"}


def _keep_calendar(connection: Connection, calendar: WorkingDays, known_at: dt.datetime) -> None:
    content = calendar.edition()
    objects.put_content(content)
    connection.execute(
        insert(t.calendar_edition)
        .values(version=calendar.version, content_sha256=sha256_hex(content), known_at=known_at)
        .on_conflict_do_nothing()
    )
