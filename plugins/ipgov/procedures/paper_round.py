"""A round about a document that a person proposed: what the reviewers read, what its issue makes and does.

``withdrawal`` takes back or corrects an earlier document; every other kind of ``policies/papers.yaml`` is
proposed here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from ipgov.core import tables
from ipgov.core.database import reading
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.core.fingerprint import canonical_json, sha256_hex, short_code
from ipgov.core.steps import Cycle, StepResult
from ipgov.decisions import paper_rounds
from ipgov.decisions.paper_rounds import PaperRound
from ipgov.decisions.publicities import NOTICE
from ipgov.decisions.rounds import Round
from ipgov.documents import dispatch, papers, register
from ipgov.documents.model import Heading, OfficialDocument, printable
from ipgov.policy.papers import Paper
from ipgov.policy.papers import paper as policy_paper
from ipgov.policy.papers import papers as policy_papers
from ipgov.policy.rules import Notice, RuleVersion
from ipgov.policy.store import Loaded
from ipgov.procedures import paper_drafts, paper_effects, paper_proposals, publicity_effects, withdrawal
from ipgov.procedures.notices import Filed, Planned, shared_context
from ipgov.registry.titles import record_title_event


def propose(
    kind: str,
    programme: str,
    subject: object,
    by: str,
    reason: str,
    as_of: dt.date,
    known_at: dt.datetime,
) -> StepResult:
    """Put a document of a kind before the reviewers: opens a round; nothing takes effect before its issue.

    ``subject``: ``content`` (a model of ``paper_subjects``) and ``parties`` (codes by party). The output has
    ``round_id``, ``number``, ``fingerprint``, ``title``, ``draft_sha256`` and whom somebody has to hand it
    (``by_hand``). Raises as ``paper_drafts.draft``, and RefusedError without a reason, for a person who may
    not, and for what the kind demands (``paper_effects``).
    """
    if not reason.strip():
        raise RefusedError("须写明事由")
    with reading() as connection:
        drafted = paper_drafts.draft(connection, kind, programme, subject, as_of, known_at)
        paper_proposals.check_person(connection, by, drafted.paper.name, known_at)
        about = _considered(programme, drafted, as_of, known_at)
        paper_effects.of(kind).check(connection, about)
        drafted = _with_told(connection, programme, drafted, about)
        rule_sha256 = paper_proposals.rules_of_chain(programme, as_of)
    proposed = paper_proposals.Proposed(
        drafted.paper,
        programme,
        str(as_of.year),
        drafted.stored,
        drafted.letter,
        _facts(drafted),
        f"内容 {sha256_hex(canonical_json(drafted.stored))[:12]}",
        rule_sha256,
    )
    return paper_proposals.submit(
        proposed,
        by,
        reason.strip(),
        as_of,
        known_at,
        lambda connection: paper_effects.of(kind).check(connection, about),
    )


def _with_told(
    connection: Connection, programme: str, drafted: paper_drafts.Drafted, about: paper_effects.About
) -> paper_drafts.Drafted:
    """Return a draft with the document that goes out together with it, if policy and matter ask for one."""
    kind = drafted.paper.tells
    given = paper_effects.of(drafted.paper.kind).tells(connection, about) if kind else None
    if given is None:
        return drafted
    told = paper_drafts.draft(connection, kind, programme, given, about.day, about.known_at)
    return replace(drafted, stored={**drafted.stored, "told": {"kind": kind, **told.stored}}, told=told)


def _told(
    connection: Connection, programme: str, given: Mapping[str, Any], day: dt.date
) -> paper_drafts.Drafted | None:
    """Return the document that goes out together with one that a round keeps; None: there is none."""
    kept = given.get("told")
    return None if kept is None else paper_drafts.again(connection, kept["kind"], programme, kept, day)


def _considered(
    programme: str, drafted: paper_drafts.Drafted, day: dt.date, known_at: dt.datetime
) -> paper_effects.About:
    names = {party: tuple(listed) for party, listed in drafted.stored["parties"].items()}
    return paper_effects.About(programme, drafted.paper, drafted.subject, names, day, known_at)


def _facts(drafted: paper_drafts.Drafted) -> list[tuple[str, str]]:
    letter, paper = drafted.letter, drafted.paper
    return [
        ("主送", "、".join(letter.recipients) or "向社会公布"),
        ("抄送", "、".join(letter.copies_to) or "无"),
        ("寄发", "、".join(drafted.sent.codes) or "无"),
        ("由经办人送达", "、".join(drafted.sent.by_hand) or "无"),
        *([("另行告知", "、".join(_all(drafted.told)))] if drafted.told else []),
        ("依据", "、".join(paper.clause) or paper.operator),
        ("效力", paper_effects.of(paper.kind).said),
    ]


def _all(drafted: paper_drafts.Drafted) -> tuple[str, ...]:
    return (*drafted.addressed.to, *drafted.addressed.copies_to)


def _of_round(connection: Connection, round_: Round) -> PaperRound:
    proposed = paper_rounds.of_round(connection, round_.id)
    if proposed is None:
        raise UnknownError(f"{round_.label}送审的不是另行拟稿的文书")
    return proposed


def _earlier(connection: Connection, proposed: PaperRound) -> RowMapping | None:
    return None if proposed.earlier_id is None else register.get(connection, proposed.earlier_id)


def _cell(text: str) -> str:
    """Return another's text for Markdown: one line, no markup of its own."""
    return "".join("\\" + c if c in "\\|`*_<>[]#" else c for c in printable(text))


