"""One sample of every template of this installation; what others write in it is put through a function."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import paper_samples
from document_samples import KNOWN_AT, RULES, Outcome, Result, scores
from ipgov.documents import templates
from ipgov.documents.model import SIMULATION_BANNER, OfficialDocument
from test_case_templates import SAMPLES as CASES

DAY = dt.date(2026, 5, 8)
Write = Callable[[str], str]
CORRECTED = {"reference": "《关于2025年度绩效评价结果的通知》（国知平评函〔2026〕7号）"}
DUTY: dict[str, Any] = {
    "duty": "年度自评报告",
    "subject": "（2025年度）",
    "owner": "虚构产业中心",
    "own": False,
    "opened_on": dt.date(2026, 1, 5),
    "due_on": dt.date(2026, 5, 29),
    "provisional": True,
    "days_left": 15,
    "days_late": 0,
    "operator": True,
    "how": "请将报告放入报送目录。",
    "contact": "某司某处",
    "reference": "AB12",
}
FILE: dict[str, Any] = {
    "programme_title": "功能性平台绩效评价",
    "period": "2025",
    "filename": "报送表甲.xlsx",
    "sha256": "ab" * 32,
    "received_at": KNOWN_AT,
    "due_on": dt.date(2026, 3, 31),
    "extension_until": None,
    "late": True,
    "values": 28,
    "problems": (1, 2, 3),
    "attachments": [
        {"name": "扫描件.pdf", "kind_name": "盖章扫描件", "present": True, "refused": None},
        {"name": "清单.pdf", "kind_name": "设备清单", "present": False, "refused": "空文件"},
    ],
    "missing": ["清单.pdf"],
    "unlisted": ["佐证甲", "佐证乙"],
    "complete_at": None,
    "complete_by": dt.date(2026, 4, 8),
}
OUTCOME = Outcome(
    "cancel_title",
    "取消称号",
    "2023-156#21",
    "连续两年未通过",
    (
        {"period": 2024, "total": "55.10", "grade": "未通过"},
        {"period": 2025, "total": None, "grade": "未通过"},
    ),
)
RESULT = Result(scores=scores(), reasons=("否决事由甲", "扣分事由乙"))
YEAR = {"rules": RULES, "period": "2025"}
CASE_FILE = {
    **FILE,
    "case_name": "提醒整改",
    "reference": "17",
    "again": None,
    "taken_as": "整改进展报告",
    "returned": False,
    "problems": [{"told": "“整改台账”表B2：与发出的不同"}],
    "contact": "某司某处",
}

# template → what it is filled in with, and the clauses it cites
OTHERS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "attachment": (
        {
            **FILE,
            "kept": True,
            "state": "accepted",
            "reason": "",
            "digest": "ab" * 32,
            "listed": {"sheet": "附件清单", "cell": "B7", "name": "清单.pdf"},
        },
        (),
    ),
    "call_for_reports": (
        {
            **DUTY,
            "period": "2025",
            "programme_title": "功能性平台绩效评价",
            "form_title": "绩效评价报送表",
            "form_file": "空白表.xlsx",
            "attachments": [{"name": "盖章扫描件", "required": True}, {"name": "佐证", "required": False}],
            "late_until": dt.date(2026, 6, 5),
            "evaluate_on": dt.date(2026, 6, 10),
            "evaluate_on_is_called": "评价日",
            "rules_version": "2025-06-01",
        },
        ("2023-156#20",),
    ),
    "case_correction": (CASE_FILE, ()),
    "case_receipt": (CASE_FILE, ()),
    "correction": (FILE, ()),
    "public_notice_moved": (
        {
            "notice_title": "关于某某拟认定名单的公示",
            "announced_on": DAY,
            "starts_on": DAY,
            "earlier": dt.date(2026, 5, 15),
            "last_on": dt.date(2026, 5, 18),
            "reason": "某放假通知",
            "contact": "某司",
        },
        ("2024-1155#32",),
    ),
    "due_day_changed": (
        {
            **DUTY,
            "previous": dt.date(2026, 5, 20),
            "was_provisional": True,
            "reason": "extension",
            "why": "设备检修",
        },
        ("2024-1155#37",),
    ),
    "escalation": (
        {**DUTY, "days_late": 5, "told": [{"day": DAY, "what": "发提醒函"}], "to_office": False},
        ("2024-1155#37",),
    ),
    "overdue_notice": ({**DUTY, "days_late": 5, "next_on": DAY, "next_to": ["某省知识产权局", "某部"]}, ()),
    "rating_list": (YEAR, ()),
    "receipt": (FILE, ()),
    "reminder": (DUTY, ("2024-1155#37",)),
    "result_correction": (
        {
            **YEAR,
            "result": dataclasses.replace(RESULT, outcomes=(OUTCOME,)),
            "corrected": CORRECTED,
            "restored": CORRECTED,
            "changes": [{"what": "总分", "before": "58.35分", "after": "85.35分"}],
        },
        (),
    ),
    "result_correction_province": (
        {
            **YEAR,
            "province": "虚构省",
            "corrected": CORRECTED,
            "results": [{"result": RESULT, "before": "58分，未通过"}],
        },
        (),
    ),
    "result_notice": ({**YEAR, "result": RESULT}, ("2023-156#20",)),
    "result_notice_province": ({**YEAR, "province": "虚构省", "results": [RESULT]}, ("2023-156#13",)),
    "resumed": ({**DUTY, "ended_on": DAY, "day": DAY}, ()),
    "run_overdue": ({**FILE, "state": "尚未评价", "days_late": 3}, ()),
    "title_cancellation": ({**YEAR, "result": RESULT, "outcome": OUTCOME}, ("2023-156#21",)),
    "withdrawn": ({**DUTY, "why": "误登", "day": DAY}, ()),
}

_CHANGES = [{"what": "总分", "before": "58.35分", "after": "85.35分"}]
_CORRECTIONS = [{"result": RESULT, "before": "58分"}]
_THREE = {**YEAR, "first_year": 2023}
_PROVINCE = {"province": "虚构省", "corrected": CORRECTED, "results": _CORRECTIONS}
_ONE = {"result": RESULT, "corrected": CORRECTED, "changes": _CHANGES}
_STATED = [SimpleNamespace(**vars(RESULT), state="accepted")]
_AUDIT = {**FILE, "title": "产业知识产权运营中心", "province": "虚构省", "quota": 3, "folder": "虚构省/报送"}
OTHERS |= {
    "comprehensive_correction": ({**_THREE, **_ONE}, ()),
    "comprehensive_correction_province": ({**_THREE, **_PROVINCE}, ()),
    "comprehensive_result": ({**_THREE, "result": RESULT}, ("2024-1155#41",)),
    "comprehensive_result_province": (
        {**_THREE, "province": "虚构省", "results": [RESULT]},
        ("2024-1155#41",),
    ),
    "province_audit": (
        {**_AUDIT, "items": [1, 2], "absent": [1], "audited": True},
        ("2024-1155#38",),
    ),
    "province_audit_answer": (
        {
            **_AUDIT,
            "outcome": "accepted",
            "audits": [{"name": "虚构中心", "answer": "同意"}],
            "changed": True,
        },
        (),
    ),
    "province_export": (
        {
            "province": "虚构省",
            "month": "2026年10月",
            "counted_to": dt.date(2026, 10, 31),
            "rows": 42,
            "again": True,
            "contact": "某司某处",
        },
        ("2022-985#24",),
    ),
    "self_evaluation_correction": ({**YEAR, **_ONE}, ()),
    "self_evaluation_correction_province": ({**YEAR, **_PROVINCE}, ()),
    "self_evaluation_result": ({**YEAR, "result": RESULT}, ("2024-1155#40",)),
    "self_evaluation_result_province": (
        {**YEAR, "province": "虚构省", "results": _STATED},
        ("2024-1155#40",),
    ),
}

# Words that a template tells apart, and texts of another form than words: codes, numbers, days, hashes.
_CODES = ("state", "reason", "cell", "basis", "event", "noun", "outcome", "unit")
_NO_WORDS = re.compile(r"[\d.:T+-]*|[0-9a-f]{64}")


def _written(value: Any, write: Write, name: str = "") -> Any:
    """Return a value with every text of others put through ``write``; rules are the office's own."""
    if isinstance(value, str):
        return value if name in _CODES or _NO_WORDS.fullmatch(value) else write(value)
    if isinstance(value, Mapping):
        return {k: _written(v, write, str(k)) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_written(v, write) for v in value)
    if isinstance(value, SimpleNamespace):
        return SimpleNamespace(**{k: _written(v, write, k) for k, v in vars(value).items()})
    if isinstance(value, Result | Outcome):
        parts = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        return type(value)(**{k: _written(v, write, k) for k, v in parts.items()})
    assert value is None or isinstance(value, int | dt.date | Decimal), name
    return value


