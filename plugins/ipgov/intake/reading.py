"""A submission read: its identity, its values with their cells, and everything that is wrong, at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Literal

from ipgov.core.errors import Problem
from ipgov.intake import checks
from ipgov.intake.attachment_list import ListedRow
from ipgov.intake.identity import identity_problem, identity_rows
from ipgov.intake.refusals import NotAWorkbookError
from ipgov.intake.submitted import (
    Answer,
    Expected,
    IssuedForms,
    Submitted,
    answers,
    issued_forms,
    listed,
    open_submission,
)
from ipgov.intake.transforms import raw_text
from ipgov.intake.workbook import read_workbook
from ipgov.policy.store import Loaded, versions

__all__ = [
    "Expected",
    "IssuedForms",
    "Outcome",
    "Reading",
    "Value",
    "identify",
    "issued_forms",
    "read_submission",
]

Outcome = Literal["accepted", "returned", "refused"]


@dataclass(frozen=True)
class Value:
    """A field's answer with its cell: yes/no as 1/0, a date as ISO text; neither for blank or unreadable.

    ``raw`` is what stood in the cell, as text; ``transforms`` names what was done to it, in order.
    """

    field: str
    value: Decimal | None
    text_value: str | None
    raw: str
    sheet: str
    cell: str
    transforms: tuple[str, ...]


@dataclass(frozen=True)
class Reading:
    """What was read of a file; ``readable`` False: file or identity are at fault, no value was taken.

    ``faults`` gives the problems of single fields by field code, ``list_problems`` those of the list of
    attachments; they also stand in ``problems``.
    """

    identity: Mapping[str, str] | None
    values: tuple[Value, ...]
    problems: tuple[Problem, ...]
    readable: bool
    faults: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)
    attachments: tuple[ListedRow, ...] = ()
    list_problems: tuple[Problem, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """Return what becomes of the file."""
        if not self.readable:
            return "refused"
        return "returned" if self.problems else "accepted"


def identify(data: bytes, filename: str) -> tuple[Mapping[str, str] | None, tuple[Problem, ...]]:
    """Return what a file says of itself (None where it says nothing sound) and why it does not.

    The keys are those of ``ipgov.intake.identity.KEYS``; whether they are true is not asked here.
    """
    try:
        rows = identity_rows(read_workbook(data))
    except NotAWorkbookError as error:
        return None, (
            Problem(
                "is_a_workbook",
                error.found,
                error.expected,
                file=filename,
                sheet=error.sheet,
                cell=error.cell,
            ),
        )
    if problem := identity_problem(rows):
        return None, (replace(problem, file=filename),)
    return rows, ()


def read_submission(
    data: bytes,
    filename: str,
    expected: Expected,
    rules: Loaded,
    issued: IssuedForms | None = None,
) -> Reading:
    """Read one file of the inbox against the rules of its period. Never raises for what a sender can do.

    ``issued``: every template ever issued (None: those of the programme's rule versions). A file that is no
    workbook, without a sound identity, or of another form, programme, period or unit is refused with just
    that; of any other file every problem is reported.
    """
    if issued is None:
        issued = issued_forms(versions(rules.rules.programme))
    submitted = open_submission(data, filename, expected, rules, issued)
    for check in checks.FILE:
        if problems := tuple(check(submitted)):
            return Reading(None, (), problems, readable=False)
    if problems := tuple(p for check in checks.IDENTITY for p in check(submitted)):
        return Reading(submitted.identity, (), problems, readable=False)
    submitted = replace(submitted, answers=answers(submitted), listed=listed(submitted))
    whole = tuple(p for check in checks.FORM for p in check(submitted))
    of_list = tuple(p for check in checks.ATTACHMENTS for p in check(submitted))
    faults = {a.field.code: found for a in submitted.answers if (found := _faults(submitted, a))}
    return Reading(
        submitted.identity,
        tuple(_value(a) for a in submitted.answers if a.place),
        whole + tuple(p for found in faults.values() for p in found) + of_list,
        readable=True,
        faults=faults,
        attachments=submitted.listed.rows,
        list_problems=of_list,
    )


def _faults(submitted: Submitted, answer: Answer) -> tuple[Problem, ...]:
    return tuple(p for check in checks.FIELD if (p := check(submitted, answer)))


def _value(answer: Answer) -> Value:
    assert answer.place is not None  # noqa: S101
    converted = answer.converted
    return Value(
        answer.field.code,
        converted.value,
        converted.text_value,
        raw_text(answer.raw),
        answer.place.sheet,
        answer.place.cell,
        converted.transforms,
    )
