"""What the pages show, read from the system of record: one statement per table on a page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, Subquery, and_, case, func, select, tuple_
from sqlalchemy.dialects.postgresql import aggregate_order_by, distinct_on

from ipgov.core import tables as t
from ipgov.core.errors import UnknownError
from ipgov.policy import store
from ipgov.registry.asof import listed
from ipgov.registry.titles import changes_of_title

Rows = Sequence[RowMapping]


def fetch(connection: Connection, query: Select[Any]) -> Rows:
    """Return every row of a query."""
    return connection.execute(query).mappings().all()


def _expected() -> Subquery:
    """Every cycle's bodies that hold the title on its evaluation day (programme, period, unit).

    A cycle of yearly reports is about the bodies of the programme that its rules govern.
    """
    holds_after = changes_of_title()
    others = {p: store.governs(p) for p in store.programmes() if not store.recognises(p)}
    titled = case(others, value=t.cycle.c.programme, else_=t.cycle.c.programme)
    last = (
        select(
            t.cycle.c.id,
            t.cycle.c.programme,
            t.cycle.c.period,
            t.title_event.c.unit,
            t.title_event.c.event,
            t.title_event.c.programme.label("titled"),
        )
        .join(
            t.title_event,
            and_(
                t.title_event.c.programme == titled,
                t.title_event.c.effective_on <= t.cycle.c.evaluate_on,
                tuple_(t.title_event.c.programme, t.title_event.c.event).in_(list(holds_after)),
            ),
        )
        .ext(distinct_on(t.cycle.c.id, t.title_event.c.unit))
        .order_by(
            t.cycle.c.id, t.title_event.c.unit, t.title_event.c.effective_on.desc(), t.title_event.c.id.desc()
        )
        .subquery()
    )
    return (
        select(last.c.programme, last.c.period, last.c.unit)
        .where(tuple_(last.c.titled, last.c.event).in_([e for e, holds in holds_after.items() if holds]))
        .subquery("expected")
    )


def cycles(connection: Connection) -> Rows:
    """Return every cycle opened with its rules, days and counts, the newest period first.

    Bodies: ``expected`` (titled on the evaluation day), of these ``accepted`` (an accepted workbook),
    ``returned`` (only returned ones), ``missing`` (neither). Files: ``received``, ``refused``.
    """
    sent = (
        select(
            t.submission.c.programme,
            t.submission.c.period,
            t.submission.c.unit,
            func.bool_or(t.submission.c.outcome == "accepted").label("accepted"),
            func.bool_or(t.submission.c.outcome == "returned").label("returned"),
        )
        .group_by(t.submission.c.programme, t.submission.c.period, t.submission.c.unit)
        .subquery("sent")
    )
    expected = _expected()
    bodies = (
        select(
            expected.c.programme,
            expected.c.period,
            func.count().label("expected"),
            func.count().filter(sent.c.accepted).label("accepted"),
            func.count().filter(sent.c.returned, ~sent.c.accepted).label("returned"),
        )
        .join(
            sent,
            and_(
                sent.c.programme == expected.c.programme,
                sent.c.period == expected.c.period,
                sent.c.unit == expected.c.unit,
            ),
            isouter=True,
        )
        .group_by(expected.c.programme, expected.c.period)
        .subquery("bodies")
    )
    files = (
        select(
            t.submission.c.programme,
            t.submission.c.period,
            func.count().label("received"),
            func.count().filter(t.submission.c.outcome == "refused").label("refused"),
        )
        .group_by(t.submission.c.programme, t.submission.c.period)
        .subquery("files")
    )
    counts = [func.coalesce(bodies.c[n], 0).label(n) for n in ("expected", "accepted", "returned")]
    counts += [func.coalesce(files.c[n], 0).label(n) for n in ("received", "refused")]
    same = [
        and_(s.c.programme == t.cycle.c.programme, s.c.period == t.cycle.c.period) for s in (bodies, files)
    ]
    return fetch(
        connection,
        select(
            t.cycle,
            t.rule_version.c.version,
            t.rule_version.c.sha256.label("rule_sha256"),
            *counts,
            (
                func.coalesce(bodies.c.expected, 0)
                - func.coalesce(bodies.c.accepted, 0)
                - func.coalesce(bodies.c.returned, 0)
            ).label("missing"),
        )
        .join(t.rule_version, t.rule_version.c.id == t.cycle.c.rule_version_id)
        .join(bodies, same[0], isouter=True)
        .join(files, same[1], isouter=True)
        .order_by(t.cycle.c.period.desc(), t.cycle.c.programme),
    )


def cycle(connection: Connection, programme: str, period: str) -> RowMapping:
    """Return one cycle with its rules; UnknownError names those that are open."""
    found = (
        connection.execute(
            select(t.cycle, t.rule_version.c.version, t.rule_version.c.sha256.label("rule_sha256"))
            .join(t.rule_version, t.rule_version.c.id == t.cycle.c.rule_version_id)
            .where(t.cycle.c.programme == programme, t.cycle.c.period == period)
        )
        .mappings()
        .first()
    )
    if found is not None:
        return found
    there = connection.execute(
        select(t.cycle.c.programme, t.cycle.c.period).order_by(t.cycle.c.programme, t.cycle.c.period)
    ).all()
    opened = listed([f"{p} {y} 年度" for p, y in there])
    raise UnknownError(f"没有已开启的“{programme}”{period} 年度；已开启：{opened}")


def unclaimed(connection: Connection) -> Rows:
    """Return the objects of the inbox that nobody could be held to, the newest first."""
    table = t.unclaimed_object
    return fetch(connection, select(table).order_by(table.c.id.desc()))


def bodies(connection: Connection, programme: str, period: str, evaluate_on: Any) -> Rows:
    """Return the bodies of a cycle, each with its newest submission, its extension and its frozen state.

    Those that were to be evaluated or were, and those that sent something; the columns of the submission are
    null where there is none.
    """
    expected = _expected()
    wanted = (
        select(expected.c.unit)
        .where(expected.c.programme == programme, expected.c.period == period)
        .union(
            select(t.submission.c.unit).where(
                t.submission.c.programme == programme,
                t.submission.c.period == period,
                t.submission.c.unit.is_not(None),
            ),
            select(t.snapshot_unit.c.unit).where(
                t.snapshot_unit.c.snapshot_id == _newest_snapshot(programme, period)
            ),
        )
        .subquery("wanted")
    )
    body = (
        select(t.titled_body)
        .ext(distinct_on(t.titled_body.c.unit))
        .where(t.titled_body.c.programme == programme, t.titled_body.c.valid_from <= evaluate_on)
        .order_by(t.titled_body.c.unit, t.titled_body.c.valid_from.desc(), t.titled_body.c.id.desc())
        .subquery("body")
    )
    sent = _of_cycle(t.submission, programme, period, t.submission.c.received_at.desc()).subquery("sent")
    extended = _of_cycle(t.extension, programme, period).subquery("extended")
    frozen = (
        select(t.snapshot_unit.c.unit, t.snapshot_unit.c.state)
        .where(t.snapshot_unit.c.snapshot_id == _newest_snapshot(programme, period))
        .subquery("frozen")
    )
    return fetch(
        connection,
        select(
            wanted.c.unit,
            body.c.name,
            body.c.kind,
            body.c.province,
            body.c.route,
            sent.c.id.label("submission_id"),
            sent.c.object_key,
            sent.c.outcome,
            sent.c.received_at,
            sent.c.late,
            func.jsonb_array_length(sent.c.problems).label("problems"),
            extended.c.until.label("extended_until"),
            frozen.c.state,
        )
        .join(body, body.c.unit == wanted.c.unit, isouter=True)
        .join(sent, sent.c.unit == wanted.c.unit, isouter=True)
        .join(extended, extended.c.unit == wanted.c.unit, isouter=True)
        .join(frozen, frozen.c.unit == wanted.c.unit, isouter=True)
        .order_by(wanted.c.unit),
    )


def _of_cycle(table: Any, programme: str, period: str, *newest_first: Any) -> Select[Any]:
    return (
        select(table)
        .ext(distinct_on(table.c.unit))
        .where(table.c.programme == programme, table.c.period == period, table.c.unit.is_not(None))
        .order_by(table.c.unit, *newest_first, table.c.id.desc())
    )


def _newest_snapshot(programme: str, period: str) -> Any:
    return (
        select(func.max(t.snapshot.c.id))
        .where(
            t.snapshot.c.programme == programme, t.snapshot.c.period == period, t.snapshot.c.mode == "live"
        )
        .scalar_subquery()
    )


def newest_result_set(connection: Connection, programme: str, period: str) -> RowMapping | None:
    """Return the newest live result set of a cycle, or None."""
    table = t.result_set
    return (
        connection.execute(
            select(table)
            .where(table.c.programme == programme, table.c.period == period, table.c.mode == "live")
            .order_by(table.c.id.desc())
            .limit(1)
        )
        .mappings()
        .first()
    )


def results(connection: Connection, result_set_id: int, unit: str | None = None) -> Rows:
    """Return the results of a set by rank (or of one body), each with its name and what is proposed."""
    proposed = (
        select(
            t.proposed_outcome.c.unit,
            func.jsonb_agg(
                aggregate_order_by(
                    func.jsonb_build_object(
                        "outcome",
                        t.proposed_outcome.c.outcome,
                        "basis",
                        t.proposed_outcome.c.basis,
                        "explanation",
                        t.proposed_outcome.c.explanation,
                    ),
                    t.proposed_outcome.c.id,
                )
            ).label("proposed"),
        )
        .where(t.proposed_outcome.c.result_set_id == result_set_id)
        .group_by(t.proposed_outcome.c.unit)
        .subquery("proposed")
    )
    query = (
        select(
            t.result,
            t.snapshot_unit.c.name,
            t.snapshot_unit.c.state,
            func.coalesce(proposed.c.proposed, func.jsonb_build_array()).label("proposed"),
        )
        .join(t.result_set, t.result_set.c.id == t.result.c.result_set_id)
        .join(
            t.snapshot_unit,
            and_(
                t.snapshot_unit.c.snapshot_id == t.result_set.c.snapshot_id,
                t.snapshot_unit.c.unit == t.result.c.unit,
            ),
        )
        .join(proposed, proposed.c.unit == t.result.c.unit, isouter=True)
        .where(t.result.c.result_set_id == result_set_id)
        .order_by(t.result.c.rank.asc().nulls_last(), t.result.c.unit)
    )
    return fetch(connection, query if unit is None else query.where(t.result.c.unit == unit))


def newest_check(connection: Connection, programme: str, period: str) -> RowMapping | None:
    """Return the newest quality check of the newest live snapshot with the snapshot's day, or None."""
    table = t.quality_check
    return (
        connection.execute(
            select(table, t.snapshot.c.as_of, t.snapshot.c.fingerprint)
            .join(t.snapshot, t.snapshot.c.id == table.c.snapshot_id)
            .where(table.c.snapshot_id == _newest_snapshot(programme, period))
            .order_by(table.c.id.desc())
            .limit(1)
        )
        .mappings()
        .first()
    )


