"""Rectifications after their notice: what comes in, what people decide, and the proposal of an outcome.

Each step is one transaction under ``run_step``: the same step again changes nothing. What may happen when is
``followup/case_states``; what a case asks for is ``policies/cases``; how it opens is ``case_opening``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from ipgov.calendars.working_days import day as calendar_day
from ipgov.core import objects
from ipgov.core.database import reading
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.core.fingerprint import sha256_hex
from ipgov.core.steps import StepResult
from ipgov.core.tables import obligation_extension, obligation_report
from ipgov.decisions import case_rounds
from ipgov.documents import case_form, register
from ipgov.evaluation import store as results
from ipgov.followup import case_problems, case_states, cases
from ipgov.followup.case_states import CaseEvent
from ipgov.followup.cases import Case
from ipgov.intake import scanner
from ipgov.procedures import case_evidence, case_papers
from ipgov.procedures.attachment_intake import INFECTED, quarantine
from ipgov.procedures.case_evidence import Sent
from ipgov.procedures.case_steps import case_step, check_person


def plan(
    case_id: int,
    by: str,
    note: str,
    files: Sequence[Sent],
    day: dt.date,
    known_at: dt.datetime,
    workbook: Sent | None = None,
) -> StepResult:
    """Take the plan of rectification; it meets the milestone of the plan.

    ``workbook``: the 整改台账 that went out with the notice, filled in. Raises RefusedError with every locked
    cell that was changed and everything that is missing, by sheet and cell; nothing is recorded then.
    """
    told = {} if workbook is None else _measures(case_id, workbook, known_at)
    return report(case_id, "plan", by, note, files, (), day, known_at, told)


def _measures(case_id: int, workbook: Sent, known_at: dt.datetime) -> dict[str, Any]:
    """Return the measures of a returned workbook, and its hash."""
    with reading() as connection:
        case = cases.get(connection, case_id, known_at)
        issued = issued_workbook(connection, case)
    if scanner.scan(workbook.data).verdict == "infected":
        quarantine(workbook.data)
        raise RefusedError(f"{workbook.filename}：{INFECTED}")
    return measures(workbook.data, issued, case)


def issued_workbook(connection: Connection, case: Case) -> bytes:
    """Return the 整改台账 that went out with the notice; RefusedError where none has."""
    told = [e for e in cases.events(connection, case.obligation_id) if e.event == "notify"]
    if not told:
        raise RefusedError(f"案件 {case.obligation_id} 尚未通知，没有下发整改台账")
    return objects.get_content(register.file_sha256(connection, told[0].detail["document_id"], "xlsx"))


def measures(data: bytes, issued: bytes, case: Case) -> dict[str, Any]:
    """Return what a plan's event tells of a returned workbook; RefusedError with everything wrong in it."""
    read = case_form.read_returned(data, issued, case.due_on)
    return {"measures": [m.as_dict() for m in read], "workbook_sha256": objects.put_content(data)}


def planned_before(connection: Connection, case: Case) -> CaseEvent | None:
    """Return the plan by workbook that stands: taken, and not sent back or returned since."""
    standing: CaseEvent | None = None
    for event in cases.events(connection, case.obligation_id):
        if event.event == "plan" and "workbook_sha256" in event.detail:
            standing = event
        elif event.event in ("send_back", "return"):
            standing = None
    return standing


def _only_one_workbook(connection: Connection, case: Case) -> None:
    if (before := planned_before(connection, case)) is not None:
        raise RefusedError(
            f"案件 {case.obligation_id} 的整改台账已于 {before.day} 接收；"
            "要改动整改方案，须先由验收人员退回（ipgov case send-back）"
        )


def progress(
    case_id: int, by: str, note: str, files: Sequence[Sent], day: dt.date, known_at: dt.datetime
) -> StepResult:
    """Take a report on progress; it meets the oldest one that is owed."""
    return report(case_id, "progress", by, note, files, (), day, known_at)


def evidence(
    case_id: int,
    by: str,
    note: str,
    files: Sequence[Sent],
    problems: Iterable[int],
    day: dt.date,
    known_at: dt.datetime,
) -> StepResult:
    """Take files that prove what was done; each is examined and scanned, kept or refused with its reason."""
    if not files:
        raise RefusedError("佐证材料须附文件")
    return report(case_id, "evidence", by, note, files, tuple(problems), day, known_at)


