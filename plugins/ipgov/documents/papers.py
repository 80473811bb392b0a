"""The documents of ``policies/papers.yaml``: what a drafter gives becomes a document, to whom policy says."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from ipgov.core.errors import GovernanceError, RefusedError, UnknownError
from ipgov.documents import paper_subjects as of
from ipgov.documents import templates
from ipgov.documents.model import OfficialDocument
from ipgov.documents.objection_subjects import ObjectionOutcome, ObjectionReply
from ipgov.policy import papers as policy
from ipgov.policy.shapes import shape_problems

SUBJECTS: Mapping[str, type[of.Subject]] = {
    "public_notice": of.PublicNotice,
    "public_notice_outcome": of.PublicNoticeOutcome,
    "recognition_notice": of.Recognition,
    "praise_circular": of.Praise,
    "praise_case": of.PraiseCase,
    "interview_invitation": of.Interview,
    "violation_circular": of.Circular,
    "withdrawal": of.Withdrawal,
    "public_withdrawal": of.Withdrawal,
    "document_correction": of.DocumentCorrection,
    "objection_reply": ObjectionReply,
    "objection_outcome": ObjectionOutcome,
    "monthly_data_letter": of.MonthlyData,
    "self_evaluation_call": of.SelfEvaluationCall,
}


def subject(kind: str, given: object) -> of.Subject:
    """Return what a drafter gave, checked. UnknownError for the kind, GovernanceError with every problem."""
    if kind not in SUBJECTS:
        named = {p.kind: p.name for p in policy.papers().papers}
        known = "、".join(f"{k}（{named[k]}）" if k in named else k for k in SUBJECTS)
        raise UnknownError(f"没有文书“{kind}”；可用：{known}")
    try:
        return SUBJECTS[kind].model_validate(given)
    except ValidationError as error:
        problems = tuple(shape_problems(error, kind))
        raise GovernanceError(f"文书“{kind}”的内容有 {len(problems)} 处问题", problems) from None


def write(
    kind: str,
    programme: str,
    about: of.Subject,
    parties: Mapping[str, Sequence[str]],
    *,
    date: dt.date,
    number: str | None,
    banner: str,
    seal_code: str | None = None,
    trace: str = "",
) -> tuple[OfficialDocument, str]:
    """Return the document and its template's hash (see ``templates.render``).

    Recipients are those that policy names for this kind, programme and day. Raises UnknownError for a kind
    that the programme does not have or a party that is not given, RefusedError for text that is not one line
    and for a day that the matter does not allow.
    """
    paper = policy.paper(kind, programme)
    addressed = policy.recipients(paper, parties, date)
    if problem := about.problem_on(date):
        raise RefusedError(f"{paper.name}不能以 {date} 印发：{problem}")
    return templates.render(
        paper.template,
        context(paper, programme, about),
        kind=kind,
        issuer=policy.papers().issuer_of(programme),
        date=date,
        recipients=addressed.to,
        copies_to=addressed.copies_to,
        number=number,
        basis=paper.clause,
        seal_code=seal_code,
        trace=trace,
        banner=banner,
    )


def context(paper: policy.Paper, programme: str, about: of.Subject) -> dict[str, Any]:
    """Return what the template of a kind is filled in with."""
    return {
        **about.names(),
        "contact": policy.papers().contact_of(programme),
        "quotes": paper.quotes,
        "programme": programme,
    }
