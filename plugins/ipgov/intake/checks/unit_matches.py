"""A unit sends for itself."""

from collections.abc import Iterator

from ipgov.core.errors import Problem
from ipgov.intake.submitted import Submitted


def unit_matches(submitted: Submitted) -> Iterator[Problem]:
    """Find a form of another unit than the one in whose inbox it lies, or an inbox of no registered unit."""
    stated, unit = (submitted.identity or {}).get("unit"), submitted.expected.unit
    if unit is None:
        yield submitted.problem("unit_matches", "收件路径中的单位不在登记之列", "已登记的单位代码")
    elif stated != unit.unit:
        yield submitted.problem(
            "unit_matches",
            f"此表是单位“{stated}”的表",
            f"本单位“{unit.unit}”（{unit.name}）的表，不得代其他单位报送",
        )
