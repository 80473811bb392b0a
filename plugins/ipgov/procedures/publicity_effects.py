"""What the documents of a public notice demand and do: the notice, its outcome, the reply to an objection.

Rows of ``paper_effects``. A notice opens the time for objections, a reply decides one, and both leave their
facts (``decisions/publicities``), on which alone a recognition rests (2024-1155#32, #33).
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from sqlalchemy import Connection, RowMapping, select

from ipgov.calendars import deadlines
from ipgov.calendars.running import calendar_of
from ipgov.core import tables
from ipgov.core.errors import RefusedError
from ipgov.core.steps import Cycle
from ipgov.decisions import paper_rounds, publicities, rounds
from ipgov.documents.paper_subjects import Body, PublicNotice, PublicNoticeOutcome
from ipgov.policy.papers import paper
from ipgov.procedures.notices import Filed
from ipgov.procedures.objection_effects import names_an_objector
from ipgov.registry.titles import life, record_title_event, standings

if TYPE_CHECKING:
    from ipgov.procedures.paper_effects import About

PUBLICISED, WITHDRAWN = "publicised", "publicity_withdrawn"


def demand_of_notice(connection: Connection, about: About) -> None:
    """Refuse a notice that is too short, or names a body that is not on an approved list."""
    said = about.subject
    if not isinstance(said, PublicNotice):
        return
    _long_enough(about, said)
    happens = life(about.programme).event(PUBLICISED)
    now = standings(connection, about.programme, about.day, about.known_at)
    for unit, body in _coded(said.bodies).items():
        if unit not in now:
            raise RefusedError(f"{body.name}（{unit}）尚未登记为“{about.programme}”的单位，应先登记")
        if now[unit].code not in happens.from_:
            raise RefusedError(
                f"{body.name}（{unit}）现为“{now[unit].name}”，没有列入经审批的名单，不能公示"
                f"（{'、'.join(happens.clause)}）"
            )
        before = publicities.of_unit(connection, about.programme, unit, about.known_at)
        if before is not None and before.on(about.day).over_on is None:
            raise RefusedError(f"{body.name}（{unit}）正在公示（公示 {before.id}），不能重复公示")


def _coded(bodies: tuple[Body, ...]) -> dict[str, Body]:
    """Return the bodies by code; RefusedError where one has none or stands twice."""
    found: dict[str, Body] = {}
    for body in bodies:
        if body.unit is None:
            raise RefusedError(f"{body.name}没有写明单位代码（unit），无从登记")
        if body.unit in found:
            raise RefusedError(f"{body.unit} 重复列出")
        found[body.unit] = body
    return found


def _long_enough(about: About, said: PublicNotice) -> None:
    """Refuse a public notice that ends before the time that policy demands is over."""
    if about.paper.runs is None or said.starts_on is None or said.ends_on is None:
        return
    limit, calendar = about.paper.runs.limit, calendar_of(about.day)
    earliest = deadlines.due(said.starts_on, limit, calendar)
    if said.ends_on < earliest.date:
        raise RefusedError(
            f"公示自 {said.starts_on} 起至 {said.ends_on} 止，不足规定的时间，最早可至 {earliest.date}"
            f"（{'、'.join(about.paper.runs.clause)}）"
        )
    told = limit.model_copy(update={"working_days": said.working_days})
    last = deadlines.due(said.starts_on, told, calendar).date
    if limit.working_days is not None and last != said.ends_on:
        raise RefusedError(
            f"公示写明 {said.working_days} 个工作日，自 {said.starts_on} 起应至"
            f" {last}，而写明至 {said.ends_on}"
        )


def announce(connection: Connection, cycle: Cycle, about: About, filed: Filed, round_id: int) -> list[str]:
    """Begin the time of a notice: its facts, every body in publicity, and the duty that runs along."""
    said = about.subject
    if not isinstance(said, PublicNotice) or said.starts_on is None or said.ends_on is None:
        return []
    if about.paper.runs is None:
        raise RefusedError(f"{about.paper.name}没有规定期间（policies/papers.yaml 的 runs）")
    publicity_id = connection.execute(
        tables.publicity.insert()
        .values(
            programme=about.programme,
            document_id=filed.document_id,
            round_id=round_id,
            starts_on=said.starts_on,
            last_on=said.ends_on,
            runs=about.paper.runs.limit.model_dump(mode="json", exclude_defaults=True),
            calendar=calendar_of(cycle.as_of).version,
            known_at=cycle.known_at,
        )
        .returning(tables.publicity.c.id)
    ).scalar_one()
    bodies = _coded(said.bodies)
    lists = list_rounds(connection, about.programme, list(bodies))
    connection.execute(
        tables.publicity_unit.insert(),
        [
            {
                "publicity_id": publicity_id,
                "unit": unit,
                "name": body.name,
                "list_round_id": lists.get(unit),
                "known_at": cycle.known_at,
            }
            for unit, body in bodies.items()
        ],
    )
    for unit in bodies:
        record_title_event(
            connection,
            about.programme,
            unit,
            PUBLICISED,
            said.starts_on,
            about.paper.basis or "operator",
            f"{about.paper.name}（登记序号 {filed.document_id}）",
            cycle.known_at,
            by="issuer",
            round_id=round_id,
            document_id=filed.document_id,
        )
    if about.paper.opens:
        connection.execute(
            tables.occurrence.insert().values(
                programme=about.programme,
                party="office",
                kind=about.paper.opens,
                subject=occurrence_subject(about.paper.name, filed.document_id),
                occurred_on=said.starts_on,
                reported_on=None,
                reported_by="office",
                note=f"公示 {len(said.bodies)} 家，至 {said.ends_on} 止",
                evidence_sha256=None,
                known_at=cycle.known_at,
            )
        )
    return [f"{about.paper.name}:{said.starts_on}/{said.ends_on}", *(f"{u}:{PUBLICISED}" for u in bodies)]


def end_notice(
    connection: Connection, cycle: Cycle, earlier: RowMapping, filed: Filed, round_id: int
) -> list[str]:
    """End the time of a notice that is taken back: every body is listed again, and the duty is withdrawn."""
    happens = life(earlier["programme"]).event(WITHDRAWN)
    now = standings(connection, earlier["programme"], cycle.as_of, cycle.known_at)
    own, notice = tables.publicity_unit, tables.publicity
    units = connection.execute(
        select(own.c.unit)
        .join(notice, notice.c.id == own.c.publicity_id)
        .where(notice.c.document_id == earlier["id"])
        .order_by(own.c.id)
    ).scalars()
    done = []
    for unit in units:
        if now[unit].code not in happens.from_:  # an objection has ended its candidature
            continue
        record_title_event(
            connection,
            earlier["programme"],
            unit,
            WITHDRAWN,
            cycle.as_of,
            "operator",
            f"撤回{earlier['title']}（登记序号 {earlier['id']}）",
            cycle.known_at,
            by="issuer",
            round_id=round_id,
            document_id=filed.document_id,
        )
        done.append(f"{unit}:{WITHDRAWN}")
    _retract(connection, cycle, earlier, filed)
    return done


def _retract(connection: Connection, cycle: Cycle, earlier: RowMapping, filed: Filed) -> None:
    announced = paper(earlier["kind"], earlier["programme"])
    made = tables.occurrence
    found = connection.execute(
        select(made.c.id).where(
            made.c.programme == earlier["programme"],
            made.c.kind == announced.opens,
            made.c.subject == occurrence_subject(announced.name, earlier["id"]),
        )
    ).scalar()
    if found is not None:
        connection.execute(
            tables.occurrence_retraction.insert().values(
                occurrence_id=found,
                retracted_by="office",
                reason=f"公示已撤回（登记序号 {filed.document_id}）",
                known_at=cycle.known_at,
            )
        )


def occurrence_subject(name: str, document_id: int) -> str:
    """Return by what the occurrence of a notice is told from every other."""
    return f"{name}（登记序号 {document_id}）"


def list_rounds(connection: Connection, programme: str, units: list[str]) -> dict[str, int]:
    """Return, by body, the round that approved the list on which it stands."""
    event = tables.title_event
    query = (
        select(event.c.unit, event.c.round_id)
        .where(event.c.programme == programme, event.c.unit.in_(units), event.c.event == "listed")
        .order_by(event.c.effective_on, event.c.id)
    )
    return {row.unit: row.round_id for row in connection.execute(query) if row.round_id is not None}


def tells_of_a_notice(connection: Connection, about: About) -> None:
    """Refuse an outcome of a notice that was not issued so, is not over, or that forgets bodies of it."""
    said = about.subject
    if not isinstance(said, PublicNoticeOutcome):
        return
    for notice in publicities.every(connection, about.known_at, about.programme):
        if notice.withdrawn_on is not None or notice.title != said.notice_title:
            continue
        time = notice.on(about.day)
        if (notice.starts_on, time.last_on) == (said.starts_on, said.ends_on):
            if time.over_on is None:
                raise RefusedError(f"公示 {notice.id} 尚未期满（至 {time.last_on} 止）")
            _same_list(said, set(publicities.units(connection, notice.id).values()))
            texts = [t for o in said.objections for t in (o.summary, o.finding)]
            if named := names_an_objector(connection, notice.id, *texts):
                raise RefusedError(f"公示结果不得写明异议提出者“{named}”")
            return
    raise RefusedError(
        f"没有已发的《{said.notice_title}》，公示期为 {said.starts_on} 至 {said.ends_on}；"
        "公示结果须与所公示的标题、起止日一致"
    )


def _same_list(said: PublicNoticeOutcome, noticed: set[str]) -> None:
    named = {b.name for b in said.bodies} | {o.name for o in said.objections}
    if strange := sorted(named - noticed):
        raise RefusedError(f"{'、'.join(strange)}不在公示名单中")
    if said.listed != len(noticed):
        raise RefusedError(f"公示名单为 {len(noticed)} 家，而写明 {said.listed} 家")


def demand_of_recognition(connection: Connection, about: About, units: dict[str, str], on: dt.date) -> None:
    """Refuse bodies whose notice is not over, or against whom an objection is undecided or was upheld."""
    held = publicities.withheld(connection, about.programme, about.known_at)
    for unit, name in units.items():
        notice = publicities.of_unit(connection, about.programme, unit, about.known_at)
        if notice is None:
            raise RefusedError(f"{name}（{unit}）没有公示过，不能认定（2024-1155#33）")
        if notice.on(on).over_on is None:
            raise RefusedError(
                f"{name}（{unit}）的公示尚未期满（公示 {notice.id}，至 {notice.on(on).last_on}）"
            )
        announced = publicities.units(connection, notice.id)[unit]
        if announced != name:
            raise RefusedError(f"{unit} 公示的名称为“{announced}”，而拟认定“{name}”")
        if unit in held:
            raise RefusedError(
                f"{name}（{unit}）{held[unit]}，不能认定（2024-1155#33）；应退回本轮，另行提请"
            )


def open_rounds(
    connection: Connection, kind: str, programme: str, since: dt.datetime
) -> list[tuple[int, dict[str, object], bool]]:
    """Return the rounds of a kind of document proposed since a moment: id, content, whether it has ended."""
    own, round_ = tables.paper_round, tables.review_round
    query = (
        select(own.c.round_id, own.c.subject_sha256)
        .join(round_, round_.c.id == own.c.round_id)
        .where(own.c.kind == kind, round_.c.programme == programme, own.c.known_at >= since)
        .order_by(own.c.id)
    )
    return [
        (
            row.round_id,
            paper_rounds.content(row.subject_sha256)["content"],
            rounds.ended(connection, row.round_id) is not None,
        )
        for row in connection.execute(query)
    ]
