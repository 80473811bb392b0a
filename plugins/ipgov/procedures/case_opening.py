"""Cases as they open: record, problems, notice with the list of them; withdrawn where nothing is owed."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Connection, RowMapping, select

from ipgov.core import objects
from ipgov.core.database import reading, transaction
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.core.fingerprint import fingerprint
from ipgov.core.steps import Cycle, StepResult, run_step
from ipgov.core.tables import (
    cycle,
    rectification_case,
    result_set,
    rule_version,
    snapshot_unit,
)
from ipgov.decisions import rounds
from ipgov.decisions.policy_changes import require_files_approved
from ipgov.documents.numbering import NumberAwaitedError
from ipgov.followup import case_problems, cases
from ipgov.followup.case_problems import CaseProblem
from ipgov.followup.case_states import State
from ipgov.followup.cases import Case
from ipgov.policy import store
from ipgov.policy.cases import CaseRules
from ipgov.procedures import case_papers, explanations, findings, notices
from ipgov.procedures.case_steps import case_step, check_person, moment
from ipgov.procedures.rating_lists import STATES
from ipgov.quality import findings as quality_findings

_SENT = ("accepted", "accepted_late", "exempt")


def open_cases(day: dt.date, known_at: dt.datetime) -> StepResult:
    """Give every case whose obligation is open its record and problems, and send the notices that may go.

    A case whose problems people enter, or that has none of the evaluation's, waits for ``notify``. One whose
    obligation was withdrawn (a correction took the result back) is withdrawn with it. Run again, for a day or
    later, it does only what is left to do.
    """
    with reading() as connection:
        require_files_approved(connection, "cases", known_at)
        waiting = cases.unopened(connection, day, known_at)
    for row, rules in waiting:
        _open(row, rules, day, known_at)
    withdrawn = _withdraw(day, known_at)
    with reading() as connection:
        pending = [cases.get(connection, i, known_at) for i in cases.unnotified(connection, known_at)]
        unsent = [
            c
            for c in pending
            if not c.rules.problems.entered and case_problems.of_case(connection, c.obligation_id)
        ]
    numbers, awaited = [], []
    for case in unsent:
        try:
            numbers.append(notify(case.obligation_id, day, known_at).output["document_number"])
        except NumberAwaitedError:
            awaited.append(case.obligation_id)  # tomorrow again
    return StepResult(
        read=len(waiting) + len(unsent),
        written=len(waiting) + len(numbers),
        output={
            "opened": [row["key"] for row, _ in waiting],
            "documents": numbers,
            "waiting": [c.obligation_id for c in pending if c not in unsent] + awaited,
            "withdrawn": withdrawn,
        },
    )


def _withdraw(day: dt.date, known_at: dt.datetime) -> list[int]:
    """Withdraw the cases whose obligation is owed no more, unless they are before the reviewers or ended."""
    done = []
    with transaction() as connection:
        for case_id in cases.withdrawn(connection, known_at):
            case = cases.get(connection, case_id, known_at)
            now = cases.standing(connection, case)
            if not now.ended and now.state is not State.PROPOSED:
                on = max(day, now.last_day or day)
                cases.record(connection, case, "withdraw", on, "", "事项已撤销", known_at)
                done.append(case_id)
    return done


def _open(row: RowMapping, rules: CaseRules, day: dt.date, known_at: dt.datetime) -> StepResult:
    own = Cycle(row["programme"], row["period"] or str(row["opened_on"].year), day, known_at)

    def work(connection: Connection) -> StepResult:
        round_ = None
        if row["period"] is not None:
            round_ = rounds.issued_round(connection, row["programme"], row["period"], known_at)
        found = [] if round_ is None else _problems(connection, rules, round_, row["unit"])
        connection.execute(
            rectification_case.insert().values(
                obligation_id=row["id"],
                case_rules_sha256=objects.put_content(rules.frozen()),
                rule_sha256=_programme_rules(connection, row, round_),
                round_id=None if round_ is None else round_.id,
                known_at=known_at,
            )
        )
        case_problems.save(connection, row["id"], found, known_at)
        number = len(found) if rules.inquiry is None else findings.begin(connection, row, known_at)
        return StepResult(written=1, found=number, output={"case": row["id"]})

    return run_step(own, "open_case", fingerprint([row["key"], rules.code]), work)


def _programme_rules(connection: Connection, row: RowMapping, round_: rounds.Round | None) -> str:
    """Return the hash of the programme's rules that name issuer and chain of approval: frozen ones."""
    if round_ is not None:
        return round_.rule_sha256
    if row["period"] is not None:
        frozen = connection.execute(
            select(rule_version.c.sha256)
            .join(cycle, cycle.c.rule_version_id == rule_version.c.id)
            .where(cycle.c.programme == row["programme"], cycle.c.period == row["period"])
        ).scalar()
        if frozen is not None:
            return str(frozen)
    return objects.put_content(store.in_force(row["programme"], row["opened_on"]).data)


