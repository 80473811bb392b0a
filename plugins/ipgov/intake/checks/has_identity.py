"""The workbook says what it is, and nobody changed what it says."""

from collections.abc import Iterator

from ipgov.core.errors import Problem
from ipgov.intake.identity import identity_problem
from ipgov.intake.submitted import Submitted


def has_identity(submitted: Submitted) -> Iterator[Problem]:
    """Find a workbook without identity sheet, or with a changed one."""
    if problem := identity_problem(submitted.identity):
        yield submitted.problem(problem.check, problem.found, problem.expected, sheet=problem.sheet)