def present(connection: Connection, round_: Round, rules: RuleVersion) -> tuple[str, str]:
    """Return the subject and, in Markdown, the whole text of what is proposed."""
    proposed = _of_round(connection, round_)
    earlier = _earlier(connection, proposed)
    given = paper_rounds.content(proposed.subject_sha256)
    if earlier is None:
        day = dt.date.fromisoformat(given["drafted_on"])
        drafted = paper_drafts.again(connection, proposed.kind, round_.programme, given, day)
        letter, paper = drafted.letter, drafted.paper
        told = _told(connection, round_.programme, given, day)
        about = f"{_cell('；'.join(f'{k}：{v}' for k, v in _facts(drafted)[2:4]))}"
        subject = f"{paper.name}：{printable(letter.title)}"
    else:
        # as of the day of the earlier document: the draft bears no date here
        taken = withdrawal.draft(connection, proposed.kind, earlier, given, earlier["issued_on"])
        letter, paper, told = taken.letter, taken.paper, None
        about = (
            f"所指文书：{_cell(earlier['number'] or '无字号')}"
            f"《{_cell(earlier['title'])}》（登记序号 {earlier['id']}）"
        )
        subject = f"{paper.name}：{printable(earlier['title'])}"
    lines = [
        f"**{paper.name}** {about}",
        "",
        f"指纹 `{short_code(round_.fingerprint)}`；提请人 {_cell(proposed.opened_by)}，"
        f"事由：{_cell(proposed.reason)}。PDF 拟稿与审批表见“治理”页面。",
        "",
        *_text(letter),
    ]
    if told is not None:
        lines += ["---", "", f"另发：{_cell(told.paper.name)}", "", *_text(told.letter)]
    return subject, "\n".join(lines)


def _text(letter: OfficialDocument) -> list[str]:
    to = "、".join(letter.recipients) or "（向社会公布）"
    lines = [
        f"**{_cell(letter.title)}**",
        "",
        f"主送：{_cell(to)}；抄送：{_cell('、'.join(letter.copies_to) or '无')}",
        "",
        *(f"{_cell(p.text if isinstance(p, Heading) else p)}\n" for p in letter.paragraphs),
    ]
    for attachment in letter.attachments:
        lines += [f"**附件：{_cell(attachment.title)}**", ""]
        lines += [f"{_cell(p.text if isinstance(p, Heading) else p)}\n" for p in attachment.paragraphs]
        if attachment.columns:
            lines += [_row(attachment.columns), _row(["---"] * len(attachment.columns), markup=True)]
            lines += [_row(row) for row in attachment.rows]
        lines += ["", *(f"{_cell(note)}\n" for note in attachment.notes)]
    return lines


