"""Conditions of eligibility to the last digit, and who is proposed."""

from __future__ import annotations

from decimal import Decimal

import pytest
from ipgov.core.errors import UnknownError
from ipgov.evaluation.eligibility import Applicant, GateResult, Judgement, Said, computed, judged, propose
from ipgov.policy import store
from ipgov.policy.recognition import Gate, Recognition
from ipgov.policy.rules import RuleVersion


@pytest.fixture(scope="module")
def rules() -> RuleVersion:
    return store.governing("industry_centre_recognition", 2025).rules


@pytest.fixture(scope="module")
def rule(rules: RuleVersion) -> Recognition:
    assert rules.recognition is not None
    return rules.recognition


def gate(rule: Recognition, code: str) -> Gate:
    return next(g for g in rule.gates if g.code == code)


def number(text: str) -> Said:
    return Said(Decimal(text), None, "二、运营成效", "D6")


@pytest.mark.clause("2024-1155#21")
@pytest.mark.parametrize(
    ("amount", "projects", "met"),
    [
        ("500", "0", True),
        ("499.99", "9", False),
        ("499.99", "10", True),
        ("0", "10", True),
        ("500.00", "10", True),
        (None, "10", True),
        (None, None, False),
    ],
)
def test_amount_of_the_year_or_projects_of_all_years(
    rules: RuleVersion, rule: Recognition, amount: str | None, projects: str | None, met: bool
) -> None:
    says = {c: number(t) for c, t in (("A10", amount), ("A11", projects)) if t is not None}
    found = computed(gate(rule, "G21"), "IC01", rules.form.fields, says)
    assert found.met is met
    assert found.bars is not met
    if amount:
        assert f"年度转化运营金额：{Decimal(amount).normalize():f} 万元（二、运营成效 D6）" in found.found


@pytest.mark.clause("2024-1155#24")
@pytest.mark.parametrize(("members", "met"), [("20", True), ("19", False), ("21", True)])
def test_at_least_twenty_bodies(rules: RuleVersion, rule: Recognition, members: str, met: bool) -> None:
    assert computed(gate(rule, "G24"), "IC01", rules.form.fields, {"A12": number(members)}).met is met


@pytest.mark.clause("2024-1155#17")
@pytest.mark.parametrize(
    ("entity", "internal", "met"), [(1, 0, True), (0, 1, True), (1, 1, True), (0, 0, False)]
)
def test_a_legal_entity_or_an_internal_body(
    rules: RuleVersion, rule: Recognition, entity: int, internal: int, met: bool
) -> None:
    says = {"A04": Said(Decimal(entity), None), "A05": Said(Decimal(internal), None)}
    assert computed(gate(rule, "G17"), "IC01", rules.form.fields, says).met is met


@pytest.mark.clause("2024-1155#15")
def test_another_kind_of_host_is_pointed_out_and_bars_nobody(rules: RuleVersion, rule: Recognition) -> None:
    found = computed(gate(rule, "G15"), "IC01", rules.form.fields, {"A03": Said(None, "其他")})
    assert (found.met, found.bars, found.state) == (False, False, "不符合（只作提示）")


def test_a_field_that_the_form_does_not_have_is_an_error(rule: Recognition) -> None:
    with pytest.raises(UnknownError, match="G21 的栏目 A10 不在申报书中"):
        computed(gate(rule, "G21"), "IC01", {}, {})


def test_one_reviewer_who_says_no_is_enough(rule: Recognition) -> None:
    yes, no = Judgement(1, "a", True, "有机制"), Judgement(2, "b", False, "没有机制")
    own = gate(rule, "G22")
    assert judged(own, "IC01", [yes], 2) is None
    both = judged(own, "IC01", [yes, no], 2)
    assert both is not None
    assert (both.met, both.judged_by, both.judgements) == (False, ("a", "b"), (1, 2))


def applicant(unit: str, total: str | None, met: bool = True, absent: str = "") -> Applicant:
    some = Gate(code="G1", name="条件", judged=True, shows=("A",), clause=("2024-1155#22",))
    gates = () if absent else (GateResult(unit, some, met, ""),)
    return Applicant(unit, None if total is None else Decimal(total), gates, absent)


def places(rule: Recognition, *applicants: Applicant, **listing: object) -> dict[str, int | None]:
    changed = rule.model_copy(update={"listing": rule.listing.model_copy(update=listing)})
    return {p.unit: p.place for p in propose(changed, applicants) if p.proposal == "list"}


def test_the_score_asked_for_is_inclusive_and_equal_scores_share_a_place(rule: Recognition) -> None:
    found = places(
        rule,
        applicant("IC01", "60"),
        applicant("IC02", "59.99"),
        applicant("IC03", "80"),
        applicant("IC04", "80"),
        applicant("IC05", "99", met=False),
        applicant("IC06", None),
        applicant("IC07", None, absent="未经推荐"),
    )
    assert found == {"IC03": 1, "IC04": 1, "IC01": 3}


@pytest.mark.parametrize(("edge", "listed"), [("all_out", {"IC01"}), ("all_in", {"IC01", "IC02", "IC03"})])
def test_a_tie_at_the_last_place(rule: Recognition, edge: str, listed: set[str]) -> None:
    tied = [applicant("IC01", "90"), applicant("IC02", "80"), applicant("IC03", "80")]
    assert set(places(rule, *tied, places=2, tie_at_edge=edge)) == listed
    assert set(places(rule, *tied, places=3, tie_at_edge=edge)) == {"IC01", "IC02", "IC03"}


def test_everybody_gets_a_proposal_with_a_reason(rule: Recognition) -> None:
    found = propose(rule, [applicant("IC02", "50"), applicant("IC01", None, absent="未经推荐")])
    assert [(p.unit, p.name) for p in found] == [("IC02", "不予认定"), ("IC01", "未进入评审")]
    assert found[0].reason == "专家评审 50 分，低于 60 分（依据：运行方自定）"
    assert found[1].reason == "未经推荐"
