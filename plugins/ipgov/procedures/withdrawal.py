"""Taking back and correcting any earlier document: another document that names it, through people's approval.

What was issued is never changed. A person proposes; the round shows every line of the new document; its
issue files it with ``withdraws`` or ``corrects`` and sends it to whoever was sent the earlier one. A
correction here is one of wording: results are corrected by ``correction``, which recalculates them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from ipgov.core import objects, tables
from ipgov.core.database import is_simulation, reading
from ipgov.core.errors import RefusedError
from ipgov.core.steps import StepResult
from ipgov.decisions import publicities, rounds
from ipgov.decisions.publicities import NOTICE
from ipgov.documents import papers, register
from ipgov.documents.model import SIMULATION_BANNER, OfficialDocument, parse_document
from ipgov.documents.paper_subjects import Subject
from ipgov.policy.lifecycles import lifecycle
from ipgov.policy.papers import Paper, paper
from ipgov.policy.title_words import title_words
from ipgov.procedures import paper_drafts, paper_proposals

WITHDRAWAL, CORRECTION = "withdrawal", "document_correction"
PUBLIC_WITHDRAWAL = "public_withdrawal"  # of what was published: nobody in particular is written to
TAKES_BACK = (WITHDRAWAL, PUBLIC_WITHDRAWAL)


ENDED = "所附名单的公示自本公告发布之日起终止；重新公示的，公示期重新计算"


@dataclass(frozen=True)
class Draft:
    """A document about an earlier one: its kind, what it says, whom it goes to, and the letter itself."""

    paper: Paper
    earlier: RowMapping
    subject: Subject
    parties: Mapping[str, Sequence[str]]
    letter: OfficialDocument


def withdraw(number_or_id: str, reason: str, by: str, day: dt.date, known_at: dt.datetime) -> StepResult:
    """Propose to take a document back: opens a round; nothing takes effect before its issue.

    Raises UnknownError for no such document; RefusedError where it was taken back before, where a title was
    conferred by it (that ends by 取消, not by a letter), where it is a public notice whose time is over,
    without a reason, and for a person who may not.
    """
    with reading() as connection:
        earlier = register.get(connection, number_or_id)
        if earlier["kind"] == NOTICE:
            check_runs(connection, earlier, day, known_at)
            restored: str | None = ENDED
        else:
            restored = _restored(connection, earlier, day)
        to_all = not parse_document(objects.get_content(earlier["data_sha256"])).recipients
    kind = PUBLIC_WITHDRAWAL if to_all else WITHDRAWAL
    return _propose(kind, earlier, {"restored": restored}, reason, by, day, known_at)


def correct(
    number_or_id: str,
    changes: Sequence[Mapping[str, str]],
    reason: str,
    by: str,
    day: dt.date,
    known_at: dt.datetime,
) -> StepResult:
    """Propose to correct the wording of a document; ``changes``: place, before, after of each passage.

    Raises as ``withdraw``, and RefusedError where a passage (``before``) does not stand in the document.
    """
    with reading() as connection:
        earlier = register.get(connection, number_or_id)
    said = "\n".join(
        words for _, words in parse_document(objects.get_content(earlier["data_sha256"])).texts()
    )
    if missing := [str(c.get("before", "")) for c in changes if str(c.get("before", "")) not in said]:
        raise RefusedError(f"{_called(earlier)}中没有“{'”“'.join(missing)}”，无从更正；应照录原文")
    return _propose(CORRECTION, earlier, {"changes": [dict(c) for c in changes]}, reason, by, day, known_at)


def _propose(
    kind: str,
    earlier: RowMapping,
    content: Mapping[str, Any],
    reason: str,
    by: str,
    day: dt.date,
    known_at: dt.datetime,
) -> StepResult:
    if not reason.strip():
        raise RefusedError("须写明事由")
    given = {"earlier": paper_drafts.named(earlier), "reason": reason.strip(), **content}
    with reading() as connection:
        paper_proposals.check_person(connection, by, "撤回、更正", known_at)
        check_stands(connection, earlier)
        drafted = draft(connection, kind, earlier, given, day)
        rule_sha256 = _rules(connection, earlier, day)
    proposed = paper_proposals.Proposed(
        drafted.paper,
        earlier["programme"],
        earlier["period"],
        given,
        drafted.letter,
        _facts(drafted),
        f"文书 {earlier['data_sha256'][:12]}",
        rule_sha256,
        earlier,
    )
    return paper_proposals.submit(
        proposed, by, reason.strip(), day, known_at, lambda connection: check_stands(connection, earlier)
    )


def draft(
    connection: Connection, kind: str, earlier: RowMapping, given: Mapping[str, Any], day: dt.date
) -> Draft:
    """Return the document as printed on a day, without number and seal, to whom the earlier one went."""
    printed = parse_document(objects.get_content(earlier["data_sha256"]))
    parties: dict[str, Sequence[str]] = {}
    if not paper(kind, earlier["programme"]).public:
        parties = {"recipients": printed.recipients or (_audience(earlier),), "copies": printed.copies_to}
    about = papers.subject(kind, given)
    letter, _ = papers.write(
        kind,
        earlier["programme"],
        about,
        parties,
        date=day,
        number=None,
        banner=SIMULATION_BANNER if is_simulation(connection) else "",
    )
    return Draft(paper(kind, earlier["programme"]), earlier, about, parties, letter)


def _audience(earlier: RowMapping) -> str:
    raise RefusedError(f"{_called(earlier)}没有主送单位，系向社会公布：应另行公告，不以函更正")


def check_runs(connection: Connection, earlier: RowMapping, day: dt.date, known_at: dt.datetime) -> None:
    """Refuse to take back a public notice whose time is over: what followed from it is decided otherwise."""
    if earlier["kind"] != NOTICE:
        return
    for notice in publicities.every(connection, known_at, earlier["programme"]):
        if notice.document_id == earlier["id"] and (over := notice.on(day).over_on) is not None:
            raise RefusedError(f"{_called(earlier)}的公示已于 {over} 期满，不能撤回")


def check_stands(connection: Connection, earlier: RowMapping) -> None:
    """Refuse a document that was taken back."""
    table = tables.document
    number = connection.execute(
        select(table.c.number, table.c.title).where(table.c.withdraws == earlier["id"])
    ).first()
    if number is not None:
        raise RefusedError(f"{_called(earlier)}已由{number.number or number.title}撤回")


def events(connection: Connection, earlier: RowMapping) -> list[RowMapping]:
    """Return what became of titles by a document."""
    table = tables.title_event
    query = select(table).where(table.c.document_id == earlier["id"]).order_by(table.c.id)
    return list(connection.execute(query).mappings())


def _restored(connection: Connection, earlier: RowMapping, day: dt.date) -> str | None:
    """Return what the withdrawal says of titles; RefusedError where a title was conferred or given back."""
    found = events(connection, earlier)
    if kept := [e for e in found if e["event"] not in lifecycle(e["programme"]).ending]:
        said = "、".join(sorted({lifecycle(e["programme"]).event(e["event"]).name for e in kept}))
        raise RefusedError(f"{_called(earlier)}办理了{said}，不能以撤回收回；应按规定另行办理")
    if not found:
        return None
    words = title_words(earlier["programme"])
    return f"该文所作{words.cancelled}的决定一并撤回，“{words.title}”{words.noun}自本通知印发之日起恢复"


def _called(earlier: RowMapping) -> str:
    return str(earlier["number"] or f"《{earlier['title']}》")


def _rules(connection: Connection, earlier: RowMapping, day: dt.date) -> str:
    """Return the rules that name the chain of approval: the earlier document's, else those in force."""
    if earlier["round_id"] is not None:
        return rounds.get_round(connection, earlier["round_id"]).rule_sha256
    return paper_proposals.rules_of_chain(earlier["programme"], day)


def _facts(drafted: Draft) -> list[tuple[str, str]]:
    letter, earlier = drafted.letter, drafted.earlier
    return [
        ("所指文书", f"{_called(earlier)}《{earlier['title']}》（登记序号 {earlier['id']}）"),
        ("主送", "、".join(letter.recipients)),
        ("抄送", "、".join(letter.copies_to) or "无"),
        ("依据", drafted.paper.operator),
    ]
