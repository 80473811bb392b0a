"""The checks of the cases find what they are for: the project's own cases, spoiled in one place each."""

from __future__ import annotations

import re

import pytest
from ipgov.policy.check import check, notes
from spoiling import Policies

FILE = "cases/functional_platform.yaml"
PROGRESS = "progress: {milestone: warned_rectification_progress, minimum: 1}"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "milestone: warned_rectification_progress",
            "milestone: warned_progress",
            r"progress.milestone “warned_progress”不是该业务的职责；应为：policies/duties 中的：.*self_check",
        ),
        (
            "milestone: warned_rectification_progress",
            "milestone: centre_rectification_progress",
            r"“centre_rectification_progress”不是该业务的职责",
        ),
        (
            "milestone: warned_rectification_progress",
            "milestone: warned_rectification_plan",
            r"“warned_rectification_plan”不按期重复；应为：按期重复（repeats: true）的职责",
        ),
        (
            "milestone: warned_rectification_progress",
            "milestone: pilot_rectification_progress",
            r"“pilot_rectification_progress”不属于“warned_rectification”",
        ),
        (
            "milestone: warned_rectification_plan",
            "milestone: warned_rectification_progress",
            r"plan.milestone “warned_rectification_progress”按期重复；应为：不重复的职责",
        ),
        (
            "milestone: warned_rectification_progress",
            "milestone: warned_rectification",
            r"“warned_rectification”以 judgement 办结；应为：以 report 办结的职责",
        ),
        ("judge: reviewer", "judge: judge", r"judge “judge”不是已有角色"),
        ("template: rectification_notice", "template: no_such", r"没有模板“no_such”"),
        ("clause: [2023-156#23, 2023-156#24]", "clause: [2023-156#99]", r"没有条款 2023-156#99"),
        ("code: pilot_rectification\n", "code: platform_warning\n", r"自 2023-09-05 起的规则重复"),
    ],
)
def test_a_spoiled_case_is_found(policies: Policies, old: str, new: str, message: str) -> None:
    policies.edit(FILE, (old, new))
    found = "\n".join(str(p) for p in check() if p.file == f"policies/{FILE}")
    assert re.search(message, found), found


def test_duties_of_a_programme_without_rules_are_legal_and_said_so(policies: Policies) -> None:
    """A duty may be known before anything of its programme is evaluated."""
    text = policies.read("duties/2024-1155.yaml").replace("programme: industry_centre", "programme: nowhere")
    policies.write("duties/2024-1155.yaml", text)
    cases = policies.read("cases/industry_centre.yaml").replace("industry_centre\n", "nowhere\n")
    policies.write("cases/industry_centre.yaml", cases)
    assert not [p for p in check() if "nowhere" in str(p) or "不合格" in str(p)]
    (told,) = [line for line in notes() if "nowhere" in line]
    assert told.startswith("policies/duties/2024-1155.yaml：“nowhere”尚无规则文件，")
    assert told.endswith(" 项职责所依的等级、结果（不合格）未能核对")
