"""The form is of the programme to whose inbox it was sent."""

from collections.abc import Iterator

from ipgov.core.errors import Problem
from ipgov.intake.submitted import Submitted


def programme_matches(submitted: Submitted) -> Iterator[Problem]:
    """Find a form of another programme."""
    stated, expected = (submitted.identity or {}).get("programme"), submitted.expected.programme
    if stated != expected:
        yield submitted.problem(
            "programme_matches",
            f"此表属于业务“{stated}”",
            f"业务“{expected}”（{submitted.rules.rules.title}）的表",
        )
