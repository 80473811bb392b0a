"""Registering what a published document announced: organisations, titled bodies, recognitions.

A workbook is handed out, filled in from the document and read back; all of it is registered or nothing. A row
that says what is registered already changes nothing, one that says otherwise is a later version from its day
on. A recognition is recorded only where the lifecycle asks for nothing but the issuer's announcement.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from ipgov.core import objects
from ipgov.core.database import is_simulation, lock, reading, transaction
from ipgov.core.errors import GovernanceError, Problem, RefusedError
from ipgov.core.fingerprint import sha256_hex
from ipgov.documents import registration_form
from ipgov.documents.model import SIMULATION_BANNER, plain_text
from ipgov.intake.registrations import IDENTITY, MAX_TEXT, SHEETS, read_registrations
from ipgov.intake.transforms import clean
from ipgov.policy import store
from ipgov.procedures.registration_rows import Announced, Change, Registrar, no_recognition
from ipgov.registry.checks import check_kind_counts, check_routes
from ipgov.registry.codes import PROVINCES
from ipgov.registry.platforms import ROUTES, kind_names, roster
from ipgov.registry.registered import Registered, registered
from ipgov.registry.titles import life


@dataclass(frozen=True)
class Imported:
    """What an import did, or (``dry_run``) would do; ``recognised`` lists the units."""

    programme: str
    source: str
    on: dt.date
    rows: int
    changes: tuple[Change, ...]
    recognised: tuple[str, ...]
    dry_run: bool

    @property
    def repeated(self) -> bool:
        """Tell whether everything was registered already."""
        return not self.changes and not self.recognised

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {**asdict(self), "repeated": self.repeated}


def template(programme: str, as_of: dt.date) -> bytes:
    """Return the workbook to be filled in for the bodies of a programme.

    Raises UnknownError for an unknown programme, and for a day before its rules.
    """
    of = life(programme)
    rules = store.in_force(of.programme, as_of).rules
    with reading() as connection:
        banner = SIMULATION_BANNER if is_simulation(connection) else ""
    refusal = no_recognition(of)
    blank = registration_form.Blank(
        title=of.title,
        author=rules.issuer.name,
        programme=of.programme,
        provinces={code: p.name for code, p in PROVINCES.items()},
        kinds=kind_names(of.programme),
        routes=ROUTES,
        recognition=f"一律填“否”：{refusal}。"
        if refusal
        else "文件公布了认定的填“是”，自文件的日期起登记为持有称号；只登记、不认定的（如试点）填“否”。",
    )
    return registration_form.write(blank, banner)


def import_file(
    programme: str,
    filename: str,
    data: bytes,
    by: str,
    source: str,
    on: dt.date,
    as_of: dt.date,
    known_at: dt.datetime,
    dry_run: bool = False,
) -> Imported:
    """Register what a filled-in workbook says that the document ``source`` of the day ``on`` announced.

    The same content again changes nothing. Raises GovernanceError with every problem of the file (nothing is
    written then), RefusedError for a document of a day to come, UnknownError for an unknown programme.
    """
    of = life(programme)
    source = plain_text(clean(source)[0])
    if not source or len(source) > MAX_TEXT:
        raise RefusedError(f"文号应为不超过 {MAX_TEXT} 字的一行文字；没有文号的写明文件名称")
    if on > as_of:
        raise RefusedError(f"文件日期 {on} 晚于 {as_of}：尚未公布的不予登记")
    read = read_registrations(data, filename)
    if not read.programme:
        raise GovernanceError(f"{filename} 不能登记", read.problems)
    if read.programme != of.programme:
        expected = f"由 ipgov registry template {of.programme} 生成的工作簿"
        problem = Problem(
            "registration_programme", f"登记表属于“{read.programme}”", expected, filename, IDENTITY
        )
        raise GovernanceError(f"{filename} 不能登记", (problem,))
    kept = f"{source}（{by} 登记，登记表 {sha256_hex(data)}）"
    with transaction() as connection:
        tried = connection.begin_nested()
        lock(connection, "registry import", of.programme)
        done = Registrar(connection, of, Announced(source, kept, on, filename), known_at)
        done.work(read)
        if done.problems:
            found = tuple(sorted(set(done.problems), key=_order))
            raise GovernanceError(f"{filename} 有 {len(found)} 处问题，没有登记任何内容", found)
        if dry_run:
            tried.rollback()
        elif done.changes or done.recognised:
            objects.put_content(data)
    rows = len(read.organisations) + len(read.bodies)
    return Imported(of.programme, source, on, rows, tuple(done.changes), tuple(done.recognised), dry_run)


def _order(problem: Problem) -> tuple[int, int, Problem]:
    known = list(SHEETS)
    at = known.index(problem.sheet) if problem.sheet in known else -1
    return at, int("".join(c for c in problem.cell if c.isdigit()) or 0), problem


@dataclass(frozen=True)
class KindCount:
    """How many bodies of a kind are registered and hold the title on the day.

    ``published``: how many the recognition document names; ``found``: how many hold the title on its day.
    Both None where the rules state no number.
    """

    kind: str
    name: str
    registered: int
    titled: int
    published: int | None
    found: int | None


@dataclass(frozen=True)
class Listed:
    """What is registered of a programme on a day; ``problems``: what the freeze would not accept as it is.

    ``counted_on``: the day of the recognition document whose numbers are compared; None: there are none.
    """

    programme: str
    on: dt.date
    bodies: tuple[Registered, ...]
    counts: tuple[KindCount, ...]
    counted_on: dt.date | None
    basis: str
    problems: tuple[Problem, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {**asdict(self), "problems": [p.as_dict() for p in self.problems]}


def listed(programme: str, on: dt.date, known_at: dt.datetime) -> Listed:
    """Return what is registered on a day, as known at a moment, and whether it agrees with the rules.

    The rules are those in force on that day; before the first ones nothing is compared. UnknownError for an
    unknown programme.
    """
    of = life(programme)
    covering = store.covering(store.versions(of.programme), on)
    rules = None if covering is None else covering.rules
    counted_on = None if rules is None else rules.subject.counted_on
    with reading() as connection:
        bodies = registered(connection, of.programme, on, known_at)
        problems = [
            Problem("organisations", f"{b.unit} 在 {on} 缺少{what}（{code}）的有效登记", "补登该组织")
            for b in bodies
            for what, code, name in (
                ("依托单位", b.host_code, b.host_name),
                ("运营单位", b.operator_code, b.operator_name),
            )
            if not name
        ]
        then: Counter[str] | None = None
        if rules is not None and not problems:
            problems += check_kind_counts(connection, rules, known_at)
            problems += check_routes(connection, rules, on, known_at)
            if counted_on is not None:
                holders = roster(connection, of.programme, counted_on, known_at)
                then = Counter(u.kind for u in holders)
    numbers = {} if rules is None else {k.code: k.count for k in rules.subject.kinds}
    here, titled = Counter(b.kind for b in bodies), Counter(b.kind for b in bodies if b.titled)
    counts = tuple(
        KindCount(k, name, here[k], titled[k], numbers.get(k), None if then is None else then[k])
        for k, name in kind_names(of.programme).items()
    )
    basis = "" if rules is None else rules.subject.basis
    return Listed(of.programme, on, tuple(bodies), counts, counted_on, basis, tuple(problems))
