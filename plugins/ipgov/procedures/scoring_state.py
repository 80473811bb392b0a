"""Where expert scoring stands: what came in, what is open, and what goes into a frozen snapshot."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from ipgov.core.database import reading
from ipgov.core.errors import Problem, RefusedError
from ipgov.core.steps import Cycle, Mode
from ipgov.decisions import panels, scores
from ipgov.decisions.experts import experts
from ipgov.decisions.panel_plans import asked_for, rules_of_panel
from ipgov.decisions.ratings import STATES, Judged, Rating, judge, spread_text, standing
from ipgov.decisions.recusal import expert_recusals
from ipgov.policy.rules import RuleVersion
from ipgov.procedures import choosing, snapshots
from ipgov.procedures.cycles import rules_of
from ipgov.registry.platforms import Unit, roster


@dataclass(frozen=True)
class Status:
    """Where expert scoring stands: who has not sent anything, what has too few scores or too far apart.

    ``unassigned``: (unit, indicator) that no panel scores.
    """

    current: tuple[panels.Panel, ...]
    returned: Mapping[int, Mapping[str, dt.datetime]]  # by panel id and expert
    names: Mapping[str, str]  # of experts
    judged: tuple[Judged, ...]
    unassigned: tuple[tuple[str, str], ...]
    rules: RuleVersion

    @property
    def outstanding(self) -> list[tuple[panels.Panel, str]]:
        """Return who has not sent an acceptable workbook of the newest round of a panel."""
        return [(p, m.expert) for p in self.current for m in p.members if m.expert not in self.returned[p.id]]

    def lines(self) -> list[str]:
        """Return where it stands, in Chinese: a line a panel, and one for everything that is open."""
        listed = []
        for p in self.current:
            there = sum(m.expert in self.returned[p.id] for m in p.members)
            listed.append(f"{p.title}：交回 {there}/{len(p.members)} 份，期限 {p.due_on}")
        listed += [f"  未交回：{e} {self.names[e]}（{p.title}）" for p, e in self.outstanding]
        for j in self.judged:
            if j.short:
                why = "、".join(f"{r.expert} {STATES[r.state]}" for r in j.ratings if r.score is None)
                listed.append(
                    f"  评分不足：{j.unit} 的 {j.indicator} 有 {len(j.scores)} 个，需 {j.needed} 个（{why}）"
                )
        rule = rules_of_panel(self.rules).spread
        if rule is not None:
            wide = (j for j in self.judged if j.wide)
            listed += [f"  评分悬殊：{j.unit} 的 {j.indicator} {spread_text(j, rule)}" for j in wide]
        listed += [f"  没有专家组：{unit} 的 {indicator}" for unit, indicator in self.unassigned]
        return listed or ["尚未组成专家组"]

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON; scores as text."""
        return {
            "panels": [
                {
                    "number": p.number,
                    "round": p.round,
                    "due_on": p.due_on.isoformat(),
                    "members": [
                        {
                            "expert": m.expert,
                            "name": self.names[m.expert],
                            "role": m.role,
                            "received_at": self.returned[p.id].get(m.expert),
                        }
                        for m in p.members
                    ],
                }
                for p in self.current
            ],
            "judged": [
                {
                    "unit": j.unit,
                    "indicator": j.indicator,
                    "round": j.last_round,
                    "scores": {r.expert: None if r.score is None else f"{r.score:f}" for r in j.ratings},
                    "states": {r.expert: r.state for r in j.ratings},
                    "needed": j.needed,
                    "short": j.short,
                    "spread": None if j.spread is None else f"{j.spread:f}",
                    "wide": j.wide,
                    "to_be_given_again": to_be_given_again(j, self.rules),
                }
                for j in self.judged
            ],
            "unassigned": [list(pair) for pair in self.unassigned],
        }


def status(cycle: Cycle) -> Status:
    """Return where expert scoring of a period stands, over every body that may be evaluated."""
    with reading() as connection:
        rules = rules_of(connection, cycle).rules
        rules_of_panel(rules)
        made = panels.current(connection, cycle.programme, cycle.period, cycle.known_at)
        people = experts(connection, cycle.known_at, (m.expert for p in made for m in p.members))
        units = scorable(connection, cycle, rules)
        given = ratings(connection, cycle, rules)
        return Status(
            tuple(made),
            {p.id: scores.accepted(connection, p.id, cycle.known_at) for p in made},
            {e.number: e.name for e in people.values()},
            tuple(judge(given, rules)),
            tuple(_unassigned(rules, units, given)),
            rules,
        )


