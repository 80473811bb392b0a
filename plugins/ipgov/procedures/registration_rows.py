"""The rows of a filled-in registration workbook, registered one after the other within a transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, RowMapping, select

from ipgov.core.errors import GovernanceError, Problem, RefusedError
from ipgov.core.tables import organisation, title_event, titled_body
from ipgov.documents.model import plain_text
from ipgov.documents.registration_form import choice
from ipgov.evaluation.basis import in_chinese
from ipgov.intake.registrations import SHEETS, Entry, Registrations
from ipgov.intake.transforms import label_key
from ipgov.policy import store
from ipgov.policy.lifecycles import NEED_NAMES, RECOGNISED, Lifecycle
from ipgov.procedures.applications import Candidate, check_fit
from ipgov.registry.asof import newest
from ipgov.registry.codes import PROVINCES, uscc_form_problem, uscc_problem
from ipgov.registry.organisations import Organisation, add_organisation
from ipgov.registry.platforms import ROUTES, UNIT_CODE, add_titled_body, kind_names
from ipgov.registry.titles import record_title_event, standings

_RENAMED = "renamed"
_Values = Mapping[str, Any] | RowMapping
_Days = dict[str, list[dt.date]]


@dataclass(frozen=True)
class Announced:
    """The document that announced it: number and day; the file; what is kept as every row's source."""

    number: str
    source: str
    on: dt.date
    filename: str


@dataclass(frozen=True)
class Difference:
    """A field of what is registered before and after, as people read it."""

    field: str
    before: str
    after: str


@dataclass(frozen=True)
class Change:
    """A row that was written: of what (sheet), which, from when; no ``differences``: it is new.

    ``until``: the first day of a later version that was registered before and stands as it is.
    """

    sheet: str
    code: str
    name: str
    valid_from: dt.date
    differences: tuple[Difference, ...] = ()
    until: dt.date | None = None


def no_recognition(of: Lifecycle) -> str | None:
    """Tell why a file can recognise nobody: the lifecycle asks for more than the issuer's announcement."""
    event = of.event(RECOGNISED)
    if not event.needs:
        return None
    needs = "、".join(NEED_NAMES[n] for n in event.needs)
    return (
        f"{of.title}的{event.name}须{needs}（{in_chinese(event.basis)}），只能经申报、公示、审批签发产生，"
        f"不能凭文件直接登记；规则自 {of.effective} 起施行，此前的认定没有可适用的规则"
    )


def _choices(*codes: Mapping[str, str]) -> dict[str, str]:
    """Return by label key the code that a cell may name: by the code, a name, or both."""
    return {
        label_key(said): code
        for names in codes
        for code, name in names.items()
        for said in (code, name, choice(code, name))
    }


