"""What people propose when they form a panel, and whether the rules allow it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from ipgov.core.errors import Problem, UnknownError
from ipgov.decisions.experts import Expert
from ipgov.policy.methods import ExpertMean
from ipgov.policy.rules import ExpertPanel, RuleVersion
from ipgov.policy.scoring import Indicator
from ipgov.policy.title_words import title_words
from ipgov.registry.platforms import Unit

Assignment = tuple[str, str, str]  # expert, unit, indicator
Pair = tuple[str, str]  # unit, indicator

Role = Literal["chair", "member"]
ROLES: Mapping[str, str] = {"chair": "组长", "member": "成员"}
_SHOWN = 20


@dataclass(frozen=True)
class Scope:
    """What is scored: indicators by code, bodies by unit code or kind; empty: all that there are."""

    indicators: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    units: tuple[str, ...] = ()


@dataclass(frozen=True)
class Seat:
    """A place on a panel: expert, role, and which part of the panel's scope this member scores."""

    expert: str
    role: Role = "member"
    scope: Scope = Scope()


@dataclass(frozen=True)
class Plan:
    """A panel as its people propose it."""

    number: int
    seats: tuple[Seat, ...]
    basis: str  # on what it was formed: a document, a decision
    scope: Scope = Scope()

    def assigned(self, rules: RuleVersion, units: Collection[Unit]) -> list[Assignment]:
        """Return who is to score what, recused or not, in the order of seats, indicators and units."""
        return [
            (s.expert, u.unit, i.code)
            for s in self.seats
            for u, i in asked_for(rules, units)
            if _within(u, i.code, self.scope) and _within(u, i.code, s.scope)
        ]


def _body(rules: RuleVersion) -> str:
    """Return what the programme calls a body."""
    return title_words(rules.title_programme).body


def rules_of_panel(rules: RuleVersion) -> ExpertPanel:
    """Return what the rules say of panels; UnknownError where they know none."""
    if rules.panel is None:
        raise UnknownError(f"“{rules.title}”{rules.version} 版规则没有专家评分（panel）")
    return rules.panel


def scored_indicators(rules: RuleVersion) -> dict[str, Indicator]:
    """Return the indicators that experts score, by code, in the order of the rules."""
    return {i.code: i for i in rules.scoring.indicators if isinstance(i.normalisation, ExpertMean)}


def asked_for(rules: RuleVersion, units: Iterable[Unit]) -> list[tuple[Unit, Indicator]]:
    """Return every body and indicator that experts have to score under the rules."""
    indicators = scored_indicators(rules).values()
    return [(u, i) for i in indicators for u in units if _applies(i, u.kind)]


def _applies(i: Indicator, kind: str) -> bool:
    weight = i.weight.get(kind, Decimal(0)) if isinstance(i.weight, dict) else i.weight
    return weight > 0 and (not i.groups or kind in i.groups)


def _within(unit: Unit, indicator: str, scope: Scope) -> bool:
    return (
        (not scope.indicators or indicator in scope.indicators)
        and (not scope.kinds or unit.kind in scope.kinds)
        and (not scope.units or unit.unit in scope.units)
    )


def plan_problems(
    plan: Plan,
    by: str,
    rules: RuleVersion,
    people: Mapping[str, Expert],
    units: Collection[Unit],
    assigned: Collection[Assignment],
    recused: Mapping[tuple[str, str], str],
    others: Collection[Pair],
) -> Iterator[Problem]:
    """Yield everything that forbids a panel.

    ``recused``: why, by expert and unit; ``others``: what other panels of the period score.
    """
    if not plan.basis.strip() or not by.strip():
        yield Problem("panel_basis", "没有写明组成依据或经办人", "写明依据（文件、决定）与经办人")
    yield from _seats(plan, people, rules_of_panel(rules))
    yield from _scopes(rules, plan, units)
    yield from _assigned(rules, plan, assigned, recused, others)


