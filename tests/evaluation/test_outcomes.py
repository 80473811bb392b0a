"""Two failed evaluations running propose 取消称号 (2023-156#21)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from ipgov.evaluation.outcomes import ProposedOutcome, YearResult, propose
from ipgov.policy import store
from ipgov.policy.rules import RuleVersion

FAIL, PASS, NONE = False, True, None


@pytest.fixture(scope="module")
def rules() -> RuleVersion:
    return store.governing("functional_platform", 2023).rules


def years(*results: bool | None, first: int = 2023) -> list[YearResult]:
    return [
        YearResult(
            first + n, r, {FAIL: "未通过", PASS: "通过"}.get(r), None if r is None else Decimal("58.20")
        )
        for n, r in enumerate(results)
    ]


def outcome(rules: RuleVersion, *results: bool | None, first: int = 2023) -> str | None:
    history = years(*results, first=first)
    proposed = propose(rules, {"P01": history}, history[-1].period)
    assert len(proposed) <= 1
    return proposed[0].outcome if proposed else None


def breaking(rules: RuleVersion) -> RuleVersion:
    outcomes = tuple(o.model_copy(update={"missing_year": "breaks"}) for o in rules.outcomes)
    return rules.model_copy(update={"outcomes": outcomes})


@pytest.mark.clause("2023-156#21")
@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ((FAIL,), "warning"),  # the years before the first evaluation are no failures
        ((PASS,), None),
        ((NONE,), None),
        ((FAIL, FAIL), "cancel_title"),
        ((FAIL, PASS), None),
        ((PASS, FAIL), "warning"),
        ((FAIL, PASS, FAIL), "warning"),
        ((FAIL, FAIL, FAIL), "cancel_title"),
        ((FAIL, FAIL, PASS), None),
        ((FAIL, NONE), None),  # the newest evaluation must itself be a fail
        ((NONE, FAIL), "warning"),
        ((PASS, NONE, FAIL), "warning"),
    ],
)
def test_two_fails_running_cancel_the_title(
    rules: RuleVersion, results: tuple[bool | None, ...], expected: str | None
):
    assert outcome(rules, *results) == expected


@pytest.mark.clause("2023-156#21")
def test_a_year_without_evaluation_is_passed_over_or_breaks_the_run_as_the_rules_say(rules: RuleVersion):
    assert outcome(rules, FAIL, NONE, FAIL) == "cancel_title"
    assert outcome(rules, FAIL, NONE, NONE, FAIL) == "cancel_title"
    assert outcome(breaking(rules), FAIL, NONE, FAIL) == "warning"
    assert outcome(breaking(rules), FAIL, FAIL) == "cancel_title"
    # the same where there is no row of that year at all
    gap = [*years(FAIL), *years(FAIL, first=2025)]
    assert propose(rules, {"P": gap}, 2025)[0].outcome == "cancel_title"
    assert propose(breaking(rules), {"P": gap}, 2025)[0].outcome == "warning"


def test_the_proposal_names_years_scores_and_basis(rules: RuleVersion):
    history = [
        YearResult(2023, False, "未通过", Decimal("58.20"), 11, "2023 年度第 1 轮审批"),
        YearResult(2024, None),
        YearResult(2025, False, "未通过", Decimal("55.10"), 12),
    ]
    assert propose(rules, {"P03": history, "P01": years(PASS)}, 2025) == [
        ProposedOutcome(
            unit="P03",
            outcome="cancel_title",
            name="取消称号",
            basis="2023-156#21",
            explanation="2023 年度（58.20 分，未通过）、2025 年度（55.10 分，未通过）"
            "连续 2 次年度评价未通过；其间 2024 年度未评价，按规则不中断连续，"
            "拟“取消称号”（依据：2023-156#21、运行方自定）",
            evidence=(history[0].as_dict(), history[2].as_dict()),
            event="cancelled",
        )
    ]


def test_one_fail_is_the_operators_own_warning(rules: RuleVersion):
    (proposal,) = propose(rules, {"P03": years(PASS, FAIL)}, 2024)
    assert (proposal.name, proposal.basis, proposal.event) == ("提醒整改", "operator", None)
    assert proposal.explanation.startswith("2024 年度（58.20 分，未通过）年度评价未通过，拟“提醒整改”")


def test_units_in_order_and_later_years_left_out(rules: RuleVersion):
    history = {"P09": years(FAIL, FAIL), "P02": years(FAIL, FAIL), "P05": years(FAIL, PASS)}
    assert [(p.unit, p.outcome) for p in propose(rules, history, 2023)] == [
        ("P02", "warning"), ("P05", "warning"), ("P09", "warning"),
    ]  # fmt: skip
    assert [p.unit for p in propose(rules, history, 2024)] == ["P02", "P09"]
