"""A policy with an indicator that experts score, and a panel whose members fill in their workbooks."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import openpyxl
from ipgov.core.settings import settings
from ipgov.core.steps import Cycle, Mode
from ipgov.decisions.experts import Expert
from ipgov.decisions.panel_plans import Plan, Seat

PROGRAMME, PERIOD, INDICATOR = "functional_platform", 2023, "E01"
FORMED, BEFORE = dt.date(2024, 4, 9), dt.date(2024, 1, 2)
PANEL = """panel:
  operator: 专家人数、评分时限与极差限值为运行方自定样例
  size: {minimum: 5, maximum: 7}
  decimals: 1
  time: {working_days: 3}
  recused_by: [host, operator]
  spread: {measure: range, limit: 30, outcome: rescore, rounds: 2}
  names: numbered

not_submitted:"""
SATISFACTION = "weight: 100, normalisation: {method: goalposts, minimum: 60, maximum: 100}}"
EXPERT_MEAN = (
    "weight: 60, normalisation: {method: goalposts, minimum: 60, maximum: 100}}\n"
    "    - {code: E01, name: 服务创新性, dimension: D5, weight: 40, missing: drop_and_rescale,"
    " evidence: 年度工作总结,"
    " normalisation: {method: expert_mean, drop_highest: 1, drop_lowest: 1, minimum_raters: 4}}"
)
# expert -> seat; the places on the panel follow this order
NUMBERS = ("E001", "E002", "E003", "E004", "E005")
Fill = Callable[[str], Any]  # unit -> score, or a text: the reason for none; None: blank


def policy_root(folder: Path) -> Path:
    """The project with policies of its own: those of 2023 with one more indicator and a panel."""
    import shutil

    root = settings().root
    shutil.copytree(root / "policies", folder / "policies")
    for name in ("sql", "expectations", "reports"):
        (folder / name).symlink_to(root / name)
    edit(folder, (SATISFACTION, EXPERT_MEAN), ("not_submitted:", PANEL))
    return folder


def edit(folder: Path, *changes: tuple[str, str]) -> None:
    path = folder / "policies" / PROGRAMME / "2023-09-05.yaml"
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, f"{old!r} is not in the policy: the test would prove nothing"
        text = text.replace(old, new, 1)
    path.write_text(text, encoding="utf-8")


def cycle(nation: Any, day: dt.date, mode: Mode = Mode.LIVE) -> Cycle:
    return nation.cycle(PERIOD, day, mode)


def enrol(nation: Any) -> None:
    """Five experts: E002 belongs to the host of FP01, E005 to nobody."""
    from ipgov.procedures import expert_scoring

    host = nation.units(BEFORE)["FP01"].host.code
    codes = {"E001": "91350211M0000XUF46", "E002": host, "E003": "91110000600037341L"}
    for number in (*NUMBERS, "E006"):
        code = codes.get(number)
        expert = Expert(number, f"专家{number[-1]}号", (code,) if code else (), ("知识产权运营",), True)
        expert_scoring.register(expert, nation.at(BEFORE))


def plan(*numbers: str, number: int = 1, **more: Any) -> Plan:
    seats = tuple(Seat(n, "chair" if n == numbers[0] else "member") for n in numbers)
    return Plan(number, seats, "（试）专家评审工作方案", **more)


def filled(data: bytes, fill: Fill, spoil: Callable[[Any], None] | None = None) -> bytes:
    """The workbook with every open cell filled, and then perhaps spoilt."""
    book = openpyxl.load_workbook(io.BytesIO(data))
    for name in book.sheetnames[1:-1]:
        page = book[name]
        heads = {c.value: c.column for c in page[5]}
        for row in range(6, page.max_row):
            unit, score = page.cell(row, 2).value, page.cell(row, heads["得分"])
            if isinstance(page.cell(row, 1).value, int) and score.value != "回避":
                value = fill(unit)
                reason = isinstance(value, str) and not value.startswith("=")
                page.cell(row, heads["弃评理由"] if reason else heads["得分"]).value = value
    if spoil is not None:
        spoil(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def scores(by_expert: Mapping[str, Any], special: Mapping[tuple[str, str], Any]) -> Callable[[str], Fill]:
    """Return each expert's way of filling in: one score for all, others for single bodies."""

    def of(expert: str) -> Fill:
        return lambda unit: special.get((expert, unit), by_expert[expert])

    return of
