"""How a rule reads in Chinese, with the numbers of one unit put in, so that it can be computed by hand.

Every normalisation and transform of ``policy/methods.py`` has its words here; a method without words is an
error (UnknownError), found by a test before anybody meets it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from ipgov.core.errors import UnknownError
from ipgov.evaluation.indicators import CAUSES
from ipgov.policy import methods as m
from ipgov.policy import transforms as tr
from ipgov.policy.blocks import Block
from ipgov.policy.scoring import Indicator
from ipgov.policy.units import RATIO

_HANDLING = {
    "exclude_unit": "按规则不予评价",
    "zero": "按规则计 0 分",
    "drop_and_rescale": "按规则不计此项，权重按比例分给同级其余各项",
}
_STATISTIC = {"mean": "平均值", "median": "中位数", "maximum": "最大值"}
_WEIGHING = {
    "weighted_arithmetic_mean": "加权平均",
    "weighted_geometric_mean": "加权几何平均",
    "weighted_harmonic_mean": "加权调和平均",
    "weighted_sum": "加权和",
    "minimum": "取最低分",
}
_TIES = {
    "min": "同分取较差名次",
    "max": "同分取较好名次",
    "dense": "同分同名次、不跳号",
    "average": "同分取平均名次",
}
_PERCENTILE = {
    "inclusive": "低于本值的个数 ÷ (个数 - 1)",
    "exclusive": "(低于本值的个数 + 1) ÷ (个数 + 1)",
    "midpoint": "(低于本值的个数 + 与本值相同的个数 ÷ 2) ÷ 个数",
    "at_or_below": "不高于本值的个数 ÷ 个数",
}
# what the engine notes of a transform, in the order in which it is read
_NOTED = (
    ("members", "数值个数"),
    ("q1", "下四分位数"),
    ("q3", "上四分位数"),
    ("mean", "平均值"),
    ("deviation", "标准差"),
    ("low", "下界"),
    ("high", "上界"),
    ("drawn", "缩入个数"),
    ("skewness_before", "原偏度"),
    ("kurtosis_before", "原峰度"),
    ("skewness_after", "处理后偏度"),
    ("kurtosis_after", "处理后峰度"),
)
_TREATMENTS = {"clamp": "缩至界限", "log": "取对数", "mirrored_log": "反向取对数", "undefined": "没有定义"}
_HUNDRED = Decimal(100)


def plain(number: Decimal) -> str:
    """Return a decimal without zeros at its end and without exponent."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def measured(value: Decimal, unit: str, decimals: int | None = None) -> str:
    """Return a value with its unit as people read it: 12.5万元; a share of 1 in percent, 0.1 as 10%.

    ``decimals``: at most so many, rounded half up; None: all. A percentage has at most two.
    """
    if unit == RATIO:
        return f"{plain((value * _HUNDRED).quantize(Decimal('0.01'), ROUND_HALF_UP))}%"
    if decimals is not None:
        value = value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    return f"{plain(value)}{unit}"


def weighing(aggregation: str) -> str:
    """Return the name of an aggregation."""
    return _of(_WEIGHING, aggregation, "汇总方法")


def absence(i: Indicator, detail: Mapping[str, Any]) -> str:
    """Say why there is no value and what the rule makes of it."""
    cause = _of(CAUSES, detail["missing"], "缺数原因")
    if i.role == "score" or i.missing == "exclude_unit":
        return f"{cause}，{_of(_HANDLING, i.missing, '缺数处理')}"
    return f"{cause}，不计"


def raw_value(i: Indicator, value: Decimal | None, detail: Mapping[str, Any]) -> str:
    """Say what was measured: the value, or the division that gave it, or the experts' scores.

    None: there was no value before the transforms, one of which gave one.
    """
    if value is None:
        return "没有数值"
    if isinstance(i.normalisation, m.ExpertMean):
        counted = "、".join(f"{r['rater']} {r['value']}" for r in detail.get("counted", ()))
        dropped = "、".join(f"{r['rater']} {r['value']}" for r in detail.get("dropped", ()))
        return f"评分 {counted}" + (f"（去掉 {dropped}）" if dropped else "")
    if i.denominator:
        times = f" × {_number(i.per)}" if i.per != 1 else ""
        return f"{detail['numerator']}{times} ÷ {detail['divisor']} = {plain(value)}" + (
            f"（{measured(value, i.unit)}）" if i.unit == RATIO else ""
        )
    return measured(value, i.unit)


