"""Past years under a draft: who would have been graded otherwise, and what would have become of titles.

The frozen values of each year are evaluated under the draft's scoring; nothing of it takes effect. A year is
told apart from what was issued then. Where a form did not ask what the draft needs, that is said, never
guessed: it is an error unless the draft's own rule covers it, or whoever asks has the indicator left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any, Literal

from ipgov.core.errors import Problem, RefusedError, UnknownError
from ipgov.evaluation.comparison.changes import Basis, Outcome
from ipgov.evaluation.comparison.rebuilt import Rebuilt, node_names
from ipgov.evaluation.outcomes import ProposedOutcome, YearResult, propose
from ipgov.policy.differences import Difference, differences
from ipgov.policy.rules import RuleVersion
from ipgov.policy.scoring import Indicator

MARK = "试算，不具效力"
NOT_EVALUATED = "未评价"
NotAsked = Literal["refuse", "drop"]


@dataclass(frozen=True)
class PastYear:
    """A year as it was: its basis with the rules then, what came of it, what it meant for titles.

    ``source``: which result this is; ``ended``: bodies for which the end of the title was proposed then;
    ``said``: what else was proposed, by body.
    """

    period: int
    basis: Basis
    rules: RuleVersion
    results: Mapping[str, Outcome]
    source: str
    trace: str
    ended: frozenset[str] = frozenset()
    said: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class UnitYear:
    """A body's year, as it was and under the draft; ``consequence``: names of outcomes, empty for none."""

    unit: str
    name: str
    group: str
    before: Outcome
    after: Outcome
    consequence_before: str = ""
    consequence_after: str = ""
    lost_earlier: bool = False  # under the draft, the title would have ended in an earlier year

    @property
    def regraded(self) -> bool:
        """Tell whether the grade differs."""
        return self.before.grade != self.after.grade


@dataclass(frozen=True)
class Effect:
    """How much of the differences between bodies of a group an item makes, in % of the totals' variance.

    All items of a side sum to 100; None: not in those rules, or all totals the same.
    """

    node: str
    name: str
    before: Decimal | None
    after: Decimal | None


@dataclass(frozen=True)
class Gap:
    """An input that a year cannot give as the draft needs it, and what that does there."""

    indicator: str
    field: str
    found: str
    covered: str


@dataclass(frozen=True)
class Year:
    """One year under the draft."""

    period: int
    source: str
    trace: str
    version: str
    units: tuple[UnitYear, ...]
    transitions: Mapping[tuple[str, str], int]
    effects: tuple[Effect, ...]
    gaps: tuple[Gap, ...]


@dataclass(frozen=True)
class TitleChange:
    """A body whose title would have ended otherwise: in which year it did and would have; None: never."""

    unit: str
    name: str
    before: int | None
    after: int | None
    explanation: str


@dataclass(frozen=True)
class WhatIf:
    """A draft held against past years."""

    draft: RuleVersion
    years: tuple[Year, ...]
    titles: tuple[TitleChange, ...]
    rules: tuple[Difference, ...]  # of the draft from the rules of the last year

    def regraded(self) -> list[tuple[int, UnitYear]]:
        """Return everybody who would have been graded otherwise, by year."""
        return [(y.period, u) for y in self.years for u in y.units if u.regraded]


def what_if(
    draft: RuleVersion,
    years: Sequence[PastYear],
    earlier: Mapping[str, Sequence[YearResult]],
    not_asked: NotAsked = "refuse",
) -> WhatIf:
    """Evaluate past years, oldest first, under a draft; a pure function.

    ``earlier``: issued results of the years before. ``not_asked``: what happens to indicators whose inputs
    a year's form did not ask: ``refuse`` unless the draft's missing rule covers them, or ``drop`` them.
    Raises RefusedError with every such input, UnknownError for a kind that the draft does not know.
    """
    if not years:
        raise UnknownError("没有可以试算的年度")
    ordered = sorted(years, key=lambda y: y.period)
    gaps = {y.period: _gaps(draft, y) for y in ordered}
    if not_asked == "refuse":
        _refuse_gaps(ordered, gaps)
    history: dict[str, list[YearResult]] = {u: list(h) for u, h in earlier.items()}
    lost: dict[str, tuple[int, ProposedOutcome]] = {}
    done = []
    for year in ordered:
        rebuilt = _under(draft, year, gaps[year.period])
        for unit, o in rebuilt.outcomes.items():
            history.setdefault(unit, []).append(
                YearResult(year.period, o.passed, o.grade, o.total, o.rank, MARK)
            )
        proposed = {p.unit: p for p in propose(draft, history, year.period) if p.unit not in lost}
        done.append(_year(draft, year, rebuilt, proposed, set(lost), gaps[year.period]))
        lost |= {u: (year.period, p) for u, p in proposed.items() if p.event == "cancelled"}
    return WhatIf(
        draft=draft,
        years=tuple(done),
        titles=_titles(ordered, lost),
        rules=tuple(differences(ordered[-1].rules, draft)),
    )


