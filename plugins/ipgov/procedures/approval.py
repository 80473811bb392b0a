"""Approval and issue of a round: 审核 → 签发 → results, notices, title events → seal."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

from sqlalchemy import Connection, select

from ipgov.core import objects, seals
from ipgov.core.database import lock, reading, transaction
from ipgov.core.errors import Problem, RefusedError
from ipgov.core.fingerprint import short_code
from ipgov.core.steps import Cycle, StepResult
from ipgov.core.tables import issue as issue_table
from ipgov.core.tables import round_templates
from ipgov.decisions import approvals, marks, rounds
from ipgov.decisions.officers import officer
from ipgov.documents import dispatch, templates
from ipgov.documents import rating_list as rating
from ipgov.documents.numbering import NumberAwaitedError
from ipgov.policy import store
from ipgov.policy.rules import Approval
from ipgov.procedures import notices
from ipgov.procedures.round_matters import matter


@dataclass(frozen=True)
class Answered:
    """What became of an answer: why it was refused (else empty), and where the round stands now."""

    refused: str
    status: str
    step_complete: bool


@dataclass(frozen=True)
class Presented:
    """A round as it is put before a person: the fingerprint that an answer is bound to, and a summary."""

    round_id: int
    fingerprint: str
    subject: str
    body: str


def _rules(round_: rounds.Round) -> store.Loaded:
    return store.frozen(round_.rule_sha256)


def _approval(round_: rounds.Round) -> Approval:
    loaded: Approval = _rules(round_).rules.approval
    return loaded


def present(round_id: int) -> Presented:
    """Return what the reviewers are asked to decide (Markdown, Chinese); UnknownError for no such round."""
    with reading() as connection:
        round_ = rounds.get_round(connection, round_id)
        about = matter(connection, round_)
        subject, body = about.present(connection, round_, _rules(round_).rules)
    return Presented(round_id, round_.fingerprint, subject, body)


def unfinished() -> list[int]:
    """Return the rounds that are neither issued nor ended by people: each is to be presented to somebody."""
    with reading() as connection:
        return rounds.unfinished(connection)


def step_status(round_id: int, step: str) -> Answered:
    """Return where a step of the round's chain stands."""
    with reading() as connection:
        return _status(connection, round_id, step, "")


def resume(round_id: int, step: str, known_at: dt.datetime) -> Answered:
    """Return where a step stands, as an attempt that was killed left it: an approved round is sealed now."""
    answered = step_status(round_id, step)
    if answered.status == "approved":
        _seal_code(round_id, known_at)
    return answered


def _status(connection: Connection, round_id: int, step: str, refused: str) -> Answered:
    round_ = rounds.get_round(connection, round_id)
    state = rounds.state(connection, round_id, _approval(round_))
    complete = {s.step: s.complete for s in state.steps}
    if step not in complete:
        raise RefusedError(f"审批链没有“{step}”这一步；现有：{'、'.join(complete)}")
    return Answered(refused, state.status, complete[step])


def answer(
    round_id: int,
    step: str,
    chosen: str,
    actor: str,
    comment: str,
    fingerprint: str,
    entry: str,
    answered_at: dt.datetime,
    known_at: dt.datetime,
    file_sha256: str | None = None,
) -> Answered:
    """Record one person's answer to one step; whatever the entry, it is one record.

    A refused answer (wrong role, same person twice, other fingerprint, …) is recorded as such and returned.
    """
    with transaction() as connection:
        round_ = rounds.get_round(connection, round_id)
        recorded = approvals.record(
            connection,
            round_id,
            step,
            chosen,
            actor,
            comment,
            fingerprint,
            entry,
            answered_at,
            known_at,
            _approval(round_),
            file_sha256=file_sha256,
        )
        answered = _status(connection, round_id, step, recorded.refused or "")
        if answered.status in ("returned", "rejected") and not (recorded.refused or recorded.repeated):
            given = approvals.decisions(connection, round_id)[-1]
            matter(connection, round_).returned(connection, round_, given, known_at)
    if answered.status == "approved":
        _seal_code(round_id, known_at)
    return answered


