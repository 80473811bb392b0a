"""Where the scores of experts stand, and what became of those that were not given, for explanations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection

from ipgov.decisions.panel_plans import rules_of_panel, scored_indicators
from ipgov.decisions.ratings import STATES, Judged, Rating, frozen, judge, spread_text
from ipgov.evaluation.explain import Source
from ipgov.policy.rules import RuleVersion


def rated_sources(
    connection: Connection, snapshot_id: int, rules: RuleVersion, units: Sequence[str]
) -> Iterator[tuple[str, Source]]:
    """Yield for each body of a snapshot, score by score, its cell or why there is none; then the spread.

    Experts are called what the snapshot calls them; the name of their file could tell who they are.
    """
    if rules.panel is None:
        return
    inputs = {code: i.source_field for code, i in scored_indicators(rules).items()}
    for judged in judge(frozen(connection, snapshot_id, units), rules):
        for rating in judged.ratings:
            yield judged.unit, _source(rating, inputs[judged.indicator])
        if (told := _spread(judged, rules, inputs[judged.indicator])) is not None:
            yield judged.unit, told


def rating_flags(connection: Connection, snapshot_id: int, rules: RuleVersion) -> Iterator[tuple[str, str]]:
    """Yield for each body of a snapshot what a reviewer must see: too few scores, or too far apart."""
    if rules.panel is None:
        return
    names = {code: i.name for code, i in scored_indicators(rules).items()}
    for judged in judge(frozen(connection, snapshot_id), rules):
        name = names[judged.indicator]
        if judged.short:
            yield judged.unit, f"“{name}”有专家评分 {len(judged.scores)} 个，少于 {judged.needed} 个"
        if judged.wide and rules.panel.spread is not None:
            yield judged.unit, f"“{name}”{spread_text(judged, rules.panel.spread)}"


def _source(r: Rating, field: str) -> Source:
    if r.score is None:
        note = STATES[r.state] + (f"（{r.reason}）" if r.reason else "")
        return Source(field, "", "", label=r.rater, note=note)
    sha256, _, place = r.source.partition("#")
    sheet, _, cell = place.rpartition("!")
    note = f"第 {r.round} 轮" if r.last_round > 1 else ""
    said = f"评语：{r.comment}" if r.comment else ""
    return Source(
        field,
        f"{r.rater}的评分表",
        f"{r.score:f}",
        sheet,
        cell,
        sha256,
        label=r.rater,
        note="，".join(p for p in (note, said) if p),
    )


def _spread(judged: Judged, rules: RuleVersion, field: str) -> Source | None:
    rule = rules_of_panel(rules).spread
    if rule is None or judged.spread is None:
        return None
    basis = "；".join((*rule.clause, *rules_of_panel(rules).clause)) or "运行方自定"
    return Source(field, "", "", label="评分差距", note=f"{spread_text(judged, rule)}（依据：{basis}）")
