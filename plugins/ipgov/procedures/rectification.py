"""Rectifications from notice to outcome: opened by an obligation, judged by people, ended by an approval.

Each step is one transaction under ``run_step``: the same step again changes nothing. What may happen when is
``followup/case_states``; what a case asks for is ``policies/cases``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from ipgov.core import objects
from ipgov.core.database import reading
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.core.fingerprint import fingerprint, sha256_hex
from ipgov.core.steps import Cycle, StepResult, run_step
from ipgov.core.tables import (
    cycle,
    obligation_extension,
    obligation_report,
    rectification_case,
    result_set,
    rule_version,
    snapshot_unit,
)
from ipgov.decisions import case_rounds, rounds
from ipgov.decisions.officers import officer, role_label
from ipgov.decisions.recusal import registered_conflicts
from ipgov.evaluation import store as results
from ipgov.followup import case_problems, case_states, cases
from ipgov.followup.case_problems import CaseProblem
from ipgov.followup.case_states import State
from ipgov.followup.cases import Case
from ipgov.policy import store
from ipgov.policy.cases import CaseRules
from ipgov.procedures import case_evidence, case_papers, explanations, notices
from ipgov.procedures.case_evidence import Sent
from ipgov.procedures.rating_lists import STATES
from ipgov.quality import findings as quality_findings

_SENT = ("accepted", "accepted_late", "exempt")


def open_cases(day: dt.date, known_at: dt.datetime) -> StepResult:
    """Give every case whose obligation is open its record and problems, and send the notices that may go.

    A case whose problems people enter waits for ``notify``. Run again, for a day or later, it does only what
    is left to do.
    """
    with reading() as connection:
        waiting = cases.unopened(connection, day, known_at)
    for row, rules in waiting:
        _open(row, rules, day, known_at)
    with reading() as connection:
        every = cases.every(connection, known_at)
        unsent = [
            c
            for c in every
            if cases.standing(connection, c).state is State.OPENED and not c.rules.problems.entered
        ]
    numbers = [notify(c.obligation_id, day, known_at).output["document_number"] for c in unsent]
    return StepResult(
        read=len(waiting) + len(unsent),
        written=len(waiting) + len(unsent),
        output={"opened": [row["key"] for row, _ in waiting], "documents": numbers},
    )


def _open(row: RowMapping, rules: CaseRules, day: dt.date, known_at: dt.datetime) -> StepResult:
    moment = Cycle(row["programme"], row["period"] or str(row["opened_on"].year), day, known_at)

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
        return StepResult(written=1, found=len(found), output={"case": row["id"]})

    return run_step(moment, "open_case", fingerprint([row["key"], rules.code]), work)


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
        _person(connection, case, by, case.rules.judge, known_at)
        now = cases.standing(connection, case)
        if now.state is not State.OPENED:
            raise RefusedError(f"案件 {case_id}“{now.state.label}”，问题清单已发出，不再增加")
        number = len(case_problems.of_case(connection, case_id)) + 1
        entered = CaseProblem(number, "entered", "", name.strip(), found.strip(), basis, entered_by=by)
        case_problems.save(connection, case_id, [entered], known_at)
        return StepResult(written=1, output={"case": case_id, "number": number})

    return _step(case_id, "case_problem", [name.strip(), found.strip(), basis, by], day, known_at, work)


def notify(case_id: int, day: dt.date, known_at: dt.datetime) -> StepResult:
    """Send the notice with the list of problems. Raises RefusedError where there are none to tell."""
    with reading() as connection:
        case = cases.get(connection, case_id, known_at)
        problems = case_problems.of_case(connection, case_id)
        now = cases.standing(connection, case)
        if now.state is State.OPENED and not problems:
            raise RefusedError(f"案件 {case_id} 没有问题清单，不能发出整改通知；应先登记问题")
        plan = case.rules.plan.milestone and cases.milestone(connection, case, case.rules.plan.milestone)
        plan_due = cases.due_on(connection, plan, known_at) if plan else None
        trace = rounds.get_round(connection, case.round_id).fingerprint if case.round_id else ""
        planned = case_papers.notice(connection, case, problems, plan_due, trace)
    if now.state is State.OPENED:
        planned = notices.reserve(planned, day.year, known_at)

    def work(connection: Connection, case: Case) -> StepResult:
        filed = notices.file(connection, _moment(case, day, known_at), None, planned)
        detail = {"document_id": filed.document_id, "document_number": filed.number}
        cases.record(connection, case, "notify", day, case.rules.notice.kind, "", known_at, detail)
        return StepResult(written=1, output={"case": case_id, **detail})

    return _step(case_id, "case_notify", [], day, known_at, work)


def plan(
    case_id: int, by: str, note: str, files: Sequence[Sent], day: dt.date, known_at: dt.datetime
) -> StepResult:
    """Take the plan of rectification; it meets the milestone of the plan."""
    return _report(case_id, "plan", by, note, files, (), day, known_at)


def progress(
    case_id: int, by: str, note: str, files: Sequence[Sent], day: dt.date, known_at: dt.datetime
) -> StepResult:
    """Take a report on progress."""
    return _report(case_id, "progress", by, note, files, (), day, known_at)


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
    return _report(case_id, "evidence", by, note, files, tuple(problems), day, known_at)


def _report(
    case_id: int,
    event: str,
    by: str,
    note: str,
    files: Sequence[Sent],
    numbers: tuple[int, ...],
    day: dt.date,
    known_at: dt.datetime,
) -> StepResult:
    """Take what the body sent: its words, and the files that are accepted."""
    if not note.strip() or not by.strip():
        raise RefusedError("须写明报送人和报送内容")
    with reading() as connection:
        rules = cases.get(connection, case_id, known_at).rules
    # the scanner is another program: it runs before any transaction
    examined = [case_evidence.examine(sent, rules.evidence) for sent in files]

    def work(connection: Connection, case: Case) -> StepResult:
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
                connection, case, event, day, by.strip(), note.strip(), known_at, {"kept": len(good)}
            )
            output["state"] = now.state
        case_evidence.save(connection, case, event_id, kept, proved, known_at)
        if event == "plan" and case.rules.plan.milestone:
            _meet(connection, case, case.rules.plan.milestone, day, by, note, good, known_at)
        return StepResult(read=len(files), written=len(good), found=len(kept) - len(good), output=output)

    inputs = [by, note, list(numbers), [[s.filename, sha256_hex(s.data)] for s in files]]
    return _step(case_id, f"case_{event}", inputs, day, known_at, work)


def _meet(
    connection: Connection,
    case: Case,
    duty: str,
    day: dt.date,
    by: str,
    note: str,
    files: Sequence[case_evidence.Examined],
    known_at: dt.datetime,
) -> None:
    """Record the report of a milestone, where its duty has opened one."""
    milestone = cases.milestone(connection, case, duty)
    if milestone is None:
        return
    row = {"obligation_id": milestone, "received_on": day, "reported_by": by.strip(), "note": note.strip()}
    there = select(obligation_report.c.id).where(*(obligation_report.c[k] == v for k, v in row.items()))
    if connection.execute(there).first() is None:
        proof = files[0].digest if files else None
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
        _person(connection, case, by, case.rules.extension.role, known_at)
        detail = {"until": until.isoformat()}
        cases.record(connection, case, "extend", day, by, reason.strip(), known_at, detail)
        connection.execute(
            obligation_extension.insert().values(
                obligation_id=case_id, until=until, granted_by=by, reason=reason.strip(), known_at=known_at
            )
        )
        return StepResult(written=1, output={"case": case_id, "until": until.isoformat()})

    return _step(case_id, "case_extend", [until, by, reason], day, known_at, work)


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
        _person(connection, case, by, case.rules.judge, known_at)
        left = list(case_problems.check_numbers(case_problems.of_case(connection, case_id), given))
        detail = {"unsolved": left}
        _, now = cases.record(connection, case, verdict, day, by, note.strip(), known_at, detail)
        if verdict != "send_back":
            outcome = "met" if verdict == "accept" else "failed"
            cases.judge(connection, case_id, outcome, day, by, note.strip(), known_at)
        return StepResult(written=1, output={"case": case_id, "state": now.state, "unsolved": left})

    return _step(case_id, f"case_{verdict}", [by, note, given], day, known_at, work)


def reevaluate(
    case_id: int, by: str, unsolved: Iterable[int], note: str, day: dt.date, known_at: dt.datetime
) -> StepResult:
    """Evaluate again after the rectification (2023-156#24, 2024-1155#45); the rules say what has passed."""
    given = sorted(set(unsolved))

    def work(connection: Connection, case: Case) -> StepResult:
        _person(connection, case, by, case.rules.judge, known_at)
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
        if rule.duty and (own := cases.milestone(connection, case, rule.duty)):
            cases.judge(connection, own, "met", day, by, reckoned, known_at)
        return StepResult(written=1, output={"case": case_id, "state": now.state, "reckoned": reckoned})

    return _step(case_id, "case_reevaluate", [by, note, given], day, known_at, work)


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
        _person(connection, case, by, case.rules.judge, known_at)
        now = cases.standing(connection, case)
        ending = case_states.ending(case.rules, now)
        paper = case_papers.paper(connection, case, now, ending, by, reason.strip())
        sha256 = objects.put_content(paper)
        bound = cases.record_fingerprint(connection, case, ending.outcome, sha256)
        proposal = case_rounds.Proposal(
            case.programme,
            case.round_period,
            case_id,
            ending.outcome,
            bound,
            sha256,
            case.rule_sha256,
            by,
            reason.strip(),
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

    return _step(case_id, "case_propose", [by, reason], day, known_at, work)


def _person(connection: Connection, case: Case, login: str, role: str, known_at: dt.datetime) -> None:
    """Refuse whoever has not the role or belongs to the body's own organisations."""
    person = officer(connection, login, known_at)
    if not person.active or role not in person.roles:
        raise RefusedError(f"“{login}”不能办理；应为在岗的{role_label(role)}人员")
    own = registered_conflicts(connection, case.programme, [case.unit], person, known_at)
    if own:
        bodies = "、".join(map(str, own))
        raise RefusedError(f"{person.name}的所属单位（{person.organisation_code}）是{bodies}，应当回避")


def _moment(case: Case, day: dt.date, known_at: dt.datetime) -> Cycle:
    return Cycle(case.programme, case.round_period, day, known_at)


def _step(
    case_id: int,
    step: str,
    inputs: Sequence[Any],
    day: dt.date,
    known_at: dt.datetime,
    work: Callable[[Connection, Case], StepResult],
) -> StepResult:
    """Do one step of a case in its own transaction.

    A step is the same again while nothing has been returned in between: after a return the same judgement may
    be made anew.
    """
    with reading() as connection:
        case = cases.get(connection, case_id, known_at)
        returned = sum(e.event == "return" for e in cases.events(connection, case_id))

    def done(connection: Connection) -> StepResult:
        return work(connection, cases.get(connection, case_id, known_at))

    key = fingerprint([case_id, returned, day if step != "case_notify" else None, *inputs])
    return run_step(_moment(case, day, known_at), step, key, done)
