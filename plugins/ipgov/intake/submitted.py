"""What the checks look at: one file as it came, beside what was expected of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ipgov.core.errors import Problem
from ipgov.intake.identity import identity_rows
from ipgov.intake.locate import Place, locate
from ipgov.intake.refusals import NotAWorkbookError
from ipgov.intake.transforms import Converted, NotOfTypeError, convert
from ipgov.intake.wording import basis_of
from ipgov.intake.workbook import Raw, Workbook, read_workbook
from ipgov.policy.rules import Form, FormField, FormSheet
from ipgov.policy.store import Loaded
from ipgov.registry.platforms import Unit

# Every template ever issued, by form id and version: what older versions asked is known for ever.
IssuedForms = Mapping[tuple[str, int], Form]


def issued_forms(versions: Iterable[Loaded]) -> IssuedForms:
    """Return the templates of rule versions by (form id, version); the newest file of a version counts."""
    return {(v.rules.form.id, v.rules.form.version): v.rules.form for v in versions}


@dataclass(frozen=True)
class Expected:
    """What the file's place in the inbox says; ``unit`` None: the registry knows no such unit on that day."""

    programme: str
    period: str
    unit: Unit | None


@dataclass(frozen=True)
class Answer:
    """One field as answered: where, what stands there, what it means, or why it means nothing."""

    field: FormField
    form_sheet: str
    basis: str
    place: Place | None
    lost: str  # why there is no place
    raw: Raw | None
    converted: Converted
    not_of_type: str  # why the content is no value of the field's type

    def problem(self, check: str, found: str, expected: str, filename: str) -> Problem:
        """Return a problem of this answer's cell."""
        sheet, cell = (self.place.sheet, self.place.cell) if self.place else (self.form_sheet, "")
        return Problem(check, found, expected, file=filename, sheet=sheet, cell=cell, basis=self.basis)


@dataclass(frozen=True)
class Submitted:
    """A file, its identity and its answers; what could not be had of it is None or empty."""

    filename: str
    expected: Expected
    rules: Loaded
    issued: IssuedForms
    workbook: Workbook | None
    failure: NotAWorkbookError | None  # why there is no workbook
    identity: Mapping[str, str] | None
    answers: tuple[Answer, ...] = field(default=())

    @property
    def form(self) -> Form:
        """Return the current form."""
        return self.rules.rules.form

    @property
    def template(self) -> Form | None:
        """Return the template that the file says it was made from, if it was ever issued."""
        rows = self.identity or {}
        version = rows.get("form_version", "")
        return (
            self.issued.get((rows.get("form", ""), int(version)))
            if version.isdecimal() and len(version) < 10
            else None
        )

    def problem(self, check: str, found: str, expected: str, *, sheet: str = "", cell: str = "") -> Problem:
        """Return a problem of the file as a whole, or of one place in it."""
        return Problem(
            check,
            found,
            expected,
            file=self.filename,
            sheet=sheet,
            cell=cell,
            basis=self.form.basis or "operator",
        )


def open_submission(
    data: bytes, filename: str, expected: Expected, rules: Loaded, issued: IssuedForms
) -> Submitted:
    """Read a file as far as its identity; nothing is judged yet."""
    workbook = failure = None
    try:
        workbook = read_workbook(data)
    except NotAWorkbookError as error:
        failure = error
    rows = identity_rows(workbook) if workbook else None
    return Submitted(filename, expected, rules, issued, workbook, failure, rows)


def asked(submitted: Submitted) -> list[tuple[FormSheet, FormField]]:
    """Return the fields that this file has to answer.

    They are the current form's for the unit's kind; of a file on an older template that is still accepted,
    those that the template had.
    """
    unit, template = submitted.expected.unit, submitted.template
    kind = unit.kind if unit else ""
    older = template is not None and template.version != submitted.form.version
    accepted = template is not None and template.version in submitted.form.accepts
    return [
        (sheet, wanted)
        for sheet in submitted.form.sheets
        for wanted in sheet.fields
        if (not wanted.kinds or kind in wanted.kinds)
        and (not (older and accepted and template) or wanted.code in template.fields)
    ]


def answers(submitted: Submitted) -> tuple[Answer, ...]:
    """Find and convert every answer; the labels are those of the file's own template."""
    workbook, template = submitted.workbook, submitted.template
    if workbook is None:
        return ()
    own = template.fields if template else {}
    wanted = asked(submitted)
    places, lost = locate(workbook, {f.code: own.get(f.code, f) for _, f in wanted})
    return tuple(
        _answer(workbook, f, s.name, basis_of(submitted.form, s, f), places.get(f.code), lost.get(f.code, ""))
        for s, f in wanted
    )


def _answer(
    workbook: Workbook, wanted: FormField, form_sheet: str, basis: str, place: Place | None, lost: str
) -> Answer:
    if place is None:
        return Answer(wanted, form_sheet, basis, None, lost, None, Converted(), "")
    sheet = workbook.sheets[place.sheet]
    raw = sheet.cells.get(place.position)
    try:
        converted = convert(
            raw, wanted, date_1904=workbook.date_1904, percent_format=place.position in sheet.percents
        )
    except NotOfTypeError as error:
        return Answer(wanted, form_sheet, basis, place, "", raw, Converted(), str(error))
    how = ("located_by_label",) * place.by_label + ("formula_result",) * (place.position in sheet.formulas)
    converted = Converted(converted.value, converted.text_value, how + converted.transforms)
    return Answer(wanted, form_sheet, basis, place, "", raw, converted, "")
