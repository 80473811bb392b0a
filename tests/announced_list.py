"""Centres on an approved list, and what people do from there: notice, objections, replies, recognition."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from ipgov.core.steps import SHANGHAI
from sqlalchemy import text

CENTRE = "industry_centre"
LISTED_ON = dt.date(2026, 5, 7)
DAY = dt.date(2026, 5, 8)  # a Friday: the notice runs to Friday 15 May, the ninth being worked
AS_LISTED = ("applied_directly", "filed", "rechecked", "listed")
CONTACT = "某市某路2号，010-00000001"


def at(day: dt.date, hour: int = 23) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour), tzinfo=SHANGHAI)


def rows(query: str, **values: Any) -> list[dict[str, Any]]:
    from ipgov.core.database import reading

    with reading() as connection:
        return [dict(r) for r in connection.execute(text(query), values).mappings()]


def name_of(number: int) -> str:
    return f"国家级虚构{number}产业知识产权运营中心"


@dataclass
class Listed:
    """``units``: the codes of the bodies on the list, IC01 first."""

    units: tuple[str, ...]

    def register(self) -> None:
        from ipgov.core import tables
        from ipgov.core.database import transaction
        from ipgov.decisions.officers import Officer, register_officer
        from ipgov.registry.organisations import Organisation, add_organisation
        from ipgov.registry.platforms import add_titled_body
        from ipgov.simulation.nation import SOURCE, fictitious_code

        first = dt.date(2025, 1, 2)
        with transaction() as connection:
            for login, role in (("reviewer1", "reviewer"), ("reviewer2", "reviewer"), ("issuer1", "issuer")):
                register_officer(connection, Officer(login, login, (role,), None, True), at(first))
            for number, unit in enumerate(self.units, 1):
                host = Organisation(fictitious_code("11", 700 + number), f"虚构建设主体{number}", "11", False)
                add_organisation(connection, host, first, SOURCE, at(first))
                add_titled_body(
                    connection, CENTRE, unit, name_of(number), "materials", "11", "direct",
                    host.code, host.code, first, SOURCE, at(first),
                )  # fmt: skip
                for event in AS_LISTED:
                    connection.execute(
                        tables.title_event.insert().values(
                            programme=CENTRE, unit=unit, event=event, effective_on=LISTED_ON,
                            basis="2024-1155#31", note=SOURCE, known_at=at(LISTED_ON),
                        )
                    )  # fmt: skip

    def propose(self, kind: str, content: Any, day: dt.date, **parties: Any) -> dict[str, Any]:
        from ipgov.procedures import paper_round

        given = {"content": content, "parties": parties}
        made = paper_round.propose(kind, CENTRE, given, "reviewer1", "须办理", day, at(day))
        return dict(made.output)

    def approve(self, opened: dict[str, Any], day: dt.date) -> None:
        from ipgov.procedures import approval

        fingerprint = rows("SELECT fingerprint FROM review_round WHERE id = :id", id=opened["round_id"])[0]
        for step, who in (("audit", "reviewer2"), ("sign", "issuer1")):
            answered = approval.answer(
                opened["round_id"],
                step,
                "approve",
                who,
                "",
                fingerprint["fingerprint"],
                "cli",
                at(day),
                at(day),
            )
            assert not answered.refused

    def issue(self, opened: dict[str, Any], day: dt.date) -> Any:
        from ipgov.procedures import approval

        self.approve(opened, day)
        return approval.issue(opened["round_id"], day, at(day))

    def notice(self, day: dt.date = DAY, **content: Any) -> Any:
        """Publicise the whole list; return what the issue did."""
        given = {
            "bodies": list(self.units),
            "telephone": "010",
            "address": "某路1号",
            "email": "a@example.org",
        }
        return self.issue(self.propose("public_notice", given | content, day), day)

    def object(self, unit: str, day: dt.date, publicity: int = 1, **changed: Any) -> dict[str, Any]:
        from ipgov.procedures import objections

        given = {
            "text": "申报材料所列合同不实", "name": "某人", "contact": CONTACT, "received_on": day,
            "by": "operator1", "files": (), "as_of": day, "known_at": at(day),
        } | changed  # fmt: skip
        return dict(objections.record(publicity, unit, **given).output)

    def reply(self, objection: int, day: dt.date, *, upheld: bool) -> Any:
        from ipgov.procedures import objections

        made = objections.answer(
            objection, upheld=upheld, finding="经核对合同原件", by="reviewer1", reason="核查完毕",
            as_of=day, known_at=at(day),
        )  # fmt: skip
        return self.issue(dict(made.output), day)

    def daily(self, day: dt.date) -> list[dict[str, Any]]:
        """Do what the daily flow does; return the recognitions that it proposed."""
        from ipgov.procedures import publicity

        publicity.advance(day, at(day))
        return list(publicity.propose_recognitions(day, at(day)).output["proposed"])

    def states(self, day: dt.date) -> dict[str, str]:
        from ipgov.core.database import reading
        from ipgov.registry.titles import standings

        with reading() as connection:
            return {u: s.code for u, s in standings(connection, CENTRE, day, at(day)).items()}

    def events(self, event: str) -> dict[str, dict[str, Any]]:
        found = rows("SELECT * FROM title_event WHERE event = :event ORDER BY id", event=event)
        return {r["unit"]: r for r in found}
