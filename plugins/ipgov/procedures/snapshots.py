"""The frozen snapshot of a cycle: who, in which state, with which values, in PostgreSQL and as Parquet."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, literal, select

from ipgov.core import objects
from ipgov.core.steps import Cycle
from ipgov.core.tables import (
    document,
    snapshot,
    snapshot_attachment,
    snapshot_rating,
    snapshot_unit,
    snapshot_value,
    submission,
    submitted_value,
    title_event,
)
from ipgov.decisions.ratings import Rating
from ipgov.intake.attachments import Standing
from ipgov.policy.rules import RuleVersion
from ipgov.policy.store import Loaded
from ipgov.procedures import audit_routes, yearly_reports
from ipgov.procedures.audit_routes import Route
from ipgov.registry.platforms import Unit, roster, unit
from ipgov.registry.titles import life

# enough for any amount in 万元 with six decimals; the engine rounds at its named scales
VALUE_PRECISION, VALUE_SCALE = 38, 9


@dataclass(frozen=True)
class Chosen:
    """A body of the roster with the submission that counts, if one does."""

    unit: Unit
    state: str
    submission_id: int | None = None
    submission_sha256: str | None = None
    attachments: tuple[Standing, ...] = ()
    route: Route | None = None  # how its file came, where provinces audit

    @property
    def key(self) -> dict[str, Any]:
        """Return what of this body decides the snapshot's content."""
        return {
            "unit": self.unit.unit,
            "name": self.unit.name,
            "kind": self.unit.kind,
            "province": self.unit.province,
            "route": self.unit.route,
            "host": self.unit.host.code,
            "operator": self.unit.operator.code,
            "state": self.state,
            "submission": self.submission_sha256,
            # none, as in periods whose form asks for none, leave the key as it is without them
            **({"attachments": [[a.name, a.sha256] for a in self.attachments]} if self.attachments else {}),
            **({"route": self.route.key} if self.route else {}),
        }


def titled_too_short(unit: Unit, rules: RuleVersion, year: int) -> bool:
    """Tell whether a body has had its title for too short a time to be evaluated for a year."""
    return rules.titled_too_late(unit.titled_on, year)


def bodies(connection: Connection, cycle: Cycle, rules: RuleVersion) -> list[Unit]:
    """Return the bodies titled on the day, those among them that lost the title by this very evaluation.

    Its own outcome does not take a body off the list that led to it. Where a period is one of those bodies
    whose own count of years is full, the others are not on the list (2024-1155#36). Of those that may apply
    for a title, the ones that sent an application for the period.
    """
    units = roster(connection, cycle.programme, cycle.as_of, cycle.known_at)
    if rules.recognition is not None:
        applied = _applied(connection, cycle)
        return [u for u in units if u.unit in applied]
    ends = life(cycle.programme)
    ended = connection.execute(
        select(title_event.c.unit)
        .join(document, document.c.id == title_event.c.document_id)
        .where(
            title_event.c.programme == ends.programme,
            title_event.c.event.in_(ends.ending),
            title_event.c.effective_on <= cycle.as_of,
            title_event.c.known_at <= cycle.known_at,
            document.c.programme == cycle.programme,
            document.c.period == cycle.period,
        )
        .distinct()
    ).scalars()
    held = {u.unit for u in units}
    lost = [unit(connection, cycle.programme, u, cycle.as_of, cycle.known_at) for u in ended if u not in held]
    due = [u for u in (*units, *lost) if rules.cycle.ends_for(u.titled_on, cycle.year)]
    return sorted(due, key=lambda u: u.unit)


def _applied(connection: Connection, cycle: Cycle) -> set[str]:
    rows = connection.execute(
        select(submission.c.unit)
        .where(
            submission.c.programme == cycle.programme,
            submission.c.period == cycle.period,
            submission.c.outcome.in_(("accepted", "returned")),
            submission.c.known_at <= cycle.known_at,
        )
        .distinct()
    )
    return {str(unit) for unit in rows.scalars()}


