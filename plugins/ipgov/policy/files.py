"""Files of ``policies/`` that govern as a whole, beside the rule versions: duties, cases, correspondence.

Like a rule version each is put in force by two people, bound to the hash of its bytes; unlike one it has no
day of its own (what it enters has), so the newest approved content of a name is the one that governs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ipgov.core.errors import EnvironmentProblemError, GovernanceError, UnknownError
from ipgov.core.fingerprint import sha256_hex
from ipgov.core.settings import settings
from ipgov.policy.store import read_yaml

# group: the files it consists in, below policies/
GROUPS: Mapping[str, str] = {
    "duties": "duties/*.yaml",
    "cases": "cases/*.yaml",
    "correspondence": "correspondence.yaml",
}
# what tells, of a file that lies elsewhere, of which group it is
_TOLD_BY: Mapping[str, frozenset[str]] = {
    "duties": frozenset({"document", "duties"}),
    "cases": frozenset({"programme", "cases"}),
    "correspondence": frozenset({"issuer", "contact", "lists", "papers"}),
}


@dataclass(frozen=True)
class PolicyFile:
    """A file byte for byte: its group, and its name without ending (``duties``, ``2023-156``)."""

    group: str
    name: str
    data: bytes
    source: str

    @property
    def sha256(self) -> str:
        """Return the hash to which an approval is bound."""
        return sha256_hex(self.data)


def files(group: str) -> tuple[PolicyFile, ...]:
    """Return the files of a group as this process works with them: read once per folder."""
    return _read(settings().policies, group)


@cache
def _read(folder: Path, group: str) -> tuple[PolicyFile, ...]:
    return tuple(_of(group, path) for path in sorted(folder.glob(GROUPS[group])))


def every() -> tuple[PolicyFile, ...]:
    """Return the files of all groups."""
    return tuple(file for group in GROUPS for file in files(group))


def _of(group: str, path: Path) -> PolicyFile:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise EnvironmentProblemError(f"{path} 无法读取：{error.strerror}") from None
    folder = "" if group == path.stem else f"{group}/"
    return PolicyFile(group, path.stem, data, f"policies/{folder}{path.name}")


def recognised(path: Path) -> PolicyFile | None:
    """Return a file wherever it lies, if by its keys it is one of a group; None: it is none.

    Raises GovernanceError where it cannot be read.
    """
    try:
        raw = read_yaml(path.read_bytes(), path.name)
    except OSError as error:
        raise GovernanceError(f"规则文件 {path} 无法读取：{error.strerror}") from None
    keys = set(raw) if isinstance(raw, dict) else set()
    group = next((g for g, told in _TOLD_BY.items() if told <= keys), None)
    if group is None:
        return None
    if GROUPS[group] == f"{group}.yaml" and path.stem != group:
        raise UnknownError(f"{path.name}：应为 {group}.yaml")
    return _of(group, path)
