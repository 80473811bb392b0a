"""The workbook answers nothing that it was not asked."""

from collections.abc import Iterator

from ipgov.core.errors import Problem
from ipgov.intake.grid import address
from ipgov.intake.locate import NAME_PREFIX
from ipgov.intake.submitted import Submitted, asked


def no_unknown_field(submitted: Submitted) -> Iterator[Problem]:
    """Find a filled cell named as a field that neither form nor the file's template has for this kind."""
    if submitted.workbook is None or submitted.expected.unit is None:
        return
    kind, template = submitted.expected.unit.kind, submitted.template
    known = {q.named.code for q in asked(submitted)} | set(template.fields_for(kind) if template else ())
    for name, reference in submitted.workbook.names.items():
        if not name.startswith(NAME_PREFIX) or name.removeprefix(NAME_PREFIX) in known or reference is None:
            continue
        sheet = submitted.workbook.sheets.get(reference.sheet)
        if sheet is not None and (reference.row, reference.column) in sheet.cells:
            yield Problem(
                "no_unknown_field",
                f"填报了本单位的表中没有的指标“{name.removeprefix(NAME_PREFIX)}”",
                "只填报本单位空白表所列指标",
                file=submitted.filename,
                sheet=reference.sheet,
                cell=address(reference.row, reference.column),
                basis=submitted.form.basis or "operator",
            )
