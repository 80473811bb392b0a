"""Ways to spoil the rules of recognition."""

from __future__ import annotations

from spoiling import Spoiled, one

RECOGNITION_FILE = "industry_centre_recognition/2024-12-31.yaml"

RECOGNITION: Spoiled = {
    "a condition twice": (
        one("- code: G18", "- code: G17"), {"gates"}, r"recognition\.gates\[G17\] 出现 2 次",
    ),
    "a condition without its clause": (
        one("clause: 2024-1155#16\n      judged", "operator: 样例\n      judged"),
        {"gates"}, r"recognition\.gates\[G16\]\.clause 没有条款",
    ),
    "a condition on a field that nobody fills in": (
        one("all_of: [{field: A12,", "all_of: [{field: A99,"), {"gates"}, "栏目 A99 不在申报书中",
    ),
    "a threshold on a yes or no": (
        one("{field: A12, at_least: 20}", "{field: A06, at_least: 20}"), {"gates"},
        "at_least 用于类型为 yes_no 的栏目",
    ),
    "yes of a number": (
        one("[{field: A06, is_yes: true}]", "[{field: A07, is_yes: true}]"), {"gates"},
        "is_yes 用于类型为 count 的栏目",
    ),
    "a choice that the form does not offer": (
        one("one_of: [行业龙头企业,", "one_of: [龙头,"), {"gates"}, "不是栏目的选项：龙头",
    ),
    "a name in a field that is no text": (
        one("field: A01, industry: A02", "field: A03, industry: A02"), {"naming"}, "栏目 A03 不是",
    ),
    "a direct route for nobody knows whom": (
        one("  direct: {clause: [2024-1155#28, 2024-1155#29], hosts: central_enterprises}\n", ""),
        {"listing"}, r"recognition\.direct 没有写明；应为：hosts: central_enterprises 或 every",
    ),
    "a score that nobody reaches": (
        one("minimum_total: 60", "minimum_total: 101"), {"listing"}, "为 101，高于满分 100",
    ),
    "judges of a role that there is not": (
        one("judging: {role: reviewer", "judging: {role: jury"), {"listing"}, "没有“jury”这一角色",
    ),
    "a condition both computed and judged": (
        one("any_of: [{field: A10,", "judged: true\n      any_of: [{field: A10,"),
        {"shape"}, "须且只能以 any_of、all_of、judged 之一表示",
    ),
    "a condition of two kinds at once": (
        one("{field: A10, at_least: 500}", "{field: A10, at_least: 500, is_yes: true}"), {"shape"},
        "条件须且只能以 at_least、is_yes、one_of 之一表示",
    ),
    "another procedure with conditions of recognition": (
        one("procedure: recognition", "procedure: self_evaluation"), {"shape"},
        "procedure 为 recognition 的写明 recognition",
    ),
}  # fmt: skip
