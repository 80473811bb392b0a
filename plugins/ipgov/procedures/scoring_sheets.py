"""What each member of a panel is asked: the scoring workbooks of a round, put together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from ipgov.core.fingerprint import fingerprint
from ipgov.core.steps import Cycle
from ipgov.decisions import panels
from ipgov.decisions import ratings as standing
from ipgov.decisions.experts import experts
from ipgov.decisions.panel_plans import ROLES, rules_of_panel, scored_indicators
from ipgov.decisions.ratings import Judged, Rating
from ipgov.documents.scoring_sheet import Item, ScoringSheet, Section
from ipgov.policy.methods import ExpertMean
from ipgov.policy.rules import RuleVersion, Spread
from ipgov.policy.scoring import Indicator
from ipgov.policy.store import Loaded
from ipgov.policy.title_words import title_words
from ipgov.registry.platforms import Unit


def compose(
    connection: Connection,
    cycle: Cycle,
    loaded: Loaded,
    panel: panels.Panel,
    units: Mapping[str, Unit],
    recused: Mapping[tuple[str, str], str],
    ratings: Sequence[Rating],
) -> Iterator[ScoringSheet]:
    """Yield what each member of a round is asked, in the order of their places.

    ``units``: the roster by code; ``recused``: why, by (expert, unit); ``ratings``: what stands by now (a
    later round shows each member what the one before brought).
    """
    rules, rule = loaded.rules, rules_of_panel(loaded.rules)
    people = experts(connection, cycle.known_at, (m.expert for m in panel.members))
    asked = panels.asked(connection, panel.id)
    before = {j.pair: j for j in standing.judge(ratings, rules)} if panel.round > 1 else {}
    for member in panel.members:
        own = [(unit, code) for expert, unit, code in asked if expert == member.expert]
        sections = []
        for code, i in scored_indicators(rules).items():
            items = tuple(
                Item(
                    unit,
                    units[unit].name,
                    rules.kinds[units[unit].kind].name,
                    recused.get((member.expert, unit), ""),
                    _before(before.get((unit, code)), member.expert),
                )
                for unit, of in own
                if of == code and unit in units
            )
            if items:
                sections.append(_section(i, rules, items))
        if not any(not i.recused for s in sections for i in s.items):
            continue  # nothing is asked of a member who is recused from everything
        sheet = ScoringSheet(
            title=rules.title,
            issuer=rules.issuer.name,
            programme=cycle.programme,
            period=cycle.period,
            panel=panel.title,
            expert=member.expert,
            expert_name=people[member.expert].name,
            role=ROLES[member.role],
            due_on=panel.due_on,
            decimals=rule.decimals,
            sections=tuple(sections),
            notes=tuple(_notes(rules)),
            fingerprint="",
            body=title_words(rules.title_programme).body,
        )
        yield replace(sheet, fingerprint=_fingerprint(sheet, panel, loaded.sha256))


def _fingerprint(sheet: ScoringSheet, panel: panels.Panel, rule_sha256: str) -> str:
    return fingerprint(
        {
            "panel": [panel.programme, panel.period, panel.number, panel.round, panel.revision],
            "expert": [sheet.expert, sheet.expert_name, sheet.role],
            "rules": rule_sha256,
            "due_on": panel.due_on,
            "asked": [
                [s.code, [[i.unit, i.name, i.kind, i.recused, i.before] for i in s.items]]
                for s in sheet.sections
            ],
        }
    )


def _section(i: Indicator, rules: RuleVersion, items: tuple[Item, ...]) -> Section:
    method = i.normalisation
    assert isinstance(method, ExpertMean)  # noqa: S101
    dimension = next(d.name for d in rules.scoring.dimensions if d.code == i.dimension)
    about = f"评价内容：{dimension}——{i.name}" + (f"；参阅：{i.evidence}" if i.evidence else "")
    return Section(i.code, i.name, about, method.scale.minimum, method.scale.maximum, items)


def _notes(rules: RuleVersion) -> Iterator[str]:
    """Say how scores come together, once for all indicators with the same rule."""
    yield from dict.fromkeys(_together(i.normalisation) for i in scored_indicators(rules).values())
    if (rule := rules_of_panel(rules).spread) is not None:
        yield _limit(rule, title_words(rules.title_programme).body)


def _together(method: object) -> str:
    assert isinstance(method, ExpertMean)  # noqa: S101
    dropped = [
        f"{n} 个{what}" for n, what in ((method.drop_highest, "最高分"), (method.drop_lowest, "最低分")) if n
    ]
    drop = f"去掉 {'、'.join(dropped)}后" if dropped else ""
    few = {"mean_of_all": "取全部评分的平均", "missing": "该项按没有数值处理"}[method.below_minimum]
    return f"每项有效评分达到 {method.minimum_raters} 个的，{drop}取平均；不足的，{few}。"


def _limit(rule: Spread, body: str) -> str:
    word = {"range": "极差", "standard_deviation": "标准差"}[rule.measure]
    then = {"flag": "在结果中注明", "rescore": f"组织再次评分（最多 {rule.rounds} 轮）"}[rule.outcome]
    return f"同一{body}同一项的评分{word}超过 {rule.limit:f} 分（百分制）的，{then}。"


def _before(judged: Judged | None, expert: str) -> str:
    """Say what the round before brought, without naming anybody else."""
    if judged is None or not judged.scores:
        return ""
    own = next((r for r in judged.ratings if r.expert == expert), None)
    mine = "本人未评" if own is None or own.score is None else f"本人 {own.score:f}"
    return f"{mine}；本组 {len(judged.scores)} 个评分，{min(judged.scores):f} 至 {max(judged.scores):f}"