def report(
    case_id: int,
    event: str,
    by: str,
    note: str,
    files: Sequence[Sent],
    numbers: tuple[int, ...],
    day: dt.date,
    known_at: dt.datetime,
    told: Mapping[str, Any] | None = None,
) -> StepResult:
    """Take what the body sent as an ``event`` of the case: its words, and the files that are accepted."""
    if not note.strip() or not by.strip():
        raise RefusedError("须写明报送人和报送内容")
    with reading() as connection:
        rules = cases.get(connection, case_id, known_at).rules
    # the scanner is another program: it runs before any transaction
    examined = [case_evidence.examine(sent, rules.evidence) for sent in files]

    def work(connection: Connection, case: Case) -> StepResult:
        if told:
            _only_one_workbook(connection, case)
        proved = case_problems.check_numbers(case_problems.of_case(connection, case_id), numbers)
        kept = case_evidence.within_count(connection, case, examined)
        good = [e for e in kept if not e.reason]
        output: dict[str, Any] = {
            "case": case_id,
            "kept": [e.sent.filename for e in good],
            "refused": {e.sent.filename: e.reason for e in kept if e.reason},
        }
        event_id = None
        if good or event != "evidence":
            event_id, now = cases.record(
                connection,
                case,
                event,
                day,
                by.strip(),
                note.strip(),
                known_at,
                {"kept": len(good), **(told or {})},
            )
            output["state"] = now.state
        case_evidence.save(connection, case, event_id, kept, proved, known_at)
        if event in ("plan", "progress"):
            meet(connection, case, event, day, by, note, known_at, good[0].digest if good else None)
        return StepResult(read=len(files), written=len(good), found=len(kept) - len(good), output=output)

    inputs = [
        by,
        note,
        list(numbers),
        (told or {}).get("workbook_sha256"),
        [[s.filename, sha256_hex(s.data)] for s in files],
    ]
    return case_step(case_id, f"case_{event}", inputs, day, known_at, work)


def meet(
    connection: Connection,
    case: Case,
    event: str,
    day: dt.date,
    by: str,
    note: str,
    known_at: dt.datetime,
    proof: str | None,
) -> None:
    """Meet what a plan or a report on progress is owed for, where its duty has opened something.

    ``day``: of receipt. A report meets the oldest one that is owed. ``proof``: the hash of a kept file.
    """
    if event == "progress":
        milestone = cases.progress_owed(connection, case) if case.rules.progress.milestone else None
    else:
        due = case.rules.plan.milestone
        milestone = cases.milestone(connection, case, due) if due else None
    if milestone is None:
        return
    row = {"obligation_id": milestone, "received_on": day, "reported_by": by.strip(), "note": note.strip()}
    there = select(obligation_report.c.id).where(*(obligation_report.c[k] == v for k, v in row.items()))
    if connection.execute(there).first() is None:
        connection.execute(obligation_report.insert().values(**row, evidence_sha256=proof, known_at=known_at))


def extend(
    case_id: int, until: dt.date, by: str, reason: str, day: dt.date, known_at: dt.datetime
) -> StepResult:
    """Give more time, by a recorded decision of the role that the rules name.

    Raises RefusedError for another role, a person of the body's own organisations, no reason, a day beyond
    the operator's maximum, and once the period has ended.
    """
    if not reason.strip():
        raise RefusedError("决定延期须写明理由")

    def work(connection: Connection, case: Case) -> StepResult:
        if case.rules.extension is None:
            raise RefusedError(f"{case.rules.name}按规则不延期")
        check_person(connection, case, by, case.rules.extension.role, known_at)
        if not calendar_day(until, day).working:
            raise RefusedError(f"{until} 不是工作日，请定在工作日")
        detail = {"until": until.isoformat()}
        cases.record(connection, case, "extend", day, by, reason.strip(), known_at, detail)
        connection.execute(
            obligation_extension.insert().values(
                obligation_id=case_id, until=until, granted_by=by, reason=reason.strip(), known_at=known_at
            )
        )
        return StepResult(written=1, output={"case": case_id, "until": until.isoformat()})

    return case_step(case_id, "case_extend", [until, by, reason], day, known_at, work)


