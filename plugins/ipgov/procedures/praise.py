"""Documents proposed about the bodies of a grade, right after the result took effect (2024-1155#43).

优秀 is praised and made into cases. The content comes from the issued result and the bodies' own workbooks;
it goes through the chain of approval like every document that a person proposes, and a person may change it
by returning the draft and proposing another.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from ipgov.core.database import reading
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.core.steps import StepResult
from ipgov.core.tables import issue, paper_round, result_set, review_round, snapshot_unit, snapshot_value
from ipgov.decisions import approvals, rounds
from ipgov.policy import store
from ipgov.policy.grade_effects import CaseMaterial, GradeEffect
from ipgov.policy.papers import paper
from ipgov.policy.rules import RuleVersion
from ipgov.procedures import paper_round as papers_of
from ipgov.procedures.rating_lists import UnitResult, unit_results
from ipgov.procedures.yearly_reports import combined_of
from ipgov.registry.organisations import organisation


@dataclass(frozen=True)
class Graded:
    """The bodies of one grade in an issued result, with everything that a document may say of them."""

    rules: RuleVersion
    period: str
    effect: GradeEffect
    evaluated: int
    bodies: Sequence[UnitResult]
    hosts: Mapping[str, str]  # by unit: name of 建设主体
    texts: Mapping[tuple[str, str], str]  # by unit and field
    figures: Mapping[tuple[str, str], Any]  # by unit and code

    @property
    def years(self) -> range:
        """Return the years of the period."""
        return self.rules.cycle.years(int(self.period))


def propose_due(as_of: dt.date, known_at: dt.datetime) -> StepResult:
    """Propose, for every issued period, what its grades call for and is not proposed yet; raises nothing.

    What cannot be proposed is said (``refused``), and keeps nothing else from being done.
    """
    proposed: list[dict[str, Any]] = []
    refused: list[str] = []
    with reading() as connection:
        issued_periods = _issued(connection, known_at)
    for programme, period in issued_periods:
        try:
            proposed += propose(programme, period, None, as_of, known_at)
        except (RefusedError, UnknownError) as error:
            refused.append(f"{programme} {period}：{error.message}")
    return StepResult(
        read=len(issued_periods),
        written=len(proposed),
        found=len(refused),
        output={"proposed": proposed, "refused": refused},
    )


def _issued(connection: Connection, known_at: dt.datetime) -> list[tuple[str, str]]:
    """Return the issued periods of programmes whose grades call for documents."""
    asking = [
        p
        for p in store.programmes()
        if any(e.papers for v in store.versions(p) for e in v.rules.grade_effects)
    ]
    query = (
        select(review_round.c.programme, review_round.c.period)
        .join(issue, issue.c.round_id == review_round.c.id)
        .where(
            review_round.c.programme.in_(asking),
            review_round.c.result_set_id.is_not(None),
            issue.c.known_at <= known_at,
        )
        .distinct()
        .order_by(review_round.c.programme, review_round.c.period)
    )
    return [(row.programme, row.period) for row in connection.execute(query)]


def propose(
    programme: str, period: str, by: str | None, as_of: dt.date, known_at: dt.datetime
) -> list[dict[str, Any]]:
    """Propose every document that the issued grades of a period call for and that is not proposed yet.

    ``by``: who proposes (default: who audited the result). Raises UnknownError where the period was not
    issued, RefusedError where a body's workbook has no material for its case.
    """
    with reading() as connection:
        round_ = rounds.issued_round(connection, programme, period, known_at)
        if round_ is None:
            raise UnknownError(f"“{programme}”{period} 年度尚未发文，没有可据以拟办的等次")
        rules = store.frozen(round_.rule_sha256).rules
        person = by or _auditor(connection, round_.id)
        graded = [_graded(connection, rules, round_, e, as_of, known_at) for e in rules.grade_effects]
        waiting = [
            (kind, g, given)
            for g in graded
            for kind in g.effect.papers
            for given in _contents(kind, g)
            if not _proposed(connection, programme, kind, _reason(g, given))
        ]
    done = []
    for kind, g, given in waiting:
        opened = papers_of.propose(
            kind, programme, {"content": given}, person, _reason(g, given), as_of, known_at
        ).output
        done.append({"kind": kind, "round_id": opened["round_id"], "title": opened["title"]})
    return done


def _reason(graded: Graded, given: Mapping[str, Any]) -> str:
    """Return why a document is proposed; a period, grade and body are spoken of once."""
    whose = given.get("name") or f"{len(given['bodies'])} 家中心"
    said = paper_words(graded)
    return f"{said}，{whose}"


def paper_words(graded: Graded) -> str:
    """Return the result that a document rests on."""
    return f"{graded.years[0]} 至 {graded.years[-1]} 年建设周期综合评价为“{graded.effect.grade}”"


def _proposed(connection: Connection, programme: str, kind: str, reason: str) -> bool:
    query = (
        select(paper_round.c.id)
        .join(review_round, review_round.c.id == paper_round.c.round_id)
        .where(
            review_round.c.programme == programme,
            paper_round.c.kind == kind,
            paper_round.c.reason == reason,
        )
    )
    return connection.execute(query).first() is not None


def _auditor(connection: Connection, round_id: int) -> str:
    """Return who approved the result's first step."""
    for answer in approvals.decisions(connection, round_id):
        if answer.step == "audit" and answer.answer == "approve":
            return answer.actor
    raise UnknownError(f"审批轮次 {round_id} 没有审核人，须写明由谁提出")


