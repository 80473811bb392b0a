"""What a rule version stands on: the clauses that it names, and what is the operator's own, with where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from ipgov.core.errors import UnknownError
from ipgov.policy.blocks import Block
from ipgov.policy.rules import RuleVersion

# the parts of a rule version, as a reader calls them
_PARTS: Mapping[str, str] = {
    "subject": "评价对象",
    "cycle": "报送与评价时限",
    "form": "报送表",
    "yearly": "年度自评数据的使用",
    "quality": "数据质量",
    "province_audit": "省级审核",
    "panel": "专家评分",
    "scoring": "指标与评分",
    "sensitivity": "敏感性分析",
    "rule_checks": "规则自查",
    "not_submitted": "未报送",
    "outcomes": "结果运用",
    "grade_effects": "等次的运用",
    "approval": "审批",
    "correction": "更正",
    "issuer": "发文机关",
    "notices": "文书",
}


def clauses_of(rules: RuleVersion) -> dict[str, list[str]]:
    """Return the clause ids that a version names, sorted, each with the parts and items that rest on it."""
    found: dict[str, dict[str, dict[str, None]]] = {}
    for part, item, block in _blocks(rules):
        for id_ in block.clause:
            found.setdefault(id_, {}).setdefault(part, {})[item] = None
    return {
        id_: [_place(part, [i for i in items if i]) for part, items in parts.items()]
        for id_, parts in sorted(found.items())
    }


def own_choices(rules: RuleVersion) -> list[tuple[str, list[str], str]]:
    """Return (part, items, why) of all that the version calls the operator's own, a line for a reason."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for part, item, block in _blocks(rules):
        if block.operator:
            found.setdefault((part, block.operator), {})[item] = None
    return [(part, [i for i in items if i], why) for (part, why), items in found.items()]


def _place(part: str, items: Sequence[str]) -> str:
    return part + ("：" + "、".join(f"“{i}”" for i in items) if items else "")


def _blocks(rules: RuleVersion) -> Iterator[tuple[str, str, Block]]:
    """Yield (part, item or nothing, block) of every block that names a basis."""
    for name in type(rules).model_fields:
        for item, block in _inner(getattr(rules, name), ""):
            if name not in _PARTS:
                raise UnknownError(f"规则的“{name}”部分没有名称；有：{'、'.join(_PARTS)}")
            yield _PARTS[name], item, block


def _inner(value: Any, item: str) -> Iterator[tuple[str, Block]]:
    """Yield (item, block) below a value; an item is what stands in a list and has a name."""
    if isinstance(value, BaseModel):
        if isinstance(value, Block) and (value.clause or value.operator):
            yield item, value
        for name in type(value).model_fields:
            yield from _inner(getattr(value, name), item)
    elif isinstance(value, tuple | list):
        for each in value:
            yield from _inner(each, _name(each) or item)
    elif isinstance(value, dict):
        for each in value.values():
            yield from _inner(each, item)


def _name(value: Any) -> str:
    return next((str(t) for n in ("label", "name", "title") if (t := getattr(value, n, ""))), "")
