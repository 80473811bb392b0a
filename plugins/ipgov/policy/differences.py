"""What differs between two rule versions: place, old and new value, and what each stands under."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ipgov.policy.blocks import Block
from ipgov.policy.rules import ScoringRules

# What names a version is no rule.
_IDENTITY = ("programme", "version", "effective", "status", "title", "note")
# By what an item of a list goes, the first that it has.
_KEYS = ("code", "outcome", "step", "kind", "name")
_WORDS: Mapping[str, str] = {
    "effective": "施行日",
    "version": "版次",
    "attachments": "附件",
    "accepts": "接受的版次",
    "aggregation": "汇总方法",
    "approval": "审批",
    "at_least": "起点",
    "benchmark": "基准值",
    "bonus_cap": "加分上限",
    "cap": "上限",
    "clause": "依据条款",
    "cycle": "周期",
    "deduction_cap": "扣分上限",
    "correction": "更正",
    "denominator": "分母",
    "dimension": "所属维度",
    "dimensions": "维度",
    "direction": "方向",
    "failed_in_a_row": "连续未通过次数",
    "fields": "栏目",
    "floor": "分数线",
    "form": "报送表",
    "full_score": "满分",
    "grades": "等级",
    "groups": "适用类别",
    "indicators": "指标",
    "input": "数据栏目",
    "kinds": "类别",
    "maximum": "上限",
    "method": "方法",
    "minimum": "下限",
    "missing": "缺数处理",
    "missing_year": "未评价年度的处理",
    "name": "名称",
    "normalisation": "评分方法",
    "not_submitted": "未报送的处理",
    "notices": "文书",
    "operator": "运行方说明",
    "otherwise": "否则",
    "outcomes": "结果的后果",
    "parent": "上级",
    "passes": "是否通过",
    "per_unit": "每单位加分",
    "points": "每单位分值",
    "quality": "数据质量",
    "quota": "名额",
    "rank_alone": "仅名次变动的",
    "rounding": "舍入与名次",
    "score": "分值",
    "scoring": "评分",
    "share": "比例",
    "sheets": "表",
    "steps": "档次",
    "subject": "评价对象",
    "transforms": "数值变换",
    "unit": "单位",
    "veto_grade": "否决后的等级",
    "weight": "权重",
}


@dataclass(frozen=True)
class Difference:
    """A place where two versions differ; ``old`` or ``new`` None: it is not there at all.

    ``path``: ``scoring.indicators[I02].weight``; ``label``: the same for a Chinese reader; the bases are
    clause ids, then ``operator``, of the nearest block at or above the place.
    """

    path: str
    label: str
    old: str | None
    new: str | None
    old_basis: str
    new_basis: str

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return dict(vars(self))


@dataclass(frozen=True)
class _Place:
    path: str = ""
    label: str = ""
    old_basis: str = ""
    new_basis: str = ""

    def at(self, key: str, label: str, path: str = "") -> _Place:
        inner = path or (f"{self.path}.{key}" if self.path else key)
        said = f"{self.label} › {label}" if self.label else label
        return _Place(inner, said, self.old_basis, self.new_basis)

    def under(self, old: object, new: object) -> _Place:
        return _Place(self.path, self.label, _basis(old) or self.old_basis, _basis(new) or self.new_basis)

    def difference(self, old: object, new: object) -> Difference:
        place = self.under(old, new)
        return Difference(
            self.path, self.label, _text(old), _text(new), *_both(old, new, place.old_basis, place.new_basis)
        )


_ABSENT = object()


def differences(old: ScoringRules, new: ScoringRules) -> list[Difference]:
    """Return every place where two versions differ, in the order of the file; what names them set aside.

    Items of a list go by their code, outcome, step, kind or name, else by number from 0. A method that was
    exchanged for another is one difference. Values written out or left at their default are the same.
    """
    return [
        d
        for field in _fields(old, new)
        if field not in _IDENTITY
        for d in _walk(
            getattr(old, field, _ABSENT), getattr(new, field, _ABSENT), _Place().at(field, _word(field))
        )
    ]


def _walk(old: Any, new: Any, place: _Place) -> Iterator[Difference]:
    if isinstance(old, Block) and isinstance(new, Block) and type(old) is type(new):
        inner = place.under(old, new)
        for field in _fields(old, new):
            yield from _walk(getattr(old, field), getattr(new, field), inner.at(field, _word(field)))
    elif _items(old, new):
        yield from _lists(old, new, place)
    elif isinstance(old, dict) and isinstance(new, dict):
        for key in {**old, **new}:
            yield from _walk(old.get(key, _ABSENT), new.get(key, _ABSENT), place.at(key, str(key)))
    elif old != new:
        yield place.difference(old, new)


def _items(old: Any, new: Any) -> bool:
    """Tell whether both are lists of blocks (an empty list is one of anything)."""
    both = isinstance(old, tuple) and isinstance(new, tuple)
    return both and bool(old or new) and all(isinstance(i, Block) for i in (*old, *new))


def _lists(old: Sequence[Block], new: Sequence[Block], place: _Place) -> Iterator[Difference]:
    before, after = _keyed(old), _keyed(new)
    for key in {**before, **after}:
        item = after.get(key) or before[key]
        label = f"{key}“{item.name}”" if hasattr(item, "name") and item.name != key else _ordinal(key)
        inner = place.at(key, label, f"{place.path}[{key}]")
        yield from _walk(before.get(key, _ABSENT), after.get(key, _ABSENT), inner)
    common = [k for k in before if k in after], [k for k in after if k in before]
    if common[0] != common[1]:
        yield place.at("order", "顺序").difference(tuple(common[0]), tuple(common[1]))


def _keyed(items: Sequence[Block]) -> dict[str, Block]:
    key = next((k for k in _KEYS if items and all(hasattr(i, k) for i in items)), "")
    names = [str(getattr(i, key)) for i in items] if key else []
    unique = len(set(names)) == len(items)
    return dict(zip(names if unique else map(str, range(len(items))), items, strict=True))


def _ordinal(key: str) -> str:
    return f"第 {int(key) + 1} 项" if key.isdecimal() else key


def _fields(old: object, new: object) -> list[str]:
    return list({**type(old).model_fields, **type(new).model_fields})  # type: ignore[attr-defined]


def _basis(value: object) -> str:
    if not isinstance(value, Block):
        return ""
    return "、".join((*value.clause, *(["operator"] if value.operator else [])))


def _both(old: object, new: object, old_basis: str, new_basis: str) -> tuple[str, str]:
    """Return no basis for what is not there."""
    return "" if old is _ABSENT else old_basis, "" if new is _ABSENT else new_basis


def _word(key: str) -> str:
    return _WORDS.get(key, key)


def _text(value: Any) -> str | None:
    """Write a value as the policy file does, in one line."""
    if value is _ABSENT:
        return None
    match value:
        case None | "" | ():
            return "（无）"
        case bool():
            return "true" if value else "false"
        case Decimal():
            text = format(value, "f")
            return text.rstrip("0").rstrip(".") if "." in text else text
        case dt.date():
            return value.isoformat()
        case Block():
            given = {f: getattr(value, f) for f in type(value).model_fields if f in value.model_fields_set}
            return _text({k: v for k, v in given.items() if k not in ("clause", "operator")})
        case Mapping():
            return "{" + ", ".join(f"{k}: {_text(v)}" for k, v in value.items()) + "}"
        case tuple() | list():
            return "[" + ", ".join(str(_text(v)) for v in value) + "]"
    return str(value)