def _seats(plan: Plan, people: Mapping[str, Expert], rule: ExpertPanel) -> Iterator[Problem]:
    size = len(plan.seats)
    if not rule.size.minimum <= size <= rule.size.maximum:
        expected = f"{rule.size.minimum} 至 {rule.size.maximum} 人"
        yield Problem("panel_size", f"有 {size} 人", expected, basis=rule.size.basis or rule.basis)
    for expert, count in Counter(s.expert for s in plan.seats).items():
        if count > 1:
            yield Problem("panel_members", f"专家“{expert}”出现 {count} 次", "每名专家一次")
        if not people[expert].active:
            yield Problem("panel_members", f"专家“{expert}”{people[expert].name}已停用", "在用的专家")
    if (chairs := sum(s.role == "chair" for s in plan.seats)) > 1:
        yield Problem("panel_members", f"有 {chairs} 名组长", "至多一名组长")
    if plan.number < 1:
        yield Problem("panel_number", f"组号为 {plan.number}", "从 1 起的整数")


def _scopes(rules: RuleVersion, plan: Plan, units: Collection[Unit]) -> Iterator[Problem]:
    known = {
        "indicators": ("指标", list(scored_indicators(rules))),
        "kinds": ("类别", list(rules.kinds)),
        "units": (_body(rules), [u.unit for u in units]),
    }
    scopes = [("专家组", plan.scope), *((f"专家“{s.expert}”", s.scope) for s in plan.seats)]
    for whose, scope in scopes:
        for name, (what, there) in known.items():
            for code in getattr(scope, name):
                if code not in there:
                    expected = "、".join(there) if len(there) <= _SHOWN else "本年度参评的" + what
                    yield Problem("panel_scope", f"{whose}的{what}“{code}”不明", expected)


def _assigned(
    rules: RuleVersion,
    plan: Plan,
    assigned: Collection[Assignment],
    recused: Mapping[tuple[str, str], str],
    others: Collection[Pair],
) -> Iterator[Problem]:
    body = _body(rules)
    pairs = dict.fromkeys((unit, code) for _, unit, code in assigned)
    if not pairs:
        expected = f"至少一项由专家评分的指标适用于所列{body}"
        yield Problem("panel_scope", f"没有任何可评的{body}与指标", expected)
    if twice := [f"{u}的 {i}" for u, i in pairs if (u, i) in others]:
        yield Problem(
            "panel_scope", f"{_some(twice)}已由另一专家组评分", f"每个{body}的每项指标只由一个专家组评分"
        )
    free = Counter((unit, code) for expert, unit, code in assigned if (expert, unit) not in recused)
    indicators = scored_indicators(rules)
    lacking: dict[tuple[str, int, int], list[str]] = {}
    for unit, code in pairs:
        method = indicators[code].normalisation
        if isinstance(method, ExpertMean) and free[unit, code] < method.minimum_raters:
            lacking.setdefault((code, free[unit, code], method.minimum_raters), []).append(unit)
    for (code, there, needed), short in lacking.items():
        why = [
            f"{e} 回避 {u}（{reason}）" for (e, u), reason in recused.items() if u in short and _sits(e, plan)
        ]
        found = f"指标 {code} 回避之后只有 {there} 人可评 {_some(short)}"
        yield Problem(
            "panel_raters", found + (f"：{_some(why)}" if why else ""), f"每个{body}至少 {needed} 人可评"
        )
    scoring = {expert for expert, unit, _ in assigned if (expert, unit) not in recused}
    for seat in plan.seats:
        if pairs and seat.expert not in scoring:
            yield Problem(
                "panel_members",
                f"专家“{seat.expert}”没有可评的{body}",
                f"每名成员至少评一个{body}，且不须全部回避",
            )


def _sits(expert: str, plan: Plan) -> bool:
    return any(s.expert == expert for s in plan.seats)


def _some(texts: Collection[str]) -> str:
    texts = list(texts)
    return "、".join(texts[:_SHOWN]) + (f"等 {len(texts)} 处" if len(texts) > _SHOWN else "")