def answer_by_workbook(
    round_id: int, data: bytes, actor: str, answered_at: dt.datetime, known_at: dt.datetime
) -> Answered:
    """Take a returned rating list: its marks, and the answer on its 签批 sheet to the round's next step.

    Raises RefusedError with every changed locked cell named; nothing is recorded then.
    """
    with reading() as connection:
        round_ = rounds.get_round(connection, round_id)
        state = rounds.state(connection, round_id, _approval(round_))
        about = matter(connection, round_)
    if not about.rating_list:
        raise RefusedError(f"{round_.label}送审的是{about.name}，不以评级表答复；请在“待办操作”中答复")
    returned = rating.read_returned(data, objects.get_content(round_.rating_list_sha256))
    if returned.problems:
        raise RefusedError("评级表被拒收：" + "；".join(str(p) for p in returned.problems), returned.problems)
    if state.status != "open" or state.next_step is None:
        raise RefusedError(
            f"{round_.period} 年度第 {round_.number} 轮已结束（{state.status}），不再接受评级表"
        )
    file_sha256 = objects.put_content(data)
    with transaction() as connection:
        lock(connection, "round", round_id)
        marks.record_marks(connection, round_id, actor, returned.marks, "workbook", known_at, file_sha256)
    if returned.answer is None:
        return step_status(round_id, state.next_step)
    return answer(
        round_id,
        state.next_step,
        returned.answer,
        actor,
        returned.comment,
        # the file names its results; unchanged, it is this round's list, and so answers exactly this round
        round_.fingerprint,
        "workbook",
        answered_at,
        known_at,
        file_sha256,
    )


def recall(round_id: int, by: str, reason: str, known_at: dt.datetime) -> StepResult:
    """Take a round back that is not issued, approved or not: it ends, and what it was about may go on anew.

    For an approved round that its issue refuses (a day that has passed, a title lost meanwhile) this is the
    only end. Raises RefusedError without a reason, for a person of no step of the round's chain, and for a
    round that has ended.
    """
    if not reason.strip():
        raise RefusedError("撤回送审须写明事由")
    with transaction() as connection:
        lock(connection, "issue", round_id)
        round_ = rounds.get_round(connection, round_id)
        _check_in_chain(connection, round_, by, known_at)
        written = rounds.recall(connection, round_id, by, reason.strip(), known_at)
        if written:
            step = _approval(round_).steps[-1].step
            told = approvals.Answer(
                step, "return", by, f"撤回送审：{reason.strip()}", round_.fingerprint, "cli", known_at
            )
            matter(connection, round_).returned(connection, round_, told, known_at)
    return StepResult(written=int(written), repeated=not written, output={"round_id": round_id})


def _check_in_chain(connection: Connection, round_: rounds.Round, login: str, known_at: dt.datetime) -> None:
    person, steps = officer(connection, login, known_at), _approval(round_).steps
    if not person.active or not set(person.roles) & {s.role for s in steps}:
        names = "、".join(s.name for s in steps)
        raise RefusedError(f"“{login}”不能撤回{round_.label}的送审；应为在岗的、办理{names}的人员")