def _row(cells: Sequence[str], *, markup: bool = False) -> str:
    return f"| {' | '.join(c if markup else _cell(c) for c in cells)} |"


def overview(connection: Connection, round_id: int) -> dict[str, str | None] | None:
    """Return what a round's page shows of a proposed document; None for a round about something else."""
    proposed = paper_rounds.of_round(connection, round_id)
    if proposed is None:
        return None
    earlier = _earlier(connection, proposed)
    programme = connection.execute(
        select(tables.review_round.c.programme).where(tables.review_round.c.id == round_id)
    ).scalar_one()
    return {
        "name": policy_paper(proposed.kind, programme).name,
        "earlier": None if earlier is None else f"{earlier['number'] or ''}《{earlier['title']}》",
        "opened_by": proposed.opened_by,
        "reason": proposed.reason,
        "draft_sha256": proposed.draft_sha256,
    }


def plan(connection: Connection, cycle: Cycle, rules: Loaded, round_: Round, seal_code: str) -> list[Planned]:
    """Return the document of the issue, and the one that goes out together with it.

    Raises RefusedError where what is stored is not what was approved, where the earlier one was taken back,
    and where the day or the record does not allow the document any more.
    """
    proposed = _of_round(connection, round_)
    earlier = _earlier(connection, proposed)
    bound = paper_proposals.bound_to(
        proposed.kind, proposed.subject_sha256, round_.rating_list_sha256, proposed.draft_sha256, earlier
    )
    if bound != round_.fingerprint:
        raise RefusedError(f"{round_.label}的文书与送审时不同，不予签发")
    key = f"round:{round_.id}/{proposed.kind}"
    given = paper_rounds.content(proposed.subject_sha256)
    shared = shared_context(connection, cycle, rules, round_, seal_code)
    if earlier is None:
        drafted = paper_drafts.again(connection, proposed.kind, round_.programme, given, cycle.as_of)
        if not _issued(connection, key):
            about = _considered(round_.programme, drafted, cycle.as_of, cycle.known_at)
            paper_effects.of(proposed.kind).check(connection, about)
        context = {**shared, **papers.context(drafted.paper, round_.programme, drafted.subject)}
        context["issuer"] = policy_papers().issuer_of(round_.programme)
        told = _told(connection, round_.programme, given, cycle.as_of)
        also = [] if told is None else [_planned_beside(round_, told, shared)]
        return [_planned(key, drafted, context, _unit(drafted)), *also]
    if not _issued(connection, key):
        withdrawal.check_stands(connection, earlier)
        if proposed.kind in withdrawal.TAKES_BACK:
            withdrawal.check_runs(connection, earlier, cycle.as_of, cycle.known_at)
    taken = withdrawal.draft(connection, proposed.kind, earlier, given, cycle.as_of)
    letter = taken.letter
    return [
        Planned(
            key,
            _notice(taken.paper, letter.copies_to),
            earlier["unit"],
            earlier["recipient"],
            (*letter.recipients, "社会公众")[0],
            {**shared, **papers.context(taken.paper, earlier["programme"], taken.subject)},
            recipient_names=letter.recipients,
            corrects=earlier["id"] if proposed.kind == withdrawal.CORRECTION else None,
            withdraws=earlier["id"] if proposed.kind in withdrawal.TAKES_BACK else None,
            public=taken.paper.public,
        )
    ]