def transform(rule: Block, told: Mapping[str, Any] | None = None) -> str:
    """Say what a transform does to the value; ``told``: what the engine noted, and what came out."""
    words, noted = str(_words(_TRANSFORMS, rule)(rule)), dict(told or {})
    if isinstance(rule, tr.Impute) and noted and not noted.get("imputed"):
        return "不缺数，不补"
    treatment = [_of(_TREATMENTS, noted["treatment"], "极端值处理")] if noted.get("treatment") else []
    facts = "，".join([*treatment, *(f"{word} {noted[key]}" for key, word in _NOTED if key in noted)])
    after = f" = {noted['value']}" if "value" in noted else ""
    return words + (f"（{facts}）" if facts else "") + after


def method(
    rule: Block, value: Decimal, detail: Mapping[str, Any], *, full: Decimal = _HUNDRED, unit: str = ""
) -> str:
    """Say how the score comes from the value; ``full``: the full score, ``unit``: of the value."""
    told = dict(detail)
    if told.get("few"):
        few: Any = rule
        found = f"，数值只有 {told['members']} 个" if "members" in told else ""
        return f"数值少于 {few.minimum_members} 个或全部相同{found}，按规则计 {plain(few.otherwise)} 分"
    return str(_words(_METHODS, rule)(rule, value, told, full, unit))


def _words(known: Mapping[type[Block], Any], rule: Block) -> Any:
    if type(rule) not in known:
        raise UnknownError(f"规则“{type(rule).__name__}”没有文字说明，不能解释")
    return known[type(rule)]


def _of(words: Mapping[str, str], key: str, what: str) -> str:
    if key not in words:
        raise UnknownError(f"{what}“{key}”没有文字说明；已知：{'、'.join(words)}")
    return words[key]


def _within(within: str) -> str:
    return "本组" if within == "group" else "全体"


def _number(number: Decimal) -> str:
    return f"({plain(number)})" if number < 0 else plain(number)


def _signed(number: Decimal) -> str:
    return f" - {plain(-number)}" if number < 0 else f" + {plain(number)}"


def _multiply(t: tr.Multiply) -> str:
    return f"数值 × {_number(t.by)}"


def _log(t: tr.Log) -> str:
    name = "ln" if t.base == "e" else f"log{t.base}"
    inner = f"数值{_signed(t.plus)}" if t.plus else "数值"
    return f"{name}({inner})" + ("，不大于 0 的作缺数" if t.not_positive == "missing" else "")


def _exp(t: tr.Exp) -> str:
    return "e 的（数值" + (f" × {_number(t.rate)}" if t.rate != 1 else "") + "）次方"


def _power(t: tr.Power) -> str:
    return f"数值的 {plain(t.exponent)} 次方"


def _clip(t: tr.Clip) -> str:
    parts = [
        f"低于 {plain(t.minimum)} 的按 {plain(t.minimum)} 计" if t.minimum is not None else "",
        f"高于 {plain(t.maximum)} 的按 {plain(t.maximum)} 计" if t.maximum is not None else "",
    ]
    return "，".join(p for p in parts if p)


def _impute(t: tr.Impute) -> str:
    few = "" if t.minimum_members == 1 else f"；不足 {t.minimum_members} 个数值的"
    few += "" if not few else "改用全体" if t.otherwise == "all" else "仍作缺数"
    return f"缺数以{_within(t.within)}{_STATISTIC[t.by]}补{few}"


def _share(t: tr.WinsoriseShare) -> str:
    how = "线性插值" if t.quantile == "linear" else "最近序位"
    low = f"低于 {plain(t.lower * 100)}% 分位的" if t.lower else ""
    high = f"高于 {plain(t.upper * 100)}% 分位的" if t.upper != 1 else ""
    return f"{_within(t.within)}中{'、'.join(x for x in (low, high) if x)}数值缩至该分位（{how}）"


