"""What a history of results means for a title; proposed only: nothing takes effect before approval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Literal

from ipgov.evaluation.basis import in_chinese, own_basis
from ipgov.policy.rules import Outcome, RuleVersion


@dataclass(frozen=True)
class YearResult:
    """A body's result of one period. ``passed`` None: not evaluated, neither a pass nor a fail."""

    period: int
    passed: bool | None
    grade: str | None = None
    total: Decimal | None = None
    rank: int | None = None
    source: str = ""  # of an issued result: which round put it before the reviewers

    def as_dict(self) -> dict[str, Any]:
        """Return plain data (decimals as they are) for fingerprints and evidence."""
        return asdict(self)

    def __str__(self) -> str:
        told = [f"{self.total} 分" if self.total is not None else "", self.grade or ""]
        return f"{self.period} 年度（{'，'.join(t for t in told if t) or '未评价'}）"


@dataclass(frozen=True)
class ProposedOutcome:
    """An outcome that a body's history calls for, with the results that led to it."""

    unit: str
    outcome: str
    name: str
    basis: str
    explanation: str
    evidence: tuple[Mapping[str, Any], ...]
    event: Literal["cancelled"] | None


def propose(
    rules: RuleVersion, history: Mapping[str, Sequence[YearResult]], period: int
) -> list[ProposedOutcome]:
    """Return what the results up to and with ``period`` call for, at most one outcome a body, by unit.

    An outcome applies where the body failed ``failed_in_a_row`` evaluations running, the last of them
    ``period``'s own (2023-156#21). A year without an evaluation since the first one either breaks the run
    or is passed over, as the outcome says; years before the first evaluation are no failures. Where several
    outcomes apply, the one that takes the most failures replaces the weaker ones.
    """
    strongest_first = sorted(rules.outcomes, key=lambda o: -o.failed_in_a_row)
    proposed = []
    for unit, years in sorted(history.items()):
        by_year = {y.period: y for y in years if y.period <= period}
        for outcome in strongest_first:
            failed, passed_over = _running(by_year, period, outcome)
            if len(failed) >= outcome.failed_in_a_row:
                proposed.append(_proposal(unit, outcome, failed, passed_over))
                break
    return proposed


def _running(
    by_year: Mapping[int, YearResult], period: int, outcome: Outcome
) -> tuple[list[YearResult], list[int]]:
    """Return the failed years running that end with ``period``, oldest first, and the years passed over."""
    failed: list[YearResult] = []
    passed_over: list[int] = []
    for year in range(period, min(by_year, default=period) - 1, -1):
        result = by_year.get(year)
        if result is None or result.passed is None:
            if year == period or outcome.missing_year == "breaks":
                break
            passed_over.append(year)
        elif result.passed:
            break
        else:
            failed.append(result)
    first = failed[-1].period if failed else period
    return failed[::-1], sorted(y for y in passed_over if y > first)


def _proposal(
    unit: str, outcome: Outcome, failed: Sequence[YearResult], passed_over: Sequence[int]
) -> ProposedOutcome:
    times = f"连续 {len(failed)} 次年度评价未通过" if len(failed) > 1 else "年度评价未通过"
    between = f"；其间 {'、'.join(map(str, passed_over))} 年度未评价，按规则不中断连续" if passed_over else ""
    basis = in_chinese(own_basis(outcome))
    years = "、".join(map(str, failed))
    return ProposedOutcome(
        unit=unit,
        outcome=outcome.outcome,
        name=outcome.name,
        basis=outcome.basis,
        explanation=f"{years}{times}{between}，拟“{outcome.name}”（依据：{basis}）",
        evidence=tuple(y.as_dict() for y in failed),
        event=outcome.event,
    )
