"""The file can be opened as an .xlsx workbook, and is one that may be opened."""

from collections.abc import Iterator

from ipgov.core.errors import Problem
from ipgov.intake.submitted import Submitted


def is_a_workbook(submitted: Submitted) -> Iterator[Problem]:
    """Find a file that is no workbook, or encrypted, or that carries macros, links or a bomb."""
    if submitted.failure is not None:
        yield submitted.problem("is_a_workbook", submitted.failure.found, submitted.failure.expected)