_THEN = {
    "keep": "保留已缩的数值",
    "restore": "恢复原值",
    "log": "改取原值的对数 ln(数值 - 最小值 + 全距 ÷ 100)，偏度为负时取 -ln(最大值 - 数值 + 全距 ÷ 100)",
    "log_from_minimum": "改取原值的对数 ln(数值 - 最小值 + 全距 ÷ 100)",
    "log_stretched": "改取原值的对数 ln((最大值 × {stretch} - 1) × (数值 - 最小值) ÷ 全距 + 1)，"
    "偏度为负时取 -ln((最大值 × {stretch} - 1) × (最大值 - 数值) ÷ 全距 + 1)",
}


def _skew(t: tr.WinsoriseSkew) -> str:
    then = _of(_THEN, t.then, "极端值处理").format(stretch=plain(t.stretch))
    return (
        f"{_within(t.within)}偏度绝对值大于 {plain(t.skewness)} 且峰度大于 {plain(t.kurtosis)} 时，"
        f"极端值逐个缩至其内侧相邻值，最多 {t.most} 个；仍超过的{then}"
    )


def _fences(t: tr.WinsoriseFences) -> str:
    fence = "四分位数外 {} 倍四分位距" if t.by == "iqr" else "平均值上下 {} 倍标准差"
    return f"{_within(t.within)}中超出{fence.format(plain(t.k))}的数值缩至该界限"


_TRANSFORMS: Mapping[type[Block], Callable[[Any], str]] = {
    tr.Multiply: _multiply,
    tr.Log: _log,
    tr.Exp: _exp,
    tr.Power: _power,
    tr.Clip: _clip,
    tr.Impute: _impute,
    tr.WinsoriseShare: _share,
    tr.WinsoriseSkew: _skew,
    tr.WinsoriseFences: _fences,
}
_Detail = dict[str, Any]


def _goalposts(n: m.Goalposts, value: Decimal, detail: _Detail, full: Decimal, unit: str) -> str:
    def at(number: Decimal) -> str:
        return f"ln {_number(number)}" if n.scale == "log" else _number(number)

    top = f"{at(n.maximum)} - {at(value)}" if n.direction == "down" else f"{at(value)} - {at(n.minimum)}"
    span = (full if n.highest is None else n.highest) - n.lowest
    text = f"({top}) ÷ ({at(n.maximum)} - {at(n.minimum)}) × {plain(span)}"
    text += _signed(n.lowest) if n.lowest else ""
    kept = {
        "both": f"，数值限于 {plain(n.minimum)} 至 {plain(n.maximum)}",
        "minimum": f"，数值低于 {plain(n.minimum)} 的按 {plain(n.minimum)} 计",
        "maximum": f"，数值高于 {plain(n.maximum)} 的按 {plain(n.maximum)} 计",
        "none": "",
    }
    return text + kept[n.clamp]


def _few(n: Any) -> str:
    """Say what few values get."""
    if n.otherwise is None:
        return ""
    return f"；数值少于 {n.minimum_members} 个的计 {plain(n.otherwise)} 分"


def _found(detail: _Detail, *keys: tuple[str, str]) -> str:
    """Return the statistics that the engine noted for this unit: ``（本组 9 个数值，最小值 2）``."""
    parts = [f"{word} {detail[key]}" for key, word in keys if key in detail]
    return f"（{'，'.join(parts)}）" if parts else ""


_COUNT, _LOW, _HIGH = ("members", "数值个数"), ("minimum", "最小值"), ("maximum", "最大值")


def _min_max(n: m.MinMax, value: Decimal, detail: _Detail, full: Decimal, unit: str) -> str:
    who, v = _within(n.within), _number(value)
    top = f"{who}最大值 - {v}" if n.direction == "down" else f"{v} - {who}最小值"
    span = (full if n.highest is None else n.highest) - n.lowest
    text = f"({top}) ÷ ({who}最大值 - {who}最小值) × {plain(span)}" + (_signed(n.lowest) if n.lowest else "")
    return text + _found(detail, _COUNT, _LOW, _HIGH) + _few(n)


