"""The rules of the yearly self-evaluation and of the province's audit, spoiled one way at a time."""

from __future__ import annotations

import re

import pytest
from ipgov.policy.check import check
from spoiling import Changes, Policies, Spoiled, one

FILE = "industry_centre_self_evaluation/2024-12-31.yaml"
APPLYING = "industry_centre_recognition/2024-12-31.yaml"
_GRADES = (
    "not_submitted:\n  operator: 文件未定",
    "  grades:\n    - {name: 合格, floor: 60, passes: true}\n    - {name: 不合格, passes: false}\n\n"
    "not_submitted:\n  operator: 文件未定",
)

SPOILED: Spoiled = {
    "grades that belong to the comprehensive evaluation": (
        (_GRADES,), {"grades"}, r"scoring\.grades 有 2 个等级；应为：self_evaluation 不设等级",
    ),
    "an evaluation before the audit is over": (
        one("evaluate_after: {working_days: 20}", "evaluate_after: {working_days: 15}"), {"cycle_order"},
        "逾期受理 5 加审核 10 不短于 15；应为：审核期满之后才评价",
    ),
    "due before it opens": (
        one("opens: {month: 11, day: 20", "opens: {month: 12, day: 21"), {"cycle_order"},
        r"cycle\.opens 不早于 cycle\.due",
    ),
    "an audit that nobody is sent": (
        one("  - {kind: province_audit, template", "  - {kind: province_audits, template"),
        {"notice_kinds"}, "缺少 province_audit；应为：由省级审核的",
    ),
    "an audit that is not answered": (
        one("template: province_audit_answer,", "template: no_such,"), {"notice_templates"},
        "模板“no_such”不存在",
    ),
    "every answer forwards": (
        one("name: 退回修改, forwards: false", "name: 退回修改, forwards: true"), {"shape"},
        "answers 须既有转报的，也有不转报的",
    ),
    "two answers of one name": (
        one("name: 退回修改", "name: 审核通过，予以报送"), {"shape"}, "answers 的 name 重复",
    ),
    "two answers of one code": (
        one("code: return, name: 退", "code: forward, name: 退"), {"shape"}, "code 重复",
    ),
    "a copy that nobody has to make": (
        one("  copy_duty: centre_report_copy\n", ""), {"shape"}, "copy_duty 与 direct_copy 须一并写明",
    ),
    "a quota of nobody": (
        one("  direct_copy: warn\n", "  direct_copy: warn\n  quota: 0\n"), {"shape"}, "quota",
    ),
    "forwarding that meets no duty": (
        one("  duty: centre_report_audit", "  duty: centre_report_audits"), {"audit_duties"},
        r"province_audit\.duty “centre_report_audits”不是职责",
    ),
    "forwarding that meets another's duty": (
        one("  duty: centre_report_audit", "  duty: centre_self_evaluation"), {"audit_duties"},
        "由 body 向 office 履行；应为：由 province 向 office 履行的职责",
    ),
    "a copy that meets another round's duty": (
        one("copy_duty: centre_report_copy", "copy_duty: centre_application_filing"), {"audit_duties"},
        "“centre_application_filing”属“industry_centre_recognition”",
    ),
    "no suite": (
        one("suite: industry_centre_self_evaluation", "suite: none_such"), {"quality_suite"},
        "“none_such”没有文件",
    ),
    "a choice that nobody offers": (
        one("type: yes_no, clause: 2024-1155#47", "type: choice, clause: 2024-1155#47"), {"field_limits"},
        "choices 与类型 choice 不符",
    ),
    "an indicator on a text": (one("input: F16,", "input: F20,"), {"indicator_inputs"}, "F20"),
    "a clause of no document": (
        one("clause: 2024-1155#40\n  operator: 评估的办法", "clause: 2024-1155#99\n  operator: 评估的办法"),
        {"clauses_exist"}, "2024-1155#99",
    ),
    "in force before its document": (
        one("effective: 2024-12-31", "effective: 2024-12-30"), {"clauses_in_force"}, "不在施行期",
    ),
}  # fmt: skip
RANKED: dict[str, tuple[Changes, str]] = {
    "a filing that meets no duty": (
        one("copy_duty: centre_application_filing", "copy_duty: centre_filing"),
        r"province_audit\.copy_duty “centre_filing”不是职责",
    ),
    "an audit longer than the wait": (
        one("within: {working_days: 15}", "within: {working_days: 45}"), "审核期满之后才评价",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SPOILED)
def test_a_spoiled_self_evaluation_is_found(policies: Policies, name: str) -> None:
    changes, expected, message = SPOILED[name]
    policies.edit(FILE, *changes)
    found = [p for p in check() if p.file == f"policies/{FILE}"]
    assert expected & {p.check.removeprefix("policy_") for p in found}, found
    assert re.search(message, "\n".join(map(str, found))), found
    assert all(re.search(r"[\u4e00-\u9fff]", p.found) and p.expected for p in found)


@pytest.mark.parametrize("name", RANKED)
def test_a_spoiled_audit_of_applications_is_found(policies: Policies, name: str) -> None:
    changes, message = RANKED[name]
    policies.edit(APPLYING, *changes)
    found = [p for p in check() if p.file == f"policies/{APPLYING}"]
    assert re.search(message, "\n".join(map(str, found))), found


def test_a_duty_of_the_audit_that_is_spoiled_is_found_at_the_audit(policies: Policies) -> None:
    policies.edit("duties/2024-1155.yaml", ("routes: [province]", "routes: [direct]"))
    assert "“centre_report_audit”的 routes 为 direct；应为：routes 只含 province" in "\n".join(
        map(str, check())
    )