def _gaps(draft: RuleVersion, year: PastYear) -> tuple[Gap, ...]:
    """Return each input of the draft that the year's form did not ask, or asked in another unit or type."""
    kinds = sorted({s.group for s in year.basis.standings.values() if s.counts})
    if strange := [k for k in kinds if k not in draft.kinds]:
        raise UnknownError(
            f"{year.period} 年度的类别“{'、'.join(strange)}”草案中没有；草案的类别：{'、'.join(draft.kinds)}"
        )
    given = set(year.basis.values["indicator"].unique().to_pylist())
    found = []
    for i in draft.scoring.indicators:
        for name in filter(None, (i.source_field, i.denominator)):
            concerned = [k for k in kinds if _applies(i, k)]
            absent = [k for k in concerned if name not in year.rules.form.fields_for(k) and name not in given]
            why = _otherwise_asked(draft, year, name)
            if absent:
                why = f"该年度报送表没有该栏（{'、'.join(draft.kinds[k].name for k in absent)}）"
            if why and concerned:
                found.append(Gap(i.code, name, why, _covered(i, changed=not absent)))
    return tuple(found)


def _applies(i: Indicator, kind: str) -> bool:
    if i.groups and kind not in i.groups:
        return False
    if i.role != "score" or not isinstance(i.weight, dict):
        return True
    return i.weight.get(kind, Decimal(0)) > 0


def _otherwise_asked(draft: RuleVersion, year: PastYear, name: str) -> str:
    then, now = year.rules.form.fields.get(name), draft.form.fields.get(name)
    if then is None or now is None or (then.unit, then.type) == (now.unit, now.type):
        return ""
    old, new = (f"“{f.label}”（{f.unit or f.type}）" for f in (then, now))
    return f"该年度该栏为{old}，草案为{new}"


def _covered(i: Indicator, *, changed: bool) -> str:
    """Return what the draft's own rule makes of the gap; nothing where it would distort the result."""
    if changed:
        return ""
    if i.role != "score":
        return "不计加分、扣分、否决"
    return "该项不计，权重分给同级其余各项" if i.missing == "drop_and_rescale" else ""


def _refuse_gaps(years: Sequence[PastYear], gaps: Mapping[int, Sequence[Gap]]) -> None:
    problems = [
        Problem(
            "what_if_input",
            f"{y.period} 年度缺指标 {g.indicator} 所用的 {g.field}：{g.found}",
            "缺数规则为 drop_and_rescale，或以 --not-asked drop 在该年度不计该指标",
        )
        for y in years
        for g in gaps[y.period]
        if not g.covered
    ]
    if problems:
        raise RefusedError(f"草案所用的数据有 {len(problems)} 处为往年所无，不能比较", tuple(problems))


def _under(draft: RuleVersion, year: PastYear, gaps: Sequence[Gap]) -> Rebuilt:
    import pyarrow as pa
    import pyarrow.compute as pc

    dropped = {g.indicator for g in gaps if not g.covered}
    unusable = {g.field for g in gaps if g.indicator in dropped}
    indicators = tuple(
        i.model_copy(update={"missing": "drop_and_rescale"}) if i.code in dropped else i
        for i in draft.scoring.indicators
    )
    scoring = draft.scoring.model_copy(update={"indicators": indicators})
    rules = draft.model_copy(update={"scoring": scoring}) if dropped else draft
    values = year.basis.values
    if unusable:
        unwanted = pc.is_in(values["indicator"], pa.array(sorted(unusable), pa.string()))
        values = values.filter(pc.invert(unwanted))
    return Rebuilt(year.basis.standings, values, rules)