class Registrar:
    """Registers a file: ``problems`` are what is wrong, ``changes`` and ``recognised`` what was done."""

    def __init__(self, connection: Connection, of: Lifecycle, announced: Announced, known_at: dt.datetime):
        self.problems: list[Problem] = []
        self.changes: list[Change] = []
        self.recognised: list[str] = []
        self._connection, self._of, self._announced, self._known_at = connection, of, announced, known_at
        provinces = {code: p.name for code, p in PROVINCES.items()}
        self._names = {"province": provinces, "kind": kind_names(of.programme), "route": ROUTES}
        self._choices = {column: _choices(names) for column, names in self._names.items()}
        self._choices["province"] |= _choices({code: p.short for code, p in PROVINCES.items()})
        recognising = (p for p in store.programmes() if store.recognises(p))
        self._applied_for = next((p for p in recognising if store.governs(p) == of.programme), None)

    def work(self, read: Registrations) -> None:
        """Register organisations, then bodies, then recognitions."""
        self.problems += read.problems
        checked = [(e, self._check(e)) for e in read.organisations]
        wrong = {e.text("code") for e, right in checked if not right}
        wrong |= self._organisations([e for e, right in checked if right])
        self._bodies(self._free([e for e in read.bodies if self._check(e)]), wrong)

    def _tell(self, entry: Entry, column: str, found: str, expected: str, basis: str = "operator") -> None:
        cell = entry.cells.get(column, "")
        self.problems.append(
            Problem("registration", found, expected, self._announced.filename, entry.sheet, cell, basis)
        )

    def _check(self, entry: Entry) -> bool:
        """Check what a line says by itself; tell whether it can be registered."""
        right = entry.whole
        for column in self._choices.keys() & entry.values.keys():
            value = entry.text(column)
            if value and label_key(value) not in self._choices[column]:
                known = "、".join(choice(c, n) for c, n in self._names[column].items())
                self._tell(entry, column, f"没有{SHEETS[entry.sheet][column].label}“{value[:40]}”", known)
                right = False
        for column in entry.values:
            try:
                plain_text(entry.text(column))
            except RefusedError as error:
                found, _, expected = error.message.partition("；应为：")
                self._tell(entry, column, found, expected)
                right = False
        return right

    def _chosen(self, entry: Entry, column: str) -> str:
        return self._choices[column][label_key(entry.text(column))]

    def _day(self, entry: Entry) -> dt.date:
        return entry.day("valid_from", self._announced.on)

    def _by_day(self, entries: Iterable[Entry]) -> Iterator[tuple[dt.date, list[Entry]]]:
        days: dict[dt.date, list[Entry]] = {}
        for entry in entries:
            days.setdefault(self._day(entry), []).append(entry)
        yield from sorted(days.items())

    def _organisations(self, entries: Sequence[Entry]) -> set[str]:
        """Register the organisations; return the codes of those that cannot be."""
        wrong = set()
        later = self._later(organisation.c.code, [e.text("code") for e in entries])
        for day, lines in self._by_day(entries):
            stand = self._valid_organisations(day, [e.text("code") for e in lines])
            for entry in lines:
                code = entry.text("code")
                was = stand.get(code)
                now: dict[str, Any] = {
                    "name": entry.text("name"),
                    "province": self._chosen(entry, "province"),
                    "central_enterprise": entry.yes("central_enterprise"),
                }
                if was is not None and all(was[k] == v for k, v in now.items()):
                    continue
                confirmed = entry.text("confirmed_by") or (was and was["code_confirmed_by"]) or None
                try:
                    add_organisation(
                        self._connection,
                        Organisation(code, **now),
                        day,
                        self._announced.source,
                        self._known_at,
                        confirmed,
                    )
                except GovernanceError as error:
                    self._tell_organisation(entry, error)
                    wrong.add(code)
                else:
                    self._changed(entry, code, was, now, _next(later, code, day))
        return wrong

    def _tell_organisation(self, entry: Entry, error: GovernanceError) -> None:
        if uscc_problem(entry.text("code")) and not entry.text("confirmed_by"):
            expected = "证照上的 18 位代码；确有其码的，核对证照后填写“代码核对人”"
            self._tell(entry, "code", error.message, expected)
        elif uscc_form_problem(entry.text("code")):
            self._tell(entry, "code", error.message, "证照上的 18 位代码")
        else:
            self._tell(entry, "name", error.message, SHEETS[entry.sheet]["name"].help)

    def _changed(
        self, entry: Entry, code: str, was: _Values | None, now: _Values, until: dt.date | None
    ) -> None:
        labels = SHEETS[entry.sheet]
        different = [k for k, v in now.items() if was is not None and was[_COLUMN.get(k, k)] != v]
        differences = tuple(
            Difference(labels[k].label, self._said(k, was[_COLUMN.get(k, k)]), self._said(k, now[k]))
            for k in different
            if was is not None
        )
        self.changes.append(
            Change(entry.sheet, code, entry.text("name"), self._day(entry), differences, until)
        )

    def _said(self, column: str, value: Any) -> str:
        if isinstance(value, bool):
            return "是" if value else "否"
        return self._names.get(column, {}).get(value, str(value))

    def _valid_organisations(self, day: dt.date, codes: Iterable[str]) -> dict[str, _Values]:
        table = newest(organisation, [organisation.c.code], day, self._known_at)
        rows = self._connection.execute(select(table).where(table.c.code.in_(set(codes)))).mappings()
        return {row["code"]: row for row in rows}

    def _later(self, key: Column[str], codes: Iterable[str], *where: ColumnElement[bool]) -> _Days:
        """Return by code every day from which a version is registered."""
        table = key.table
        query = select(key, table.c.valid_from).where(key.in_(set(codes)), *where)
        found: _Days = {}
        for code, day in self._connection.execute(query.where(table.c.known_at <= self._known_at)):
            found.setdefault(code, []).append(day)
        return found

    def _valid_bodies(self, day: dt.date) -> dict[str, _Values]:
        table = newest(titled_body, [titled_body.c.programme, titled_body.c.unit], day, self._known_at)
        rows = self._connection.execute(select(table).where(table.c.programme == self._of.programme))
        return {row["unit"]: row for row in rows.mappings()}

    def _free(self, entries: Sequence[Entry]) -> list[Entry]:
        """Return the lines whose code is no other programme's: letters name bodies by their code alone."""
        table = titled_body
        query = select(table.c.unit, table.c.programme).where(
            table.c.unit.in_([e.text("unit") for e in entries]), table.c.programme != self._of.programme
        )
        others = {row.unit: row.programme for row in self._connection.execute(query)}
        for entry in entries:
            if other := others.get(entry.text("unit")):
                found = f"{entry.text('unit')} 是业务“{other}”的单位"
                self._tell(entry, "unit", found, f"业务“{self._of.programme}”自己的单位代码")
        return [e for e in entries if e.text("unit") not in others]

    def _bodies(self, entries: Sequence[Entry], wrong: set[str]) -> None:
        own = titled_body.c.programme == self._of.programme
        later = self._later(titled_body.c.unit, [e.text("unit") for e in entries], own)
        announced = self._announced_before()
        for day, lines in self._by_day(entries):
            stand = self._valid_bodies(day)
            codes = {e.text(role) for e in lines for role in ("host", "operator")}
            organisations = self._valid_organisations(day, codes)
            named = {row["name"]: unit for unit, row in stand.items()}
            states = standings(self._connection, self._of.programme, day, self._known_at)
            for entry in lines:
                unit = entry.text("unit")
                if not self._has_organisations(entry, organisations, wrong):
                    continue
                namesake = named.get(entry.text("name"), unit)
                if namesake != unit and namesake not in {e.text("unit") for e in lines}:
                    found = f"“{entry.text('name')}”是 {namesake} 的名称"
                    self._tell(entry, "name", found, "各单位名称不同；是同一单位的，填其原有代码")
                    continue
                until = _next(later, unit, day)
                titled = unit in states and states[unit].titled
                if self._body(entry, stand.get(unit), organisations, until, titled):
                    self._recognise(entry, unit in announced)

    def _has_organisations(self, entry: Entry, valid: Mapping[str, _Values], wrong: set[str]) -> bool:
        """Tell whether both organisations are registered; of one whose own line is wrong nothing is said."""
        right = True
        for role in ("host", "operator"):
            code = entry.text(role)
            if code in valid and code not in wrong:
                continue
            right = False
            if code not in wrong:
                found = f"{self._day(entry)} 没有登记统一社会信用代码为“{code}”的组织"
                self._tell(entry, role, found, "本表“组织”页所列、或已登记且当日有效的组织")
        return right

    def _body(
        self,
        entry: Entry,
        was: _Values | None,
        organisations: Mapping[str, _Values],
        until: dt.date | None,
        titled: bool,
    ) -> bool:
        """Register a body as its line says; tell whether it could be."""
        unit, day = entry.text("unit"), self._day(entry)
        now = {
            "name": entry.text("name"),
            "kind": self._chosen(entry, "kind"),
            "province": self._chosen(entry, "province"),
            "route": self._chosen(entry, "route"),
            "host": entry.text("host"),
            "operator": entry.text("operator"),
        }
        if was is not None and all(was[_COLUMN.get(k, k)] == v for k, v in now.items()):
            return True
        try:
            self._check_fit(unit, now, organisations, day)
            add_titled_body(
                self._connection,
                self._of.programme,
                unit,
                now["name"],
                now["kind"],
                now["province"],
                now["route"],
                now["host"],
                now["operator"],
                day,
                self._announced.source,
                self._known_at,
            )
        except GovernanceError as error:
            column = "name" if UNIT_CODE.fullmatch(unit) else "unit"
            self._tell(entry, column, error.message, SHEETS[entry.sheet][column].help)
            return False
        self._changed(entry, unit, was, now, until)
        if was is not None and titled and was["name"] != now["name"] and was["valid_from"] < day:
            self._rename(entry, unit, day)
        return True

    def _check_fit(
        self, unit: str, now: Mapping[str, str], organisations: Mapping[str, _Values], day: dt.date
    ) -> None:
        """Hold a body whose title is applied for to what its applications are held to (2024-1155#27, #29)."""
        if self._applied_for is None:
            return
        host, operator = (
            Organisation(c, row["name"], row["province"], row["central_enterprise"])
            for c in (now["host"], now["operator"])
            for row in (organisations[c],)
        )
        candidate = Candidate(unit, now["name"], now["kind"], now["province"], now["route"], host, operator)
        check_fit(store.in_force(self._applied_for, day).rules, candidate)

    def _rename(self, entry: Entry, unit: str, day: dt.date) -> None:
        """Record the new name of a body that holds the title; a correction of the same day's row is none."""
        event = next((e for e in self._of.events if e.code == _RENAMED), None)
        if event is not None:
            self._event(entry, "name", unit, _RENAMED, day, event.basis)

    def _recognise(self, entry: Entry, known: bool) -> None:
        """Record the recognition that the document announced, from its day on; ``known``: it is recorded."""
        if not entry.yes("recognised"):
            return
        unit, event = entry.text("unit"), self._of.event(RECOGNISED)
        if refusal := no_recognition(self._of):
            self._tell(entry, "recognised", f"{unit} 填“是”", f"“否”：{refusal}", event.basis)
        elif not known and self._event(
            entry, "recognised", unit, RECOGNISED, self._announced.on, event.basis
        ):
            self.recognised.append(unit)

    def _announced_before(self) -> set[str]:
        """Return whose recognition by this document is recorded, whoever entered it."""
        table = title_event
        same = (
            table.c.programme == self._of.programme,
            table.c.event == RECOGNISED,
            table.c.effective_on == self._announced.on,
            table.c.document_number == self._announced.number,
            table.c.known_at <= self._known_at,
        )
        return set(self._connection.execute(select(table.c.unit).where(*same)).scalars())

    def _event(self, entry: Entry, column: str, unit: str, event: str, day: dt.date, basis: str) -> bool:
        try:
            return record_title_event(
                self._connection,
                self._of.programme,
                unit,
                event,
                day,
                basis or "operator",
                self._announced.source,
                self._known_at,
                by="issuer",
                document_number=self._announced.number,
            )
        except GovernanceError as error:
            self._tell(entry, column, error.message, SHEETS[entry.sheet][column].help)
            return False


# columns of the workbook that are called otherwise in the table
_COLUMN = {"host": "host_code", "operator": "operator_code"}


def _next(days: _Days, code: str, day: dt.date) -> dt.date | None:
    return min((d for d in days.get(code, ()) if d > day), default=None)
