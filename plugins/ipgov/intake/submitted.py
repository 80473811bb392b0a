"""What the checks look at: one file as it came, beside what was expected of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from ipgov.core.errors import Problem
from ipgov.intake.attachment_list import NAME, AttachmentList, ListedRow, read_list
from ipgov.intake.identity import identity_rows
from ipgov.intake.locate import NOT_READ, Place, locate
from ipgov.intake.refusals import NotAWorkbookError
from ipgov.intake.transforms import BLANK, Converted, NotOfTypeError, carried_over, convert
from ipgov.intake.wording import basis_of
from ipgov.intake.workbook import Raw, Workbook, read_workbook
from ipgov.policy.earlier import field_then, sheet_of
from ipgov.policy.rules import Attachments, Form, FormField
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
    attachments: frozenset[str] | None = None  # names (as compared) kept of this unit; None: not looked at


@dataclass(frozen=True)
class Question:
    """A field of today's form that a file has to answer.

    ``then``: what it was in the file's own template; None: that template did not ask it. ``sheet`` is the
    template's sheet, else today's.
    """

    field: FormField
    then: FormField | None
    sheet: str
    basis: str

    @property
    def named(self) -> FormField:
        """Return the field whose label and code the file has to show."""
        return self.then or self.field


@dataclass(frozen=True)
class Answer:
    """One question as answered: where, what stands there, what it means, or why it means nothing.

    ``typed`` is the value in the unit that was asked for, ``converted`` the same in today's.
    """

    question: Question
    place: Place | None
    lost: str  # why there is no place
    raw: Raw | None = None
    typed: Converted = BLANK
    converted: Converted = BLANK
    not_of_type: str = ""  # why the content is no value of the field's type

    @property
    def field(self) -> FormField:
        """Return the field of today's form."""
        return self.question.field

    @property
    def asked(self) -> FormField | None:
        """Return the field as the file's template asked it."""
        return self.question.then

    @property
    def form_sheet(self) -> str:
        """Return the form's sheet on which it is asked."""
        return self.question.sheet

    @property
    def required(self) -> bool:
        """Tell whether a blank will not do: today's form and the file's own both say so."""
        return self.field.required and (self.field.always_asked or self.question.named.required)

    def problem(self, check: str, found: str, expected: str, filename: str) -> Problem:
        """Return a problem of this answer's cell."""
        sheet, cell = (self.place.sheet, self.place.cell) if self.place else (self.form_sheet, "")
        basis = self.question.basis
        return Problem(check, found, expected, file=filename, sheet=sheet, cell=cell, basis=basis)


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
    listed: AttachmentList = field(default=AttachmentList())

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

    def list_problem(
        self, check: str, found: str, expected: str, row: ListedRow | None = None, heading: str = NAME
    ) -> Problem:
        """Return a problem of the list of attachments, at a row's cell below a heading, else of the sheet."""
        asked = self.form.attachments
        sheet = row.sheet if row else asked.sheet if asked else ""
        basis = (asked.basis if asked else "") or self.form.basis or "operator"
        cell = row.cells.get(heading, "") if row else ""
        return Problem(check, found, expected, file=self.filename, sheet=sheet, cell=cell, basis=basis)


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


def asked(submitted: Submitted) -> list[Question]:
    """Return what this file has to answer.

    It is the current form for the unit's kind; of a file on another template that is still accepted, what
    that template asked, and what is always asked.
    """
    unit, form, template = submitted.expected.unit, submitted.form, submitted.template
    kind = unit.kind if unit else ""
    other = template if template is not None and template.version != form.version else None
    accepted = other is not None and other.version in form.accepts
    questions = []
    for sheet in form.sheets:
        for wanted in sheet.fields:
            if wanted.kinds and kind not in wanted.kinds:
                continue
            then = field_then(wanted, other, kind) if other else wanted
            if then is None and accepted and not wanted.always_asked:
                continue
            named = sheet_of(other, then.code) if other and then else sheet.name
            questions.append(Question(wanted, then, named, basis_of(form, sheet, wanted)))
    return questions


def attachments_asked(submitted: Submitted) -> Attachments | None:
    """Return what attachments this file has to list: the form's, where its own template had the list."""
    unit, form, template = submitted.expected.unit, submitted.form, submitted.template
    if form.attachments is None or unit is None or not form.attachments.kinds_for(unit.kind):
        return None
    older = template is not None and template.attachments is None
    return None if older else form.attachments


def listed(submitted: Submitted) -> AttachmentList:
    """Read the list of attachments, if the file has to have one."""
    unit = submitted.expected.unit
    if submitted.workbook is None or unit is None or attachments_asked(submitted) is None:
        return AttachmentList()
    return read_list(submitted.workbook, submitted.form, unit.kind, NOT_READ)


def answers(submitted: Submitted) -> tuple[Answer, ...]:
    """Find and convert every answer; labels, codes and units are those of the file's own template."""
    workbook, template = submitted.workbook, submitted.template
    if workbook is None:
        return ()
    questions = asked(submitted)
    places, lost = locate(workbook, {q.field.code: q.then for q in questions if q.then is not None})
    for question in questions:
        if question.then is None and template is not None:
            label = question.field.label
            lost[question.field.code] = f"第 {template.version} 版表没有指标“{label}”"
    return tuple(
        _answer(workbook, q, places.get(q.field.code), lost.get(q.field.code, "")) for q in questions
    )


def _answer(workbook: Workbook, question: Question, place: Place | None, lost: str) -> Answer:
    if place is None:
        return Answer(question, None, lost)
    sheet = workbook.sheets[place.sheet]
    raw = sheet.cells.get(place.position)
    percent = place.position in sheet.percents
    try:
        typed = convert(raw, question.named, date_1904=workbook.date_1904, percent_format=percent)
    except NotOfTypeError as error:
        return Answer(question, place, "", raw, not_of_type=str(error))
    how = ("located_by_label",) * place.by_label + ("formula_result",) * (place.position in sheet.formulas)
    converted = carried_over(typed, question.named, question.field)
    return Answer(question, place, "", raw, typed, replace(converted, transforms=how + converted.transforms))