def _year(
    draft: RuleVersion,
    year: PastYear,
    rebuilt: Rebuilt,
    proposed: Mapping[str, ProposedOutcome],
    lost: set[str],
    gaps: tuple[Gap, ...],
) -> Year:
    said = dict(year.said)
    units = tuple(
        UnitYear(
            unit=unit,
            name=s.name,
            group=s.group,
            before=year.results.get(unit, Outcome()),
            after=rebuilt.outcomes[unit],
            consequence_before=said.get(unit, ""),
            consequence_after=proposed[unit].name if unit in proposed else "",
            lost_earlier=unit in lost,
        )
        for unit, s in sorted(year.basis.standings.items())
    )
    pairs = [(u.before.grade or NOT_EVALUATED, u.after.grade or NOT_EVALUATED) for u in units]
    then = Rebuilt(year.basis.standings, year.basis.values, year.rules)
    return Year(
        period=year.period,
        source=year.source,
        trace=year.trace,
        version=year.rules.version,
        units=units,
        transitions=Counter(pairs),
        effects=_effects(draft, year, then, rebuilt),
        gaps=gaps,
    )


def _effects(draft: RuleVersion, year: PastYear, then: Rebuilt, now: Rebuilt) -> tuple[Effect, ...]:
    groups = {u: s.group for u, s in year.basis.standings.items()}
    before, after = shares(then.parts(list(groups)), groups), shares(now.parts(list(groups)), groups)
    names = node_names(year.rules, draft)
    order = [i.code for i in draft.scoring.indicators]
    nodes = sorted({*before, *after}, key=lambda n: (order.index(n) if n in order else len(order), n))
    return tuple(Effect(n, names.get(n, n), before.get(n), after.get(n)) for n in nodes)


def shares(parts: Mapping[str, Mapping[str, Decimal]], groups: Mapping[str, str]) -> dict[str, Decimal]:
    """Return each node's share of the totals' variance within the groups, in %, to two decimals.

    cov(contribution, total) / var(total), sums taken within each group and pooled; exact, and 100 in all
    before rounding. Nothing where the totals of every group are all the same.
    """
    members: dict[str, list[Mapping[str, Decimal]]] = {}
    for unit, own in parts.items():
        members.setdefault(groups[unit], []).append(own)
    moved: dict[str, Fraction] = {}
    for rows in members.values():
        totals = _centred([sum(map(Fraction, r.values()), Fraction(0)) for r in rows])
        for node in {n for r in rows for n in r}:
            column = [Fraction(r.get(node, Decimal(0))) for r in rows]
            together = sum((c * t for c, t in zip(column, totals, strict=True)), Fraction(0))
            moved[node] = moved.get(node, Fraction(0)) + together
    whole = sum(moved.values(), Fraction(0))
    return {n: _percent(m / whole) for n, m in moved.items()} if whole else {}


def _centred(numbers: Sequence[Fraction]) -> list[Fraction]:
    mean = sum(numbers, Fraction(0)) / len(numbers)
    return [n - mean for n in numbers]


def _percent(share: Fraction) -> Decimal:
    exact = Decimal(share.numerator * 100) / Decimal(share.denominator)
    return exact.quantize(Decimal("0.01"), ROUND_HALF_UP)


def _titles(
    years: Sequence[PastYear], lost: Mapping[str, tuple[int, ProposedOutcome]]
) -> tuple[TitleChange, ...]:
    ended: dict[str, int] = {}
    for y in years:
        for unit in y.ended:
            ended.setdefault(unit, y.period)
    names = {u: s.name for y in years for u, s in y.basis.standings.items()}
    found = []
    for unit in sorted({*ended, *lost}):
        before, after = ended.get(unit), lost[unit][0] if unit in lost else None
        if before != after:
            why = lost[unit][1].explanation if unit in lost else "按草案未达到取消条件"
            found.append(TitleChange(unit, names[unit], before, after, why))
    return tuple(found)


def as_dict(w: WhatIf) -> dict[str, Any]:
    """Return plain data for JSON; decimals as text."""

    def text(number: Decimal | None) -> str | None:
        return None if number is None else format(number, "f")

    return {
        "mark": MARK,
        "draft": {"programme": w.draft.programme, "version": w.draft.version, "title": w.draft.title},
        "years": [
            {
                "period": y.period,
                "source": y.source,
                "trace": y.trace,
                "rules_then": y.version,
                "transitions": [
                    {"before": b, "after": a, "units": n} for (b, a), n in sorted(y.transitions.items())
                ],
                "units": [
                    {
                        **{k: v for k, v in vars(u).items() if k not in ("before", "after")},
                        "before": u.before.as_dict(),
                        "after": u.after.as_dict(),
                    }
                    for u in y.units
                ],
                "effects": [{**vars(e), "before": text(e.before), "after": text(e.after)} for e in y.effects],
                "not_comparable": [dict(vars(g)) for g in y.gaps],
            }
            for y in w.years
        ],
        "titles": [dict(vars(t)) for t in w.titles],
        "rules": [d.as_dict() for d in w.rules],
    }
