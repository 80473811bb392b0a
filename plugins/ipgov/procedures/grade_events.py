"""What the grades of an issued result do to titles: rated 优秀, 合格, 不合格 (2024-1155#42–#44)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from ipgov.core.steps import Cycle
from ipgov.decisions.rounds import Round
from ipgov.evaluation import store as results
from ipgov.policy.grade_effects import GradeEffect
from ipgov.policy.rules import RuleVersion
from ipgov.procedures.notices import Filed
from ipgov.registry.titles import life, record_title_event, standing


def record(
    connection: Connection,
    cycle: Cycle,
    rules: RuleVersion,
    round_: Round,
    filed: Sequence[Filed],
    letter: str,
    was: Mapping[str, str | None] | None = None,
) -> list[str]:
    """Record the event of every body's grade, bound to the round and its letter; say what was done.

    ``letter``: the kind of that letter. ``was``: of a correction, the grades that it replaces, by the bodies
    that it speaks of; a grade that stays does nothing again. A state that the grade cannot change (the title
    is lost meanwhile, a rectification is under way) stays, and that is said.
    """
    effects = {e.grade: e for e in rules.grade_effects}
    papers = {f.unit: f for f in filed if f.kind == letter}
    done = []
    for row in results.results(connection, round_.results):
        unit, grade = row["unit"], row["grade"]
        if was is not None and (unit not in was or was[unit] == grade):
            continue
        steps = []
        if was is not None and (before := effects.get(was[unit] or "")) and before.undone_by:
            steps.append((before, before.undone_by))
        if grade in effects:
            steps.append((effects[grade], effects[grade].event))
        for effect, event in steps:
            done.append(_happen(connection, cycle, rules, round_, unit, effect, event, papers.get(unit)))
    return done


def _happen(
    connection: Connection,
    cycle: Cycle,
    rules: RuleVersion,
    round_: Round,
    unit: str,
    effect: GradeEffect,
    event: str,
    paper: Filed | None,
) -> str:
    of = life(rules.programme)
    happens = of.event(event)
    state = standing(connection, rules.programme, unit, cycle.as_of, cycle.known_at)
    if refusal := of.refusal(state, happens):
        return f"{unit}：未登记“{happens.name}”，{refusal}"
    # what takes a grade's event back does not stand under the clause of the grade
    basis = effect.basis if event == effect.event else happens.basis
    record_title_event(
        connection,
        rules.programme,
        unit,
        event,
        cycle.as_of,
        basis or "operator",
        f"{rules.title}（{cycle.period} 年度）：{effect.grade}",
        cycle.known_at,
        by="issuer",
        document_number=paper.number or None if paper else None,
        document_id=paper.document_id if paper else None,
        round_id=round_.id,
    )
    return f"{unit}:{event}"
