"""What the issue of a correction makes: letters that name the documents which they correct, title events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from ipgov.core.errors import GovernanceError
from ipgov.core.steps import Cycle
from ipgov.core.tables import document as document_table
from ipgov.core.tables import issue, proposed_outcome, review_round
from ipgov.decisions.corrections import Correction
from ipgov.decisions.rounds import Round, get_round
from ipgov.policy.rules import Notice, RuleVersion
from ipgov.policy.store import Loaded
from ipgov.policy.title_words import title_words
from ipgov.procedures.notices import Planned, shared_context
from ipgov.procedures.rating_lists import UnitResult, unit_results
from ipgov.registry.codes import province_name, province_office

UNIT, PROVINCE = "result_correction", "result_correction_province"
_UNIT_LETTERS, _PROVINCE_LETTERS = ("result_to_unit", UNIT), ("result_to_province", PROVINCE)


@dataclass(frozen=True)
class Corrected:
    """A document of the register as another one names it."""

    id: int
    reference: str


@dataclass(frozen=True)
class Change:
    """One thing that a document said and what is right."""

    what: str
    before: str
    after: str


@dataclass(frozen=True)
class Titles:
    """What a correction changes of outcomes: (unit, outcome) that is newly called for, or no more."""

    added: frozenset[tuple[str, str]]
    lapsed: frozenset[tuple[str, str]]


def notices_of(rules: RuleVersion) -> tuple[Notice, Notice]:
    """Return the rules' letters of correction, to bodies and to provinces; GovernanceError without them."""
    known = {n.kind: n for n in rules.notices}
    if missing := [kind for kind in (UNIT, PROVINCE) if kind not in known]:
        raise GovernanceError(
            f"该年度冻结的规则（{rules.version}）没有更正文书 {'、'.join(missing)}，不能办理更正"
        )
    return known[UNIT], known[PROVINCE]


def titles(connection: Connection, was: Round, now: Round | int) -> Titles:
    """Return how the outcomes that two results call for differ; ``now``: a round, or a result set's id."""
    after = now if isinstance(now, int) else now.results
    old, new = (_outcomes(connection, i) for i in (was.results, after))
    return Titles(frozenset(new - old), frozenset(old - new))


def _outcomes(connection: Connection, result_set_id: int) -> set[tuple[str, str]]:
    table = proposed_outcome
    query = select(table.c.unit, table.c.outcome).where(table.c.result_set_id == result_set_id)
    return {(row.unit, row.outcome) for row in connection.execute(query)}


def changes(rules: RuleVersion, was: UnitResult | None, now: UnitResult | None) -> list[Change]:
    """Return in words what differs between two results of a body; None: not on the list."""
    body = title_words(rules.programme).body
    whats = ["总分", f"全部{body}{_RANK}", f"同类{body}{_RANK}"]
    if rules.scoring.grades:
        whats.append("等级")
    if rules.scoring.grades and not rules.grade_effects:
        whats.append("是否通过")  # else the grades say it, or nothing is passed or failed
    return [
        Change(what, old, new)
        for what, old, new in zip(whats, _said(rules, was), _said(rules, now), strict=False)
        if old != new
    ]


_RANK = "中的名次"


def rank_alone(found: Sequence[Change]) -> bool:
    """Tell whether of a body's result nothing but its rank changed."""
    return bool(found) and all(c.what.endswith(_RANK) for c in found)


def _said(rules: RuleVersion, r: UnitResult | None) -> tuple[str, ...]:
    if r is None:
        return ("不在名单",) * 5
    none = "未评价" if r.grade is None else "无"
    return (
        none
        if r.total is None
        else f"{r.total.quantize(Decimal(1).scaleb(-rules.scoring.rounding.total)):f}分",
        none if r.rank is None else f"第{r.rank}名",
        none if r.group_rank is None else f"第{r.group_rank}名",
        "未评价" if r.grade is None else f"“{r.grade}”",
        "未评价" if r.passed is None else "通过" if r.passed else "未通过",
    )


