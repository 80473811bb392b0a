"""A round of correction: what the reviewers read, which letters and title events its issue makes."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from ipgov.core.errors import UnknownError
from ipgov.core.fingerprint import short_code
from ipgov.core.steps import Cycle
from ipgov.decisions import corrections, rounds
from ipgov.decisions.rounds import Round
from ipgov.evaluation import store as results
from ipgov.policy.rules import RuleVersion
from ipgov.policy.store import Loaded
from ipgov.policy.title_words import title_words
from ipgov.procedures import correction_notices, grade_events
from ipgov.procedures.notices import Filed, Planned
from ipgov.procedures.rating_lists import unit_results
from ipgov.procedures.result_round import title_events
from ipgov.registry.titles import record_title_event


def _correction(connection: Connection, round_: Round) -> corrections.Correction:
    found = corrections.of_round(connection, round_.id)
    if found is None:
        raise UnknownError(f"{round_.label}不是更正")
    return found


def present(connection: Connection, round_: Round, rules: RuleVersion) -> tuple[str, str]:
    """Return the subject and, in Markdown, what a correction changes; of the other bodies nothing."""
    correction = _correction(connection, round_)
    corrected = rounds.get_round(connection, correction.corrects_round_id)
    was = {r.unit: r for r in unit_results(connection, rules, corrected.results)}
    now = {r.unit: r for r in unit_results(connection, rules, round_.results)}
    titles = correction_notices.titles(connection, corrected, round_)
    names = {o.outcome: o.name for o in rules.outcomes}
    body = title_words(rules.programme).body
    lines = [
        f"**{rules.title}** {round_.period} 年度 第 {round_.number} 轮（更正第 {corrected.number} 轮）",
        "",
        f"指纹 `{short_code(round_.fingerprint)}`；提出人 {correction.opened_by}，"
        f"事由：{' '.join(correction.reason.split())}。",
        "",
        f"只列有变动的{body}；已发布的文书不改动，经签发后另文更正。逐项原因见比较表"
        f"（SHA-256 {correction.comparison_sha256[:12]}…）。",
        "",
        f"| {body} | 更正事项 | 已发布 | 更正后 |",
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
    return f"{rules.title} {round_.period} 年度更正", "\n".join(lines)


def plan(connection: Connection, cycle: Cycle, rules: Loaded, round_: Round, seal_code: str) -> list[Planned]:
    """Return the letters that the issue of the correction makes."""
    correction = _correction(connection, round_)
    return correction_notices.plan(connection, cycle, rules, round_, correction, seal_code)


def take_effect(
    connection: Connection, cycle: Cycle, rules: Loaded, round_: Round, filed: Sequence[Filed]
) -> list[str]:
    """Let only those outcomes take effect that are newly called for; take back what is called for no more."""
    correction = _correction(connection, round_)
    corrected = rounds.get_round(connection, correction.corrects_round_id)
    titles = correction_notices.titles(connection, corrected, round_)
    ending = {o.outcome for o in rules.rules.outcomes if o.event == "cancelled"}
    papers = {(f.kind, f.unit): f for f in filed}
    lapsed = sorted(u for u, o in titles.lapsed if o in ending)
    restored = [_restore(connection, cycle, u, papers[correction_notices.UNIT, u], round_.id) for u in lapsed]
    before = {r["unit"]: r["grade"] for r in results.results(connection, corrected.results)}
    was = {unit: before.get(unit) for unit in correction.units}
    letter = correction_notices.UNIT
    graded = grade_events.record(connection, cycle, rules.rules, round_, filed, letter, was)
    return graded + restored + title_events(connection, cycle, rules, round_, filed, titles.added)


def _restore(connection: Connection, cycle: Cycle, unit: str, paper: Filed, round_id: int) -> str:
    """Give a title back whose cancellation rested on a result that was corrected (the operator's rule)."""
    record_title_event(
        connection,
        cycle.programme,
        unit,
        "restored",
        cycle.as_of,
        "operator",
        f"{cycle.period} 年度评价结果更正，{title_words(cycle.programme).cancelled}的依据不再成立",
        cycle.known_at,
        by="issuer",
        document_number=paper.number,
        document_id=paper.document_id,
        round_id=round_id,
    )
    return f"{unit}:restored"
