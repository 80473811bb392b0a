"""Who is who in the follow-up: codes of parties, their names."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from ipgov.core.errors import UnknownError
from ipgov.policy.correspondence import Correspondence, correspondence
from ipgov.registry.codes import province_office

OFFICE = "office"
_BODIES = """
SELECT DISTINCT ON (programme, unit) programme, unit, name, kind, province, route, host_code, operator_code
FROM titled_body WHERE valid_from <= :on AND known_at <= :known_at
ORDER BY programme, unit, valid_from DESC, known_at DESC, id DESC
"""
_ORGANISATIONS = """
SELECT DISTINCT ON (code) code, name FROM organisation WHERE valid_from <= :on AND known_at <= :known_at
ORDER BY code, valid_from DESC, known_at DESC, id DESC
"""
_OCCURRENCES = "SELECT id, kind, subject, note FROM occurrence WHERE known_at <= :known_at"


def _is_province(code: str) -> bool:
    return len(code) == 2 and code.isdecimal()


@dataclass(frozen=True)
class Parties:
    """The registry as of a day, by code."""

    bodies: Mapping[tuple[str, str], Mapping[str, str]]
    names: Mapping[str, str]
    occurrences: Mapping[str, Mapping[str, str]]
    rules: Correspondence

    @classmethod
    def read(cls, connection: Connection, on: dt.date, known_at: dt.datetime) -> Parties:
        """Read every body, organisation and occurrence that was known."""
        place = {"on": on, "known_at": known_at}
        bodies = connection.execute(text(_BODIES), place).mappings().all()
        organisations = connection.execute(text(_ORGANISATIONS), place).mappings().all()
        occurred = connection.execute(text(_OCCURRENCES), {"known_at": known_at}).mappings().all()
        return cls(
            {(b["programme"], b["unit"]): dict(b) for b in bodies},
            {o["code"]: o["name"] for o in organisations} | {b["unit"]: b["name"] for b in bodies},
            {f"occurrence:{o['id']}": dict(o) for o in occurred},
            correspondence(),
        )

    def name(self, code: str, programme: str = "") -> str:
        """Return a party's name; UnknownError for a code that the registry does not know.

        ``programme``: whose office is meant; none: the installation's.
        """
        if code == OFFICE:
            return self.rules.issuer_of(programme)
        if code in self.names:
            return self.names[code]
        if _is_province(code):
            return province_office(code)
        raise UnknownError(f"登记中没有代码为“{code}”的单位")

    def roles(self, obligation: Mapping[str, Any]) -> dict[str, str]:
        """Return the codes of the parties of an obligation; a role that nobody has is absent."""
        found = {"office": OFFICE}
        body = self.bodies.get((obligation["programme"], obligation["unit"] or ""))
        if body is not None:
            found |= {"body": body["unit"], "host": body["host_code"], "operating": body["operator_code"]}
            found["province"] = body["province"]
        else:
            parties = (obligation["owed_by"], obligation["owed_to"])
            found |= {"province": next(filter(_is_province, parties), "")}
        return found

    def about(self, obligation: Mapping[str, Any], *, body: bool = True) -> str:
        """Return what an obligation is about beyond its duty: the ``body``, and what opened it."""
        parts = []
        unit = obligation["unit"]
        if body and unit and unit != obligation["owed_by"]:
            parts.append(self.name(unit, obligation["programme"]))
        occurrence = self.occurrences.get(obligation["cause"])
        if occurrence is not None:
            parts.append(occurrence["subject"])
        elif obligation["period"]:
            year, _, month = obligation["period"].partition("-")
            parts.append(f"{year}年{int(month)}月" if month else f"{year}年度")
        return "，".join(parts)
