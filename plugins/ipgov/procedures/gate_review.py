"""Conditions that people judge: workbooks handed to reviewers, taken back, and what stands of them.

2024-1155#31 has the office check again what provinces recommend and central enterprises send; how, the
documents leave open: it stands in the rules' ``recognition``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, select

from ipgov.core import objects
from ipgov.core.database import is_simulation, lock, reading, transaction
from ipgov.core.errors import Problem, RefusedError, UnknownError
from ipgov.core.fingerprint import fingerprint, sha256_hex
from ipgov.core.steps import Cycle
from ipgov.core.tables import submitted_value
from ipgov.decisions import gate_judgements
from ipgov.decisions.officers import Officer, officer
from ipgov.decisions.recusal import RELATIONS, registered_conflicts
from ipgov.documents import gate_sheet, returned_gates
from ipgov.documents.gate_sheet import GateForm, Item, Section
from ipgov.documents.model import SIMULATION_BANNER, printable
from ipgov.evaluation.eligibility import Said, shown
from ipgov.policy import store
from ipgov.policy.recognition import Gate, Recognition
from ipgov.policy.rules import RuleVersion
from ipgov.policy.store import Loaded
from ipgov.policy.title_words import title_words
from ipgov.procedures import choosing, snapshots
from ipgov.procedures.cycles import rules_of
from ipgov.procedures.snapshots import Chosen


def rule_of(rules: RuleVersion) -> Recognition:
    """Return the rules' recognition; UnknownError where they have none."""
    if rules.recognition is None:
        raise UnknownError(f"“{rules.title}”不是认定业务，没有申报条件")
    return rules.recognition


def counting(connection: Connection, cycle: Cycle, loaded: Loaded) -> list[Chosen]:
    """Return the applications that are to be checked: forwarded by their province, or filed with it."""
    units = snapshots.bodies(connection, cycle, loaded.rules)
    chosen = choosing.choose(connection, cycle, loaded, units)
    return [c for c in chosen if c.submission_id is not None]


def said(connection: Connection, submissions: Sequence[int]) -> dict[int, dict[str, Said]]:
    """Return what applications say, by submission and field."""
    table = submitted_value
    rows = connection.execute(
        select(
            table.c.submission_id,
            table.c.field,
            table.c.value,
            table.c.text_value,
            table.c.sheet,
            table.c.cell,
        ).where(table.c.submission_id.in_(submissions))
    )
    found: dict[int, dict[str, Said]] = {s: {} for s in submissions}
    for row in rows:
        found[row.submission_id][row.field] = Said(row.value, row.text_value, row.sheet, row.cell)
    return found


def sheets(cycle: Cycle, reviewers: Sequence[str]) -> dict[str, bytes]:
    """Return the workbook of each of these reviewers, by file name; each is put on record.

    The same question gives the same workbook. Raises UnknownError for an unknown reviewer, RefusedError for
    one who may not judge and where there is nothing to judge.
    """
    made = {}
    with transaction() as connection:
        loaded = rules_of(connection, cycle)
        rule = rule_of(loaded.rules)
        chosen = counting(connection, cycle, loaded)
        if not chosen or not rule.judged:
            raise RefusedError(f"“{loaded.rules.title}”{cycle.period} 年度没有需要复核的申报")
        banner = SIMULATION_BANNER if is_simulation(connection) else ""
        for login in reviewers:
            asked = _form(connection, cycle, loaded, _reviewer(connection, cycle, rule, login), chosen)
            data = gate_sheet.write(asked, banner)
            gate_judgements.issue(
                connection, cycle.programme, cycle.period, login, asked.fingerprint, data, cycle.known_at
            )
            made[asked.filename] = data
    return made


def _reviewer(connection: Connection, cycle: Cycle, rule: Recognition, login: str) -> Officer:
    found = officer(connection, login, cycle.known_at)
    if not found.active or rule.judging.role not in found.roles:
        raise RefusedError(f"“{login}”不是在岗的{rule.judging.role}，不能复核申报条件")
    return found


def _recused(connection: Connection, cycle: Cycle, who: Officer, units: Sequence[str]) -> dict[str, str]:
    found = registered_conflicts(connection, cycle.programme, units, who, cycle.known_at)
    host = title_words(store.governs(cycle.programme)).host
    names = {RELATIONS["host"]: host}
    return {c.unit: f"所在单位是其{names.get(c.relation, c.relation)}" for c in found}


def _form(
    connection: Connection, cycle: Cycle, loaded: Loaded, who: Officer, chosen: Sequence[Chosen]
) -> GateForm:
    rules = loaded.rules
    recused = _recused(connection, cycle, who, [c.unit.unit for c in chosen])
    says = said(connection, [c.submission_id for c in chosen if c.submission_id is not None])
    sections = tuple(_section(rules, gate, chosen, says, recused) for gate in rule_of(rules).judged)
    form = GateForm(
        title=rules.title,
        issuer=rules.issuer.name,
        programme=cycle.programme,
        period=cycle.period,
        reviewer=who.login,
        reviewer_name=who.name,
        sections=sections,
        fingerprint="",
    )
    asked = {
        "rules": loaded.sha256,
        "period": [cycle.programme, cycle.period],
        "reviewer": [who.login, who.name],
        "applications": [[c.unit.unit, c.unit.name, c.submission_id, c.submission_sha256] for c in chosen],
        "recused": recused,
    }
    return replace(form, fingerprint=fingerprint(asked))


