"""Every check of the policies finds what it is for: the project's own files, spoiled in one place each."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest
from ipgov.core.errors import EnvironmentProblemError, Problem
from ipgov.policy import check as checks
from ipgov.policy.check import check
from spoiled_panel import PANEL, RIGHT
from spoiled_recognition import RECOGNITION, RECOGNITION_FILE
from spoiled_rules import RULES
from spoiled_scoring import SCORING
from spoiling import V1, V2, Changes, Policies, one

SPOILED = {**RULES, **SCORING, **PANEL}


def names(problems: Iterable[Problem]) -> set[str]:
    return {p.check.removeprefix("policy_") for p in problems}


def test_the_projects_own_policies_are_right(policies: Policies) -> None:
    assert check() == []


def test_what_the_policies_name_is_there_in_the_project_itself() -> None:
    assert list(map(str, check())) == []


def test_a_panel_of_experts_may_be_right(policies: Policies) -> None:
    policies.edit(V1, *RIGHT)
    assert list(map(str, check())) == []


@pytest.mark.parametrize("name", SPOILED)
def test_a_spoiled_version_is_found(policies: Policies, name: str) -> None:
    changes, expected, message = SPOILED[name]
    policies.edit(V1, *changes)
    problems = check()
    assert names(problems) == expected
    texts = "\n".join(map(str, problems))
    assert re.search(message, texts, re.DOTALL), texts
    assert all(p.file == f"policies/{V1}" for p in problems), texts
    assert all(re.search(r"[\u4e00-\u9fff]", p.found) and p.expected for p in problems)


@pytest.mark.parametrize("name", RECOGNITION)
def test_spoiled_rules_of_recognition_are_found(policies: Policies, name: str) -> None:
    changes, expected, message = RECOGNITION[name]
    policies.edit(RECOGNITION_FILE, *changes)
    problems = [p for p in check() if p.file == f"policies/{RECOGNITION_FILE}"]
    assert names(problems) == expected
    assert re.search(message, "\n".join(map(str, problems)), re.DOTALL), problems


def test_every_check_of_a_version_has_a_spoiled_one() -> None:
    registered = {c.__name__ for c in (*checks.VERSION_CHECKS, *checks.SCORING_CHECKS)}
    spoiled = (*SPOILED.values(), *RECOGNITION.values())
    found = set().union(*(expected for _, expected, _ in spoiled))
    assert registered <= found, registered - found


def test_two_versions_in_force_from_one_day_overlap(policies: Policies) -> None:
    policies.write("functional_platform/2023-09-05b.yaml", policies.read(V1))
    problems = [p for p in check() if p.check == "policy_no_gap_and_no_overlap"]
    assert [str(p) for p in problems] == [
        "policies/functional_platform：effective 2023-09-05 与 2023-09-05b 同自 2023-09-05 起施行；"
        "应为：同日只有一个施行的版本"
    ]


def test_a_draft_overlaps_nothing_and_fills_nothing(policies: Policies) -> None:
    draft = policies.read(V2).replace("status: in_force", "status: draft")
    policies.write("functional_platform/2025-06-01-b.yaml", draft.replace('"2025-06-01"', '"2025-06-01-b"'))
    assert check() == []

    for name in (V1, V2):
        policies.edit(name, ("status: in_force", "status: draft"))
    assert [p.found for p in check()] == ["status 没有 in_force 的版本"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            one("accepts: [2]", "accepts: [2, 3]"),
            r"form\.accepts 接受不存在的版本 3；应为：.*FP-ANNUAL.*（1、2）",
        ),
        (one("accepts: [2]", "accepts: [1]"), r"form\.accepts 不含本表版本 2"),
        (
            one("version: 2\n  accepts: [2]", "version: 1\n  accepts: [1]"),
            rf"form\.version 仍为 1，栏目却与 policies/{V1} 不同",
        ),
    ],
)
def test_form_versions(policies: Policies, changes: Changes, message: str) -> None:
    policies.edit(V2, *changes)
    (problem,) = check()
    assert (problem.check, problem.file) == ("policy_form_versions", f"policies/{V2}")
    assert re.search(message, str(problem))


def test_an_earlier_form_version_may_be_accepted_and_a_later_one_not(policies: Policies) -> None:
    policies.edit(V2, ("accepts: [2]", "accepts: [1, 2]"))
    assert check() == []
    policies.edit(V1, ("accepts: [1]", "accepts: [1, 2]"))
    assert [p.file for p in check()] == [f"policies/{V1}"]


def test_a_file_that_is_no_yaml_is_reported_with_its_line_and_the_others_are_judged(
    policies: Policies,
) -> None:
    policies.edit(V1, ("effective: 2023-09-05", "effective: [2023-09-05"))
    policies.edit(V2, ("veto_grade: 未通过", "veto_grade: 否决"))
    unreadable, veto = check()
    assert re.search(rf"policies/{V1} 第 \d+ 行不是有效的 YAML", unreadable.found)
    assert veto.file == f"policies/{V2}"


@pytest.mark.parametrize(
    ("changes", "expected", "message"),
    [
        (one("2023-156#02,", "2023-156#03,"), "clause_ids", r"2023-156#03 出现 2 次"),
        (one("2023-156#02,", "2023-156#2,"), "clause_ids", r"2023-156#2 编号写法不对"),
        (one("2023-156#02,", "2023-157#01,"), "clause_ids", r"文件 2023-157 未登记"),
        (
            one(",引言,D,decide", ",引言,X,decide"),
            "clause_values",
            r"2023-156#01 force 为“X”；应为：M（必须）",
        ),
        (
            one("国知发运函字〔2023〕156号,", "国知发运函字〔2023〕157号,"),
            "clauses_agree_with_documents",
            r"2023-156#01 doc_no",
        ),
        (
            one(
                "2023-09-05,2023-09-05 [inferred: date of issue]",
                "2023-09-05,2023-09-06 [inferred: date of issue]",
            ),
            "clauses_agree_with_documents",
            r"effective 为“2023-09-06 \[inferred: date of issue\]”；应为：documents\.yaml 所载 2023-09-05",
        ),
        (
            one("2023-09-05,2023-09-05 [inferred: date of issue]", "2023-09-05,2023-09-05"),
            "clauses_agree_with_documents",
            r"2023-156#01 effective 的推断说明与文件登记簿不一致",
        ),
    ],
)
def test_clauses(policies: Policies, changes: Changes, expected: str, message: str) -> None:
    policies.edit("clauses.csv", *changes)
    problems = [p for p in check() if p.check == f"policy_{expected}"]
    texts = "\n".join(map(str, problems))
    assert re.search(message, texts), texts
    assert all(p.file == "policies/clauses.csv" for p in problems)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("auto", "C+X", r"2023-156#21 auto 为“C\+X”"),
        ("auto", "C+C", r"2023-156#21 auto 为“C\+C”"),
        ("key_zh", " ", r"2023-156#21 key_zh 为空"),
        ("dated", "2023-09-06", r"2023-156#21 dated 为“2023-09-06”；应为：documents.yaml 所载“2023-09-05”"),
        ("doc_title", "别的通知", r"2023-156#21 doc_title 为“别的通知”"),
    ],
)
def test_columns_of_a_clause(policies: Policies, column: str, value: str, message: str) -> None:
    import csv
    import io

    rows = list(csv.DictReader(io.StringIO(policies.read("clauses.csv"))))
    for row in rows:
        if row["id"] == "2023-156#21":
            row[column] = value
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0].keys(), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    policies.write("clauses.csv", out.getvalue())
    (problem,) = check()
    assert re.search(message, str(problem)), str(problem)


def test_a_lost_clause_leaves_a_gap(policies: Policies) -> None:
    lines = policies.read("clauses.csv").splitlines(keepends=True)
    policies.write("clauses.csv", "".join(line for line in lines if not line.startswith("2023-156#05,")))
    assert [str(p) for p in check()] == [
        "policies/clauses.csv：2023-156#05 缺失；应为：2023-156 的条款序号连续"
    ]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("clauses.csv", "id,doc_no\n", r"policies/clauses\.csv 的表头不对；应为：id,doc_no,doc_title"),
        ("calendars/lunar_days.csv", "year,qingming\n", r"calendars/lunar_days\.csv 有误（表头）"),
        (
            "calendars/lunar_days.csv",
            "year,spring_festival,qingming,dragon_boat,mid_autumn\n"
            "2027,2026-02-06,2027-04-05,2027-06-09,2027-09-15\n",
            r"2027 年的 spring_festival 为 2026-02-06",
        ),
        (
            "calendars/x.yaml",
            "statutory:\n- {operator: 样例, document: 甲, title: 乙, effective: 2030-01-01, lunar: [],\n"
            "   fixed: [{name: 丙, month: 2, day: 30}]}\n",
            r"statutory\[0\]\.fixed\[0\] 2 月没有 30 日",
        ),
        ("roles.yaml", "roles: [{name: 甲}]", r"policies/roles\.yaml 的 roles 缺少 code 或 decides"),
        ("documents.yaml", "documents: []", r"policies/documents\.yaml：documents 至少应有 1 项"),
        (
            "calendars/x.yaml",
            "overrides: [{date: 2024-01-02}]",
            r"calendars/x\.yaml：overrides\[0\]\.working 缺少此项",
        ),
    ],
)
def test_what_the_versions_refer_to_is_read_too(
    policies: Policies, name: str, text: str, message: str
) -> None:
    policies.write(name, text)
    texts = "\n".join(map(str, check()))
    assert re.search(message, texts), texts


def test_a_row_of_clauses_with_a_column_too_many_is_refused(policies: Policies) -> None:
    policies.edit("clauses.csv", ("2023-156#02,", "2023-156#02,,"))
    (problem, *_) = check()
    assert re.search(r"policies/clauses\.csv 第 \d+ 行的列数不对；应为：16 列", problem.found)


def test_a_missing_folder_of_policies_is_the_installations_fault(policies: Policies) -> None:
    policies.folder.rename(policies.folder.with_name("elsewhere"))
    with pytest.raises(EnvironmentProblemError, match="没有规则文件夹"):
        check()
