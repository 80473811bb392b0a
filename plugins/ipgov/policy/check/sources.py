"""Reading everything that ``check`` looks at, afresh: no cache, so an edited file is seen at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ipgov.core.errors import GovernanceError, Problem
from ipgov.core.settings import settings
from ipgov.policy.check.finding import Context, Programme, VersionFile
from ipgov.policy.documents import read_documents
from ipgov.policy.holidays import read_calendars
from ipgov.policy.store import parse, programmes, read_clauses, read_yaml

_T = TypeVar("_T")


@dataclass(frozen=True)
class Sources:
    """The contents of ``policies/``; ``problems`` are those that kept something from being read."""

    clause_rows: tuple[dict[str, str], ...]
    context: Context
    programmes: tuple[Programme, ...]
    problems: tuple[Problem, ...]


def read_sources() -> Sources:
    """Read ``policies/``; what cannot be read becomes a problem, and counts as empty."""
    folder, problems = settings().policies, list[Problem]()
    rows: list[dict[str, str]] = _try(lambda: read_clauses(folder / "clauses.csv"), [], problems)
    context = Context(
        clauses={row["id"]: row for row in rows},
        documents=_try(lambda: read_documents(folder / "documents.yaml"), {}, problems),
        roles=_try(lambda: _read_roles(folder / "roles.yaml"), {}, problems),
    )
    _try(lambda: read_calendars(folder / "calendars"), None, problems)
    read = tuple(_read_programme(folder / name, context, problems) for name in programmes())
    return Sources(tuple(rows), context, read, tuple(problems))


def _try(read: Callable[[], _T], otherwise: _T, problems: list[Problem]) -> _T:
    try:
        return read()
    except GovernanceError as error:
        problems += _problems(error)
        return otherwise


def _problems(error: GovernanceError) -> tuple[Problem, ...]:
    return error.problems or (Problem("policy_readable", error.message, "可读取的规则文件"),)


def _read_roles(path: Path) -> dict[str, tuple[str, ...]]:
    """Return role code → names of the approval steps that the role decides."""
    try:
        raw = read_yaml(path.read_bytes(), "policies/roles.yaml")
        return {r["code"]: tuple(r["decides"]) for r in raw["roles"]}
    except OSError as error:
        raise GovernanceError(f"policies/roles.yaml 无法读取：{error.strerror}") from None
    except (KeyError, TypeError) as error:
        raise GovernanceError(f"policies/roles.yaml 的 roles 缺少 code 或 decides（{error}）") from None


def _read_programme(folder: Path, context: Context, problems: list[Problem]) -> Programme:
    files, unreadable = [], 0
    for path in sorted(folder.glob("*.yaml")):
        try:
            loaded = parse(path.read_bytes(), f"policies/{folder.name}/{path.name}")
        except GovernanceError as error:
            problems += _problems(error)
            unreadable += 1
        else:
            files.append(VersionFile(folder.name, path.stem, loaded, context))
    return Programme(folder.name, tuple(files), unreadable)
