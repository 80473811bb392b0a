"""Ways to spoil the rules of expert scoring, and a version that has them right."""

from __future__ import annotations

from spoiling import Changes, Spoiled

_ALONE = "weight: 100, normalisation: {method: goalposts, minimum: 60, maximum: 100}}"
_EXPERTS = (
    "weight: 60, normalisation: {method: goalposts, minimum: 60, maximum: 100}}\n"
    "    - {code: E01, name: 服务创新性, dimension: D5, weight: 40,"
    " normalisation: {method: expert_mean, minimum_raters: 4}}"
)
_PANEL = """panel:
  operator: 样例
  size: {minimum: 5, maximum: 7}
  decimals: 1
  time: {working_days: 3}
  recused_by: [host, operator]
  spread: {measure: range, limit: 30, outcome: rescore}
  names: numbered

not_submitted:"""

RIGHT: Changes = ((_ALONE, _EXPERTS), ("not_submitted:", _PANEL))


def _right_but(*changes: tuple[str, str]) -> Changes:
    return (*RIGHT, *changes)


PANEL: Spoiled = {
    "experts without a panel": (RIGHT[:1], {"panel"}, "panel 没有，而指标 E01 由专家评分"),
    "panel without experts": (RIGHT[1:], {"panel"}, "panel 没有由专家评分的指标"),
    "panel that one recusal leaves too small": (
        _right_but(("minimum: 5, maximum: 7", "minimum: 4, maximum: 7")),
        {"panel"},
        r"panel\.size\.minimum 为 4，一人回避即不足指标 E01 的 4 个评分",
    ),
    "panel sizes upside down": (
        _right_but(("minimum: 5, maximum: 7", "minimum: 7, maximum: 5")),
        {"panel"},
        "大于 maximum 5",
    ),
    "the same relation twice": (
        _right_but(("[host, operator]", "[host, host]")),
        {"panel"},
        r"panel\.recused_by host 出现 2 次",
    ),
    "experts score what bodies fill in": (
        _right_but(("name: 服务创新性,", "name: 服务创新性, input: F16,")),
        {"panel"},
        r"indicators\[E01\]\.input 栏目 F16 由单位填报",
    ),
    "one set of scores for two indicators": (
        _right_but(
            (
                "    - {code: E01, name: 服务创新性, dimension: D5, weight: 40,",
                "    - {code: E02, name: 规划, input: E01, dimension: D5, weight: 20,"
                " normalisation: {method: expert_mean, minimum_raters: 4}}\n"
                "    - {code: E01, name: 服务创新性, dimension: D5, weight: 20,",
            )
        ),
        {"panel"},
        "输入 E01 由 2 个专家指标共用",
    ),
    "a scale that nobody can reach": (
        _right_but(("minimum_raters: 4}", "minimum_raters: 4, scale: {maximum: 9.75}}")),
        {"panel"},
        r"scale\.maximum 为 9\.75，小数多于 panel\.decimals 的 1 位",
    ),
}