def judge(
    case_id: int,
    verdict: str,
    by: str,
    unsolved: Iterable[int],
    note: str,
    day: dt.date,
    known_at: dt.datetime,
) -> StepResult:
    """Record a judgement by people: ``accept``, ``reject`` (after the period), or ``send_back`` (within it).

    ``unsolved``: numbers of the problems found not to be put right. Raises RefusedError for another role, a
    person of the body's own organisations, and where the case is not ready for it.
    """
    if verdict not in ("accept", "reject", "send_back"):
        raise UnknownError(f"没有名为“{verdict}”的验收结论；可用：accept、reject、send_back")
    if not note.strip():
        raise RefusedError("验收须写明意见")
    given = sorted(set(unsolved))

    def work(connection: Connection, case: Case) -> StepResult:
        check_person(connection, case, by, case.rules.judge, known_at)
        left = list(case_problems.check_numbers(case_problems.of_case(connection, case_id), given))
        detail = {"unsolved": left}
        _, now = cases.record(connection, case, verdict, day, by, note.strip(), known_at, detail)
        if verdict != "send_back":
            outcome = "met" if verdict == "accept" else "failed"
            cases.judge(connection, case_id, outcome, day, by, note.strip(), known_at)
        return StepResult(written=1, output={"case": case_id, "state": now.state, "unsolved": left})

    return case_step(case_id, f"case_{verdict}", [by, note, given], day, known_at, work)


def reevaluate(
    case_id: int, by: str, unsolved: Iterable[int], note: str, day: dt.date, known_at: dt.datetime
) -> StepResult:
    """Evaluate again after the rectification (2023-156#24, 2024-1155#45); the rules say what has passed."""
    given = sorted(set(unsolved))

    def work(connection: Connection, case: Case) -> StepResult:
        check_person(connection, case, by, case.rules.judge, known_at)
        rule = case.rules.reevaluation
        if rule is None:
            raise RefusedError(f"{case.rules.name}按规则不再评价")
        problems = case_problems.of_case(connection, case_id)
        left = case_problems.check_numbers(problems, given)
        if rule.by == "findings":
            passed, reckoned = case_evidence.passes(rule, problems, left)
        else:
            passed, reckoned = _later_result(connection, case, known_at)
        event = "pass_again" if passed else "fail_again"
        detail = {"unsolved": list(left), "reckoned": reckoned}
        _, now = cases.record(connection, case, event, day, by, note.strip(), known_at, detail)
        if own := cases.evaluation(connection, case):
            cases.judge(connection, own, "met", day, by, reckoned, known_at)
        return StepResult(written=1, output={"case": case_id, "state": now.state, "reckoned": reckoned})

    return case_step(case_id, "case_reevaluate", [by, note, given], day, known_at, work)


def _later_result(connection: Connection, case: Case, known_at: dt.datetime) -> tuple[bool, str]:
    """Return whether the newest issued result of a later period has passed, and which it is."""
    history = results.history(connection, case.programme, "9999", known_at, case.unit)
    later = [y for y in history.get(case.unit, ()) if y.period > int(case.period or case.opened_on.year)]
    if not later or later[-1].passed is None:
        raise RefusedError(f"{case.name}在立案之后的年度尚无已签发的评价结果，不能据以再评价")
    return later[-1].passed, f"以{later[-1]}为再评价结果"


def propose(case_id: int, by: str, reason: str, day: dt.date, known_at: dt.datetime) -> StepResult:
    """Put the outcome that the judgement leads to before the reviewers: a round bound to the whole record."""
    if not reason.strip():
        raise RefusedError("提请审批须写明理由")

    def work(connection: Connection, case: Case) -> StepResult:
        check_person(connection, case, by, case.rules.judge, known_at)
        now = cases.standing(connection, case)
        ending = case_states.ending(case.rules, now)
        paper = case_papers.paper(connection, case, now, ending, by, reason.strip())
        sha256 = objects.put_content(paper)
        bound = cases.record_fingerprint(connection, case, ending.outcome, sha256)
        proposal = case_rounds.Proposal(
            programme=case.programme,
            period=case.round_period,
            obligation_id=case_id,
            outcome=ending.outcome,
            fingerprint=bound,
            paper_sha256=sha256,
            rule_sha256=case.rule_sha256,
            opened_by=by,
            reason=reason.strip(),
        )
        detail = {"outcome": ending.outcome}
        cases.record(connection, case, "propose", day, by, reason.strip(), known_at, detail)
        opened = case_rounds.open_case_round(connection, proposal, known_at)
        return StepResult(
            written=1,
            output={
                "case": case_id,
                "outcome": ending.outcome,
                "name": ending.name,
                "round_id": opened.id,
                "number": opened.number,
                "fingerprint": bound,
            },
        )

    return case_step(case_id, "case_propose", [by, reason], day, known_at, work)
