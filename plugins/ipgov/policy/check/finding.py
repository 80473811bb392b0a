"""What a check is given and what it reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ipgov.core.errors import Problem
from ipgov.policy.documents import Document
from ipgov.policy.rules import RuleVersion
from ipgov.policy.store import Loaded


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong at a key path (``scoring.dimensions[D1].weight``); texts are Chinese.

    ``file`` where it is another one than the file being checked.
    """

    path: str
    found: str
    expected: str
    file: str = ""
    check: str = ""

    def of(self, check: str) -> Finding:
        """Name the check that found it."""
        return replace(self, check=check)

    def problem(self, file: str) -> Problem:
        """Return it as the problem that people read."""
        return Problem(
            f"policy_{self.check}", f"{self.path} {self.found}", self.expected, file=self.file or file
        )


@dataclass(frozen=True)
class Context:
    """What a rule version may refer to. ``roles``: code → names of the approval steps that it decides."""

    clauses: Mapping[str, Mapping[str, str]]
    documents: Mapping[str, Document]
    roles: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class VersionFile:
    """A rule version, the file it stands in (``policies/<programme>/<stem>.yaml``), what it may refer to."""

    programme: str
    stem: str
    loaded: Loaded
    context: Context

    @property
    def name(self) -> str:
        """Return the file's name as people read it."""
        return self.loaded.source

    @property
    def rules(self) -> RuleVersion:
        """Return the rules in the file."""
        return self.loaded.rules


@dataclass(frozen=True)
class Programme:
    """Every version of a programme that could be read; ``unreadable``: how many could not."""

    name: str
    files: tuple[VersionFile, ...]
    unreadable: int

    @property
    def in_force(self) -> list[VersionFile]:
        """Return the versions that are no drafts, in order of effect."""
        return sorted(
            (f for f in self.files if f.rules.status == "in_force"), key=lambda f: f.rules.effective
        )
