"""Approval and issue of a round: 审核 → 签发 → results, notices, title events → seal."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import Connection, select

from ipgov.core import objects, seals
from ipgov.core.database import lock, reading, transaction
from ipgov.core.errors import RefusedError
from ipgov.core.fingerprint import short_code
from ipgov.core.steps import Cycle, StepResult
from ipgov.core.tables import issue as issue_table
from ipgov.core.tables import proposed_outcome, result
from ipgov.decisions import approvals, corrections, marks, rounds
from ipgov.documents import dispatch
from ipgov.documents import rating_list as rating
from ipgov.policy import store
from ipgov.policy.rules import Approval, RuleVersion
from ipgov.procedures import correction_notices, notices
from ipgov.procedures.rating_lists import unit_results
from ipgov.registry.titles import record_title_event


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
        rules = _rules(round_).rules
        correction = corrections.of_round(connection, round_id)
        if correction is not None:
            return _present_correction(connection, round_, rules, correction)
        found = (
            connection.execute(
                select(result)
                .where(result.c.result_set_id == round_.result_set_id)
                .order_by(result.c.rank, result.c.unit)
            )
            .mappings()
            .all()
        )
        proposed = (
            connection.execute(
                select(proposed_outcome).where(proposed_outcome.c.result_set_id == round_.result_set_id)
            )
            .mappings()
            .all()
        )
    lines = [
        f"**{rules.title}** {round_.period} 年度 第 {round_.number} 轮",
        "",
        f"评级表指纹 `{short_code(round_.fingerprint)}`；评级表见“治理”页面，可下载、填写后上传。",
        "",
        "| 名次 | 平台 | 类别 | 总分 | 等级 |",
        "|---|---|---|---|---|",
        *(
            f"| {r['rank'] or '—'} | {r['unit']} | {rules.kinds[r['group']].name} "
            f"| {'—' if r['total'] is None else format(r['total'], 'f')} | {r['grade'] or '未评价'} |"
            for r in found
        ),
        "",
        *(f"- 拟办：{p['unit']} {p['explanation']}" for p in proposed),
    ]
    return Presented(
        round_id, round_.fingerprint, f"{rules.title} {round_.period} 年度评级表", "\n".join(lines)
    )


def _present_correction(
    connection: Connection, round_: rounds.Round, rules: RuleVersion, correction: corrections.Correction
) -> Presented:
    """Return what a correction changes; of the other bodies nothing is decided."""
    corrected = rounds.get_round(connection, correction.corrects_round_id)
    was = {r.unit: r for r in unit_results(connection, rules, corrected.result_set_id)}
    now = {r.unit: r for r in unit_results(connection, rules, round_.result_set_id)}
    titles = correction_notices.titles(connection, corrected, round_)
    names = {o.outcome: o.name for o in rules.outcomes}
    lines = [
        f"**{rules.title}** {round_.period} 年度 第 {round_.number} 轮（更正第 {corrected.number} 轮）",
        "",
        f"指纹 `{short_code(round_.fingerprint)}`；提出人 {correction.opened_by}，"
        f"事由：{' '.join(correction.reason.split())}。",
        "",
        "只列有变动的平台；已发布的文书不改动，经签发后另文更正。逐项原因见比较表"
        f"（SHA-256 {correction.comparison_sha256[:12]}…）。",
        "",
        "| 平台 | 更正事项 | 已发布 | 更正后 |",
        "|---|---|---|---|",
        *(
            f"| {unit} | {c.what} | {c.before} | {c.after} |"
            for unit in correction.units
            for c in correction_notices.changes(rules, was.get(unit), now.get(unit))
        ),
        "",
        *(f"- 新增拟办：{u}“{names[o]}”" for u, o in sorted(titles.added)),
        *(f"- 不再拟办：{u}“{names[o]}”" for u, o in sorted(titles.lapsed)),
    ]
    return Presented(
        round_.id, round_.fingerprint, f"{rules.title} {round_.period} 年度更正", "\n".join(lines)
    )


def step_status(round_id: int, step: str) -> Answered:
    """Return where a step of the round's chain stands."""
    with reading() as connection:
        return _status(connection, round_id, step, "")


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
        correction = corrections.of_round(connection, round_id)
        if correction is None:
            planned = notices.plan(connection, cycle, rules, round_, code)
        else:
            planned = correction_notices.plan(connection, cycle, rules, round_, correction, code)
    if done is not None:
        return StepResult(
            read=len(planned), skipped=len(planned), repeated=True, output={"round_id": round_id}
        )
    numbered = [notices.reserve(p, as_of.year, known_at) for p in planned]
    with transaction() as connection:
        lock(connection, "issue", round_id)
        if connection.execute(select(issue_table.c.id).where(issue_table.c.round_id == round_id)).scalar():
            return StepResult(read=len(planned), skipped=len(planned), repeated=True)
        filed = [notices.file(connection, cycle, round_, n) for n in numbered]
        events = _title_events(connection, cycle, rules, round_, filed, correction)
        connection.execute(
            issue_table.insert().values(round_id=round_id, fingerprint=round_.fingerprint, known_at=known_at)
        )
    seals.add("issue", f"round:{round_id}", known_at)
    return StepResult(
        read=len(planned),
        written=len(filed),
        output={"round_id": round_id, "documents": [f.number for f in filed], "title_events": events},
    )