def _problems(connection: Connection, rules: CaseRules, round_: rounds.Round, unit: str) -> list[CaseProblem]:
    """Return what the issued evaluation found of the body, each with its cells."""
    programme = store.frozen(round_.rule_sha256).rules
    snapshot_id = connection.execute(
        select(result_set.c.snapshot_id).where(result_set.c.id == round_.results)
    ).scalar_one()
    sent = (
        connection.execute(
            select(snapshot_unit).where(
                snapshot_unit.c.snapshot_id == snapshot_id, snapshot_unit.c.unit == unit
            )
        )
        .mappings()
        .one()
    )
    return case_problems.from_evaluation(
        rules.problems,
        programme.scoring,
        explanations.of_result_set(connection, round_.results, programme, unit),
        [f for f in quality_findings.findings(connection, snapshot_id) if f.unit == unit],
        sent["submission_id"],
        "" if sent["state"] in _SENT else STATES[sent["state"]],
    )


def add_problem(
    case_id: int, name: str, found: str, by: str, day: dt.date, known_at: dt.datetime, basis: str = "operator"
) -> StepResult:
    """Enter a problem that no evaluation found, before the notice goes out; by who may judge the case."""
    if not name.strip() or not found.strip():
        raise RefusedError("登记问题须写明项目和情况")
    unknown = [part for part in basis.split("、") if part != "operator" and part not in store.clauses()]
    if unknown:
        raise UnknownError(
            f"依据“{'、'.join(unknown)}”不是已知条款；应为条款编号（如 2023-156#23）或 operator"
        )

    def work(connection: Connection, case: Case) -> StepResult:
        check_person(connection, case, by, case.rules.judge, known_at)
        now = cases.standing(connection, case)
        if now.state is not State.OPENED:
            raise RefusedError(f"案件 {case_id}“{now.state.label}”，问题清单已发出，不再增加")
        number = len(case_problems.of_case(connection, case_id)) + 1
        entered = CaseProblem(number, "entered", "", name.strip(), found.strip(), basis, entered_by=by)
        case_problems.save(connection, case_id, [entered], known_at)
        return StepResult(written=1, output={"case": case_id, "number": number})

    return case_step(case_id, "case_problem", [name.strip(), found.strip(), basis, by], day, known_at, work)


def notify(case_id: int, day: dt.date, known_at: dt.datetime) -> StepResult:
    """Send the notice with the list of problems; of an inquiry, what was found and until when to answer.

    Raises RefusedError where there are none to tell.
    """
    with reading() as connection:
        case = cases.get(connection, case_id, known_at)
        problems = case_problems.of_case(connection, case_id)
        now = cases.standing(connection, case)
        if now.state is State.OPENED and not problems:
            raise RefusedError(f"案件 {case_id} 没有问题清单，不能发出整改通知；应先登记问题")
        planned = _told(connection, case, problems, day, known_at)
    if now.state is State.OPENED:
        (planned,) = notices.reserve([planned], day, known_at)

    def work(connection: Connection, case: Case) -> StepResult:
        filed = notices.file(connection, moment(case, day, known_at), None, planned)
        detail = {"document_id": filed.document_id, "document_number": filed.number}
        event = "notify"
        if case.rules.inquiry is not None:
            event = "inform"
            until = case_papers.reply_until(case.rules.inquiry, day)
            detail["reply_until"] = until.isoformat()
        cases.record(connection, case, event, day, case.rules.notice.kind, "", known_at, detail)
        return StepResult(written=1, output={"case": case_id, **detail})

    return case_step(case_id, "case_notify", [], day, known_at, work)


def _told(
    connection: Connection, case: Case, problems: list[CaseProblem], day: dt.date, known_at: dt.datetime
) -> notices.Planned:
    """Return the letter that opens a case to its body."""
    if case.rules.inquiry is not None:
        until = case_papers.reply_until(case.rules.inquiry, day)
        return case_papers.finding_notice(connection, case, problems, until)
    plan = case.rules.plan.milestone and cases.milestone(connection, case, case.rules.plan.milestone)
    plan_due = cases.due_on(connection, plan, known_at) if plan else None
    trace = rounds.get_round(connection, case.round_id).fingerprint if case.round_id else ""
    return case_papers.notice(connection, case, problems, plan_due, trace)
