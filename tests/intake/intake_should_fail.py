"""Makes tests/fixtures/workbooks/should_fail/<check>.xlsx: a sound workbook with the one defect of its name.

Run ``PYTHONPATH=plugins python tests/intake/intake_should_fail.py`` after a change of the form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from intake_workbooks import PROGRAMME, cell, edited, filled, listing, unit_of_kind
from ipgov.core.fingerprint import fingerprint
from ipgov.policy import store
from ipgov.policy.store import Loaded

FOLDER = Path(__file__).parents[1] / "fixtures" / "workbooks" / "should_fail"
RULES = store.governing(PROGRAMME, 2023)
UNIT = unit_of_kind("trading")
WITH_LIST = store.governing(PROGRAMME, 2025)
SCAN = ("盖章扫描件.pdf", "加盖公章的扫描件", None)
EVIDENCE = ("备案清单.pdf", "佐证材料", "年度知识产权交易额")


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
    "name_follows_rule": lambda: _sound(F28="上海市新材料产业运营中心"),
}


def _listing(*rows: tuple[str | None, str | None, str | None]) -> bytes:
    return listing(filled(WITH_LIST, UNIT, period="2025"), *rows)


# these are about the list of attachments, which the form of 2025 has
LIST_MAKERS: Mapping[str, Callable[[], bytes]] = {
    "has_attachment_list": lambda: edited(_listing(SCAN), lambda book: book.remove(book["附件清单"])),
    "attachment_name": lambda: _listing(("../扫描件.pdf", *SCAN[1:])),
    "attachment_names_differ": lambda: _listing(SCAN, ("盖章扫描件.ＰＤＦ", *EVIDENCE[1:])),
    "attachment_kind": lambda: _listing(SCAN, ("其他.pdf", "其他材料", None)),
    "attachment_fields": lambda: _listing(SCAN, (*EVIDENCE[:2], "服务企业数")),
    "attachment_count": lambda: _listing(SCAN, ("又一份.pdf", *SCAN[1:])),
    "required_attachment": lambda: _listing(EVIDENCE),
}


def rules_of(check: str) -> Loaded:
    """The rules against which a check's workbook is read.

    One returns what lacks a required attachment, one asks a name like that of an industry centre.
    """
    if check == "name_follows_rule":
        asks = store.governing("industry_centre_recognition", 2025).rules.recognition
        assert asks is not None
        naming = asks.naming.model_copy(
            update={"field": "F28", "industry": "none", "clause": ("2023-156#26",)}
        )
        named = asks.model_copy(update={"naming": naming})
        return replace(RULES, rules=RULES.rules.model_copy(update={"recognition": named}))
    if check != "required_attachment":
        return WITH_LIST if check in LIST_MAKERS else RULES
    rules = WITH_LIST.rules
    assert rules.form.attachments is not None
    kinds = tuple(
        k.model_copy(update={"missing": "returned"}) if k.required else k
        for k in rules.form.attachments.kinds
    )
    asked = rules.form.attachments.model_copy(update={"kinds": kinds})
    form = rules.form.model_copy(update={"attachments": asked})
    return replace(WITH_LIST, rules=rules.model_copy(update={"form": form}))


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for check, make in {**MAKERS, **LIST_MAKERS}.items():
        (FOLDER / f"{check}.xlsx").write_bytes(make())
