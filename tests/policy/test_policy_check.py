"""Every check of the policies finds what it is for: the project's own files, spoiled in one place each."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest
from ipgov.core.errors import Problem
from ipgov.policy import check as checks
from ipgov.policy.check import check
from spoiling import V1, V2, Policies

Changes = tuple[tuple[str, str], ...]


def names(problems: Iterable[Problem]) -> set[str]:
    return {p.check.removeprefix("policy_") for p in problems}


def one(old: str, new: str) -> Changes:
    return ((old, new),)


# what is spoiled in the first version → the checks that must find it, and nothing else; what they must say
SPOILED: dict[str, tuple[Changes, set[str], str]] = {
    # basis and form of the file
    "value without basis": (
        one("  operator: 数据质量规则为运行方自定\n", ""),
        {"basis"},
        r"quality\.suite 没有依据;应为:写明 clause",
    ),
    "unknown key": (
        one("  suite: functional", "  suit: functional"),
        {"shape"},
        r"quality\.suite 缺少此项.*quality\.suit 不认识的项",
    ),
    "unknown method": (
        one("method: boolean", "method: guess"),
        {"shape"},
        r"normalisation “guess”不在 'goalposts'",
    ),
    "weight is no number": (
        one("weight: 12}", "weight: 十二}"),
        {"shape"},
        r"dimensions\[3\]\.weight.* 不是数字",
    ),
    # names and clauses
    "other programme": (
        one("programme: functional_platform", "programme: other"),
        {"names"},
        r"programme 为“other”;应为:所在文件夹名“functional_platform”",
    ),
    "version is not the file's": (
        one('version: "2023-09-05"', 'version: "2023-09-06"'),
        {"names"},
        r"version 为“2023-09-06”;应为:文件名“2023-09-05”",
    ),
    "effective is not the file's": (
        one("effective: 2023-09-05", "effective: 2023-09-06"),
        {"names"},
        r"effective 为 2023-09-06,文件名为“2023-09-05”",
    ),
    "clause that is not": (
        one("    clause: 2023-156#21\n", "    clause: 2023-156#99\n"),
        {"clauses_exist"},
        r"outcomes\[cancel_title\]\.clause 2023-156#99 不存在",
    ),
    "clause of a later document": (
        one("    clause: 2023-156#21\n", "    clause: 2024-1155#45\n"),
        {"clauses_in_force"},
        r"outcomes\[cancel_title\]\.clause 2024-1155#45 所属文件在 2023-09-05 不在施行期.*2024-12-31 起施行",
    ),
    # subject and calendar
    "counts do not make the total": (
        one("count: 3, route: direct", "count: 4, route: direct"),
        {"kinds"},
        r"subject\.total 为 12,各类之和为 13",
    ),
    "kind twice": (
        one("code: tool, name: 工具支撑类", "code: trading, name: 工具支撑类"),
        {"kinds", "groups", "field_kinds"},
        r"subject\.kinds\[trading\] 出现 2 次",
    ),
    "groups are not the kinds": (
        one(
            "  bonus_cap: 5\n", "  bonus_cap: 5\n  groups: [trading, financial, characteristic, tool, else]\n"
        ),
        {"kinds", "weights_sum"},
        r"scoring\.groups 与 subject\.kinds 不一致:else",
    ),
    "opened after due": (
        one("opens: {month: 1", "opens: {month: 4"),
        {"cycle_order"},
        r"cycle\.opens 不早于 cycle\.due",
    ),
    "due on 30 February": (
        one("due: {month: 3, day: 31", "due: {month: 2, day: 30"),
        {"cycle_order"},
        r"cycle\.due 2 月没有 30 日",
    ),
    "evaluated before late ones are in": (
        one("evaluate_after: {working_days: 10}", "evaluate_after: {working_days: 5}"),
        {"cycle_order"},
        r"cycle\.evaluate_after 不长于 cycle\.late_until",
    ),
    # form
    "sheet twice": (
        one("name: 二、建设与辐射", "name: 一、业务绩效"),
        {"sheets"},
        r"form\.sheets\[一、业务绩效\] 出现 2 次",
    ),
    "sheet name no workbook has": (
        one("name: 二、建设与辐射", "name: 二/建设与辐射"),
        {"sheets"},
        r"form\.sheets\[二/建设与辐射\] 不能作工作表名",
    ),
    "field code twice": (
        one("{code: F16,", "{code: F15,"),
        {"field_codes"},
        r"form\.sheets\.fields\[F15\] 出现 2 次",
    ),
    "field of an unknown kind": (
        one("kinds: [financial], help", "kinds: [finance], help"),
        {"field_kinds", "indicator_inputs"},
        r"form\.sheets\.fields\[F03\]\.kinds “finance”不是类别;应为:trading、financial",
    ),
    "minimum above maximum": (
        one("minimum: 0, maximum: 34}", "minimum: 35, maximum: 34}"),
        {"field_limits"},
        r"fields\[F13\]\.minimum 35 大于 maximum 34",
    ),
    "count with decimals": (
        one("type: count, minimum: 0, maximum: 34}", "type: count, decimals: 1, minimum: 0, maximum: 34}"),
        {"field_limits"},
        r"fields\[F13\]\.decimals 类型 count 没有小数",
    ),
    "choice without choices": (
        one("type: text}", "type: choice}"),
        {"field_limits"},
        r"fields\[F28\]\.choices 与类型 choice 不符",
    ),
    "text with a minimum": (
        one("type: text}", "type: text, minimum: 1}"),
        {"field_limits"},
        r"fields\[F28\]\.minimum 类型 text 没有上下限",
    ),
    "input not in the form": (
        one("input: F25", "input: F99"),
        {"indicator_inputs"},
        r"indicators\[I19\]\.input 栏目 F99 不在报送表中",
    ),
    "input that a kind does not fill in": (
        one("input: F03", "input: F01"),
        {"indicator_inputs"},
        r"indicators\[I03\]\.input 类别 financial 不填栏目 F01",
    ),
    "yes/no score from a count": (
        one("input: F19", "input: F20"),
        {"indicator_inputs"},
        r"indicators\[I16\]\.input 栏目 F20 的类型为 count;应为:yes_no",
    ),
    "denominator is a text": (
        one("input: F09, denominator: F08", "input: F09, denominator: F28"),
        {"indicator_inputs"},
        r"indicators\[I09\]\.denominator 栏目 F28 的类型为 text",
    ),
    "divided by itself": (
        one("input: F09, denominator: F08", "input: F09, denominator: F09"),
        {"indicator_inputs"},
        r"indicators\[I09\]\.denominator 与 input 相同",
    ),
    # scoring: tree and weights
    "code twice": (one("{code: I19,", "{code: D1,"), {"codes"}, r"scoring\[D1\] 代码出现 2 次"),
    "weight for an unknown group": (
        one("weight: {trading: 45", "weight: {trader: 45"),
        {"groups", "weights_sum"},
        r"dimensions\[D1\]\.weight “trader”不是类别",
    ),
    "parent that is not": (
        one("name: 服务质量, weight", "name: 服务质量, parent: D9, weight"),
        {"tree", "weights_sum"},
        r"dimensions\[D5\]\.parent 上级维度 D9 不存在",
    ),
    "parents in a circle": (
        (
            ("name: 规范运行, weight", "name: 规范运行, parent: D5, weight"),
            ("name: 服务质量, weight", "name: 服务质量, parent: D4, weight"),
        ),
        {"tree", "weights_sum"},
        r"dimensions\[D4\]\.parent 上级维度循环.*dimensions\[D5\]\.parent 上级维度循环",
    ),
    "indicator of no dimension": (
        one("dimension: D5", "dimension: D9"),
        {"tree", "weights_sum"},
        r"indicators\[I18\]\.dimension 维度 D9 不存在",
    ),
    "dimensions sum to 101": (
        one("weight: 12}", "weight: 13}"),
        {"weights_sum"},
        r"scoring\.dimensions 类别 trading 的下级权重之和为 101;应为:100",
    ),
    "indicators of one group sum to 99.5": (
        one("weight: {financial: 60}", "weight: {financial: 59.5}"),
        {"weights_sum"},
        r"dimensions\[D1\] 类别 financial 的下级权重之和为 99\.5;应为:100",
    ),
    "dimension without children for a group": (
        one("dimension: D5, input: F10", "dimension: D5, groups: [trading], input: F10"),
        {"weights_sum"},
        r"dimensions\[D5\] 类别 tool 的下级没有权重",
    ),
    "negative weight": (
        one("weight: {trading: 45", "weight: {trading: -45"),
        {"weights_used", "weights_sum"},
        r"dimensions\[D1\]\.weight 有负数",
    ),
    "bonus with a weight": (
        one("role: bonus, input", "role: bonus, weight: 5, input"),
        {"weights_used"},
        r"indicators\[I19\]\.weight 不在权重树内却有权重",
    ),
    "no weight where it applies": (
        one("groups: [tool], weight: {tool: 30}", "groups: [tool, trading], weight: {tool: 30}"),
        {"weights_used", "indicator_inputs"},
        r"indicators\[I07\]\.weight 对适用的类别 trading 没有权重",
    ),
    "weight where it does not apply": (
        one("weight: {financial: 60}", "weight: {financial: 60, tool: 5}"),
        {"weights_used"},
        r"indicators\[I03\]\.weight 类别 tool 不在 groups 之列",
    ),
    # scoring: methods
    "cap below score": (
        one("score: 50, per_unit: 0.5, cap: 80", "score: 50, per_unit: 0.5, cap: 40"),
        {"steps"},
        r"indicators\[I02\]\.normalisation\.steps\[1\]\.cap 40 小于 score 50",
    ),
    "cap above 100": (
        one("per_unit: 2, cap: 100", "per_unit: 2, cap: 120"),
        {"steps"},
        r"indicators\[I12\]\.normalisation\.steps\[1\]\.cap 分值可超过 100",
    ),
    "cap for nothing": (
        one("{at_least: 3, score: 70}", "{at_least: 3, score: 70, cap: 90}"),
        {"steps"},
        r"indicators\[I11\]\.normalisation\.steps\[2\]\.cap 没有 per_unit",
    ),
    "last step without a cap": (
        one("score: 40, per_unit: 10, cap: 100", "score: 40, per_unit: 10"),
        {"steps"},
        r"indicators\[I14\]\.normalisation\.steps\[1\]\.cap 分值可超过 100",
    ),
    "step that outgrows 100 before the next": (
        one("score: 50, per_unit: 0.5, cap: 80", "score: 50, per_unit: 1"),
        {"steps"},
        r"indicators\[I02\]\.normalisation\.steps\[1\]\.cap 分值可超过 100",
    ),
    "score above 100": (
        one("score: 70}", "score: 170}"),
        {"steps"},
        r"steps\[2\]\.score 为 170;应为:0 至 100",
    ),
    "less per unit": (one("per_unit: 2, cap", "per_unit: -2, cap"), {"steps"}, r"steps\[1\]\.per_unit 为 -2"),
    "per unit from nowhere": (
        one("{score: 0}, {at_least: 20", "{score: 0, per_unit: 1}, {at_least: 20"),
        {"steps"},
        r"indicators\[I02\]\.normalisation\.steps\[0\]\.per_unit 没有起算点",
    ),
    "benchmark without a group": (
        one("benchmark: {trading: 50000, characteristic: 20000}", "benchmark: {trading: 50000}"),
        {"benchmarks"},
        r"indicators\[I01\]\.normalisation\.benchmark 缺少类别 characteristic",
    ),
    "bonus that gives nothing": (
        one("bonus_cap: 5", "bonus_cap: 0"),
        {"outside_items"},
        r"scoring\.bonus_cap 为 0",
    ),
    "deduction that takes nothing": (
        one("deduction_cap: 20", "deduction_cap: 0"),
        {"outside_items"},
        r"scoring\.deduction_cap 为 0,扣分指标无效",
    ),
    # scoring: grades
    "grade twice": (one("{name: 良好", "{name: 优秀"), {"grades"}, r"grades\[优秀\] 出现 2 次"),
    "floor above the grade before": (
        one("floor: 75", "floor: 85"),
        {"grades"},
        r"grades\[良好\]\.floor 85 不低于上一等级的 85",
    ),
    "floor above the maximum": (
        one("floor: 85", "floor: 101"),
        {"grades"},
        r"grades\[优秀\]\.floor 为 101;应为:0 至满分 100",
    ),
    "middle grade without a floor": (
        one("{name: 通过, floor: 60,", "{name: 通过,"),
        {"grades"},
        r"grades\[通过\]\.floor 没有下限却不是末位",
    ),
    "last grade with a floor": (
        one("{name: 未通过, passes", "{name: 未通过, floor: 20, passes"),
        {"grades"},
        r"grades\[未通过\]\.floor 为 20,其下无等级",
    ),
    "last grade with a quota": (
        one(
            "{name: 未通过, passes",
            "{name: 未通过, quota: {share: 0.1, rounding: down, tie_at_edge: all_in}, passes",
        ),
        {"grades"},
        r"grades\[未通过\]\.quota 名额之外无处可归",
    ),
    "passing below failing": (
        one("floor: 75, passes: true", "floor: 75, passes: false"),
        {"grades"},
        r"scoring\.grades 通过的等级在未通过的等级之下",
    ),
    "nobody can fail": (
        one("{name: 未通过, passes: false}", "{name: 未通过, passes: true}"),
        {"grades", "outcomes"},
        r"outcomes 无从触发:没有未通过的等级.*没有通过与未通过之分",
    ),
    "veto grade that is not": (
        one("veto_grade: 未通过", "veto_grade: 否决"),
        {"veto"},
        r"scoring\.veto_grade “否决”不是等级",
    ),
    "veto without its grade": (
        one("  veto_grade: 未通过\n", ""),
        {"veto"},
        r"scoring\.veto_grade 未写,而有否决指标 I22、I23",
    ),
    "veto grade without a veto": (
        tuple(
            (
                f"role: veto, input: {f}, clause: {c}, normalisation: {{method: threshold, at_least: 1}}",
                f"role: deduction, input: {f}, clause: {c}, "
                "normalisation: {method: per_unit, points: 1, cap: 1}",
            )
            for f, c in (("F23", "2023-156#26"), ("F22", "2023-156#27"))
        ),
        {"veto"},
        r"scoring\.veto_grade 没有否决指标",
    ),
    # what is done with results
    "suite that is not": (
        one("suite: functional_platform_annual", "suite: monthly"),
        {"quality_suite"},
        r"quality\.suite “monthly”没有文件;应为:expectations/monthly\.json",
    ),
    "outcome twice": (
        one("outcome: warning", "outcome: cancel_title"),
        {"outcomes"},
        r"outcomes\[cancel_title\] 出现 2 次",
    ),
    "title ended without a word": (
        one("kind: cancel_title, template", "kind: warning, template"),
        {"outcomes"},
        r"outcomes\[cancel_title\] 改变称号而没有同名文书",
    ),
    "step twice": (one("{step: sign,", "{step: audit,"), {"approval"}, r"approval\.steps\[audit\] 出现 2 次"),
    "step name twice": (
        one("name: 签发, role: issuer", "name: 审核, role: reviewer"),
        {"approval"},
        r"approval\.steps\[审核\]\.name 出现 2 次",
    ),
    "role that is not": (
        one("role: issuer", "role: minister"),
        {"approval"},
        r"approval\.steps\[sign\]\.role 没有“minister”这一角色",
    ),
    "role that may not": (
        one("role: issuer", "role: reviewer"),
        {"approval"},
        r"approval\.steps\[sign\]\.role 角色“reviewer”不能决定“签发”",
    ),
    "nobody can approve": (
        one(
            "role: issuer, quorum: 1, answers: [approve, return]",
            "role: issuer, quorum: 1, answers: [return]",
        ),
        {"approval"},
        r"approval\.steps\[sign\]\.answers 不含 approve",
    ),
    "answer twice": (
        one("answers: [approve, return]", "answers: [approve, approve]"),
        {"approval"},
        r"approval\.steps\[audit\]\.answers approve 出现 2 次",
    ),
    "notice twice": (
        one("{kind: result_to_province,", "{kind: result_to_unit,"),
        {"notice_kinds"},
        r"notices\[result_to_unit\] 出现 2 次",
    ),
    "no receipt": (
        one("  - {kind: receipt, template: receipt, to: sender, operator: 报送回执}\n", ""),
        {"notice_kinds"},
        r"notices 缺少 receipt",
    ),
    "notice that nothing makes": (
        one("{kind: result_to_province,", "{kind: greeting,"),
        {"notice_kinds"},
        r"notices\[greeting\]\.kind 没有任何步骤会制发",
    ),
    "template that is not": (
        one("template: title_cancellation", "template: title"),
        {"notice_templates"},
        r"notices\[cancel_title\]\.template 模板“title”不存在;应为:reports/templates/ 下有 title",
    ),
    # periods
    "period before the first rules": (
        one("first_period: 2023", "first_period: 2022"),
        {"every_period_has_rules"},
        r"cycle\.first_period 为 2022,该期末尚无规则;应为:期末不早于首个版本的施行日 2023-09-05",
    ),
}


def test_the_projects_own_policies_are_right(policies: Policies) -> None:
    assert check() == []


def test_what_the_policies_name_is_there_in_the_project_itself() -> None:
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


def test_every_check_of_a_version_has_a_spoiled_one() -> None:
    registered = {c.__name__ for c in (*checks.VERSION_CHECKS, *checks.SCORING_CHECKS)}
    found = set().union(*(expected for _, expected, _ in SPOILED.values()))
    assert registered <= found, registered - found


def test_two_versions_in_force_from_one_day_overlap(policies: Policies) -> None:
    policies.write("functional_platform/2023-09-05b.yaml", policies.read(V1))
    problems = [p for p in check() if p.check == "policy_no_gap_and_no_overlap"]
    assert [str(p) for p in problems] == [
        "policies/functional_platform:effective 2023-09-05 与 2023-09-05b 同自 2023-09-05 起施行;"
        "应为:同日只有一个施行的版本"
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
            r"form\.accepts 接受不存在的版本 3;应为:.*FP-ANNUAL.*(1、2)",
        ),
        (one("accepts: [2]", "accepts: [1]"), r"form\.accepts 不含本表版本 2"),
        (
            one("version: 2\n  accepts: [2]", "version: 1\n  accepts: [1]"),
            rf"form\.version 仍为 1,栏目却与 policies/{V1} 不同",
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
        (one(",引言,D,decide", ",引言,X,decide"), "clause_values", r"2023-156#01 force 为“X”;应为:M\(必须\)"),
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
            r"effective 为“2023-09-06 \[inferred: date of issue\]”;应为:documents\.yaml 所载 2023-09-05",
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
        ("dated", "2023-09-06", r"2023-156#21 dated 为“2023-09-06”;应为:documents.yaml 所载“2023-09-05”"),
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
    assert [str(p) for p in check()] == ["policies/clauses.csv:2023-156#05 缺失;应为:2023-156 的条款序号连续"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("roles.yaml", "roles: [{name: 甲}]", r"policies/roles\.yaml 的 roles 缺少 code 或 decides"),
        ("documents.yaml", "documents: []", r"policies/documents\.yaml:documents 至少应有 1 项"),
        (
            "calendars/x.yaml",
            "overrides: [{date: 2024-01-02}]",
            r"calendars/x\.yaml:overrides\[0\]\.working 缺少此项",
        ),
    ],
)
def test_what_the_versions_refer_to_is_read_too(
    policies: Policies, name: str, text: str, message: str
) -> None:
    policies.write(name, text)
    texts = "\n".join(map(str, check()))
    assert re.search(message, texts), texts
