"""Makes tests/fixtures/workbooks/should_fail/<check>.xlsx: a sound workbook with the one defect of its name.

Run ``PYTHONPATH=plugins python tests/intake/intake_should_fail.py`` after a change of the form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from intake_workbooks import PROGRAMME, cell, edited, filled, unit_of_kind
from ipgov.core.fingerprint import fingerprint
from ipgov.policy import store

FOLDER = Path(__file__).parents[1] / "fixtures" / "workbooks" / "should_fail"
RULES = store.governing(PROGRAMME, 2023)
UNIT = unit_of_kind("trading")


def _sound(**values: Any) -> bytes:
    return filled(RULES, UNIT, **values)


def _identity(key: str, value: str, *, with_check: bool = True) -> bytes:
    """Change a row of the identity sheet, with or without a check that fits."""

    def edit(book: Any) -> None:
        rows = {row[0].value: row[1] for row in book["_identity"].iter_rows()}
        rows[key].value = value
        if with_check:
            rows["check"].value = fingerprint({k: c.value for k, c in rows.items() if k != "check"})

    return edited(_sound(), edit)


def _edited(edit: Callable[[Any], Any]) -> bytes:
    return edited(_sound(), edit)


def _foreign_field(book: Any) -> None:
    from openpyxl.workbook.defined_name import DefinedName

    book["一、业务绩效"]["D20"].value = 7
    book.defined_names["v_F03"] = DefinedName("v_F03", attr_text="'一、业务绩效'!$D$20")


def _row_gone(book: Any) -> None:
    answer = cell(book, "F13")
    answer.parent.cell(answer.row, 2).value = "别的指标"


MAKERS: Mapping[str, Callable[[], bytes]] = {
    "is_a_workbook": lambda: "指标,填报值\n年度知识产权交易额,12\n".encode(),
    "has_identity": lambda: _identity("period", "2024", with_check=False),
    "form_is_known": lambda: _identity("form_version", "99"),
    "form_version_accepted": lambda: _identity("form_version", "2"),
    "programme_matches": lambda: _identity("programme", "industry_centre"),
    "period_matches": lambda: filled(RULES, UNIT, period="2022"),
    "unit_matches": lambda: filled(RULES, unit_of_kind("trading", "FP02")),
    "has_every_sheet": lambda: _edited(lambda book: book.remove(book["二、建设与辐射"])),
    "no_unknown_field": lambda: _edited(_foreign_field),
    "has_every_field": lambda: _edited(_row_gone),
    "required_value_present": lambda: _sound(F08=None),
    "value_has_type": lambda: _sound(F01="约一千二百"),
    "value_in_range": lambda: _sound(F10=101),
    "decimals": lambda: _sound(F16=12.345),
}

if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for check, make in MAKERS.items():
        (FOLDER / f"{check}.xlsx").write_bytes(make())