def send(known_at: dt.datetime) -> StepResult:
    """Send what lies in the outbox; a row is never sent twice."""
    sent = dispatch.send_pending(known_at)
    return StepResult(read=sent, written=sent)


def _title_events(
    connection: Connection,
    cycle: Cycle,
    rules: store.Loaded,
    round_: rounds.Round,
    filed: list[notices.Filed],
    correction: corrections.Correction | None,
) -> list[str]:
    """Let the approved outcomes change titles: 取消称号 after two failed years running (2023-156#21).

    A correction lets only those take effect that the corrected result did not call for, and takes back what
    it no longer calls for.
    """
    events = {o.outcome: o.event for o in rules.rules.outcomes if o.event}
    papers = {(f.kind, f.unit): f for f in filed}
    done = []
    titles = None
    if correction is not None:
        corrected = rounds.get_round(connection, correction.corrects_round_id)
        titles = correction_notices.titles(connection, corrected, round_)
        lapsed = sorted(u for u, o in titles.lapsed if events.get(o) == "cancelled")
        done += [_restore(connection, cycle, u, papers[correction_notices.UNIT, u]) for u in lapsed]
    for row in connection.execute(
        select(proposed_outcome)
        .where(proposed_outcome.c.result_set_id == round_.result_set_id)
        .order_by(proposed_outcome.c.unit)
    ).mappings():
        event = events.get(row["outcome"])
        if event is None or (titles and (row["unit"], row["outcome"]) not in titles.added):
            continue
        paper = papers[(row["outcome"], row["unit"])]
        record_title_event(
            connection,
            cycle.programme,
            row["unit"],
            event,
            cycle.as_of,
            row["basis"],
            row["explanation"],
            cycle.known_at,
            document_number=paper.number,
            document_id=paper.document_id,
        )
        done.append(f"{row['unit']}:{event}")
    return done


def _restore(connection: Connection, cycle: Cycle, unit: str, paper: notices.Filed) -> str:
    """Give a title back whose cancellation rested on a result that was corrected (the operator's rule)."""
    record_title_event(
        connection,
        cycle.programme,
        unit,
        "restored",
        cycle.as_of,
        "operator",
        f"{cycle.period} 年度评价结果更正，取消称号的依据不再成立",
        cycle.known_at,
        document_number=paper.number,
        document_id=paper.document_id,
    )
    return f"{unit}:restored"


def _seal_subject(round_id: int) -> str:
    return f"round:{round_id}"


def _seal_code(round_id: int, known_at: dt.datetime) -> str:
    """Return the short code of the seal over the approval; made where there is none yet."""
    with reading() as connection:
        chain = seals.find(connection, "approval", _seal_subject(round_id))
    chain = chain or seals.add("approval", _seal_subject(round_id), known_at)
    if chain is None:
        raise RefusedError(f"第 {round_id} 轮的审批尚未封存，不能签发")
    return short_code(chain)
