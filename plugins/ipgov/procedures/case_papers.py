"""The papers of a case: its notices, and what the reviewers read of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from ipgov.calendars import deadlines
from ipgov.core.database import is_simulation
from ipgov.core.fingerprint import fingerprint
from ipgov.documents import case_form, case_sheet
from ipgov.documents.model import SIMULATION_BANNER, printable
from ipgov.documents.templates import cite
from ipgov.followup import cases
from ipgov.followup.case_problems import CaseProblem, of_case
from ipgov.followup.case_states import EVENTS, CaseEvent, Standing
from ipgov.followup.cases import Case
from ipgov.policy import store
from ipgov.policy.cases import Ending, Inquiry
from ipgov.policy.duty_store import duties
from ipgov.policy.rules import Notice
from ipgov.policy.title_words import title_words
from ipgov.procedures.notices import Planned
from ipgov.registry.codes import province_office


def problem_rows(problems: list[CaseProblem]) -> list[dict[str, Any]]:
    """Return the problems as templates show them: whatever others wrote is one printable line."""
    return [
        {
            "number": p.number,
            "kind": p.kind_name,
            "name": printable(p.name),
            "found": printable(p.found),
            "place": printable(p.place) or "—",
            "basis": basis_in_words(p.basis),
        }
        for p in problems
    ]


def basis_in_words(basis: str) -> str:
    """Return clauses as documents name them; ``operator`` is 运行方自定, with why where a rule says it."""
    if basis.startswith("operator:"):
        return f"运行方自定（{printable(basis.removeprefix('operator:').strip())}）"
    return "；".join(cite(part) for part in basis.split("、") if part) or "运行方自定"


def _planned(
    connection: Connection,
    case: Case,
    notice: Notice,
    context: Mapping[str, Any],
    trace: str,
    seal: str | None,
) -> Planned:
    rules = store.frozen(case.rule_sha256).rules
    province, words = province_office(case.province), title_words(case.programme)
    copies = ((case.province, province),) if case.rules.copy_to_province and case.route == "province" else ()
    shared = {
        "rules": rules,
        "issuer": rules.issuer.name,
        "case_name": case.rules.name,
        "name": printable(case.name),
        "title": rules.subject.title,
        "body": words.body,
        "noun": words.noun,
        "opened_on": case.opened_on,
        "due_on": case.due_on,
        "seal_code": seal,
        "trace": trace,
        "banner": SIMULATION_BANNER if is_simulation(connection) else "",
    }
    key = f"case:{case.obligation_id}/{notice.kind}"
    return Planned(
        key, notice, case.unit, case.unit, printable(case.name), {**shared, **context}, copies=copies
    )


def notice(
    connection: Connection, case: Case, problems: list[CaseProblem], plan_due: dt.date | None, trace: str
) -> Planned:
    """Return the notice that opens a case to the body, with its list of problems (2024-1155#44)."""
    rules = case.rules
    context = {
        "opening": rules.opening,
        "period": case.period or "",
        "problems": problem_rows(problems),
        "plan_required": rules.plan.required,
        "plan_due": plan_due or case.due_on,
        "progress_days": cases.progress_days(case),
        "evidence_required": rules.evidence.required,
        "reevaluated": rules.reevaluation is not None,
        "extensible": rules.extension is not None and rules.extension.times > 0,
        "reference": str(case.obligation_id),
    }
    planned = _planned(connection, case, rules.notice, context, trace, None)
    return replace(planned, files={"xlsx": form(connection, case, problems)})


def reply_until(inquiry: Inquiry, told_on: dt.date) -> dt.date:
    """Return the last day on which a body may answer a finding that it is told of on a day."""
    return deadlines.due(told_on, inquiry.reply).date


def finding_notice(
    connection: Connection, case: Case, problems: list[CaseProblem], until: dt.date
) -> Planned:
    """Return the letter that tells a body what was found of it and that it may answer, until when."""
    kept = [e for e in cases.evidence(connection, case.obligation_id) if e["outcome"] == "kept"]
    inquiry = case.rules.inquiry
    context = {
        "opening": case.rules.opening,
        "problems": problem_rows(problems),
        "files": [
            {"number": n, "name": printable(e["filename"]), "digest": e["digest"], "bytes": int(e["bytes"])}
            for n, e in enumerate(kept, 1)
        ],
        "tests": [] if inquiry is None else _tests(inquiry),
        "reply_until": until,
        "ending": case.rules.failed,
        "reference": str(case.obligation_id),
    }
    return _planned(connection, case, case.rules.notice, context, "", None)


def _tests(inquiry: Inquiry) -> list[dict[str, str]]:
    return [{"name": t.name, "criteria": "；".join(c.name for c in t.any_of)} for t in inquiry.tests]


def _established(connection: Connection, case: Case) -> list[str]:
    """Return the criteria that the newest judgement established, in words."""
    judged = [e for e in cases.events(connection, case.obligation_id) if e.event in ("establish", "dismiss")]
    names = {} if case.rules.inquiry is None else case.rules.inquiry.criteria
    return [names[c] for c in judged[-1].detail["criteria"]] if judged else []


def form(connection: Connection, case: Case, problems: list[CaseProblem]) -> bytes:
    """Return the workbook in which the body plans its measures; it goes out with the notice."""
    rows = [tuple(row.values()) for row in problem_rows(problems)]
    asked = {"case": case.obligation_id, "unit": case.unit, "problems": rows}
    return case_form.write(
        case_form.CaseForm(
            title=f"{case.rules.name}台账",
            author=store.frozen(case.rule_sha256).rules.issuer.name,
            banner=SIMULATION_BANNER if is_simulation(connection) else "",
            case=str(case.obligation_id),
            name=printable(case.name),
            due_on=case.due_on,
            problems=rows,
            fingerprint=fingerprint(asked),
        )
    )


def ending_notice(
    connection: Connection,
    case: Case,
    ending: Ending,
    now: Standing,
    trace: str,
    seal_code: str,
    day: dt.date,
) -> Planned:
    """Return the notice of what a case came to, once approved; it is issued on ``day``."""
    problems = of_case(connection, case.obligation_id)
    unsolved = set(now.unsolved or ())
    context = {
        "ending": ending,
        "meaning": ending.meaning,
        "word": _word(case, ending),
        "period": case.period or "",
        "problems": len(problems),
        "found": problem_rows(problems),
        "criteria": _established(connection, case),
        "heard": now.statements > 0,
        "orders": _orders(case, ending, day),
        "unsolved": problem_rows([p for p in problems if p.number in unsolved]),
        "reference": str(case.obligation_id),
    }
    return _planned(connection, case, ending.notice, context, trace, seal_code)


def _orders(case: Case, ending: Ending, day: dt.date) -> list[dict[str, Any]]:
    """Return what an ending asks of the body and by when, as the duties that it opens say."""
    asked = []
    for kind in ending.opens:
        duty = duties().opened_by(case.programme, kind, day).duty
        if duty.owed_by != "office" and duty.due.limit is not None:
            asked.append({"name": duty.name, "due_on": deadlines.due(day, duty.due.limit).date})
    return asked


def _word(case: Case, ending: Ending) -> Mapping[str, str]:
    """Return what the programme's document calls what it confers, and what is done to it."""
    words = title_words(case.programme)  # whatever ends it is called one and the same
    return {"noun": words.noun, "event": words.cancelled if ending.event else ""}


def said(event: CaseEvent) -> str:
    """Return what an event says beside its name, in Chinese."""
    parts = [printable(event.note)] if event.note else []
    detail = event.detail
    if event.event == "extend":
        parts.append(f"延至 {detail['until']}")
    if until := detail.get("reply_until"):
        parts.append(f"陈述申辩至 {until}")
    if event.event in ("accept", "reject", "pass_again", "fail_again") and "unsolved" in detail:
        left = "、".join(map(str, detail["unsolved"]))
        parts.append(f"未解决的问题：{left}" if left else "问题全部解决")
    if reckoned := detail.get("reckoned"):
        parts.append(str(reckoned))
    if measures := detail.get("measures"):
        done = sum(bool(m.get("progress")) for m in measures)
        parts.append(
            f"台账逐项填报 {len(measures)} 项措施" if event.event == "plan" else f"台账填报 {done} 项进展"
        )
    if event.event in ("plan", "progress", "evidence", "find", "statement"):
        parts.append(f"收存文件 {detail['kept']} 个")
    if number := detail.get("document_number"):
        parts.append(str(number))
    return "；".join(parts)


def found_word(case: Case, stands: bool) -> str:
    """Return what the judgement says of a problem: it still stands, or does not (any more)."""
    if case.rules.inquiry is not None:
        return "成立" if stands else "不成立"
    return "未解决" if stands else "已解决"


def paper(connection: Connection, case: Case, now: Standing, ending: Ending, by: str, reason: str) -> bytes:
    """Return the workbook that a round about the case puts before the reviewers."""
    rules, rules_ = store.frozen(case.rule_sha256).rules, case.rules
    problems = of_case(connection, case.obligation_id)
    unsolved = set(now.unsolved or ())
    title = f"{case.rules.name}案件审批表（{printable(case.name)}）"
    facts = [
        ("案件编号", str(case.obligation_id)),
        ("当事单位" if rules_.inquiry else "整改单位", f"{printable(case.name)}（{case.unit}）"),
        ("案件类别", case.rules.name),
        ("立案日期", case.opened_on.isoformat()),
        ("办理期限" if rules_.inquiry else "整改期限", case.due_on.isoformat()),
        ("当前状态", now.state.label),
        ("拟办结果", ending.name),
        ("拟办结果的含义", ending.meaning),
        ("拟办依据", basis_in_words(ending.basis)),
        (f"对{_word(case, ending)['noun']}的影响", _word(case, ending)["event"] or "不改变"),
        ("提请人", by),
        ("提请理由", printable(reason)),
    ]
    return case_sheet.write(
        case_sheet.CasePaper(
            title=title,
            author=rules.issuer.name,
            banner=SIMULATION_BANNER if is_simulation(connection) else "",
            trace=f"案件规则 {case.case_rules_sha256[:12]}，业务规则 {case.rule_sha256[:12]}",
            facts=facts,
            problems=[
                (
                    p["number"],
                    p["kind"],
                    p["name"],
                    p["found"],
                    p["place"],
                    p["basis"],
                    found_word(case, p["number"] in unsolved),
                )
                for p in problem_rows(problems)
            ],
            events=[
                (e.day.isoformat(), EVENTS[e.event], e.actor, said(e))
                for e in cases.events(connection, case.obligation_id)
            ],
            files=[
                (
                    printable(f["filename"]),
                    f["bytes"],
                    "、".join(map(str, f["problems"])) or "全部",
                    "收存" if f["outcome"] == "kept" else "未收存",
                    printable(f["reason"] or ""),
                    f["digest"],
                )
                for f in cases.evidence(connection, case.obligation_id)
            ],
        )
    )
