"""What 2023-156 says of the functional platforms stands in every version of their rules."""

from __future__ import annotations

import datetime as dt

import pytest
from ipgov.policy import store
from ipgov.policy.check.version import blocks
from ipgov.policy.rules import RuleVersion

VERSIONS = [v.rules for v in store.versions("functional_platform")]
EVERY_VERSION = pytest.mark.parametrize("rules", VERSIONS, ids=lambda r: r.version)


def test_there_are_versions_to_look_at() -> None:
    assert [r.version for r in VERSIONS] == ["2023-09-05", "2025-06-01"]


@pytest.mark.clause("2023-156#09")
@EVERY_VERSION
def test_four_kinds_three_two_four_three_make_twelve(rules: RuleVersion) -> None:
    assert [(k.name, k.count) for k in rules.subject.kinds] == [
        ("交易服务类", 3),
        ("金融服务类", 2),
        ("特色服务类", 4),
        ("工具支撑类", 3),
    ]
    assert rules.subject.total == 12
    assert rules.subject.counted_on == dt.date(2023, 9, 5)
    assert all("2023-156#09" in k.clause for k in rules.subject.kinds)


@pytest.mark.clause("2023-156#11")
@EVERY_VERSION
def test_the_tool_kind_alone_reports_directly_and_that_is_said_to_be_inferred(rules: RuleVersion) -> None:
    assert {k.code: k.route for k in rules.subject.kinds if k.route == "direct"} == {"tool": "direct"}
    tool = rules.kinds["tool"]
    assert "2023-156#11" in tool.clause
    assert "推断" in tool.operator


@pytest.mark.clause("2023-156#21")
@EVERY_VERSION
def test_two_failed_years_in_a_row_cancel_the_title(rules: RuleVersion) -> None:
    (cancelling,) = [o for o in rules.outcomes if o.event == "cancelled"]
    assert (cancelling.name, cancelling.failed_in_a_row, cancelling.clause) == (
        "取消称号",
        2,
        ("2023-156#21",),
    )
    assert cancelling.operator, "what a year without evaluation means is the operator's own reading"
    assert rules.notice(cancelling.outcome).to == "unit"


@EVERY_VERSION
def test_a_warning_after_one_failed_year_is_the_operators_own(rules: RuleVersion) -> None:
    (warning,) = [o for o in rules.outcomes if o.failed_in_a_row == 1]
    assert warning.event is None
    assert (warning.clause, warning.basis) == ((), "operator")


@pytest.mark.clause("2023-156#22")
@EVERY_VERSION
def test_the_indicators_are_labelled_the_operators_own(rules: RuleVersion) -> None:
    assert rules.scoring.clause == ("2023-156#22",)
    assert "另行发布" in rules.scoring.operator
    assert "运行方自定样例" in rules.scoring.operator
    assert "运行方自定样例" in rules.note
    assert not any("2023-156#22" in block.clause for path, block in blocks(rules) if path != "scoring")


@EVERY_VERSION
def test_what_the_document_leaves_open_is_the_operators(rules: RuleVersion) -> None:
    for block in (rules.cycle, rules.form, rules.not_submitted, rules.approval):
        assert block.operator