def _planned(
    key: str, drafted: paper_drafts.Drafted, context: Mapping[str, Any], unit: str | None
) -> Planned:
    names = drafted.addressed.to
    return Planned(
        key,
        _notice(drafted.paper, drafted.addressed.copies_to),
        unit,
        (*drafted.sent.codes, "by_hand")[0],
        "、".join(names) or "社会公众",
        context,
        recipient_names=names,
        public=drafted.paper.public,
    )


def _planned_beside(round_: Round, told: paper_drafts.Drafted, shared: Mapping[str, Any]) -> Planned:
    """Return the document that goes out together with the one of the round: to the body that it is about."""
    context = {**shared, **papers.context(told.paper, round_.programme, told.subject)}
    context["issuer"] = policy_papers().issuer_of(round_.programme)
    return _planned(f"round:{round_.id}/{told.paper.kind}", told, context, told.sent.codes[0])


def _unit(drafted: paper_drafts.Drafted) -> str | None:
    """Return the one body that a document is about or goes to; None: several, or none."""
    bodies = paper_drafts.concerned(drafted.subject)
    return bodies[0] if len(bodies) == 1 else None


def _notice(paper: Paper, copies_to: tuple[str, ...]) -> Notice:
    return Notice(
        kind=paper.kind,
        template=paper.template,
        to="unit",
        series=paper.series,
        entered=paper.entered,
        clause=paper.clause,
        operator=paper.operator,
        copies_to=copies_to,
        channels=(),  # to whom it is sent: see take_effect
    )


def _issued(connection: Connection, key: str) -> bool:
    table = tables.document
    return connection.execute(select(table.c.id).where(table.c.key == key)).first() is not None


def take_effect(
    connection: Connection, cycle: Cycle, rules: Loaded, round_: Round, filed: Sequence[Filed]
) -> list[str]:
    """Send the document and do what its kind does.

    One about an earlier document goes to whoever was sent that; a title whose cancellation is taken back is
    restored.
    """
    proposed = _of_round(connection, round_)
    earlier = _earlier(connection, proposed)
    paper, *beside = filed
    if earlier is None:
        given = paper_rounds.content(proposed.subject_sha256)
        drafted = paper_drafts.again(connection, proposed.kind, round_.programme, given, cycle.as_of)
        for code in drafted.sent.codes:
            for channel in drafted.paper.channels:
                dispatch.queue(connection, paper.document_id, code, channel, cycle.known_at)
        told = _told(connection, round_.programme, given, cycle.as_of)
        if told is not None:
            (other,) = beside
            for code in told.sent.codes:
                for channel in told.paper.channels:
                    dispatch.queue(connection, other.document_id, code, channel, cycle.known_at)
        about = _considered(round_.programme, drafted, cycle.as_of, cycle.known_at)
        return paper_effects.of(proposed.kind).take(connection, cycle, about, paper, round_.id)
    for recipient, by_way in _sent_to(connection, earlier):
        dispatch.queue(connection, paper.document_id, recipient, by_way, cycle.known_at)
    if proposed.kind not in withdrawal.TAKES_BACK:
        return []
    if earlier["kind"] == NOTICE:
        return publicity_effects.end_notice(connection, cycle, earlier, paper, round_.id)
    done = []
    for event in withdrawal.events(connection, earlier):
        record_title_event(
            connection,
            event["programme"],
            event["unit"],
            "restored",
            cycle.as_of,
            "operator",
            f"撤回{earlier['number'] or earlier['title']}",
            cycle.known_at,
            by="issuer",
            document_number=paper.number,
            document_id=paper.document_id,
            round_id=round_.id,
        )
        done.append(f"{event['unit']}:restored")
    return done


def _sent_to(connection: Connection, earlier: RowMapping) -> list[tuple[str, str]]:
    """Return recipient and channel of every row of the outbox; one that was queued nowhere: as filed."""
    table = tables.dispatch
    query = select(table.c.recipient, table.c.channel).where(table.c.document_id == earlier["id"])
    found = [(r.recipient, r.channel) for r in connection.execute(query.order_by(table.c.id))]
    return found or [(earlier["recipient"], "outbox")]
