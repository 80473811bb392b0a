"""A round about a period's results: what the reviewers read, and what its issue does to titles."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, select

from ipgov.core.fingerprint import short_code
from ipgov.core.steps import Cycle
from ipgov.core.tables import proposed_outcome, result
from ipgov.decisions.rounds import Round
from ipgov.policy.rules import RuleVersion
from ipgov.policy.store import Loaded
from ipgov.policy.title_words import title_words
from ipgov.procedures import grade_events
from ipgov.procedures.notices import Filed
from ipgov.registry.titles import record_title_event


def present(connection: Connection, round_: Round, rules: RuleVersion) -> tuple[str, str]:
    """Return the subject and, in Markdown, the list with what is proposed."""
    found = (
        connection.execute(
            select(result)
            .where(result.c.result_set_id == round_.results)
            .order_by(result.c.rank, result.c.unit)
        )
        .mappings()
        .all()
    )
    proposed = (
        connection.execute(select(proposed_outcome).where(proposed_outcome.c.result_set_id == round_.results))
        .mappings()
        .all()
    )
    words, graded = title_words(rules.programme), bool(rules.scoring.grades)
    lines = [
        f"**{rules.title}** {round_.period} 年度 第 {round_.number} 轮",
        "",
        f"评级表指纹 `{short_code(round_.fingerprint)}`；评级表见“治理”页面，可下载、填写后上传。",
        "",
        f"| 名次 | {words.body} | {words.category} | 总分 |{' 等级 |' if graded else ''}",
        f"|---|---|---|---|{'---|' if graded else ''}",
        *(
            f"| {r['rank'] or '—'} | {r['unit']} | {rules.kinds[r['group']].name} "
            f"| {'—' if r['total'] is None else format(r['total'], 'f')} |"
            + (f" {r['grade'] or '未评价'} |" if graded else "")
            for r in found
        ),
        "",
        *(f"- 拟办：{p['unit']} {p['explanation']}" for p in proposed),
    ]
    return f"{rules.title} {round_.period} 年度评级表", "\n".join(lines)


def take_effect(
    connection: Connection, cycle: Cycle, rules: Loaded, round_: Round, filed: Sequence[Filed]
) -> list[str]:
    """Let approved outcomes and grades change titles: 取消称号 after two failed years (2023-156#21)."""
    graded = grade_events.record(connection, cycle, rules.rules, round_, filed, "result_to_unit")
    return graded + title_events(connection, cycle, rules, round_, filed, None)


def title_events(
    connection: Connection,
    cycle: Cycle,
    rules: Loaded,
    round_: Round,
    filed: Sequence[Filed],
    only: Collection[tuple[str, str]] | None,
) -> list[str]:
    """Record the title events of a result's outcomes; ``only``: of these (unit, outcome)."""
    events = {o.outcome: o.event for o in rules.rules.outcomes if o.event}
    papers = {(f.kind, f.unit): f for f in filed}
    done = []
    for row in connection.execute(
        select(proposed_outcome)
        .where(proposed_outcome.c.result_set_id == round_.results)
        .order_by(proposed_outcome.c.unit)
    ).mappings():
        event = events.get(row["outcome"])
        if event is None or (only is not None and (row["unit"], row["outcome"]) not in only):
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
            by="issuer",
            document_number=paper.number,
            document_id=paper.document_id,
            round_id=round_.id,
        )
        done.append(f"{row['unit']}:{event}")
    return done