def _section(
    rules: RuleVersion,
    gate: Gate,
    chosen: Sequence[Chosen],
    says: Mapping[int, Mapping[str, Said]],
    recused: Mapping[str, str],
) -> Section:
    fields = rules.form.fields
    clauses = store.clauses()
    items = tuple(
        Item(
            c.unit.unit,
            c.unit.name,
            rules.kinds[c.unit.kind].name,
            tuple(
                printable(shown(fields[f], says[c.submission_id or 0].get(f, Said(None, None))))
                for f in gate.shows
            ),
            recused.get(c.unit.unit, ""),
        )
        for c in chosen
    )
    words = "；".join(f"{clauses[c]['section']}“{clauses[c]['key_zh']}”（{c}）" for c in gate.clause)
    return Section(gate.code, gate.name, words, tuple(fields[f].label for f in gate.shows), items)


@dataclass(frozen=True)
class ReceivedGates:
    """What became of one workbook that came back."""

    file: str
    outcome: str  # accepted, returned, refused (nobody's), repeated
    reviewer: str = ""
    answers: int = 0
    problems: tuple[Problem, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {**vars(self), "problems": [p.as_dict() for p in self.problems]}


def receive(
    files: Sequence[tuple[str, bytes]], as_of: dt.date, known_at: dt.datetime, received_at: dt.datetime
) -> list[ReceivedGates]:
    """Read returned workbooks, each in a transaction of its own: all of its answers, or none.

    A workbook with a problem is recorded with every one of them and brings no answer.
    """
    return [_receive_one(name, data, as_of, known_at, received_at) for name, data in files]


def _receive_one(
    name: str, data: bytes, as_of: dt.date, known_at: dt.datetime, received_at: dt.datetime
) -> ReceivedGates:
    try:
        mark = returned_gates.fingerprint_of(data)
    except RefusedError as error:
        return _nobodys(name, error.message)
    with transaction() as connection:
        sheet = gate_judgements.issued(connection, mark, known_at)
        if sheet is None:
            return _nobodys(name, "身份信息页已被改动，或不是本系统下发的复核表")
        lock(connection, "gate return", sheet.programme, sheet.period, sheet.reviewer)
        if gate_judgements.newest_sha256(connection, sheet.id) == sha256_hex(data):
            return ReceivedGates(name, "repeated", sheet.reviewer)
        cycle = Cycle(sheet.programme, sheet.period, as_of, known_at)
        loaded = rules_of(connection, cycle)
        chosen = {c.unit.unit: c for c in counting(connection, cycle, loaded)}
        who = officer(connection, sheet.reviewer, known_at)
        recused = _recused(connection, cycle, who, list(chosen))
        answers, problems = returned_gates.read_returned(data, objects.get_content(sheet.sha256), recused)
        if _form(connection, cycle, loaded, who, list(chosen.values())).fingerprint != mark:
            changed = "下发之后申报材料、申报单位或回避有变化，此表作废"
            problems = (Problem("gate_outdated", changed, "用重新下发的复核表填写"), *problems)
        problems = tuple(replace(p, file=name) for p in problems)
        given = [] if problems else [_given(a, chosen[a.unit]) for a in answers]
        outcome = gate_judgements.record(
            connection, sheet, name, data, given, problems, received_at, known_at
        )
        return ReceivedGates(name, outcome, sheet.reviewer, len(given), problems)


def _given(answer: returned_gates.ReturnedAnswer, chosen: Chosen) -> gate_judgements.Given:
    assert chosen.submission_id is not None  # noqa: S101 - counting() has none without
    return gate_judgements.Given(submission_id=chosen.submission_id, **vars(answer))


def _nobodys(name: str, why: str) -> ReceivedGates:
    return ReceivedGates(
        name, "refused", problems=(Problem("gate_sheet", why, returned_gates.NEED, file=name),)
    )


def open_points(cycle: Cycle) -> list[str]:
    """Return what is not judged yet, a line an applicant and condition (Chinese); empty: nothing is open."""
    with reading() as connection:
        loaded = rules_of(connection, cycle)
        rule = rule_of(loaded.rules)
        chosen = counting(connection, cycle, loaded)
        ids = [c.submission_id for c in chosen if c.submission_id is not None]
        given = gate_judgements.standing(connection, cycle.programme, cycle.period, ids, cycle.known_at)
    told = []
    for gate in rule.judged:
        for c in chosen:
            there = [g for g in given if (g.unit, g.gate) == (c.unit.unit, gate.code)]
            if len(there) < rule.judging.minimum:
                told.append(
                    f"{c.unit.unit} {c.unit.name}：{gate.code} {gate.name}（已有 {len(there)} 人判断，"
                    f"需 {rule.judging.minimum} 人）"
                )
    return told