def save(
    connection: Connection,
    cycle: Cycle,
    chosen: Sequence[Chosen],
    ratings: Sequence[Rating],
    years: Sequence[yearly_reports.Year],
    rules: Loaded,
    fingerprint: str,
) -> int:
    """Store a snapshot and return its id; the values go to the object store before any row names them.

    ``ratings``: of bodies with a submission that counts, by experts; ``years``: what they sent in for each
    year of the period, where the rules build on that.
    """
    counting = {c.unit.unit for c in chosen if c.submission_id is not None}
    yearly = yearly_reports.combine(connection, rules.rules, years, counting)
    values_sha256 = objects.put_content(_parquet(connection, chosen, ratings, yearly, rules.rules))
    snapshot_id = int(
        connection.execute(
            snapshot.insert()
            .values(
                programme=cycle.programme,
                period=cycle.period,
                mode=cycle.mode,
                as_of=cycle.as_of,
                fingerprint=fingerprint,
                rule_sha256=rules.sha256,
                values_sha256=values_sha256,
                known_at=cycle.known_at,
            )
            .returning(snapshot.c.id)
        ).scalar_one()
    )
    if chosen:
        connection.execute(
            snapshot_unit.insert(),
            [
                {
                    "snapshot_id": snapshot_id,
                    "unit": c.unit.unit,
                    "name": c.unit.name,
                    "kind": c.unit.kind,
                    "province": c.unit.province,
                    "route": c.unit.route,
                    "host_code": c.unit.host.code,
                    "operator_code": c.unit.operator.code,
                    "state": c.state,
                    "submission_id": c.submission_id,
                    "known_at": cycle.known_at,
                }
                for c in chosen
            ],
        )
    attached = [
        {
            "snapshot_id": snapshot_id,
            "unit": c.unit.unit,
            "listed_attachment_id": a.listed_id,
            "attachment_id": a.attachment_id,
            "known_at": cycle.known_at,
        }
        for c in chosen
        for a in c.attachments
    ]
    if attached:
        connection.execute(snapshot_attachment.insert(), attached)
    if ratings:
        connection.execute(
            snapshot_rating.insert(),
            [
                {
                    "snapshot_id": snapshot_id,
                    "panel_id": r.panel_id,
                    "unit": r.unit,
                    "indicator": r.indicator,
                    "expert": r.expert,
                    "rater": r.rater,
                    "last_round": r.last_round,
                    "state": r.state,
                    "reason": r.reason,
                    "score_id": r.score_id,
                    "known_at": cycle.known_at,
                }
                for r in ratings
            ],
        )
    connection.execute(
        snapshot_value.insert().from_select(
            ["snapshot_id", "unit", "field", "value", "text_value", "submitted_value_id", "known_at"],
            select(
                literal(snapshot_id),
                submission.c.unit,
                submitted_value.c.field,
                submitted_value.c.value,
                submitted_value.c.text_value,
                submitted_value.c.id,
                literal(cycle.known_at),
            )
            .join(submission, submission.c.id == submitted_value.c.submission_id)
            .where(submission.c.id.in_(submission_ids(chosen)))
            .order_by(submission.c.unit, submitted_value.c.field),
        )
    )
    yearly_reports.save(connection, snapshot_id, years, yearly, cycle.known_at)
    audit_routes.save(
        connection, snapshot_id, {c.unit.unit: c.route for c in chosen if c.route}, cycle.known_at
    )
    return snapshot_id


def submission_ids(chosen: Sequence[Chosen]) -> list[int]:
    """Return the submissions that count."""
    return [c.submission_id for c in chosen if c.submission_id is not None]


def _parquet(
    connection: Connection,
    chosen: Sequence[Chosen],
    ratings: Sequence[Rating],
    yearly: Sequence[yearly_reports.Combined],
    rules: RuleVersion,
) -> bytes:
    """Return the long table unit, indicator, value, group, rater, source of numbers, in a fixed order.

    The submitted values come first, then what was put together from several years, whose source names every
    cell, then the experts' scores; these alone have a rater.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {c.unit.unit: c.unit.kind for c in chosen}
    rows = connection.execute(
        select(
            submission.c.unit,
            submitted_value.c.field,
            submitted_value.c.value,
            submission.c.sha256,
            submitted_value.c.sheet,
            submitted_value.c.cell,
        )
        .join(submission, submission.c.id == submitted_value.c.submission_id)
        .where(submission.c.id.in_(submission_ids(chosen)), submitted_value.c.text_value.is_(None))
        .order_by(submission.c.unit, submitted_value.c.field)
    ).all()
    scored = [r for r in ratings if r.score is not None]
    combined = [y for y in yearly if y.value is not None]
    inputs = {i.code: i.source_field for i in rules.scoring.indicators}
    units = [*(r.unit for r in rows), *(y.unit for y in combined), *(r.unit for r in scored)]
    fields = [
        *(r.field for r in rows),
        *(y.field for y in combined),
        *(inputs[r.indicator] for r in scored),
    ]
    values = [*(r.value for r in rows), *(y.value for y in combined), *(r.score for r in scored)]
    raters = [*(None for _ in rows), *(None for _ in combined), *(r.rater for r in scored)]
    sources = [
        *(f"{r.sha256}#{r.sheet}!{r.cell}" for r in rows),
        *(y.source for y in combined),
        *(r.source for r in scored),
    ]
    table = pa.table(
        {
            "unit": pa.array(units, pa.string()),
            "indicator": pa.array(fields, pa.string()),
            "value": pa.array(values, pa.decimal128(VALUE_PRECISION, VALUE_SCALE)),
            "group": pa.array([kinds[u] for u in units], pa.string()),
            "rater": pa.array(raters, pa.string()),
            "source": pa.array(sources, pa.string()),
        }
    )
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd", write_statistics=False)
    return sink.getvalue()


def values_table(values_sha256: str) -> Any:
    """Return a snapshot's values as the Arrow table that the engine takes."""
    import pyarrow.parquet as pq

    return pq.read_table(io.BytesIO(objects.get_content(values_sha256)))