def to_freeze(
    connection: Connection, cycle: Cycle, rules: RuleVersion, chosen: Sequence[snapshots.Chosen]
) -> list[Rating]:
    """Return what stands of the experts' scores of the bodies that will be evaluated.

    A live cycle is refused (RefusedError, every reason at once) as long as a body and indicator has no
    panel, a round still runs, or scores too far apart are to be given again. Too few scores are no reason:
    the indicator's own rules say what they mean.
    """
    if rules.panel is None:
        return []
    units = [c.unit for c in chosen if c.submission_id is not None]
    evaluated = {u.unit for u in units}
    frozen = [r for r in ratings(connection, cycle, rules) if r.unit in evaluated]
    if cycle.mode is Mode.LIVE and (open_ := tuple(_open_points(connection, cycle, rules, units, frozen))):
        raise RefusedError(f"专家评分尚有 {len(open_)} 处未完，不能冻结", open_)
    return frozen


def _open_points(
    connection: Connection,
    cycle: Cycle,
    rules: RuleVersion,
    units: Sequence[Unit],
    given: Sequence[Rating],
) -> Iterator[Problem]:
    lacking: dict[str, list[str]] = {}
    for unit, code in _unassigned(rules, units, given):
        lacking.setdefault(code, []).append(unit)
    for code, without in lacking.items():
        found = f"指标 {code} 没有专家组评 {'、'.join(without)}"
        yield Problem("scoring_unassigned", found, "每个参评单位都有专家组评分")
    for panel in panels.current(connection, cycle.programme, cycle.period, cycle.known_at):
        if late := waiting(connection, cycle, panel):
            found = f"{panel.title}未结束：{'、'.join(late)} 未交回"
            yield Problem("scoring_running", found, f"交齐，或 {panel.due_on} 之后冻结")
    for judged in judge(given, rules):
        rule = rules_of_panel(rules).spread
        if rule is not None and to_be_given_again(judged, rules):
            found = f"{judged.unit} 的 {judged.indicator} {spread_text(judged, rule)}"
            expected = f"第 {judged.panel} 专家组再开一轮评分"
            yield Problem("scoring_spread", found, expected, basis=rule.basis or "operator")


def to_be_given_again(judged: Judged, rules: RuleVersion) -> bool:
    """Tell whether the rules want these scores given again."""
    rule = rules_of_panel(rules).spread
    return rule is not None and judged.wide and rule.outcome == "rescore" and judged.last_round < rule.rounds


def waiting(connection: Connection, cycle: Cycle, panel: panels.Panel) -> list[str]:
    """Return the members of a round that still may send their scores and have not."""
    if cycle.as_of > panel.due_on:
        return []
    there = scores.accepted(connection, panel.id, cycle.known_at)
    return [m.expert for m in panel.members if m.expert not in there]


def _unassigned(rules: RuleVersion, units: Sequence[Unit], given: Sequence[Rating]) -> list[tuple[str, str]]:
    assigned = {(r.unit, r.indicator) for r in given}
    return [(u.unit, i.code) for u, i in asked_for(rules, units) if (u.unit, i.code) not in assigned]


def bodies(connection: Connection, cycle: Cycle) -> list[Unit]:
    """Return the roster of the cycle."""
    return roster(connection, cycle.programme, cycle.as_of, cycle.known_at)


def scorable(connection: Connection, cycle: Cycle, rules: RuleVersion) -> list[Unit]:
    """Return the bodies that may be evaluated; whether they sent anything may still be open.

    Of applicants for a title those that came before the office: recommended, or filed (2024-1155#31).
    """
    if rules.recognition is not None:
        units = snapshots.bodies(connection, cycle, rules)
        chosen = choosing.choose(connection, cycle, rules_of(connection, cycle), units)
        return [c.unit for c in chosen if c.submission_id is not None]
    units = bodies(connection, cycle)
    return [u for u in units if not snapshots.titled_too_short(u, rules, cycle.year)]


def ratings(connection: Connection, cycle: Cycle, rules: RuleVersion) -> list[Rating]:
    """Return what stands of the scores of every body of the roster."""
    return standing(
        connection,
        cycle.programme,
        cycle.period,
        rules,
        bodies(connection, cycle),
        cycle.as_of,
        cycle.known_at,
    )


def recused(
    connection: Connection, cycle: Cycle, rules: RuleVersion, panel: panels.Panel
) -> dict[tuple[str, str], str]:
    """Return why which member does not score which body, by (expert, unit)."""
    people = experts(connection, cycle.known_at, (m.expert for m in panel.members))
    return expert_recusals(
        connection,
        cycle.programme,
        people.values(),
        bodies(connection, cycle),
        rules_of_panel(rules).recused_by,
        cycle.as_of,
        cycle.known_at,
    )
