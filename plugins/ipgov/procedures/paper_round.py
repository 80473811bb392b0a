"""A round about a withdrawal or a correction: what the reviewers read, and what its issue makes and does."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, RowMapping, select

from ipgov.core import tables
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.core.fingerprint import short_code
from ipgov.core.steps import Cycle
from ipgov.decisions import paper_rounds
from ipgov.decisions.paper_rounds import PaperRound
from ipgov.decisions.rounds import Round
from ipgov.documents import dispatch, papers, register
from ipgov.documents.model import Heading, printable
from ipgov.policy.papers import paper as policy_paper
from ipgov.policy.rules import Notice, RuleVersion
from ipgov.policy.store import Loaded
from ipgov.procedures import withdrawal
from ipgov.procedures.notices import Filed, Planned, shared_context
from ipgov.registry.titles import record_title_event


def _about(connection: Connection, round_: Round) -> tuple[PaperRound, RowMapping]:
    proposed = paper_rounds.of_round(connection, round_.id)
    if proposed is None:
        raise UnknownError(f"{round_.label}送审的不是撤回、更正")
    return proposed, register.get(connection, proposed.earlier_id)


def _cell(text: str) -> str:
    """Return another's text for Markdown: one line, no markup of its own."""
    return "".join("\\" + c if c in "\\|`*_<>[]#" else c for c in printable(text))


def present(connection: Connection, round_: Round, rules: RuleVersion) -> tuple[str, str]:
    """Return the subject and, in Markdown, the whole text of what is proposed."""
    proposed, earlier = _about(connection, round_)
    given = withdrawal.content(proposed)
    # as of the day of the earlier document: the draft bears no date here
    drafted = withdrawal.draft(connection, proposed.kind, earlier, given, earlier["issued_on"])
    letter = drafted.letter
    lines = [
        f"**{drafted.paper.name}** 所指文书：{_cell(earlier['number'] or '无字号')}"
        f"《{_cell(earlier['title'])}》（登记序号 {earlier['id']}）",
        "",
        f"指纹 `{short_code(round_.fingerprint)}`；提请人 {_cell(proposed.opened_by)}，"
        f"事由：{_cell(proposed.reason)}。全文见“治理”页面的审批表。",
        "",
        f"**{_cell(letter.title)}**",
        "",
        f"主送：{_cell('、'.join(letter.recipients))}；抄送：{_cell('、'.join(letter.copies_to) or '无')}",
        "",
        *(f"{_cell(p.text if isinstance(p, Heading) else p)}\n" for p in letter.paragraphs),
    ]
    return f"{drafted.paper.name}：{printable(earlier['title'])}", "\n".join(lines)


def overview(connection: Connection, round_id: int) -> dict[str, str] | None:
    """Return what a round's page shows of a proposed document; None for a round about something else."""
    proposed = paper_rounds.of_round(connection, round_id)
    if proposed is None:
        return None
    earlier = register.get(connection, proposed.earlier_id)
    return {
        "name": policy_paper(proposed.kind, earlier["programme"]).name,
        "earlier": f"{earlier['number'] or ''}《{earlier['title']}》",
        "opened_by": proposed.opened_by,
        "reason": proposed.reason,
    }


def plan(connection: Connection, cycle: Cycle, rules: Loaded, round_: Round, seal_code: str) -> list[Planned]:
    """Return the one document of the issue.

    Raises RefusedError where what is stored is not what was approved, or the earlier one was taken back.
    """
    proposed, earlier = _about(connection, round_)
    bound = withdrawal.bound_to(proposed.kind, proposed.subject_sha256, round_.rating_list_sha256, earlier)
    if bound != round_.fingerprint:
        raise RefusedError(f"{round_.label}的文书与送审时不同，不予签发")
    key = f"round:{round_.id}/{proposed.kind}"
    if not _issued(connection, key):
        withdrawal.check_stands(connection, earlier)
    given = withdrawal.content(proposed)
    drafted = withdrawal.draft(connection, proposed.kind, earlier, given, cycle.as_of)
    paper, letter = drafted.paper, drafted.letter
    notice = Notice(
        kind=paper.kind,
        template=paper.template,
        to="unit",
        series=paper.series,
        clause=paper.clause,
        operator=paper.operator,
        copies_to=letter.copies_to,
        channels=(),  # to whom the earlier one was sent: see take_effect
    )
    return [
        Planned(
            key,
            notice,
            earlier["unit"],
            earlier["recipient"],
            letter.recipients[0],
            {
                **shared_context(connection, cycle, rules, round_, seal_code),
                **papers.context(paper, earlier["programme"], drafted.subject),
            },
            recipient_names=letter.recipients,
            corrects=earlier["id"] if proposed.kind == withdrawal.CORRECTION else None,
            withdraws=earlier["id"] if proposed.kind == withdrawal.WITHDRAWAL else None,
        )
    ]


def _issued(connection: Connection, key: str) -> bool:
    table = tables.document
    return connection.execute(select(table.c.id).where(table.c.key == key)).first() is not None


def take_effect(
    connection: Connection, cycle: Cycle, rules: Loaded, round_: Round, filed: Sequence[Filed]
) -> list[str]:
    """Send it to whoever was sent the earlier document; restore a title whose cancellation is taken back."""
    proposed, earlier = _about(connection, round_)
    (paper,) = filed
    for recipient, channel in _sent_to(connection, earlier):
        dispatch.queue(connection, paper.document_id, recipient, channel, cycle.known_at)
    if proposed.kind != withdrawal.WITHDRAWAL:
        return []
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
            document_number=paper.number,
            document_id=paper.document_id,
        )
        done.append(f"{event['unit']}:restored")
    return done


def _sent_to(connection: Connection, earlier: RowMapping) -> list[tuple[str, str]]:
    """Return recipient and channel of every row of the outbox; one that was queued nowhere: as filed."""
    table = tables.dispatch
    query = select(table.c.recipient, table.c.channel).where(table.c.document_id == earlier["id"])
    found = [(r.recipient, r.channel) for r in connection.execute(query.order_by(table.c.id))]
    return found or [(earlier["recipient"], "outbox")]