def _z_score(n: m.ZScore, value: Decimal, detail: _Detail, full: Decimal, unit: str) -> str:
    who, v = _within(n.within), _number(value)
    top = f"{who}平均值 - {v}" if n.direction == "down" else f"{v} - {who}平均值"
    kind = "总体标准差" if n.deviation == "population" else "样本标准差"
    text = f"{plain(n.mean)} + {plain(n.spread)} × ({top}) ÷ {who}{kind}"
    return text + _found(detail, _COUNT, ("mean", "平均值"), ("deviation", "标准差")) + _few(n)


def _from_worst(n: Any) -> str:
    worst = "大到小" if n.direction == "down" else "小到大"
    return f"在{_within(n.within)}中由{worst}排列的位次（{_of(_TIES, n.ties, '同分处理')}）"


_PLACE = ("place", "位次")


def _rank(n: m.Rank, value: Decimal, detail: _Detail, full: Decimal, unit: str) -> str:
    points = "" if n.points == 1 else f" × {plain(n.points)}"
    return _from_worst(n) + points + _found(detail, _COUNT, _PLACE) + _few(n)


def _percentile(n: m.PercentileRank, value: Decimal, detail: _Detail, full: Decimal, unit: str) -> str:
    share = _of(_PERCENTILE, n.definition, "百分位定义")
    if n.direction == "down":
        share = share.replace("不高于", "不低于") if "不高于" in share else share.replace("低于", "高于")
    noted = _found(detail, _COUNT, ("below", "较差的个数"), ("same", "相同的个数"))
    return f"{_within(n.within)}中{share} × {plain(full)}{noted}{_few(n)}"


def _exponential(n: m.ExponentialRank, value: Decimal, detail: _Detail, full: Decimal, unit: str) -> str:
    c = plain(n.constant)
    scale = "" if full == _HUNDRED else f" × {plain(full)} ÷ 100"
    text = f"-{c} × ln(1 - R × (1 - e^(-100 ÷ {c}))){scale}，R = 位次 ÷ 个数，位次为{_from_worst(n)}"
    return text + _found(detail, _COUNT, _PLACE) + _few(n)


def _observed(bound: Decimal | str, word: str) -> str:
    return _number(bound) if isinstance(bound, Decimal) else word


def _distance(n: m.DistanceToTarget, value: Decimal, detail: _Detail, full: Decimal, unit: str) -> str:
    worst = _observed(n.worst, f"{_within(n.within)}{'最小值' if n.direction == 'up' else '最大值'}")
    cap = full if n.cap is None else n.cap
    text = f"({_number(value)} - {worst}) ÷ ({_number(n.target)} - {worst}) × {plain(full)}"
    return f"{text}，限于 0 至 {plain(cap)}" + _found(detail, _COUNT, ("worst", "最差值"))


def _efficacy(n: m.Efficacy, value: Decimal, detail: _Detail, full: Decimal, unit: str) -> str:
    who = _within(n.within)
    best, worst = ("最大值", "最小值") if n.direction == "up" else ("最小值", "最大值")
    high, low = _observed(n.satisfactory, who + best), _observed(n.not_allowed, who + worst)
    text = f"{plain(n.base)} + {plain(n.span)} × ({_number(value)} - {low}) ÷ ({high} - {low})"
    text += f"，限于 {plain(n.base)} 至 {plain(n.base + n.span)}" if n.clamp else ""
    noted = (_COUNT, ("satisfactory", "满意值"), ("not_allowed", "不允许值"))
    return text + _found(detail, *noted) + _few(n)


