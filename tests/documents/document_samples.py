"""Documents, results and rating lists for the tests of this folder."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ipgov.documents.model import SIMULATION_BANNER, Attachment, Heading, OfficialDocument
from ipgov.documents.rating_list import RatingList, Row
from ipgov.policy import store

RARE = "玥堃喆燚犇赟翀祎昇韡垚彧镕旻曌頔"
HOSTILE = "甲<b>&amp;“乙”{{ 7*7 }} #set ../=1+1 $x$ *粗* \\n @公式"
KNOWN_AT = dt.datetime(2026, 4, 20, 1, 0, tzinfo=dt.UTC)
LOADED = store.versions("functional_platform")[0]
RULES = LOADED.rules


def letter(**changes: Any) -> OfficialDocument:
    values: dict[str, Any] = {
        "kind": "result_to_unit",
        "form": "letter",
        "issuer": "国家知识产权局",
        "number": "国知平评函〔2026〕7号",
        "title": "关于功能性国家知识产权运营服务平台2025年度绩效评价结果的通知",
        "recipients": ("南方知识产权运营服务平台",),
        "paragraphs": (
            "现将结果通知如下。" * 6,
            Heading(level=1, text="一、评价结果"),
            Heading(level=2, text="（一）总分"),
            "总分为85.35分。",
            "特此通知。",
        ),
        "attachments": (
            Attachment(
                title="评价结果",
                columns=("序号", "平台名称", "总分"),
                rows=(("1", "南方平台", "85.35"), ("2", "北方平台", "59.99")),
                widths=(1, 4, 2),
            ),
        ),
        "signature_date": dt.date(2026, 4, 20),
        "copies_to": ("广东省知识产权局",),
        "seal_code": "ABCD-1234-5678",
        "basis": ("2023-156#20",),
        "banner": SIMULATION_BANNER,
        "trace": "ab12" * 16,
    }
    return OfficialDocument(**{**values, **changes})


@dataclass(frozen=True)
class Outcome:
    outcome: str
    name: str
    basis: str
    explanation: str
    evidence: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Result:
    """A body's result in the shape in which procedures hand it to templates."""

    unit: str = "FP001"
    name: str = "南方知识产权运营服务平台"
    kind_name: str = "交易服务类"
    total: Decimal | None = Decimal("85.350000")
    rank: int | None = 2
    group_rank: int | None = 1
    group_size: int = 3
    grade: str | None = "优秀"
    passed: bool | None = True
    state_name: str = "按期报送"
    reasons: tuple[str, ...] = ()
    scores: Mapping[str, Mapping[str, Any]] = None  # type: ignore[assignment]
    outcomes: tuple[Outcome, ...] = ()


def node(normalised: str | None, weight: str | None = "20.000000", contribution: str = "1", value: str = "7"):
    decimal = {"normalised": normalised, "weight": weight, "contribution": contribution, "value": value}
    return {k: None if v is None else Decimal(v) for k, v in decimal.items()}


def scores(**changes: Any) -> dict[str, Mapping[str, Any]]:
    found = {d.code: node("90.000000") for d in RULES.scoring.dimensions}
    found |= {i.code: node("77.500000") for i in RULES.scoring.indicators if i.role == "score"}
    outside = (i.code for i in RULES.scoring.indicators if i.role in ("bonus", "deduction"))
    found |= {code: node("0", None, "0", "0") for code in outside}
    return {**found, **changes}


def row(unit: str, place: int, **changes: Any) -> Row:
    points = {n.code: Decimal("85.35") for n in (*RULES.scoring.dimensions, *RULES.scoring.indicators)}
    values: dict[str, Any] = {
        "unit": unit,
        "name": f"第{place}平台",
        "kind": "交易服务类",
        "province": "44",
        "state": "按期报送",
        "total": Decimal("85.35"),
        "rank": place,
        "group_rank": place,
        "grade": "优秀",
        "scores": points,
        "last_total": Decimal("80.10"),
        "last_rank": 3,
        "last_grade": "良好",
        "flags": ("较上年增长超过300%",),
        "reasons": (),
    }
    return Row(**{**values, **changes})


def not_evaluated(unit: str) -> Row:
    nothing = dict.fromkeys(("total", "rank", "group_rank", "grade", "last_total", "last_rank", "last_grade"))
    return row(unit, 9, **nothing, scores={}, flags=(), state="未报送", name="未报送平台")


def rating_list(*rows: Row) -> RatingList:
    listed = rows or (row("FP001", 1), row("FP002", 2), row("FP003", 3), not_evaluated("FP004"))
    return RatingList(RULES, LOADED.sha256, "functional_platform", "2025", "ab12" * 16, listed)