def findings(connection: Connection, check_id: int, shown: int = 20) -> Rows:
    """Return the findings of a check, critical ones first, at most ``shown`` of each rule and severity.

    ``found_in_all`` is how many there are of the rule and severity; ``waived_by`` who lifted it, if anybody.
    """
    finding = t.finding
    severity = func.array_position(func.string_to_array("critical,warning,info", ","), finding.c.severity)
    same = (finding.c.rule, finding.c.severity)
    numbered = (
        select(
            finding,
            severity.label("severity_order"),
            t.waiver.c.granted_by.label("waived_by"),
            t.waiver.c.reason.label("waived_because"),
            func.count().over(partition_by=same).label("found_in_all"),
            func.row_number().over(partition_by=same, order_by=(finding.c.unit, finding.c.id)).label("place"),
        )
        .join(t.waiver, t.waiver.c.id == finding.c.waiver_id, isouter=True)
        .where(finding.c.check_id == check_id)
        .subquery()
    )
    return fetch(
        connection,
        select(numbered)
        .where(numbered.c.place <= shown)
        .order_by(numbered.c.severity_order, numbered.c.rule, numbered.c.place),
    )


def documents(connection: Connection, programme: str, period: str, unit: str | None = None) -> Rows:
    """Return the documents of a cycle (or of one body in it), each with its formats, numbered ones first."""
    formats = (
        select(
            t.document_file.c.document_id,
            func.array_agg(aggregate_order_by(t.document_file.c.format, t.document_file.c.id)).label(
                "formats"
            ),
        )
        .group_by(t.document_file.c.document_id)
        .subquery("formats")
    )
    query = (
        select(t.document, formats.c.formats)
        .join(formats, formats.c.document_id == t.document.c.id, isouter=True)
        .where(t.document.c.programme == programme, t.document.c.period == period)
        .order_by(t.document.c.number_id.asc().nulls_last(), t.document.c.id)
    )
    if unit is not None:
        query = query.where(t.document.c.unit == unit)
    return fetch(connection, query)


def submissions_of(connection: Connection, programme: str, period: str, unit: str) -> Rows:
    """Return everything that a body sent for a period, the newest first."""
    table = t.submission
    return fetch(
        connection,
        select(table)
        .where(table.c.programme == programme, table.c.period == period, table.c.unit == unit)
        .order_by(table.c.received_at.desc(), table.c.id.desc()),
    )


def document_file(connection: Connection, document_id: int, format_: str) -> RowMapping:
    """Return a document's file of a format; UnknownError names the formats there are."""
    file = t.document_file
    there = fetch(connection, select(file).where(file.c.document_id == document_id).order_by(file.c.id))
    for row in there:
        if row["format"] == format_:
            return row
    if not there:
        raise UnknownError(f"没有编号为 {document_id} 的文书")
    raise UnknownError(
        f"文书 {document_id} 没有 {format_} 格式的文件；现有：{listed([r['format'] for r in there])}"
    )


def submission(connection: Connection, submission_id: int) -> RowMapping:
    """Return a submission; UnknownError where there is none."""
    table = t.submission
    found = connection.execute(select(table).where(table.c.id == submission_id)).mappings().first()
    if found is None:
        raise UnknownError(f"没有编号为 {submission_id} 的报送")
    return found
