"""Putting a document before the reviewers: the draft as PDF and as a workbook, bound by one fingerprint."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, RowMapping

from ipgov.core import objects
from ipgov.core.errors import RefusedError
from ipgov.core.fingerprint import canonical_json, fingerprint
from ipgov.core.steps import Cycle, StepResult, run_step
from ipgov.decisions import paper_rounds, rounds
from ipgov.decisions.officers import Role, officer, role_label
from ipgov.documents import draft_sheet, fonts, pdf
from ipgov.documents.model import OfficialDocument
from ipgov.policy import store
from ipgov.policy.papers import Paper, papers

DRAFT_BANNER = "拟稿，未经签发，不具有效力"


@dataclass(frozen=True)
class Proposed:
    """What is put before the reviewers: the content that is kept, the letter, what the sheet says of it."""

    paper: Paper
    programme: str
    period: str
    stored: Mapping[str, Any]
    letter: OfficialDocument
    facts: Sequence[tuple[str, str]]
    trace: str
    rule_sha256: str
    earlier: RowMapping | None = None


def check_person(connection: Connection, login: str, what: str, known_at: dt.datetime) -> None:
    """Refuse a person who may not propose documents."""
    person = officer(connection, login, known_at)
    if not person.active or Role.REVIEWER not in person.roles:
        raise RefusedError(f"“{login}”不能提出{what}；应为在岗的{role_label(Role.REVIEWER)}人员")


def rules_of_chain(programme: str, day: dt.date) -> str:
    """Return the hash of the rules that name the chain of approval: the programme's own, else policy's."""
    own = programme if programme in store.programmes() else papers().chain.programme
    return objects.put_content(store.in_force(own, day).data)


def submit(
    proposed: Proposed,
    by: str,
    reason: str,
    day: dt.date,
    known_at: dt.datetime,
    still: Callable[[Connection], None],
) -> StepResult:
    """Open the round; the same proposal again returns what it returned. ``still``: checks within the step.

    Raises RefusedError where the very same was decided on before; GovernanceError for text that no font has.
    """
    letter, kind = proposed.letter, proposed.paper.kind
    fonts.require_glyphs(letter.texts(), letter.title)
    subject_sha256 = objects.put_content(canonical_json(proposed.stored))
    facts = [("拟发文书", f"{proposed.paper.name}：{letter.title}"), *proposed.facts]
    facts += [("提请人", by), ("事由", reason)]
    sheet = draft_sheet.write(f"{proposed.paper.name}审批表", facts, letter, proposed.trace)
    paper_sha256 = objects.put_content(sheet)
    draft_sha256 = objects.put_content(_picture(letter))
    bound = bound_to(kind, subject_sha256, paper_sha256, draft_sha256, proposed.earlier)
    cycle = Cycle(proposed.programme, proposed.period, day, known_at)

    def work(connection: Connection) -> StepResult:
        still(connection)
        earlier_id = None if proposed.earlier is None else proposed.earlier["id"]
        opened = paper_rounds.open_paper_round(
            connection,
            paper_rounds.Proposal(
                programme=cycle.programme,
                period=cycle.period,
                kind=kind,
                subject_sha256=subject_sha256,
                earlier_id=earlier_id,
                draft_sha256=draft_sha256,
                fingerprint=bound,
                paper_sha256=paper_sha256,
                rule_sha256=proposed.rule_sha256,
                opened_by=by,
                reason=reason,
            ),
            known_at,
        )
        end = rounds.ended(connection, opened.id)
        if end is not None:  # the very same paper was decided on
            raise RefusedError(f"同样内容的{proposed.paper.name}已在{opened.label}{end.label}，须修改后再提")
        return StepResult(
            written=1,
            output={
                "kind": kind,
                "title": letter.title,
                "earlier": earlier_id,
                "round_id": opened.id,
                "number": opened.number,
                "fingerprint": bound,
                "draft_sha256": draft_sha256,
            },
        )

    done = run_step(cycle, f"propose_{kind}", fingerprint([bound, by, day.isoformat()]), work)
    # told to whoever proposes, and kept in the proposal alone: they may be people (who objected)
    return replace(done, output={**done.output, "by_hand": list(proposed.stored.get("by_hand", ()))})


def _picture(letter: OfficialDocument) -> bytes:
    """Return the draft as it would look, marked as a draft on every page."""
    banner = f"{DRAFT_BANNER}；{letter.banner}" if letter.banner else DRAFT_BANNER
    return pdf.render_pdf(letter.model_copy(update={"banner": banner}))


def bound_to(
    kind: str, subject_sha256: str, paper_sha256: str, draft_sha256: str | None, earlier: RowMapping | None
) -> str:
    """Return the fingerprint of everything that the reviewers approve.

    A paper about an earlier document is the same on every day: the dated PDF is left out there.
    """
    bound: dict[str, Any] = {"kind": kind, "subject": subject_sha256, "paper": paper_sha256}
    if earlier is None:
        bound["draft"] = draft_sha256
    else:
        bound["earlier"] = [earlier["id"], earlier["data_sha256"]]
    return fingerprint(bound)
