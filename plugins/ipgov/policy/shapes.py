"""Validation errors in the words of those who write ``policies/``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from ipgov.core.errors import Problem

_FOUND = {
    "missing": "缺少此项",
    "extra_forbidden": "不认识的项",
    "string_type": "不是文字",
    "string_pattern_mismatch": "写法不合格式“{pattern}”",
    "literal_error": "取值不在 {expected} 之列",
    "union_tag_invalid": "“{tag}”不在 {expected_tags} 之列",
    "union_tag_not_found": "缺少 method",
    "too_short": "至少应有 {min_length} 项",
    "tuple_type": "不是列表",
    "dict_type": "不是键值结构",
    "model_type": "不是键值结构",
    "model_attributes_type": "不是键值结构",
    "int_parsing": "不是整数",
    "int_type": "不是整数",
    "int_from_float": "不是整数",
    "decimal_parsing": "不是数字",
    "decimal_type": "不是数字",
    "finite_number": "不是有限的数",
    "bool_parsing": "不是 true 或 false",
    "bool_type": "不是 true 或 false",
    "date_parsing": "不是日期（YYYY-MM-DD）",
    "date_from_datetime_parsing": "不是日期（YYYY-MM-DD）",
    "date_type": "不是日期（YYYY-MM-DD）",
    "greater_than": "须大于 {gt}",
    "greater_than_equal": "须不小于 {ge}",
    "less_than": "须小于 {lt}",
    "less_than_equal": "须不大于 {le}",
}


def key_path(parts: Sequence[object]) -> str:
    """Write a place as people read it: ``scoring.indicators[3].weight``."""
    path = ""
    for part in parts:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path


def _found(error: Any) -> str:
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    template = _FOUND.get(error["type"])
    return template.format(**error.get("ctx", {})) if template else str(error["msg"])


def shape_problems(error: ValidationError, file: str, prefix: Sequence[object] = ()) -> list[Problem]:
    """Return one problem for each place that does not have the form of its model."""
    errors = error.errors()
    return [
        Problem(
            "policy_shape",
            f"{key_path((*prefix, *e['loc'])) or '整个文件'} {_found(e)}",
            "符合规则文件格式（见 docs/policy-authoring.md）",
            file=file,
        )
        for e in errors
        if not _only_short_of_wrong_items(e, errors)
    ]


def _only_short_of_wrong_items(error: Any, errors: Sequence[Any]) -> bool:
    """Tell whether a list counts as too short because its wrong items, told by themselves, do not count."""
    at = error["loc"]
    return error["type"] == "too_short" and any(
        len(e["loc"]) > len(at) and e["loc"][: len(at)] == at for e in errors
    )
