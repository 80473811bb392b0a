"""Findings about a body (2024-1155#46, #47), recorded with what proves them.

A finding is an occurrence of a kind whose duty is an inquiry (``policies/cases``): it opens a case without
rectification. The day after, follow-up
opens the duty and ``begin`` puts finding and files into the case, so that they are in the fingerprint that an
approval is bound to.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from ipgov.core import objects
from ipgov.core import tables as t
from ipgov.core.database import lock, transaction
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.core.steps import StepResult
from ipgov.followup import case_problems, cases
from ipgov.followup.case_problems import CaseProblem
from ipgov.intake.attachment_list import name_key
from ipgov.policy import cases as policy
from ipgov.policy.cases import CaseRules
from ipgov.policy.duties import OccurrenceKind
from ipgov.policy.duty_store import duties
from ipgov.procedures import case_evidence, follow_up
from ipgov.procedures.attachment_intake import quarantine
from ipgov.procedures.case_evidence import Examined, Sent
from ipgov.procedures.case_steps import check_officer
from ipgov.registry.titles import standing


def kinds(programme: str, on: dt.date) -> dict[str, tuple[OccurrenceKind, CaseRules]]:
    """Return by code the kinds of findings that may be recorded of bodies of a programme on a day."""
    found = {}
    for duty in policy.inquiries(programme):
        rules = policy.governing(programme, duty, on)
        rule = duties().governing(duty, on)
        if rules is not None and rule is not None:
            for kind in rule.duty.opened_by.occurrences or ():
                found[kind.code] = (kind, rules)
    return found


def find(
    programme: str,
    unit: str,
    kind: str,
    subject: str,
    found: str,
    files: Sequence[Sent],
    by: str,
    day: dt.date,
    known_at: dt.datetime,
) -> StepResult:
    """Record a finding about a body with the files that prove it; the case opens the day after.

    ``subject`` tells it apart from others of its kind. Raises UnknownError for a kind that there is not on
    that day and for an unknown body; RefusedError without words or files, where a file may not be kept, for a
    body that does not hold the title, for whoever has not the role or belongs to the body's organisations,
    and for a fact that was found before. Nothing is recorded then.
    """
    if not found.strip() or not subject.strip():
        raise RefusedError("登记发现的情形须写明事项名称和情况")
    if not files:
        raise RefusedError("登记发现的情形须附佐证材料；没有佐证的，不予登记")
    there = kinds(programme, day)
    if kind not in there:
        known = "、".join(f"{code}（{k.name}）" for code, (k, _) in there.items())
        raise UnknownError(
            f"“{programme}”在 {day} 没有名为“{kind}”的违规情形；"
            f"{f'可用：{known}' if known else '该业务当日没有可适用的规则'}"
        )
    what, rules = there[kind]
    examined = _examined(files, rules)
    with transaction() as connection:
        lock(connection, "finding", programme, unit)
        state = standing(connection, programme, unit, day, known_at)
        if not state.titled:
            raise RefusedError(
                f"{unit} 在 {day} 为“{state.name}”，不持有资格（称号），不适用“{what.name}”的规定"
            )
        assert rules.inquiry is not None  # noqa: S101 - these are inquiries alone
        check_officer(connection, programme, unit, by, rules.inquiry.finder, known_at)
        _refuse_known(connection, programme, unit, kind, subject.strip(), examined)
        values = {
            "programme": programme,
            "party": unit,
            "kind": kind,
            "subject": subject.strip(),
            "occurred_on": day,
            "reported_on": None,
            "reported_by": by,
            "note": found.strip(),
            "evidence_sha256": None,
        }
        rule = duties().opened_by(programme, kind, day)
        occurrence = follow_up.write_occurrence(connection, values, rule, known_at)
        if occurrence is None:
            raise RefusedError(f"{unit} 的“{subject}”此前已登记，不重复登记")
        finding = connection.execute(
            t.case_finding.insert()
            .values(
                occurrence_id=occurrence,
                name=what.name,
                found=found.strip(),
                found_by=by,
                basis="、".join(what.clause or rule.duty.clause) or "operator",
                known_at=known_at,
            )
            .returning(t.case_finding.c.id)
        ).scalar_one()
        connection.execute(t.case_finding_file.insert(), [_row(finding, e, known_at) for e in examined])
    kept = [e.sent.filename for e in examined]
    return StepResult(
        written=1, found=len(kept), output={"finding": finding, "kind": what.name, "kept": kept}
    )


def _examined(files: Sequence[Sent], rules: CaseRules) -> list[Examined]:
    """Return what the files are; RefusedError with every one that may not be kept."""
    examined = [case_evidence.examine(sent, rules.evidence) for sent in files]
    for e in examined:
        if e.scan.verdict == "infected":
            quarantine(e.sent.data)
    told = [f"{e.sent.filename}：{e.reason}" for e in examined if e.reason]
    if len({e.digest for e in examined}) < len(examined):
        told.append("同一文件不得重复提交")
    if len({name_key(e.sent.filename) for e in examined}) < len(examined):
        told.append("文件名不得重复")
    if len(files) > rules.evidence.max_count:
        told.append(f"文件 {len(files)} 个；应为：不超过 {rules.evidence.max_count} 个")
    if told:
        raise RefusedError("佐证材料不能收存，未予登记：" + "；".join(told))
    return examined


def _refuse_known(
    connection: Connection, programme: str, unit: str, kind: str, subject: str, examined: Sequence[Examined]
) -> None:
    """Refuse the same fact twice: the same name, or the same file for the same kind of conduct."""
    made, back, finding, file = t.occurrence, t.occurrence_retraction, t.case_finding, t.case_finding_file
    taken_back = select(back.c.id).where(back.c.occurrence_id == made.c.id).exists()
    before = connection.execute(
        select(made.c.subject, made.c.occurred_on, file.c.filename, file.c.sha256)
        .join(finding, finding.c.occurrence_id == made.c.id)
        .join(file, file.c.finding_id == finding.c.id)
        .where(made.c.programme == programme, made.c.party == unit, made.c.kind == kind, ~taken_back)
        .order_by(file.c.id)
    ).all()
    same = {e.digest for e in examined}
    for row in before:
        if row.subject == subject:
            raise RefusedError(f"{unit} 的“{subject}”已于 {row.occurred_on} 登记，不重复登记")
        if row.sha256 in same:
            raise RefusedError(
                f"佐证材料“{row.filename}”已用于 {unit} 于 {row.occurred_on} 登记的“{row.subject}”，"
                "同一事实不重复登记"
            )


def _row(finding: int, e: Examined, known_at: dt.datetime) -> dict[str, Any]:
    return {
        "finding_id": finding,
        "filename": e.sent.filename,
        "media_type": e.media_type,
        "bytes": len(e.sent.data),
        "sha256": objects.put_content(e.sent.data),
        "scan": e.scan.verdict,
        "scanned_by": e.scan.scanned_by,
        "scan_detail": e.scan.detail,
        "known_at": known_at,
    }


def begin(connection: Connection, opened: RowMapping, known_at: dt.datetime) -> int:
    """Put the finding that opened a case into it: what was found, and its files; return their number."""
    number = int(opened["cause"].removeprefix("occurrence:"))
    finding = (
        connection.execute(select(t.case_finding).where(t.case_finding.c.occurrence_id == number))
        .mappings()
        .first()
    )
    if finding is None:
        raise UnknownError(f"事项 {opened['key']} 没有随附的发现记录（ipgov case find）")
    files = (
        connection.execute(
            select(t.case_finding_file)
            .where(t.case_finding_file.c.finding_id == finding["id"])
            .order_by(t.case_finding_file.c.id)
        )
        .mappings()
        .all()
    )
    problem = CaseProblem(
        1, "entered", "", finding["name"], finding["found"], finding["basis"], entered_by=finding["found_by"]
    )
    case_problems.save(connection, opened["id"], [problem], known_at)
    case = cases.get(connection, opened["id"], known_at)
    event, _ = cases.record(
        connection,
        case,
        "find",
        opened["opened_on"],
        finding["found_by"],
        finding["found"],
        known_at,
        {"kept": len(files), "finding": finding["id"]},
    )
    copied = ("filename", "media_type", "bytes", "sha256", "scan", "scanned_by", "scan_detail")
    connection.execute(
        t.case_evidence.insert(),
        [
            {
                "obligation_id": opened["id"],
                "event_id": event,
                "problems": [1],
                "outcome": "kept",
                "reason": None,
                "digest": file["sha256"],
                **{n: file[n] for n in copied},
                "known_at": known_at,
            }
            for file in files
        ],
    )
    return 1
