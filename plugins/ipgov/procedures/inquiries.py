"""Cases without rectification after the body was told: its statement, and whether the finding holds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from ipgov.core.errors import RefusedError, UnknownError
from ipgov.core.steps import StepResult
from ipgov.followup import case_problems, cases
from ipgov.followup.cases import Case
from ipgov.procedures import rectification
from ipgov.procedures.case_evidence import Sent
from ipgov.procedures.case_steps import case_step, check_person

VERDICTS = ("establish", "dismiss")


def statement(
    case_id: int, by: str, note: str, files: Sequence[Sent], day: dt.date, known_at: dt.datetime
) -> StepResult:
    """Take the body's statement and the files with it; each is kept or refused with its reason."""
    return rectification.report(case_id, "statement", by, note, files, (), day, known_at)


def judge(
    case_id: int,
    verdict: str,
    criteria: Iterable[str],
    by: str,
    note: str,
    day: dt.date,
    known_at: dt.datetime,
) -> StepResult:
    """Record whether a finding holds (``establish``) or not (``dismiss``), by the role of the rules.

    ``criteria``: those of the rules' tests that are established; each test needs one. Raises RefusedError for
    another role, a person of the body's own organisations or who found it, without an opinion, and before the
    body was heard; UnknownError for a criterion that there is not.
    """
    if verdict not in VERDICTS:
        raise UnknownError(f"没有名为“{verdict}”的认定结论；可用：{'、'.join(VERDICTS)}")
    if not note.strip():
        raise RefusedError("认定须写明意见")
    given = sorted(set(criteria))

    def work(connection: Connection, case: Case) -> StepResult:
        check_person(connection, case, by, case.rules.judge, known_at)
        problems = case_problems.of_case(connection, case_id)
        inquiry = case.rules.inquiry
        if inquiry is None:
            raise RefusedError(f"{case.rules.name}须经整改，以验收（ipgov case accept、reject）作出结论")
        if inquiry.apart and by in {p.entered_by for p in problems}:
            raise RefusedError(f"“{by}”是发现人，不得自行认定，应由他人认定")
        if unknown := [c for c in given if c not in inquiry.criteria]:
            known = "、".join(f"{c}（{n}）" for c, n in inquiry.criteria.items()) or "无"
            raise UnknownError(f"没有名为“{'、'.join(unknown)}”的认定标准；可用：{known}")
        if given and verdict == "dismiss":
            raise RefusedError("认定不成立的，不写认定标准")
        left = [p.number for p in problems] if verdict == "establish" else []
        detail = {
            "unsolved": left,
            "criteria": given,
            "reckoned": "；".join(inquiry.criteria[c] for c in given),
        }
        _, now = cases.record(connection, case, verdict, day, by, note.strip(), known_at, detail)
        cases.judge(connection, case_id, "met", day, by, note.strip(), known_at)
        return StepResult(written=1, output={"case": case_id, "state": now.state, "criteria": given})

    return case_step(case_id, f"case_{verdict}", [by, note, given], day, known_at, work)
