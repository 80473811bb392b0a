"""Which programmes are run by a procedure, read cheaply: DAG files ask for it every time they are parsed.

Only the lines that name a version are looked at (no YAML, no validation); what a version says wrongly is
found by ``ipgov policy check`` and when the version is loaded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ipgov.core.settings import settings

_NAMING = re.compile(r"^(programme|version|status|title|procedure):\s*(.+?)\s*$")
_DEFAULT = "performance_evaluation"  # RuleVersion.procedure


@dataclass(frozen=True)
class Programme:
    """A programme with a version in force: its code and the title of its rules, in Chinese."""

    code: str
    title: str


def of_procedure(procedure: str) -> tuple[Programme, ...]:
    """Return the programmes in ``policies/`` whose newest version in force is run by a procedure, by code."""
    folders = sorted(f for f in settings().policies.iterdir() if f.is_dir())
    named = ((f.name, _newest(f)) for f in folders)
    return tuple(
        Programme(code, n["title"])
        for code, n in named
        if n and n.get("programme") == code and n.get("procedure", _DEFAULT) == procedure
    )


def _newest(folder: Path) -> dict[str, str]:
    """Return what names the newest version in force; empty where there is none."""
    versions = [_naming(f) for f in sorted(folder.glob("*.yaml"))]
    in_force = [n for n in versions if n.get("status") == "in_force"]
    return max(in_force, key=lambda n: n.get("version", ""), default={})


def _naming(file: Path) -> dict[str, str]:
    naming: dict[str, str] = {}
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            if found := _NAMING.match(line):
                naming[found[1]] = _plain(found[2])
    return naming


def _plain(written: str) -> str:
    """Return a YAML scalar without its quotes or the comment behind it."""
    if written[0] in "\"'":
        return written[1:].split(written[0])[0]
    return written.split(" #")[0].rstrip()