def plan(
    connection: Connection,
    cycle: Cycle,
    rules: Loaded,
    round_: Round,
    correction: Correction,
    seal_code: str,
) -> list[Planned]:
    """Return the letters of an approved correction: to the changed bodies, their provinces, and on titles."""
    to_unit, to_province = notices_of(rules.rules)
    corrected = get_round(connection, correction.corrects_round_id)
    was = {r.unit: r for r in unit_results(connection, rules.rules, corrected.results)}
    now = [
        r for r in unit_results(connection, rules.rules, round_.results) if r.unit in set(correction.units)
    ]
    changed_titles = titles(connection, corrected, round_)
    shared = shared_context(connection, cycle, rules, round_, seal_code)
    papers = _papers(connection, cycle)
    prefix = f"round:{round_.id}"
    planned = [
        _to_unit(prefix, to_unit, rules.rules, r, was.get(r.unit), papers, changed_titles, shared)
        for r in now
    ]
    planned += _to_provinces(prefix, to_province, rules.rules, now, was, papers, shared)
    kinds = {n.kind: n for n in rules.rules.notices}
    for r in now:
        for outcome in r.outcomes:
            if (r.unit, outcome.outcome) in changed_titles.added and outcome.outcome in kinds:
                notice = kinds[outcome.outcome]
                context = {**shared, "result": r, "outcome": outcome}
                key = f"{prefix}/{notice.kind}/{r.unit}"
                planned.append(Planned(key, notice, r.unit, r.unit, r.name, context))
    return planned


def _to_unit(
    prefix: str,
    notice: Notice,
    rules: RuleVersion,
    now: UnitResult,
    was: UnitResult | None,
    papers: Mapping[tuple[str, str], Corrected],
    changed_titles: Titles,
    shared: Mapping[str, Any],
) -> Planned:
    earlier = _newest(papers, _UNIT_LETTERS, now.unit)
    lapsed = [o for unit, o in changed_titles.lapsed if unit == now.unit]
    restored = _newest(
        papers, [o.outcome for o in rules.outcomes if o.event and o.outcome in lapsed], now.unit
    )
    context = {
        **shared,
        "result": now,
        "corrected": earlier,
        "restored": restored,
        "changes": changes(rules, was, now),
    }
    return Planned(
        f"{prefix}/{notice.kind}/{now.unit}",
        notice,
        now.unit,
        now.unit,
        now.name,
        context,
        corrects=earlier.id if earlier else None,
        withdraws=restored.id if restored else None,
    )


def _to_provinces(
    prefix: str,
    notice: Notice,
    rules: RuleVersion,
    results: Sequence[UnitResult],
    was: Mapping[str, UnitResult],
    papers: Mapping[tuple[str, str], Corrected],
    shared: Mapping[str, Any],
) -> list[Planned]:
    """Letters to the provinces that were told the results of their platforms (2023-156#13)."""
    planned = []
    for code in sorted({r.province for r in results if r.route == "province"}):
        own = [r for r in results if r.province == code and r.route == "province"]
        earlier = _newest(papers, _PROVINCE_LETTERS, code)
        rows = [
            {
                "result": r,
                "before": "、".join(f"{c.what}{c.before}" for c in changes(rules, was.get(r.unit), r)),
            }
            for r in own
        ]
        context = {**shared, "province": province_name(code), "results": rows, "corrected": earlier}
        planned.append(
            Planned(
                f"{prefix}/{notice.kind}/{code}",
                notice,
                None,
                code,
                province_office(code),
                context,
                corrects=earlier.id if earlier else None,
            )
        )
    return planned


def _papers(connection: Connection, cycle: Cycle) -> dict[tuple[str, str], Corrected]:
    """Return the newest letter of each kind to each recipient in an issue of the period that took effect."""
    table = document_table
    rows: Sequence[RowMapping] = (
        connection.execute(
            select(table.c.id, table.c.kind, table.c.recipient, table.c.number, table.c.title)
            .join(review_round, review_round.c.id == table.c.round_id)
            .join(issue, issue.c.round_id == review_round.c.id)
            .where(table.c.programme == cycle.programme, table.c.period == cycle.period)
            .order_by(table.c.id)
        )
        .mappings()
        .all()
    )
    return {
        (r["kind"], r["recipient"]): Corrected(r["id"], f"{r['number'] or ''}《{r['title']}》") for r in rows
    }


def _newest(
    papers: Mapping[tuple[str, str], Corrected], kinds: Sequence[str], recipient: str
) -> Corrected | None:
    found = [papers[kind, recipient] for kind in kinds if (kind, recipient) in papers]
    return max(found, key=lambda c: c.id, default=None)
