"""Ways to spoil the scoring of a rule version.

Each entry: what is changed in the file → the checks that find it, and no others; what they say.
"""

from __future__ import annotations

from spoiling import Spoiled, one

SCORING: Spoiled = {
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
        r"scoring\.dimensions 类别 trading 的下级权重之和为 101；应为：100",
    ),
    "indicators of one group sum to 99.5": (
        one("weight: {financial: 60}", "weight: {financial: 59.5}"),
        {"weights_sum"},
        r"dimensions\[D1\] 类别 financial 的下级权重之和为 99\.5；应为：100",
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
        r"steps\[2\]\.score 为 170；应为：0 至 100",
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
    "per without a denominator": (
        one("input: F15, weight: 40,", "input: F15, per: 1000, weight: 40,"),
        {"transforms"},
        r"indicators\[I12\]\.per 没有分母；应为：写明 denominator",
    ),
    "a transform of what is no quantity": (
        one(
            "input: F15, weight: 40, normalisation: {method: steps, "
            "steps: [{score: 0}, {at_least: 10, score: 60, per_unit: 2, cap: 100}]}",
            "input: F20, weight: 40, transforms: [{transform: log}], normalisation: {method: boolean}",
        ),
        {"transforms", "indicator_inputs"},
        r"indicators\[I12\]\.transforms 不能与 boolean 同用",
    ),
    "a best score below the worst": (
        one("minimum: 95, maximum: 99.9}", "minimum: 95, maximum: 99.9, lowest: 60, highest: 50}"),
        {"ranges"},
        r"indicators\[I13\]\.normalisation\.highest 50 不大于 lowest 60",
    ),
    "a kind that can never have enough members": (
        one(
            "{method: steps, steps: [{score: 0}, {at_least: 10, score: 60, per_unit: 2, cap: 100}]}",
            "{method: z_score, within: group, deviation: sample, minimum_members: 3}",
        ),
        {"members"},
        r"indicators\[I12\]\.normalisation 类别 financial 只有 2 个，少于 minimum_members 3",
    ),
    "bonus that gives nothing": (
        one("bonus_cap: 5", "bonus_cap: 0"),
        {"outside_items"},
        r"scoring\.bonus_cap 为 0",
    ),
    "deduction that takes nothing": (
        one("deduction_cap: 20", "deduction_cap: 0"),
        {"outside_items"},
        r"scoring\.deduction_cap 为 0，扣分指标无效",
    ),
    # scoring: grades
    "grade twice": (one("{name: 良好", "{name: 优秀"), {"grades"}, r"grades\[优秀\] 出现 2 次"),
    "floor above the grade before": (
        one("floor: 75", "floor: 86"),
        {"grades"},
        r"grades\[良好\]\.floor 86 不低于上一等级的 85",
    ),
    "the same floor twice without a quota": (
        one("floor: 60, passes", "floor: 75, passes"),
        {"grades"},
        r"grades\[通过\]\.floor 75 不低于上一等级的 75",
    ),
    "ceiling where the highest is the first": (
        one("floor: 75, passes", "below: 75, passes"),
        {"grades"},
        r"grades\[良好\]\.below 与 rounding\.first: highest 不合；应为：写 floor",
    ),
    "no place between the bounds": (
        one("bonus_cap: 5", "bonus_cap: 5\n  minimum: 100"),
        {"bounds", "grades"},
        r"scoring\.minimum 为 100，不小于 maximum 100",
    ),
    "nobody is ranked": (
        one("bonus_cap: 5", "bonus_cap: 5\n  unranked: [trading, financial, characteristic, tool]"),
        {"groups"},
        r"scoring\.unranked 所有类别都不排名",
    ),
    "share of a better grade is as large": (
        (
            ("share: 0.25, within", "share: 0.25, counted: from_first, within"),
            (
                "floor: 75, ",
                "floor: 75, quota: {share: 0.25, counted: from_first, rounding: down, tie_at_edge: all_in}, ",
            ),
        ),
        {"grades"},
        r"grades\[良好\]\.quota\.share 0\.25 不大于上一等级的 0\.25",
    ),
    "floor above the maximum": (
        one("floor: 85", "floor: 101"),
        {"grades"},
        r"grades\[优秀\]\.floor 为 101；应为：0 至满分 100",
    ),
    "middle grade without a floor": (
        one("{name: 通过, floor: 60,", "{name: 通过,"),
        {"grades"},
        r"grades\[通过\]\.floor 没有下限却不是末位",
    ),
    "last grade with a floor": (
        one("{name: 未通过, passes", "{name: 未通过, floor: 20, passes"),
        {"grades"},
        r"grades\[未通过\]\.floor 为 20，其下无等级",
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
        r"outcomes 无从触发：没有未通过的等级.*没有通过与未通过之分",
    ),
    "veto grade that is not": (
        one("veto_grade: 未通过", "veto_grade: 否决"),
        {"veto"},
        r"scoring\.veto_grade “否决”不是等级",
    ),
    "veto without its grade": (
        one("  veto_grade: 未通过\n", ""),
        {"veto"},
        r"scoring\.veto_grade 未写，而有否决指标 I22、I23",
    ),
    "veto grade without a veto": (
        tuple(
            (
                f"role: veto, input: {f}, clause: {c}, operator: 后果与分值为运行方自定, "
                "normalisation: {method: threshold, at_least: 1}",
                f"role: deduction, input: {f}, clause: {c}, "
                "normalisation: {method: per_unit, points: 1, cap: 1}",
            )
            for f, c in (("F23", "2023-156#26"), ("F22", "2023-156#27"))
        ),
        {"veto"},
        r"scoring\.veto_grade 没有否决指标",
    ),
    # sensitivity
    "a node that varies is not": (
        one("nodes: [total]", "nodes: [D9]"),
        {"varied"},
        r"sensitivity\.methods\[总分的合成方法\]\.nodes “D9”不存在；应为：total、D1",
    ),
    "two variations of one name": (
        one("name: 剔除一项指标", "name: 总分的合成方法"),
        {"varied"},
        r"sensitivity\.methods\[总分的合成方法\] 出现 2 次",
    ),
    "an alternative that is the rule itself": (
        one("alternatives: [weighted_geometric_mean]", "alternatives: [weighted_arithmetic_mean]"),
        {"alternatives"},
        r"methods\[总分的合成方法\]\.alternatives weighted_arithmetic_mean 与规则本身相同",
    ),
    "an alternative that gives no score": (
        one(
            "{vary: leave_out, name: 剔除一项指标, kept: 0.5}",
            "{vary: normalisation, name: 换法, kept: 0.5, indicators: [I10],"
            " alternatives: [{method: threshold, at_least: 1}]}",
        ),
        {"alternatives"},
        r"methods\[换法\]\.alternatives threshold 不是计分指标的方法",
    ),
}
