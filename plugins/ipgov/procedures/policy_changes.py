"""Rules put in force by two people, the rules a database is made with, and what two versions differ in."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from ipgov.core import database, objects
from ipgov.core.database import reading, transaction
from ipgov.core.errors import GovernanceError, Problem, UnknownError
from ipgov.core.settings import settings
from ipgov.decisions import policy_changes
from ipgov.decisions.policy_changes import Acted, Answer, Change
from ipgov.policy import cases, check, correspondence, files, store
from ipgov.policy.differences import Difference, differences
from ipgov.policy.duty_store import parse_duties
from ipgov.policy.files import PolicyFile
from ipgov.policy.store import Loaded


def migrate(kind: database.Kind, note: str, known_at: dt.datetime, by: str) -> None:
    """Bring the database to its newest form; a new one records the rules that lie there as its first.

    ``by``: who makes it. Raises RefusedError where the database already exists as another kind.
    """

    def first(connection: Connection) -> None:
        rules: list[Loaded | PolicyFile] = [
            *(v for p in store.programmes() for v in store.versions(p)),
            *files.every(),
        ]
        for loaded in rules:
            objects.put_content(loaded.data)
        policy_changes.record_initial(connection, rules, by, known_at)

    database.migrate(kind, note, known_at, first)


def not_in_force(known_at: dt.datetime) -> list[str]:
    """Return the rule files of this installation that two people have not put in force as they are.

    After an upgrade these are the files that came with it: nothing is done by them before.
    """
    with reading() as connection:
        found = policy_changes.changes(connection, None, known_at)
    in_force = {c.sha256 for c in found if c.counts}
    versions = [v for p in store.programmes() for v in store.versions(p) if v.rules.status == "in_force"]
    named = [(f"policies/{v.rules.programme}/{v.source}", v.sha256) for v in versions]
    named += [(f.source, f.sha256) for f in files.every()]
    return sorted(source for source, sha256 in named if sha256 not in in_force)


def propose(path: Path, by: str, note: str, known_at: dt.datetime) -> Acted:
    """Propose a rule file. Raises GovernanceError with every problem for a file that cannot govern."""
    loaded = files.recognised(path) or store.load(path)
    if problems := _problems(loaded, path):
        raise GovernanceError(f"{path.name} 有 {len(problems)} 处问题，不能提出", tuple(problems))
    objects.put_content(loaded.data)
    with transaction() as connection:
        return policy_changes.propose(connection, loaded, by, note, known_at)


def _problems(loaded: Loaded | PolicyFile, path: Path) -> list[Problem]:
    """Return what is wrong with a file; one of the installation's own is held against all the others too."""
    if isinstance(loaded, Loaded):
        return check.check_scoring(loaded.rules, path.name)
    if path.resolve().is_relative_to(settings().policies.resolve()):
        return [p for p in check.check() if p.file == loaded.source]
    match loaded.group:
        case "duties":
            parse_duties(loaded.data, path.name)
        case "cases":
            cases.load(path)
        case _:
            correspondence.read(path)
    return []


def answer(
    programme: str,
    version: str,
    given: Answer,
    by: str,
    comment: str,
    known_at: dt.datetime,
    code: str | None = None,
) -> Acted:
    """Approve or reject the newest proposal of a version; UnknownError where nothing waits."""
    with transaction() as connection:
        return policy_changes.answer(connection, programme, version, given, by, comment, known_at, code)


def changes(programme: str | None, known_at: dt.datetime) -> list[Change]:
    """Return every change, as known at a moment."""
    with reading() as connection:
        return policy_changes.changes(connection, programme, known_at)


def refused(programme: str | None, known_at: dt.datetime) -> list[dict[str, object]]:
    """Return every proposal and answer that did not count."""
    with reading() as connection:
        return policy_changes.refused(connection, programme, known_at)


@dataclass(frozen=True)
class Compared:
    """Two versions of a programme's rules and everything they differ in."""

    old: Loaded
    new: Loaded
    found: list[Difference]


def compare(programme: str, old: str, new: str) -> Compared:
    """Hold two versions against each other: each a version's day, or a file.

    Raises UnknownError for a version that is not there and for a file of another programme.
    """
    sides = _version(programme, old), _version(programme, new)
    return Compared(*sides, differences(sides[0].rules, sides[1].rules))


def sheet(compared: Compared) -> bytes:
    """Return the differences as a workbook to read; the same two files give the same bytes."""
    from ipgov.documents import policy_difference_sheet

    return policy_difference_sheet.write(compared.old, compared.new, compared.found, store.clauses())


def _version(programme: str, named: str) -> Loaded:
    if not named.endswith((".yaml", ".yml")):
        there = store.versions(programme)
        for loaded in there:
            if loaded.rules.version == named:
                return loaded
        known = "、".join(v.rules.version for v in there)
        raise UnknownError(f"“{programme}”没有 {named} 版规则；现有：{known}；也可写规则文件（.yaml）")
    loaded = store.load(Path(named))
    if loaded.rules.programme != programme:
        raise UnknownError(f"{named} 是“{loaded.rules.programme}”的规则，不是“{programme}”的")
    return loaded
