"""Expert scoring: panels are formed, workbooks handed out and taken back, scores judged and frozen.

2024-1155#31 has experts review who is recommended; how many there are and how their scores come together, the
documents leave open: it stands in the rules' ``panel`` and in the indicators of method ``expert_mean``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from ipgov.calendars.deadlines import due
from ipgov.core import objects
from ipgov.core.database import is_simulation, lock, reading, transaction
from ipgov.core.errors import Problem, RefusedError, UnknownError
from ipgov.core.fingerprint import sha256_hex
from ipgov.core.steps import SHANGHAI, Cycle, StepResult
from ipgov.decisions import panels, scores
from ipgov.decisions import ratings as standing
from ipgov.decisions.experts import Expert, declare_recusal, experts, register_expert
from ipgov.decisions.panel_plans import Plan, rules_of_panel
from ipgov.documents import returned_scores, scoring_sheet
from ipgov.documents.model import SIMULATION_BANNER
from ipgov.policy.rules import ExpertPanel
from ipgov.procedures import scoring_state as state
from ipgov.procedures.cycles import rules_of
from ipgov.procedures.scoring_sheets import compose
from ipgov.registry.platforms import unit as registered_unit


def register(expert: Expert, known_at: dt.datetime) -> bool:
    """Enter an expert or a change of one; return whether anything was written. Raises as register_expert."""
    with transaction() as connection:
        return register_expert(connection, expert, known_at)


def registered(known_at: dt.datetime) -> list[Expert]:
    """Return every expert, by number."""
    with reading() as connection:
        return list(experts(connection, known_at).values())


def recuse(
    programme: str,
    expert: str,
    unit: str,
    reason: str,
    by: str,
    as_of: dt.date,
    known_at: dt.datetime,
    *,
    stands: bool = True,
) -> bool:
    """Record a declared recusal (or take it back); return whether anything was written.

    Raises UnknownError for an unknown expert or body, RefusedError without reason or name.
    """
    with transaction() as connection:
        registered_unit(connection, programme, unit, as_of, known_at)
        return declare_recusal(connection, programme, expert, unit, reason, by, known_at, stands=stands)


def form(cycle: Cycle, plan: Plan, by: str) -> StepResult:
    """Form a panel's first round, or form it anew as long as nothing came in; the same again changes nothing.

    The last day for scores is reckoned from the rules' ``panel.time``. Raises as panels.form.
    """
    with transaction() as connection:
        loaded = rules_of(connection, cycle)
        rule = rules_of_panel(loaded.rules)
        last = due(cycle.as_of, rule.time)
        before = _newest(connection, cycle, plan.number)
        units = state.scorable(connection, cycle, loaded.rules)
        made = panels.form(
            connection,
            cycle.programme,
            cycle.period,
            loaded,
            plan,
            units,
            by,
            cycle.as_of,
            last.date,
            cycle.known_at,
        )
        recused = state.recused(connection, cycle, loaded.rules, made)
        return _formed(connection, made, before, {f"{e}:{u}": why for (e, u), why in recused.items()})


def next_round(cycle: Cycle, number: int, by: str, basis: str) -> StepResult:
    """Open another round of a panel on what its scores leave open: too far apart, or too few.

    Raises UnknownError for an unknown panel; RefusedError while the round still runs and where nothing is
    left open.
    """
    if not by.strip() or not basis.strip():
        raise RefusedError("再次评分须写明依据与经办人")
    with transaction() as connection:
        loaded = rules_of(connection, cycle)
        rule = rules_of_panel(loaded.rules)
        before = _panel(connection, cycle, number)
        if late := state.waiting(connection, cycle, before):
            raise RefusedError(
                f"{before.title}尚未结束：{'、'.join(late)} 未交回；应在交齐或 {before.due_on} 之后"
            )
        judged = standing.judge(state.ratings(connection, cycle, loaded.rules), loaded.rules)
        again = {
            j.pair
            for j in judged
            if j.panel == number and (j.short or state.to_be_given_again(j, loaded.rules))
        }  # too few scores are asked for again in whatever round
        last = due(cycle.as_of, rule.time)
        made = panels.next_round(connection, before, again, by, basis, cycle.as_of, last.date, cycle.known_at)
        return _formed(connection, made, before, {})


def _formed(
    connection: Connection, made: panels.Panel, before: panels.Panel | None, recused: dict[str, str]
) -> StepResult:
    pairs = panels.asked(connection, made.id)
    return StepResult(
        read=len(made.members),
        written=len(pairs),
        found=len(recused),
        output={
            "panel": made.number,
            "round": made.round,
            "revision": made.revision,
            "due_on": made.due_on.isoformat(),
            "members": [m.expert for m in made.members],
            "units": sorted({unit for _, unit, _ in pairs}),
            "indicators": sorted({indicator for _, _, indicator in pairs}),
            "recused": recused,
        },
        repeated=before is not None and before.id == made.id,
    )


def sheets(cycle: Cycle, number: int | None = None) -> dict[str, bytes]:
    """Return the workbook of every member of the newest round of a panel (or of all), by file name.

    Each is put on record; what comes back is held against it. The same question gives the same workbook.
    """
    made = {}
    with transaction() as connection:
        loaded = rules_of(connection, cycle)
        banner = SIMULATION_BANNER if is_simulation(connection) else ""
        chosen = (
            panels.current(connection, cycle.programme, cycle.period, cycle.known_at)
            if number is None
            else [_panel(connection, cycle, number)]
        )
        if not chosen:
            raise UnknownError(f"“{cycle.programme}”{cycle.period} 年度尚未组成专家组")
        units = {u.unit: u for u in state.bodies(connection, cycle)}
        ratings = state.ratings(connection, cycle, loaded.rules)
        for panel in chosen:
            recused = state.recused(connection, cycle, loaded.rules, panel)
            for asked in compose(connection, cycle, loaded, panel, units, recused, ratings):
                data = scoring_sheet.write(asked, banner)
                scores.issue(connection, panel.id, asked.expert, asked.fingerprint, data, cycle.known_at)
                made[asked.filename] = data
    return made


@dataclass(frozen=True)
class Received:
    """What became of one workbook that came back; ``late``: after the last day, kept and not counted."""

    file: str
    outcome: str  # accepted, returned, refused (nobody's), repeated
    panel: str = ""
    expert: str = ""
    scores: int = 0
    abstained: int = 0
    late: bool = False
    problems: tuple[Problem, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {**vars(self), "problems": [p.as_dict() for p in self.problems]}


def receive(
    files: Sequence[tuple[str, bytes]], as_of: dt.date, known_at: dt.datetime, received_at: dt.datetime
) -> list[Received]:
    """Read returned workbooks, each in a transaction of its own: all of its scores, or none.

    A workbook with a problem is recorded with every one of them and brings no score. ``received_at``: when
    they came in; what comes after the round's last day is kept and does not count.
    """
    return [_receive_one(name, data, as_of, known_at, received_at) for name, data in files]


def _receive_one(
    name: str, data: bytes, as_of: dt.date, known_at: dt.datetime, received_at: dt.datetime
) -> Received:
    try:
        fingerprint = returned_scores.fingerprint_of(data)
    except RefusedError as error:
        return _refused(name, error.message)
    with transaction() as connection:
        sheet = scores.issued(connection, fingerprint, known_at)
        if sheet is None:
            return _refused(name, "身份信息页已被改动，或不是本系统下发的评分表")
        lock(connection, "scoring return", sheet.panel_id, sheet.expert)
        panel = panels.get(connection, sheet.panel_id)
        now = [
            p for p in panels.rounds(connection, panel.programme, panel.period, known_at) if p.id == panel.id
        ]
        if not now:
            return _refused(name, f"{panel.title}已改组，此评分表作废；请用重新下发的评分表", panel, sheet)
        if scores.newest_sha256(connection, panel.id, sheet.expert) == sha256_hex(data):
            return Received(name, "repeated", panel.title, sheet.expert)
        cycle = Cycle(panel.programme, panel.period, as_of, known_at)
        rules = rules_of(connection, cycle).rules
        recused = state.recused(connection, cycle, rules, panel)
        own = {unit: why for (expert, unit), why in recused.items() if expert == sheet.expert}
        read = returned_scores.read_returned(data, objects.get_content(sheet.sha256), own)
        twice = _twice(connection, rules_of_panel(rules), panel, sheet, known_at)
        problems = tuple(replace(p, file=name) for p in (*twice, *read.problems))
        kept = [scores.Score(**vars(s)) for s in read.scores]
        outcome = scores.record(connection, sheet, name, data, kept, problems, received_at, known_at)
        return Received(
            name,
            outcome,
            panel.title,
            sheet.expert,
            sum(s.score is not None for s in kept),
            sum(s.abstained is not None for s in kept),
            received_at.astimezone(SHANGHAI).date() > panel.due_on,
            problems,
        )


def _twice(
    connection: Connection, rule: ExpertPanel, panel: panels.Panel, sheet: scores.Sheet, known_at: dt.datetime
) -> Iterator[Problem]:
    """Yield why a second workbook of a member does not count, where the rules take the first alone."""
    before = scores.accepted(connection, panel.id, known_at).get(sheet.expert)
    if rule.second == "refused" and before is not None:
        day = before.astimezone(SHANGHAI).date()
        found = f"专家 {sheet.expert} 的{panel.title}评分表已于 {day} 收存，不得再次评分"
        yield Problem("scoring_twice", found, "每轮只交一次；确需重评的，由经办人员再开一轮评分")


def _refused(
    name: str, why: str, panel: panels.Panel | None = None, sheet: scores.Sheet | None = None
) -> Received:
    problem = Problem("scoring_identity", why, "由系统下发给本人、填写后保存的 .xlsx 专家评分表", file=name)
    return Received(
        name,
        "refused",
        panel.title if panel else "",
        sheet.expert if sheet else "",
        problems=(problem,),
    )


def _newest(connection: Connection, cycle: Cycle, number: int) -> panels.Panel | None:
    made = panels.current(connection, cycle.programme, cycle.period, cycle.known_at)
    return {p.number: p for p in made}.get(number)


def _panel(connection: Connection, cycle: Cycle, number: int) -> panels.Panel:
    found = _newest(connection, cycle, number)
    if found is None:
        made = panels.current(connection, cycle.programme, cycle.period, cycle.known_at)
        known = "、".join(str(p.number) for p in made) or "无"
        raise UnknownError(f"“{cycle.programme}”{cycle.period} 年度没有第 {number} 专家组；现有：{known}")
    return found