def names() -> list[str]:
    """Return the samples: ``paper:kind``, ``case:which`` or the name of a template."""
    papers = [f"paper:{name}" for name in paper_samples.SAMPLES]
    return (
        papers + [f"case:{name}" for name in CASES] + [t for t in OTHERS if t in templates.template_names()]
    )


def template_of(name: str) -> str:
    """Return which template a sample fills in."""
    group, _, which = name.rpartition(":")
    if group == "case":
        return CASES[which][0]
    return paper_samples.kind_of(which) if group == "paper" else name


def sample(name: str, write: Write = str) -> OfficialDocument:
    """Return the document of a sample; ``write`` makes what others wrote."""
    group, _, which = name.rpartition(":")
    if group == "paper":
        given = _written(paper_samples.given(which), write)
        parties = {p: [write(n) for n in ns] for p, ns in paper_samples.SAMPLES[which][2].items()}
        return paper_samples.draft(which, parties=parties, **given)
    context, basis = CASES[which][1:] if group == "case" else OTHERS[name]
    document, _ = templates.render(
        template_of(name),
        {
            k: v if k in ("rules", "ending", "body", "noun") else _written(v, write, k)
            for k, v in context.items()
        },
        kind="test",
        issuer="国家知识产权局",
        date=DAY,
        recipients=(write("虚构单位"),),
        copies_to=(write("虚构省知识产权局"),),
        basis=basis,
        banner=SIMULATION_BANNER,
    )
    return document
