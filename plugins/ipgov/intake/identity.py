"""The very hidden sheet by which a workbook that comes back says what it is, for whom and for when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ipgov.core.errors import Problem
from ipgov.core.fingerprint import fingerprint
from ipgov.intake.transforms import raw_text
from ipgov.intake.workbook import Workbook

SHEET = "_identity"
KEYS = ("form", "form_version", "programme", "period", "unit", "rule_sha256")
CHECK = "check"


def identity(
    form: str, form_version: int, programme: str, period: str, unit: str, rule_sha256: str
) -> dict[str, str]:
    """Return the rows of the identity sheet, the check over them last.

    The check makes a careless or curious change visible. It holds no secret, so it is no proof against a
    forger: that a unit sends for itself is proved by the place in the inbox that only it can write to.
    """
    return checked(
        dict(zip(KEYS, (form, str(form_version), programme, period, unit, rule_sha256), strict=True))
    )


def checked(rows: Mapping[str, str]) -> dict[str, str]:
    """Return the rows with the check over them as the last."""
    return {**rows, CHECK: fingerprint(rows)}


def identity_rows(workbook: Workbook, name: str = SHEET) -> dict[str, str] | None:
    """Return the rows of an identity sheet as they stand, or None where there is no such sheet."""
    sheet = workbook.sheets.get(name)
    if sheet is None:
        return None
    rows = sorted({row for row, _ in sheet.cells})
    return {raw_text(sheet.cells.get((r, 1))): raw_text(sheet.cells.get((r, 2))) for r in rows}


def identity_problem(rows: Mapping[str, str] | None) -> Problem | None:
    """Return what is wrong with the identity sheet: not there, not whole, changed."""
    if rows is None:
        found = "工作簿没有身份信息页，不是系统下发的表"
    elif not whole_and_unchanged(rows):
        found = "工作簿的身份信息页不完整或已被改动"
    else:
        return None
    return Problem("has_identity", found, "在系统下发的空白表或更正工作簿上直接填报", sheet=SHEET)


def whole_and_unchanged(rows: Mapping[str, str], keys: Iterable[str] = KEYS) -> bool:
    """Tell whether every row is there and the check fits them."""
    kept = {k: rows.get(k, "") for k in keys}
    return rows.keys() == {*kept, CHECK} and all(kept.values()) and rows[CHECK] == fingerprint(kept)
