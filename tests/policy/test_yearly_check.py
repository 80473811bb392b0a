"""What a period of several years builds on, and what its grades do, spoiled one way at a time."""

from __future__ import annotations

import re

import pytest
from ipgov.core.errors import GovernanceError
from ipgov.policy.check import check
from spoiling import Policies

FILE = "industry_centre/2024-12-31.yaml"
_YEARS = "  programme: industry_centre_self_evaluation\n  inputs"
SPOILED = {
    "years of nobody": (
        (_YEARS, "  programme: nobody\n  inputs"),
        r"yearly\.programme 为“nobody”",
    ),
    "years of other bodies": (
        (
            "  programme: industry_centre_self_evaluation\n  inputs",
            "  programme: functional_platform\n  inputs",
        ),
        r"yearly\.programme “functional_platform”所管对象不同",
    ),
    "a field that no year asks for": (
        ("unit: 万元, field: F11, combine: mean", "unit: 万元, field: F99, combine: mean"),
        r"yearly\.inputs\[Y01\]\.field .*没有栏目 F99",
    ),
    "a text": (
        ("unit: 万元, field: F11, combine: mean", "unit: 万元, field: F20, combine: mean"),
        r"yearly\.inputs\[Y01\]\.field .*类型为 text",
    ),
    "another unit": (
        ("label: 年均转化运营金额, unit: 万元", "label: 年均转化运营金额, unit: 亿元"),
        r"yearly\.inputs\[Y01\]\.unit 为“亿元”",
    ),
    "an input named as a field of the form": (
        ("{code: Y05,", "{code: E05,"),
        r"yearly\.inputs\[E05\]\.code 与报送表栏目同名",
    ),
    "an indicator without its input": (
        ("input: Y10,", "input: Y99,"),
        r"scoring\.indicators\[I01\]\.input 栏目 Y99 不在报送表中",
    ),
    "an event that is none": (
        ("event: rated_qualified", "event: rated_good"),
        r"grade_effects\[合格\]\.event 周期没有事项“rated_good”",
    ),
    "an event that the issuer may not cause": (
        ("event: rated_qualified", "event: cycle_renewed"),
        r"grade_effects\[合格\]\.event “cycle_renewed”不由签发人办理",
    ),
    "a grade forgotten": (
        ("  - {grade: 合格, event: rated_qualified, clause: 2024-1155#42}\n", ""),
        r"grade_effects\[合格\] 出现 0 次",
    ),
    "a change of state that no correction takes back": (
        (", undone_by: rating_corrected", ""),
        r"grade_effects\[不合格\]\.undone_by “rated_unqualified”改变状态",
    ),
    "a document that there is not": (
        ("papers: [praise_circular, praise_case]", "papers: [praise_song]"),
        r"grade_effects\[优秀\]\.papers 业务“industry_centre”没有文书“praise_song”",
    ),
    "a case from a field that is not": (
        ("headline: E10", "headline: E99"),
        r"grade_effects\[优秀\]\.case 栏目 E99 不是报送表的文字栏目",
    ),
    "a figure that is not": (
        ("figures: [Y01, Y03", "figures: [Y01, E03"),
        r"grade_effects\[优秀\]\.case 数据 E03 不在 yearly\.inputs 中",
    ),
}


@pytest.mark.parametrize(("change", "found"), SPOILED.values(), ids=SPOILED)
def test_a_spoiled_rule_over_the_years_is_found(
    policies: Policies, change: tuple[str, str], found: str
) -> None:
    policies.edit(FILE, change)
    said = [str(p) for p in check()]
    assert any(re.search(found, s) for s in said), said


def test_the_project_has_it_right(policies: Policies) -> None:
    assert [str(p) for p in check() if "yearly" in str(p) or "grade_effects" in str(p)] == []


def test_one_code_twice_is_refused(policies: Policies) -> None:
    from ipgov.policy import store

    policies.edit(FILE, ("{code: Y04,", "{code: Y03,"))
    with pytest.raises(GovernanceError) as refused:
        store.load(policies.folder / FILE)
    assert "code 重复" in str(refused.value.problems)