def _piecewise(n: m.Piecewise, value: Decimal, detail: _Detail, full: Decimal, unit: str) -> str:
    first, last = n.points[0], n.points[-1]
    if value <= first.at:
        return f"不高于 {plain(first.at)} 的计 {plain(first.score)} 分"
    if value >= last.at:
        return f"不低于 {plain(last.at)} 的计 {plain(last.score)} 分"
    low = max((p for p in n.points if p.at <= value), key=lambda p: p.at)
    high = min((p for p in n.points if p.at > value), key=lambda p: p.at)
    return (
        f"{plain(low.at)}（{plain(low.score)} 分）至 {plain(high.at)}（{plain(high.score)} 分）之间直线折算："
        f"{plain(low.score)} + ({plain(high.score)} - {_number(low.score)})"
        f" × ({_number(value)} - {_number(low.at)}) ÷ ({_number(high.at)} - {_number(low.at)})"
    )


def _steps(n: m.Steps, value: Decimal, detail: _Detail, full: Decimal, unit: str) -> str:
    reached = [s for s in n.steps if s.at_least is not None and value >= s.at_least]
    if not reached:
        return f"未达到最低一档：{plain(n.steps[0].score)} 分"
    step = reached[-1]
    floor = step.at_least or Decimal(0)
    text = f"达到 {plain(floor)} 的档次：{plain(step.score)} 分"
    if step.per_unit:
        text += f" + {plain(step.per_unit)} × ({plain(value)} - {_number(floor)})"
    return text + (f"，不超过 {plain(step.cap)} 分" if step.cap is not None else "")


def _ratio(n: m.RatioToBenchmark, value: Decimal, detail: _Detail, full: Decimal, unit: str) -> str:
    cap = full if n.cap is None else n.cap
    return f"{_number(value)} ÷ {_benchmark(n, detail)} × {plain(full)}，限于 0 至 {plain(cap)}"


def _benchmark(n: m.RatioToBenchmark, detail: _Detail) -> str:
    source, benchmark = detail["benchmark_from"], detail["benchmark"]
    if source == "fixed" or not isinstance(n.benchmark, m.GroupBenchmark):
        return f"基准值 {benchmark}"
    who = _within(n.benchmark.within)
    if source == "otherwise":
        return f"固定基准值 {benchmark}（{who}数值只有 {detail['members']} 个或统计值不为正）"
    return f"{who}{_of(_STATISTIC, source, '基准统计值')} {benchmark}（{who} {detail['members']} 个数值）"


def _true_false(n: m.TrueFalse, value: Decimal, detail: _Detail, full: Decimal, unit: str) -> str:
    answer = "是" if value == 1 else "否"
    return (
        f"答“{answer}”；是计 {plain(full if n.score is None else n.score)} 分，否计 {plain(n.otherwise)} 分"
    )


def _experts(n: m.ExpertMean, value: Decimal, detail: _Detail, full: Decimal, unit: str) -> str:
    text = f"{len(detail.get('counted', ()))} 个评分的平均"
    low, high = n.scale.minimum, n.scale.maximum
    if (low, high) == (0, full):
        return text
    return f"{text}：({_number(value)} - {_number(low)}) ÷ ({_number(high)} - {_number(low)}) × {plain(full)}"


def _per_unit(n: m.PerUnit, value: Decimal, detail: _Detail, full: Decimal, unit: str) -> str:
    each = f"每{unit or '单位'} {plain(n.points)} 分"
    return f"{each}：{plain(value)} × {plain(n.points)}，不超过 {plain(n.cap)} 分"


def _threshold(n: m.Threshold, value: Decimal, detail: _Detail, full: Decimal, unit: str) -> str:
    return f"达到 {plain(n.at_least)} 即否决：{'已达到' if value >= n.at_least else '未达到'}"


_METHODS: Mapping[type[Block], Callable[[Any, Decimal, _Detail, Decimal, str], str]] = {
    m.Goalposts: _goalposts,
    m.MinMax: _min_max,
    m.ZScore: _z_score,
    m.Rank: _rank,
    m.PercentileRank: _percentile,
    m.ExponentialRank: _exponential,
    m.DistanceToTarget: _distance,
    m.Efficacy: _efficacy,
    m.Piecewise: _piecewise,
    m.Steps: _steps,
    m.RatioToBenchmark: _ratio,
    m.TrueFalse: _true_false,
    m.ExpertMean: _experts,
    m.PerUnit: _per_unit,
    m.Threshold: _threshold,
}