def _graded(
    connection: Connection,
    rules: RuleVersion,
    round_: rounds.Round,
    effect: GradeEffect,
    as_of: dt.date,
    known_at: dt.datetime,
) -> Graded:
    everybody = unit_results(connection, rules, round_.results)
    bodies = [r for r in everybody if r.grade == effect.grade] if effect.papers else []
    units = [r.unit for r in bodies]
    snapshot_id = connection.execute(
        select(result_set.c.snapshot_id).where(result_set.c.id == round_.results)
    ).scalar_one()
    hosts = connection.execute(
        select(snapshot_unit.c.unit, snapshot_unit.c.host_code).where(
            snapshot_unit.c.snapshot_id == snapshot_id, snapshot_unit.c.unit.in_(units)
        )
    ).all()
    texts = connection.execute(
        select(snapshot_value.c.unit, snapshot_value.c.field, snapshot_value.c.text_value).where(
            snapshot_value.c.snapshot_id == snapshot_id,
            snapshot_value.c.unit.in_(units),
            snapshot_value.c.text_value.is_not(None),
        )
    )
    return Graded(
        rules,
        round_.period,
        effect,
        sum(r.grade is not None for r in everybody),
        bodies,
        {h.unit: organisation(connection, h.host_code, as_of, known_at).name for h in hosts},
        {(t.unit, t.field): t.text_value for t in texts},
        combined_of(connection, snapshot_id, units),
    )


def _contents(kind: str, graded: Graded) -> Iterator[Mapping[str, Any]]:
    """Yield the content of every document of a kind about a grade: one for all, or one a body."""
    if kind not in _COMPOSE:
        raise UnknownError(f"等次“{graded.effect.grade}”不能拟办文书“{kind}”；可以：{'、'.join(_COMPOSE)}")
    if graded.bodies:
        yield from _COMPOSE[kind](graded)


def _circular(graded: Graded) -> Iterator[Mapping[str, Any]]:
    yield {
        "first_year": graded.years[0],
        "last_year": graded.years[-1],
        "evaluated": graded.evaluated,
        "bodies": [
            {
                "name": r.name,
                "category": r.kind_name,
                "host": graded.hosts[r.unit],
                "achievement": _text(graded, r, _material(graded).results),
            }
            for r in graded.bodies
        ],
    }


def _cases(graded: Graded) -> Iterator[Mapping[str, Any]]:
    material = _material(graded)
    labels = graded.rules.yearly_inputs
    for r in graded.bodies:
        told = {name: _text(graded, r, field) for name, field in material.texts.items()}
        headline = told.pop("headline")
        yield {
            "name": r.name,
            "category": r.kind_name,
            "host": graded.hosts[r.unit],
            "headline": headline,
            **{name: [text] for name, text in told.items()},
            "figures": [
                {
                    "name": labels[code].label,
                    "value": str(graded.figures[r.unit, code]),
                    "unit": labels[code].unit,
                    "source": f"{graded.years[0]}至{graded.years[-1]}年各年度自评",
                }
                for code in material.figures
                if graded.figures.get((r.unit, code)) is not None
            ],
        }


_COMPOSE: Mapping[str, Callable[[Graded], Iterator[Mapping[str, Any]]]] = {
    "praise_circular": _circular,
    "praise_case": _cases,
}


def _material(graded: Graded) -> CaseMaterial:
    if graded.effect.case is None:
        raise UnknownError(f"规则的 grade_effects[{graded.effect.grade}] 没有写明案例取自哪些栏目（case）")
    return graded.effect.case


def _text(graded: Graded, r: UnitResult, field: str) -> str:
    text = graded.texts.get((r.unit, field), "").strip()
    if not text:
        label = graded.rules.form.fields[field].label
        name = paper("praise_case", graded.rules.title_programme).name
        raise RefusedError(f"{r.name}的综合评价表没有填写“{label}”（{field}），不能据以拟写{name}，请先补充")
    return text
