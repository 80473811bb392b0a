"""Late and corrected data after an issue: what came, what it would change, and a correction if people ask.

What was issued stays as it is. ``prepare`` recalculates the issued period as known now and writes the sheet
that compares both; it puts nothing up for approval. Only when a reviewer asks (``opened_by``) a round of
correction is opened, bound to the recalculated result and that sheet; its approval issues letters that name
the documents which they correct.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import Connection, select

from ipgov.core import objects
from ipgov.core.database import is_simulation, reading
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.core.fingerprint import fingerprint
from ipgov.core.steps import Cycle, Mode, StepResult, run_step
from ipgov.core.tables import issue, result_set, review_round, snapshot, snapshot_unit, submission
from ipgov.decisions import corrections, rounds
from ipgov.documents import rating_list as rating
from ipgov.documents.model import SIMULATION_BANNER
from ipgov.policy import store
from ipgov.policy.store import Loaded
from ipgov.procedures import comparison, correction_notices, evaluation_cycle, rating_charts
from ipgov.procedures.cycles import rules_of
from ipgov.procedures.rating_lists import UnitResult, compose, unit_results


@dataclass(frozen=True)
class Prepared:
    """An issued period as known now: what would change, the sheet, and the round if one was asked for.

    ``changed``: the bodies that a correction writes to; ``rank_alone``: those that it does not, since nothing
    but their rank changed and the rules say so; ``not_counted``: those whose data came too late to count
    without an extension; ``later``: periods issued since, whose judgement of years running rests on this one.
    """

    programme: str
    period: str
    issued_round: int
    result_set_id: int
    received: int
    changed: tuple[str, ...]
    said: Mapping[str, tuple[str, ...]]
    not_counted: tuple[str, ...]
    later: tuple[str, ...]
    comparison_sha256: str
    comparison_key: str
    rank_alone: tuple[str, ...] = ()
    round_id: int | None = None
    round_number: int | None = None
    fingerprint: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


@dataclass(frozen=True)
class Received:
    """A submission accepted after the data of the published result were frozen."""

    unit: str
    received_at: dt.datetime
    late: bool


def received_after_issue(
    connection: Connection, programme: str, period: str, known_at: dt.datetime
) -> list[Received]:
    """Return what was accepted since the data of the last issued result were frozen; empty if none is issued.

    It counts for nothing that was published.
    """
    round_ = rounds.issued_round(connection, programme, period, known_at)
    if round_ is None:
        return []
    frozen_at = _snapshot(connection, round_)["known_at"]
    table = submission
    query = (
        select(table.c.unit, table.c.received_at, table.c.late)
        .where(
            table.c.programme == programme,
            table.c.period == period,
            table.c.outcome == "accepted",
            table.c.known_at > frozen_at,
            table.c.known_at <= known_at,
        )
        .order_by(table.c.received_at, table.c.id)
    )
    return [Received(*row) for row in connection.execute(query)]


def told_after_issue(programme: str, period: str, known_at: dt.datetime) -> str:
    """Say in Chinese how many submissions came after the issue; empty where none did."""
    with reading() as connection:
        found = received_after_issue(connection, programme, period, known_at)
    return said_after_issue(found)


def said_after_issue(found: list[Received]) -> str:
    """Say how many submissions came after the issue, and of whom; empty where none did."""
    if not found:
        return ""
    units = "、".join(dict.fromkeys(r.unit for r in found))
    return f"发布后另有 {len(found)} 份（{units}），未计入已发布的结果"


def prepare(
    programme: str,
    period: str,
    known_at: dt.datetime,
    opened_by: str | None = None,
    reason: str = "",
) -> Prepared:
    """Recalculate an issued period as known now, write the comparison; open a round only for ``opened_by``.

    Raises UnknownError for no such programme or a period that was not issued; RefusedError where a round is
    asked for and no reason given or nothing changed, the rules differ, a body leaves the list, the person may
    not, or the period's issue is a list of applicants; nothing is opened then.
    """
    known = store.programmes()
    if programme not in known:
        raise UnknownError(f"没有名为“{programme}”的业务规则；现有：{'、'.join(known)}")
    if not (period.isascii() and period.isdigit() and len(period) == 4):
        raise UnknownError(f"年度“{period}”无效，应为四位年份，如 2025")
    if opened_by is not None and not reason.strip():
        raise RefusedError("提出更正须写明事由")
    if opened_by is not None and store.recognises(programme):
        raise RefusedError("拟认定名单不以更正办理：签发之后的变化在公示、异议和认定时另行处理")
    with reading() as connection:
        issued = rounds.issued_round(connection, programme, period, known_at)
        if issued is None:
            raise UnknownError(f"“{programme}”{period} 年度尚未发文，没有可更正的结果")
        if opened_by is not None:
            corrections.check_may_open(connection, opened_by, known_at)
        as_of = _snapshot(connection, issued)["as_of"]
        received = received_after_issue(connection, programme, period, known_at)
        later = _later(connection, programme, period)
    cycle = Cycle(programme, period, as_of, known_at, Mode.RECALCULATE)
    snapshot_id = evaluation_cycle.freeze(cycle).output["snapshot_id"]
    evaluation_cycle.check(cycle, snapshot_id)
    result_set_id = evaluation_cycle.evaluate(cycle, snapshot_id).output["result_set_id"]
    with reading() as connection:
        rules = rules_of(connection, cycle)
        changed, rank_alone = _changed(connection, rules, issued, result_set_id)
        not_counted = _late(connection, snapshot_id)
    sha256, key = _sheet(cycle, issued, result_set_id) if result_set_id != issued.results else ("", "")
    prepared = Prepared(
        programme, period, issued.number, result_set_id, len(received), tuple(changed), changed, not_counted,
        later, sha256, key, rank_alone,
    )  # fmt: skip
    if opened_by is None:
        return prepared
    opened = _open(cycle, issued, rules, prepared, opened_by, reason).output
    return replace(
        prepared,
        round_id=opened["round_id"],
        round_number=opened["number"],
        fingerprint=opened["fingerprint"],
    )


def _snapshot(connection: Connection, round_: rounds.Round) -> Mapping[str, Any]:
    row = connection.execute(
        select(snapshot.c.as_of, snapshot.c.known_at)
        .join(result_set, result_set.c.snapshot_id == snapshot.c.id)
        .where(result_set.c.id == round_.results)
    )
    return dict(row.mappings().one())


def _later(connection: Connection, programme: str, period: str) -> tuple[str, ...]:
    table = review_round
    query = (
        select(table.c.period)
        .join(issue, issue.c.round_id == table.c.id)
        .where(table.c.programme == programme, table.c.period > period, table.c.result_set_id.is_not(None))
        .distinct()
        .order_by(table.c.period)
    )
    return tuple(connection.execute(query).scalars())


def _late(connection: Connection, snapshot_id: int) -> tuple[str, ...]:
    table = snapshot_unit
    query = select(table.c.unit).where(table.c.snapshot_id == snapshot_id, table.c.state == "late")
    return tuple(connection.execute(query.order_by(table.c.unit)).scalars())


def _changed(
    connection: Connection, rules: Loaded, issued: rounds.Round, result_set_id: int
) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """Return, of every body whose published result or title would change, what would, in Chinese.

    Apart from them the bodies of which only the rank would, where the rules write no letter for that.
    """
    was = {r.unit: r for r in unit_results(connection, rules.rules, issued.results)}
    now = {r.unit: r for r in unit_results(connection, rules.rules, result_set_id)}
    titles = correction_notices.titles(connection, issued, result_set_id)
    named = {o.outcome: o.name for o in rules.rules.outcomes}
    found: dict[str, tuple[str, ...]] = {}
    rank_alone = []
    for unit in sorted({*was, *now}):
        differing = correction_notices.changes(rules.rules, was.get(unit), now.get(unit))
        said = [f"{c.what}：{c.before} → {c.after}" for c in differing]
        said += [f"新增拟办“{named[o]}”" for u, o in sorted(titles.added) if u == unit]
        said += [f"不再拟办“{named[o]}”" for u, o in sorted(titles.lapsed) if u == unit]
        alone = correction_notices.rank_alone(differing) and len(said) == len(differing)
        if alone and not rules.rules.writes_for_rank_alone:
            rank_alone.append(unit)
        elif said:
            found[unit] = tuple(said)
    return found, tuple(rank_alone)


def _sheet(cycle: Cycle, issued: rounds.Round, result_set_id: int) -> tuple[str, str]:
    """Write the comparison for the reviewers; return its hash and where it lies."""
    compared = comparison.compare(cycle.programme, cycle.period, issued.results, result_set_id)
    data = comparison.sheet(compared)
    sha256 = objects.put_content(data)
    key = f"reports/{cycle.programme}/{cycle.period}/correction/{sha256[:12]}-{cycle.period}-更正比较表.xlsx"
    objects.store().put(key, data, once=True)
    return sha256, key


def _open(
    cycle: Cycle, issued: rounds.Round, rules: Loaded, prepared: Prepared, opened_by: str, reason: str
) -> StepResult:
    if rules.sha256 != issued.rule_sha256:
        raise RefusedError("现行冻结的规则与发布时的不同，更正只因数据，不因规则")
    correction_notices.notices_of(rules.rules)
    if not prepared.changed:
        raise RefusedError("重算结果与已发布的一致，没有可更正的内容")
    with reading() as connection:
        now = {r.unit: r for r in unit_results(connection, rules.rules, prepared.result_set_id)}
        if gone := [u for u in prepared.changed if u not in now]:
            raise RefusedError(f"重算的名单中没有 {'、'.join(gone)}：离开名单须先另行处理，不能以更正办理")
        whole = compose(connection, cycle, rules, prepared.result_set_id)
        banner = SIMULATION_BANNER if is_simulation(connection) else ""
        result_fingerprint = connection.execute(
            select(result_set.c.fingerprint).where(result_set.c.id == prepared.result_set_id)
        ).scalar_one()
    # the charts show every body as it would stand; the list names only those that change
    listed = _rating_list(rating_charts.draw(whole, banner), prepared, now)
    sha256 = objects.put_content(rating.write(listed, banner))
    bound = fingerprint(
        {
            "corrects": issued.fingerprint,
            "results": result_fingerprint,
            "comparison": prepared.comparison_sha256,
            "rating_list": sha256,
            "units": list(prepared.changed),
            "rules": rules.sha256,
        }
    )
    proposal = corrections.Proposal(
        issued,
        prepared.result_set_id,
        bound,
        sha256,
        prepared.comparison_sha256,
        prepared.changed,
        opened_by,
        reason,
    )

    def work(connection: Connection) -> StepResult:
        opened = corrections.open_correction(connection, proposal, cycle.known_at)
        rating_charts.record(connection, prepared.result_set_id, sha256, listed, cycle.known_at)
        return StepResult(
            read=len(now),
            written=len(prepared.changed),
            output={"round_id": opened.id, "number": opened.number, "fingerprint": bound},
        )

    return run_step(cycle, "open_correction", bound, work)


def _rating_list(
    whole: rating.RatingList, prepared: Prepared, now: Mapping[str, UnitResult]
) -> rating.RatingList:
    """Return the list that the reviewers mark: only what changes, with what was published beside it."""
    rows = tuple(
        replace(row, flags=(*row.flags, f"更正：{'，'.join(prepared.said[row.unit])}"))
        for row in whole.rows
        if row.unit in prepared.said and row.unit in now
    )
    there = {row.unit for row in rows}
    return replace(
        whole,
        rows=rows,
        sensitivity=None,
        findings=tuple(f for f in whole.findings if f.unit is None or f.unit in there),
        explained=tuple(e for e in whole.explained if e.unit in there),
    )
