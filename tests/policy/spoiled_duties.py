"""One spoiled place in the duties for every check of them."""

from __future__ import annotations

from spoiling import Changes, one

PLATFORMS, PROVINCES = "duties/2023-156.yaml", "duties/2022-985.yaml"

# name: file, its changes, the check that finds them, what it says
DUTIES: dict[str, tuple[str, Changes, str, str]] = {}


def _spoiled(file: str, name: str, changes: Changes, check: str, message: str) -> None:
    DUTIES[name] = (file, changes, check, message)


_spoiled(
    PLATFORMS,
    "unregistered document",
    one("document: 2023-156\n", "document: 2023-999\n"),
    "duty_documents",
    "文件“2023-999”未登记",
)
_spoiled(
    PLATFORMS,
    "before the document",
    one("effective: 2023-09-05", "effective: 2023-09-04"),
    "duty_documents",
    r"2023-09-04 早于 国知发运函字〔2023〕156号的施行日期",
)
_spoiled(
    PLATFORMS,
    "no such clause",
    one("clause: 2023-156#15\n", "clause: 2023-156#99\n"),
    "duty_clauses",
    "“2023-156#99”不在条款清单中",
)
_spoiled(
    PLATFORMS,
    "another document's clause",
    one("clause: 2023-156#15\n", "clause: 2024-1155#44\n"),
    "duty_clauses",
    "“2024-1155#44”是另一文件的条款",
)
_spoiled(
    PLATFORMS,
    "entered twice",
    one("code: self_check\n    name: 自查自纠", "code: major_matter\n    name: 自查自纠"),
    "duty_codes",
    r"自 2023-09-05 起的有不止一条",
)
_spoiled(
    PLATFORMS,
    "after nothing",
    one("after: pilot_rectification,", "after: pilot_rectificatio,"),
    "duty_chains",
    "“pilot_rectificatio”不是职责",
)
_spoiled(
    PLATFORMS,
    "after itself",
    one("after: pilot_rectification,", "after: pilot_evaluation,"),
    "duty_chains",
    "绕成一圈",
)
_spoiled(
    PLATFORMS,
    "after another programme's",
    one("after: pilot_rectification,", "after: centre_rectification,"),
    "duty_chains",
    "“centre_rectification”属于“industry_centre”",
)
_spoiled(
    PLATFORMS,
    "a part opened otherwise",
    one(
        "opened_by: {outcomes: [warning]}\n    due:\n      limit: {working_days",
        "opened_by: {grades: [差]}\n    due:\n      limit: {working_days",
    ),
    "duty_parts",
    "与所属事项的开启不同",
)
_spoiled(
    PLATFORMS,
    "one kind opens two",
    one("code: seal_carved", "code: penalty"),
    "duty_kinds",
    "也开启 major_matter",
)
_spoiled(
    PLATFORMS,
    "opens before its effect",
    one("{day: 2023-09-05, whom: registered", "{day: 2023-09-04, whom: registered"),
    "duty_days",
    "2023-09-04 不在施行期内",
)
_spoiled(
    PLATFORMS,
    "due before it opens",
    one("due: {day: 2023-09-15", "due: {day: 2023-09-01"),
    "duty_days",
    "2023-09-01 早于开启日 2023-09-05",
)
_spoiled(
    PROVINCES,
    "no such province",
    one('without: ["71", ', 'without: ["99", '),
    "duty_days",
    "“99”不是省级代码",
)
_spoiled(
    PROVINCES,
    "a province has no host",
    one(
        "{step: before_2, working_days_before: 2, to: [province]}",
        "{step: before_2, working_days_before: 2, to: [host]}",
    ),
    "duty_parties",
    "没有所涉单位，无从确定“host”",
)
_spoiled(
    PLATFORMS,
    "steps out of order",
    one("working_days_before: 20", "working_days_before: 3"),
    "ladders_in_order",
    "不在前一步之后",
)
_spoiled(
    PLATFORMS,
    "a step twice",
    one("step: overdue_5", "step: overdue_1"),
    "ladders_in_order",
    "出现 2 次",
)
_spoiled(
    PLATFORMS,
    "no such ladder",
    one("ladder: week", "ladder: weak"),
    "ladder",
    "ladder “weak”不存在",
)
_spoiled(
    PLATFORMS,
    "a value without basis",
    one("    clause: 2023-156#15\n", ""),
    "basis",
    "没有依据",
)
_spoiled(
    PLATFORMS,
    "two ways to open",
    one("{after: pilot_rectification,", "{after: pilot_rectification, grades: [差],"),
    "shape",
    "须且只能写明",
)
_spoiled(
    PLATFORMS,
    "a submission without a period",
    one("met_by: report\n    ladder: week", "met_by: submission\n    ladder: week"),
    "shape",
    "met_by: submission 只用于由 period 开启的职责",
)
_spoiled(
    PLATFORMS,
    "an outcome that no rule proposes",
    (
        ("opened_by: {outcomes: [warning]}", "opened_by: {outcomes: [warming]}"),
        ("opened_by: {outcomes: [warning]}", "opened_by: {outcomes: [warming]}"),
    ),
    "duty_outcomes",
    "“warming”不是该业务规则的结果",
)
_spoiled(
    PLATFORMS,
    "a grade that no rule gives",
    (
        ("opened_by: {outcomes: [warning]}", "opened_by: {grades: [甲等]}"),
        ("opened_by: {outcomes: [warning]}", "opened_by: {grades: [甲等]}"),
    ),
    "duty_grades",
    "“甲等”不是该业务规则的等级；应为：.*优秀",
)
_PART = "    part_of: warned_rectification\n"
_AGAIN = f"limit: {{months: 2}}\n    met_by: report\n    ladder: self_check\n{_PART}    repeats: true"
_OPENED = f"opened_by: {{outcomes: [warning]}}\n    due:\n      {_AGAIN}"
for _name, _old, _new, _message in (
    (
        "outside a case",
        _AGAIN,
        _AGAIN.replace(_PART, ""),
        "repeats 只用于以 report 办结、期限为 limit、属于案件（part_of）的职责",
    ),
    ("that no report meets", _AGAIN, _AGAIN.replace("report", "judgement"), "repeats 只用于以 report 办结"),
    ("without any time", _AGAIN, _AGAIN.replace("months: 2", "months: 0"), "repeats 的 due.limit 须大于零"),
    (
        "after another",
        _OPENED,
        _OPENED.replace("outcomes: [warning]", "after: self_check"),
        "repeats 的职责由 day、period、outcomes 或 grades 开启",
    ),
):
    _spoiled(PLATFORMS, f"again and again {_name}", one(_old, _new), "shape", _message)