def issue(round_id: int, as_of: dt.date, known_at: dt.datetime) -> StepResult:
    """Let an approved round take effect: documents with numbers, title events, dispatch; once.

    Believes only the decision records: a task marked successful by hand publishes nothing.
    Raises RefusedError where the chain is not complete on the round's own fingerprint.
    """
    with reading() as connection:
        round_ = rounds.get_round(connection, round_id)
        rules = _rules(round_)
        if not approvals.approved(connection, round_id, rules.rules.approval):
            state = rounds.state(connection, round_id, rules.rules.approval)
            raise RefusedError(
                f"{round_.programme} {round_.period} 年度第 {round_.number} 轮未经完整审批"
                f"（状态：{state.status}，待办：{state.next_step or '无'}），不予签发"
            )
    cycle = Cycle(round_.programme, round_.period, as_of, known_at)
    code = _seal_code(round_id, known_at)
    with reading() as connection:
        done = connection.execute(select(issue_table.c.id).where(issue_table.c.round_id == round_id)).scalar()
        about = matter(connection, round_)
        planned = _planned(connection, cycle, round_, code)
    if done is not None:
        seals.ensure("issue", _seal_subject(round_id), known_at)  # may have been killed before this
        return StepResult(
            read=len(planned), skipped=len(planned), repeated=True, output={"round_id": round_id}
        )
    numbered = notices.reserve(planned, as_of, known_at)
    with transaction() as connection:
        lock(connection, "issue", round_id)
        if connection.execute(select(issue_table.c.id).where(issue_table.c.round_id == round_id)).scalar():
            # another attempt was quicker, and seals what it issued
            return StepResult(read=len(planned), skipped=len(planned), repeated=True)
        if rounds.ended(connection, round_id) is not None:
            raise RefusedError(f"{round_.label}已撤回送审，不予签发")
        filed = [notices.file(connection, cycle, round_id, n) for n in numbered]
        # before it takes effect: a title event that needs an approval looks for this very row
        connection.execute(
            issue_table.insert().values(round_id=round_id, fingerprint=round_.fingerprint, known_at=known_at)
        )
        events = about.take_effect(connection, cycle, rules, round_, filed)
    seals.ensure("issue", _seal_subject(round_id), known_at)
    return StepResult(
        read=len(planned),
        written=len(filed),
        output={"round_id": round_id, "documents": [f.number for f in filed], "title_events": events},
    )


def _planned(connection: Connection, cycle: Cycle, round_: rounds.Round, code: str) -> list[notices.Planned]:
    """Return the documents of an approved round, to be made with the templates that stood at its approval."""
    version = connection.execute(
        select(round_templates.c.templates_sha256).where(round_templates.c.round_id == round_.id)
    ).scalar_one()
    planned = matter(connection, round_).plan(connection, cycle, _rules(round_), round_, code)
    return [replace(p, templates=version) for p in planned]


def numbers_awaited(round_id: int, as_of: dt.date, known_at: dt.datetime) -> tuple[Problem, ...]:
    """Return which documents of an approved round wait for a number that a person enters, and ask for it.

    A round that is issued, or was never approved, waits for none: its issue says what there is to say.
    """
    with reading() as connection:
        round_ = rounds.get_round(connection, round_id)
        done = connection.execute(select(issue_table.c.id).where(issue_table.c.round_id == round_id)).first()
        if done or not approvals.approved(connection, round_id, _approval(round_)):
            return ()
    code = _seal_code(round_id, known_at)
    with reading() as connection:
        cycle = Cycle(round_.programme, round_.period, as_of, known_at)
        planned = _planned(connection, cycle, round_, code)
    try:
        notices.ask(planned, as_of, known_at)
    except NumberAwaitedError as error:
        return error.problems
    return ()


def period_of(round_id: int) -> tuple[str, str]:
    """Return programme and period of a round; UnknownError for no such round."""
    with reading() as connection:
        round_ = rounds.get_round(connection, round_id)
    return round_.programme, round_.period


def send(known_at: dt.datetime) -> StepResult:
    """Send what lies in the outbox; a row is never sent twice."""
    sent = dispatch.send_pending(known_at)
    return StepResult(read=sent, written=sent)


def _seal_subject(round_id: int) -> str:
    return f"round:{round_id}"


def _seal_code(round_id: int, known_at: dt.datetime) -> str:
    """Return the short code of the seal over the approval; made where there is none yet.

    The templates are fixed before it: what was approved is made in the wording that stood then, whether the
    issue is interrupted, waits for numbers or meets an upgrade.
    """
    with transaction() as connection:
        lock(connection, "round_templates", round_id)
        fixed = round_templates.c.round_id == round_id
        if connection.execute(select(round_templates.c.id).where(fixed)).first() is None:
            connection.execute(
                round_templates.insert().values(
                    round_id=round_id, templates_sha256=templates.archive(), known_at=known_at
                )
            )
    return short_code(seals.ensure("approval", _seal_subject(round_id), known_at))
