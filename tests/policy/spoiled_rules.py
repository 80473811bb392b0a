"""Ways to spoil a rule version outside its scoring.

Each entry: what is changed in the file → the checks that find it, and no others; what they say.
"""

from __future__ import annotations

from spoiling import Changes, Spoiled, one

_LAST_FIELD = "        - {code: F28, label: 填表人, type: text}\n"
_NOTICE = "  - {kind: correction, template: correction, to: sender, operator: 更正工作簿}\n"


def asking(kinds: str = "{code: seal, name: 盖章件, required: true}", **other: str) -> Changes:
    """A form that asks for attachments, and the notice that it then needs."""
    block = {
        "sheet": "附件清单",
        "kinds": f"[{kinds}]",
        "media_types": "[application/pdf]",
        "max_bytes": "1000",
        "max_total_bytes": "5000",
        "max_count": "5",
        "complete_within": "{working_days: 5}",
        **other,
    }
    lines = "".join(f"    {key}: {value}\n" for key, value in block.items())
    notice = _NOTICE.replace("correction", "attachment").replace("更正工作簿", "附件的答复")
    return (_LAST_FIELD, f"{_LAST_FIELD}  attachments:\n{lines}"), (_NOTICE, _NOTICE + notice)


RULES: Spoiled = {
    # attachments
    "attachments on a sheet of values": (
        asking(sheet="三、规范运行"),
        {"attachments"},
        r"form\.attachments\.sheet “三、规范运行”已是另一张表",
    ),
    "attachments on a sheet that cannot be": (
        asking(sheet="附件/清单"),
        {"attachments"},
        r"form\.attachments\.sheet “附件/清单”不能作工作表名",
    ),
    "all attachments smaller than one": (
        asking(max_total_bytes="999"),
        {"attachments"},
        r"form\.attachments\.max_total_bytes 小于 max_bytes",
    ),
    "kind of attachment twice": (
        asking("{code: seal, name: 盖章件}, {code: seal, name: 另一件}"),
        {"attachments"},
        r"form\.attachments\.kinds\[seal\]\.code 出现 2 次",
    ),
    "returned for what is not required": (
        asking("{code: seal, name: 盖章件, missing: returned}"),
        {"attachments"},
        r"form\.attachments\.kinds\[seal\]\.missing 不是必需的附件",
    ),
    "attachment of an unknown kind of body": (
        asking("{code: seal, name: 盖章件, kinds: [bank]}"),
        {"attachments"},
        r"form\.attachments\.kinds\[seal\]\.kinds “bank”不是类别",
    ),
    "attachment that proves no field": (
        asking("{code: proof, name: 佐证, fields: [F99]}"),
        {"attachments"},
        r"form\.attachments\.kinds\[proof\]\.fields 栏目 F99 不在报送表中",
    ),
    "attachment that proves another kind's field": (
        asking("{code: proof, name: 佐证, fields: [F03], kinds: [tool]}"),
        {"attachments"},
        r"form\.attachments\.kinds\[proof\]\.fields 附件 proof 的报送类别都不填栏目 F03",
    ),
    "attachments nobody is told of": (
        asking()[:1],
        {"notice_kinds"},
        r"notices 缺少 attachment；应为：报送表要求附件的，有 attachment 文书",
    ),
    # basis and form of the file
    "value without basis": (
        one("  operator: 数据质量规则为运行方自定\n", ""),
        {"basis"},
        r"quality\.suite 没有依据；应为：写明 clause",
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
        r"programme 为“other”；应为：所在文件夹名“functional_platform”",
    ),
    "version is not the file's": (
        one('version: "2023-09-05"', 'version: "2023-09-06"'),
        {"names"},
        r"version 为“2023-09-06”；应为：文件名“2023-09-05”",
    ),
    "effective is not the file's": (
        one("effective: 2023-09-05", "effective: 2023-09-06"),
        {"names"},
        r"effective 为 2023-09-06，文件名为“2023-09-05”",
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
        r"subject\.total 为 12，各类之和为 13",
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
        r"scoring\.groups 与 subject\.kinds 不一致：else",
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
        r"form\.sheets\.fields\[F03\]\.kinds “finance”不是类别；应为：trading、financial",
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
        r"indicators\[I16\]\.input 栏目 F20 的类型为 count；应为：yes_no",
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
    # what is done with results
    "suite that is not": (
        one("suite: functional_platform_annual", "suite: monthly"),
        {"quality_suite"},
        r"quality\.suite “monthly”没有文件；应为：expectations/monthly\.json",
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
        r"notices\[cancel_title\]\.template 模板“title”不存在；应为：reports/templates/ 下有 title",
    ),
    # periods
    "period before the first rules": (
        one("first_period: 2023", "first_period: 2022"),
        {"every_period_has_rules"},
        r"cycle\.first_period 为 2022，该期末尚无规则；应为：期末不早于首个版本的施行日 2023-09-05",
    ),
}
