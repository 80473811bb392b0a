"""Public notices from the approved list to the recognition (2024-1155#31–#33), a day at a time.

Three things go through 审核 → 签发, each about something else: the list (who is proposed), the notice (from
which day the public is asked, and where objections go) and the recognition (that nobody objected with
reason). The notice is a round of its own and no part of the list's: its days run from its own issue, it can
be taken back without undoing the list, and its text is what people approve. What people decided is never
proposed again by itself: where a round was returned and the same bodies are left, a person proposes anew.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from ipgov.calendars.running import Moved
from ipgov.core import tables
from ipgov.core.database import lock, reading, transaction
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.core.fingerprint import fingerprint
from ipgov.core.steps import StepResult
from ipgov.decisions import approvals, paper_rounds, publicities, rounds
from ipgov.decisions.publicities import NOTICE, Publicity
from ipgov.policy import lifecycles
from ipgov.policy.correspondence import correspondence
from ipgov.policy.papers import PUBLIC, paper
from ipgov.procedures import paper_drafts, paper_round, recognition_list
from ipgov.procedures.answers import Answer, file_answer
from ipgov.procedures.parties import Parties
from ipgov.procedures.publicity_effects import PUBLICISED, list_rounds, open_rounds
from ipgov.registry.titles import life, record_title_event, standings

RECOGNITION = "recognition_notice"
EXPIRED = "publicity_expired"


@dataclass(frozen=True)
class Waiting:
    """Bodies that the same document may name, and whose auditor proposes it: of ``round_id``."""

    programme: str
    units: tuple[str, ...]
    round_id: int | None
    since: dt.datetime
    content: Mapping[str, Any]
    reason: str


def programmes() -> tuple[str, ...]:
    """Return the programmes whose lists are publicised."""
    return tuple(of.programme for of in lifecycles.every() if any(e.code == PUBLICISED for e in of.events))


def propose_notices(as_of: dt.date, known_at: dt.datetime, by: str | None = None) -> StepResult:
    """Propose the public notice of every approved list that has none yet; once.

    ``by``: who proposes, and proposes anew what was returned (default: who audited the list, and only what
    was never proposed). Raises as ``paper_round.propose``.
    """
    return _propose(NOTICE, _listed, as_of, known_at, by)


def propose_recognitions(as_of: dt.date, known_at: dt.datetime, by: str | None = None) -> StepResult:
    """Propose the recognition of every body whose notice is over and against whom nothing is objected; once.

    Those with an undecided objection wait: when it is rejected they are proposed by a round of their own.
    ``by`` as for ``propose_notices`` (default: who audited the notice).
    """
    return _propose(RECOGNITION, _cleared, as_of, known_at, by)


def _propose(
    kind: str,
    find: Callable[[Connection, str, dt.date, dt.datetime], Iterable[Waiting]],
    as_of: dt.date,
    known_at: dt.datetime,
    by: str | None,
) -> StepResult:
    with reading() as connection:
        found = [w for p in programmes() for w in find(connection, p, as_of, known_at)]
        ready = []
        for waiting in found:
            before = open_rounds(connection, kind, waiting.programme, waiting.since)
            free = _left(waiting, before, again=by is not None)
            if free is not None:
                ready.append((free, by or _auditor(connection, free)))
    done = []
    for waiting, person in ready:
        opened = paper_round.propose(
            kind, waiting.programme, {"content": waiting.content}, person, waiting.reason, as_of, known_at
        ).output
        done.append({k: opened[k] for k in ("round_id", "number", "title")} | {"units": list(waiting.units)})
    return StepResult(
        read=len(found), written=len(done), skipped=len(found) - len(done), output={"proposed": done}
    )


def _left(
    waiting: Waiting, before: Sequence[tuple[int, Mapping[str, Any], bool]], *, again: bool
) -> Waiting | None:
    """Return what is left to be proposed: without what lies with reviewers, and not what they returned."""
    open_units = {b["unit"] for _, content, ended in before if not ended for b in content["bodies"]}
    bodies = [b for b in waiting.content["bodies"] if b["unit"] not in open_units]
    units = tuple(b["unit"] for b in bodies)
    proposed = [{b["unit"] for b in content["bodies"]} for _, content, _ in before]
    if not bodies or (set(units) in proposed and not again):
        return None
    return Waiting(
        waiting.programme,
        units,
        waiting.round_id,
        waiting.since,
        {**waiting.content, "bodies": bodies},
        waiting.reason,
    )


def _auditor(connection: Connection, waiting: Waiting) -> str:
    """Return who approved the first step of the round from which the document follows."""
    given = [] if waiting.round_id is None else approvals.decisions(connection, waiting.round_id)
    for answer in given:
        if answer.step == "audit" and answer.answer == "approve":
            return answer.actor
    raise UnknownError(f"{'、'.join(waiting.units)}的前一轮次没有审核人，须以命令写明由谁提出")


def _listed(
    connection: Connection, programme: str, as_of: dt.date, known_at: dt.datetime
) -> Iterable[Waiting]:
    """Yield the bodies that are listed and not publicised, by the round that approved their list."""
    from_ = life(programme).event(PUBLICISED).from_
    now = standings(connection, programme, as_of, known_at)
    units = [u for u, state in now.items() if state.code in from_]
    since = _listed_at(connection, programme, units, known_at)
    newest = {u: publicities.of_unit(connection, programme, u, known_at) for u in units}
    announced = {u for u, notice in newest.items() if notice is not None and notice.known_at >= since[u]}
    lists = list_rounds(connection, programme, units)
    for round_id in sorted(set(lists.values())):
        there = [u for u in units if lists.get(u) == round_id and u not in announced]
        if there:
            yield Waiting(
                programme,
                tuple(there),
                round_id,
                max(since[u] for u in there),
                _notice(connection, programme, there, round_id, as_of, known_at),
                f"名单已经审批确定，共 {len(there)} 家，按规定公示",
            )


def _listed_at(
    connection: Connection, programme: str, units: Sequence[str], known_at: dt.datetime
) -> dict[str, dt.datetime]:
    """Return when it became known that each body was listed, for the last time."""
    event = tables.title_event
    query = (
        select(event.c.unit, event.c.known_at)
        .where(
            event.c.programme == programme,
            event.c.unit.in_(list(units)),
            event.c.event == "listed",
            event.c.known_at <= known_at,
        )
        .order_by(event.c.effective_on, event.c.id)
    )
    return {row.unit: row.known_at for row in connection.execute(query)}


def _notice(
    connection: Connection,
    programme: str,
    units: Sequence[str],
    round_id: int,
    as_of: dt.date,
    known_at: dt.datetime,
) -> dict[str, Any]:
    """Return what the notice of a list says: each body as the list has it, the rest as registered."""
    asked = paper(NOTICE, programme).objections
    if asked is None:
        raise UnknownError(
            f"业务“{programme}”的公示没有规定异议的受理方式（policies/papers.yaml 的 objections）"
        )
    registry = Parties.read(connection, as_of, known_at)
    listed = {
        row["unit"]: row
        for row in recognition_list.proposals(connection, rounds.get_round(connection, round_id))
    }
    bodies = []
    for unit in units:
        body = paper_drafts.body(registry, programme, unit, as_of)
        if unit in listed:
            body |= {"name": listed[unit]["name"], "category": listed[unit]["industry"]}
        bodies.append(body)
    bodies.sort(key=lambda b: b["unit"])  # 排名不分先后: not by what the experts gave
    return {"bodies": bodies, **asked.model_dump(include={"telephone", "address", "email"})}


def _cleared(
    connection: Connection, programme: str, as_of: dt.date, known_at: dt.datetime
) -> Iterable[Waiting]:
    """Yield, by notice, the bodies whose notice is over and against whom nothing is objected."""
    from_ = life(programme).event("recognised").from_
    now = standings(connection, programme, as_of, known_at)
    held = publicities.withheld(connection, programme, known_at)
    for notice in publicities.every(connection, known_at, programme):
        if notice.withdrawn_on is not None:
            continue
        units = [
            u
            for u in publicities.units(connection, notice.id)
            if now[u].code in from_ and u not in held and _is_newest(connection, notice, u, known_at)
        ]
        if units:
            told = {b["unit"]: b for b in _announced(connection, notice)}
            yield Waiting(
                programme,
                tuple(units),
                notice.round_id,
                notice.known_at,
                {"bodies": [told[u] for u in units]},
                f"公示 {notice.id} 自 {notice.starts_on} 至 {notice.on(as_of).last_on}，已期满，"
                f"{len(units)} 家无异议或异议不成立",
            )


def _is_newest(connection: Connection, notice: Publicity, unit: str, known_at: dt.datetime) -> bool:
    newest = publicities.of_unit(connection, notice.programme, unit, known_at)
    return newest is not None and newest.id == notice.id


def _announced(connection: Connection, notice: Publicity) -> list[dict[str, Any]]:
    """Return the bodies of a notice as it printed them."""
    proposed = paper_rounds.of_round(connection, notice.round_id)
    if proposed is None:
        raise RefusedError(f"公示 {notice.id} 不是经送审签发的文书")
    bodies: list[dict[str, Any]] = paper_rounds.content(proposed.subject_sha256)["content"]["bodies"]
    return bodies


def advance(as_of: dt.date, known_at: dt.datetime) -> StepResult:
    """Bring every notice to a day: last days that a calendar moved, and the end (2024-1155#33).

    The end stands under the first day on which it was over as known then, whenever this is run; so a day that
    was missed changes nothing, and a second run writes nothing.
    """
    moved: list[str] = []
    ended: list[str] = []
    read = 0
    with transaction() as connection:
        lock(connection, "publicity")
        for notice in publicities.every(connection, known_at):
            if notice.withdrawn_on is not None:
                continue
            read += 1
            moved += _moved(connection, notice, as_of, known_at)
            ended += _ended(connection, notice, as_of, known_at)
    return StepResult(read=read, written=len(moved) + len(ended), output={"moved": moved, "ended": ended})


def _moved(connection: Connection, notice: Publicity, as_of: dt.date, known_at: dt.datetime) -> list[str]:
    """Record the later last days that are not recorded yet, and announce them to the public."""
    own = tables.publicity_day
    there = set(connection.execute(select(own.c.set_on).where(own.c.publicity_id == notice.id)).scalars())
    new = [m for m in notice.on(as_of).moved if m.set_on not in there]
    for m in new:
        connection.execute(
            own.insert().values(
                publicity_id=notice.id,
                last_on=m.last_on,
                earlier=m.earlier,
                set_on=m.set_on,
                reason=m.reason,
                calendar=m.calendar,
                known_at=known_at,
            )
        )
        _announce_moved(connection, notice, m, as_of, known_at)
    return [f"公示 {notice.id} 的截止日由 {m.earlier} 改为 {m.last_on}：{m.reason}" for m in new]


def _announce_moved(
    connection: Connection, notice: Publicity, moved: Moved, as_of: dt.date, known_at: dt.datetime
) -> None:
    """Announce a later last day as the notice was announced: everybody relies on what was told."""
    rules = correspondence()
    letter = rules.papers.notice_moved
    context = {
        "notice_title": notice.title,
        "announced_on": notice.issued_on,
        "starts_on": notice.starts_on,
        "earlier": moved.earlier,
        "last_on": moved.last_on,
        "reason": moved.reason,
        "contact": rules.contact_of(notice.programme),
    }
    announced = paper(NOTICE, notice.programme)
    file_answer(
        connection,
        Answer(
            kind="notice_moved",
            template=letter.template,
            issuer=rules.issuer_of(notice.programme),
            basis=announced.clause,
            channels=announced.channels,
            programme=notice.programme,
            period=str(notice.starts_on.year),
            unit=None,
            recipient=PUBLIC,
            recipient_name="",
            filename=f"{letter.name}-{notice.id}",
        ),
        context,
        fingerprint([notice.id, moved.set_on.isoformat(), moved.last_on.isoformat()]),
        as_of,
        known_at,
    )


def _ended(connection: Connection, notice: Publicity, as_of: dt.date, known_at: dt.datetime) -> list[str]:
    time = notice.on(as_of)
    if time.over_on is None:
        return []
    happens = life(notice.programme).event(EXPIRED)
    then = standings(connection, notice.programme, time.over_on, known_at)
    ended = []
    for unit in publicities.units(connection, notice.id):
        if then[unit].code not in happens.from_ or not _is_newest(connection, notice, unit, known_at):
            continue
        record_title_event(
            connection,
            notice.programme,
            unit,
            EXPIRED,
            time.over_on,
            happens.basis or "operator",
            f"公示 {notice.id}，{time.starts_on} 至 {time.last_on}",
            known_at,
            by="system",
            document_id=notice.document_id,
        )
        ended.append(f"{unit}:{EXPIRED}")
    return ended
