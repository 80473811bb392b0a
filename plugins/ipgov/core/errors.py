"""Errors that a person is meant to read, and the problems they carry."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong, where, and what would have been right.

    ``check`` names the rule that found it; ``basis`` is a clause id (``2023-156#19``) or ``operator``.
    Texts are Simplified Chinese: their reader is a body, a province or a reviewer.
    """

    check: str
    found: str
    expected: str
    file: str = ""
    sheet: str = ""
    cell: str = ""
    basis: str = "operator"

    def __str__(self) -> str:
        place = " ".join(p for p in (self.file, f"“{self.sheet}”表" if self.sheet else "", self.cell) if p)
        return (
            f"{place}：{self.found}；应为：{self.expected}"
            if place
            else f"{self.found}；应为：{self.expected}"
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the problem as plain data for JSON output and storage."""
        return asdict(self)


class GovernanceError(Exception):
    """Something a person must put right; the message (Chinese) says what, where and what is accepted.

    ``problems`` lists every single problem at once where there are several.
    """

    def __init__(self, message: str, problems: tuple[Problem, ...] = ()):
        super().__init__(message)
        self.message = message
        self.problems = tuple(problems)


class UnknownError(GovernanceError):
    """An unknown column, unit, code, programme, or a day without a rule in force (never guessed)."""


class RefusedError(GovernanceError):
    """Well understood and not allowed: a rule or the promise forbids it."""


class EnvironmentProblemError(GovernanceError):
    """The installation is at fault: no database, no disk, a missing file of our own."""
