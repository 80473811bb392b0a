"""A round about a case: what the reviewers read, the notice of its issue, and what becomes of the title."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import Connection

from ipgov.core.errors import RefusedError, UnknownError
from ipgov.core.fingerprint import short_code
from ipgov.core.steps import SHANGHAI, Cycle
from ipgov.decisions import case_rounds
from ipgov.decisions.approvals import Answer
from ipgov.decisions.case_rounds import CaseRound
from ipgov.decisions.rounds import Round
from ipgov.documents.model import printable
from ipgov.followup import cases
from ipgov.followup.case_problems import of_case
from ipgov.followup.case_states import EVENTS
from ipgov.followup.cases import Case
from ipgov.policy.cases import Ending
from ipgov.policy.duty_store import duties
from ipgov.policy.rules import RuleVersion
from ipgov.policy.store import Loaded
from ipgov.procedures import case_papers, follow_up
from ipgov.procedures.notices import Filed, Planned
from ipgov.registry.titles import record_title_event

_ALWAYS = dt.datetime.max.replace(tzinfo=dt.UTC)


def _about(connection: Connection, round_: Round, known_at: dt.datetime) -> tuple[CaseRound, Case, Ending]:
    proposed = case_rounds.of_round(connection, round_.id)
    if proposed is None:
        raise UnknownError(f"{round_.label}送审的不是案件")
    case = cases.get(connection, proposed.obligation_id, known_at)
    return proposed, case, case.rules.endings[proposed.outcome]


def _cell(text: str) -> str:
    """Return another's text for a Markdown table: one line, no markup of its own."""
    escaped = "".join("\\" + c if c in "\\|`*_<>[]#" else c for c in printable(text))
    return escaped or "—"


def present(connection: Connection, round_: Round, rules: RuleVersion) -> tuple[str, str]:
    """Return the subject and, in Markdown, the case: problems, what happened, what is proposed."""
    proposed, case, ending = _about(connection, round_, _ALWAYS)
    now = cases.standing(connection, case)
    unsolved = set(now.unsolved or ())
    kept = [e for e in cases.evidence(connection, case.obligation_id) if e["outcome"] == "kept"]
    lines = [
        f"**{case.rules.name}** {_cell(case.name)}（{case.unit}）　案件编号 {case.obligation_id}",
        "",
        f"拟办：**{ending.name}**。{ending.meaning}",
        "",
        f"依据：{case_papers.basis_in_words(ending.basis)}；提请人 {_cell(proposed.opened_by)}，"
        f"理由：{_cell(proposed.reason)}。",
        "",
        f"指纹 `{short_code(round_.fingerprint)}`；审批表见“治理”页面。",
        "",
        "| 序号 | 类别 | 项目 | 发现 | 核查 |",
        "|---|---|---|---|---|",
        *(
            f"| {p.number} | {p.kind_name} | {_cell(p.name)} | {_cell(p.found)} "
            f"| {case_papers.found_word(case, p.number in unsolved)} |"
            for p in of_case(connection, case.obligation_id)
        ),
        "",
        *(
            f"- {e.day} {EVENTS[e.event]}（{_cell(e.actor)}）{_cell(case_papers.said(e))}"
            for e in cases.events(connection, case.obligation_id)
        ),
        "",
        f"佐证材料 {len(kept)} 个，逐个指纹见审批表。",
    ]
    return f"{case.rules.name}：{printable(case.name)}拟{ending.name}", "\n".join(lines)


def plan(connection: Connection, cycle: Cycle, rules: Loaded, round_: Round, seal_code: str) -> list[Planned]:
    """Return the notice of the outcome.

    Raises RefusedError where the record of the case is not exactly what was approved.
    """
    proposed, case, ending = _about(connection, round_, cycle.known_at)
    now = cases.standing(connection, case)
    if not now.ended:
        record = cases.record_fingerprint(connection, case, proposed.outcome, round_.rating_list_sha256)
        if record != round_.fingerprint:
            raise RefusedError(f"案件 {case.obligation_id} 的记录与送审时不同，不予签发")
    return [
        case_papers.ending_notice(connection, case, ending, now, round_.fingerprint, seal_code, cycle.as_of)
    ]


def take_effect(
    connection: Connection, cycle: Cycle, rules: Loaded, round_: Round, filed: Sequence[Filed]
) -> list[str]:
    """Close the case; end the title only where the programme's clause says so."""
    proposed, case, ending = _about(connection, round_, cycle.known_at)
    (paper,) = filed
    if own := cases.evaluation(connection, case):  # opened only after the body was evaluated, on the same day
        cases.judge(connection, own, "met", cycle.as_of, "", ending.name, cycle.known_at)
    cases.record(
        connection,
        case,
        "close",
        cycle.as_of,
        "",
        ending.name,
        cycle.known_at,
        {"outcome": proposed.outcome, "round_id": round_.id, "document_number": paper.number},
    )
    done = []
    for kind in ending.opens:
        _open_duty(connection, case, kind, cycle.as_of, paper.number, cycle.known_at)
        done.append(f"{case.unit}:{kind}")
    event = ending.event or ending.returns
    if event is None:
        return done
    record_title_event(
        connection,
        case.programme,
        case.unit,
        event,
        cycle.as_of,
        ending.basis or "operator",
        f"{case.rules.name}：{ending.name}",
        cycle.known_at,
        by="issuer",
        document_number=paper.number,
        document_id=paper.document_id,
        round_id=round_.id,
    )
    return [*done, f"{case.unit}:{event}"]


def _open_duty(
    connection: Connection, case: Case, kind: str, day: dt.date, number: str, known_at: dt.datetime
) -> None:
    """Record what the issue of a case orders: the duty of its kind opens the day after."""
    values = {
        "programme": case.programme,
        "party": case.unit,
        "kind": kind,
        "subject": f"案件{case.obligation_id}",
        "occurred_on": day,
        "reported_on": None,
        "reported_by": "",
        "note": number,
        "evidence_sha256": None,
    }
    rule = duties().opened_by(case.programme, kind, day)
    follow_up.write_occurrence(connection, values, rule, known_at)


def returned(connection: Connection, round_: Round, answer: Answer, known_at: dt.datetime) -> None:
    """Put the case back into rectification: what was found of it has not been approved.

    The judgement is withdrawn, and so what the case owes, and its reminders, go on until the next one.
    """
    _, case, _ = _about(connection, round_, known_at)
    last = cases.standing(connection, case).last_day
    day = known_at.astimezone(SHANGHAI).date()
    day = max(day, last or day)
    for judged in (case.obligation_id, cases.evaluation(connection, case)):
        if judged is not None:
            cases.judge(connection, judged, "withdrawn", day, answer.actor, answer.comment, known_at)
    cases.record(
        connection,
        case,
        "return",
        day,
        answer.actor,
        answer.comment,
        known_at,
        {"round_id": round_.id},
    )
