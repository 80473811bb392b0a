"""The form is of the period for which it was sent."""

from collections.abc import Iterator

from ipgov.core.errors import Problem
from ipgov.intake.submitted import Submitted


def period_matches(submitted: Submitted) -> Iterator[Problem]:
    """Find another year's form."""
    stated, expected = (submitted.identity or {}).get("period"), submitted.expected.period
    if stated != expected:
        yield submitted.problem("period_matches", f"此表是 {stated} 年度的表", f"{expected} 年度的表")
