"""The file can be opened as a workbook, and is one that may be opened."""

from collections.abc import Iterator

from ipgov.core.errors import Problem
from ipgov.intake.submitted import Submitted


def is_a_workbook(submitted: Submitted) -> Iterator[Problem]:
    """Find a file that is no workbook, or encrypted, or that carries macros, links or a bomb."""
    if submitted.failure is not None:
        failure = submitted.failure
        yield submitted.problem(
            "is_a_workbook", failure.found, failure.expected, sheet=failure.sheet, cell=failure.cell
        )
