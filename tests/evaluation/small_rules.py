"""Small scoring rules and values tables for tests."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from ipgov.policy.scoring import Scoring

GRADES = [{"name": "合格", "floor": 60, "passes": True}, {"name": "不合格", "passes": False}]


def indicator(code: str = "I1", weight: Any = 100, **more: Any) -> dict[str, Any]:
    """An indicator of dimension D that takes its value as the score, unless told otherwise."""
    plain = {"method": "goalposts", "minimum": 0, "maximum": 100}
    role = more.get("role", "score")
    inside = {"dimension": "D", "weight": weight} if role == "score" else {}
    return {"code": code, "name": f"指标{code}", "normalisation": plain} | inside | more


def scoring(*indicators: dict[str, Any], **more: Any) -> Scoring:
    """A scoring rule with one dimension D, two decimals, and a pass line of 60."""
    rounding = {"indicator": 2, "dimension": 2, "total": 2} | more.pop("rounding", {})
    whole = {
        "indicators": indicators or (indicator(),),
        "dimensions": [{"code": "D", "name": "维度", "weight": 100}],
        "rounding": rounding,
        "grades": GRADES,
        "operator": "测试",
    }
    return Scoring.model_validate(whole | more)


def table(*rows: tuple[Any, ...], columns: str = "unit indicator value group rater") -> pa.Table:
    """A values table of texts; shorter rows end in nothing."""
    names = columns.split()
    full = [(*r, *[None] * (len(names) - len(r))) for r in rows]
    return pa.table({n: pa.array([r[k] for r in full], pa.string()) for k, n in enumerate(names)})
