"""Centres of two provinces and of a central enterprise, through a year's self-evaluation."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping
from typing import Any

from evaluated_cohort import TITLE, YEAR, YEARLY, Cohort, at, scaled
from ipgov.core.steps import Cycle, Mode
from ipgov.simulation.centre_workbooks import audited

# code → field, province, route, how much of a good year
CENTRES = {
    "IC01": ("it", "11", "province", 1.0),
    "IC02": ("materials", "11", "province", 0.7),
    "IC03": ("biology", "44", "province", 0.8),
    "IC04": ("energy", "44", "province", 0.5),
    "IC05": ("equipment", "31", "direct", 0.9),
}
AUDIT, OPINION = "审核通过，予以报送", "材料完整、数据属实"


class Centres(Cohort):
    """Plays one year: ``YEAR`` 2025."""

    year = 2025

    def register(self) -> None:
        from ipgov.core import tables
        from ipgov.core.database import transaction
        from ipgov.decisions.officers import Officer, register_officer
        from ipgov.registry.organisations import Organisation, add_organisation
        from ipgov.registry.platforms import add_titled_body
        from ipgov.simulation.nation import SOURCE, fictitious_code

        first, on = dt.date(2025, 1, 2), dt.date(2025, 3, 20)
        with transaction() as connection:
            for login, role in (("reviewer1", "reviewer"), ("reviewer2", "reviewer"), ("issuer1", "issuer")):
                register_officer(connection, Officer(login, login, (role,), None, True), at(first))
            for number, (unit, (kind, province, route, _)) in enumerate(CENTRES.items(), 1):
                central = route == "direct"
                code = fictitious_code(province, 700 + number)
                host = Organisation(code, f"虚构建设主体{number}", province, central)
                add_organisation(connection, host, first, SOURCE, at(first))
                add_titled_body(
                    connection, TITLE, unit, f"国家级虚构{number}产业知识产权运营中心", kind, province, route,
                    code, code, first, SOURCE, at(first),
                )  # fmt: skip
                connection.execute(
                    tables.title_event.insert().values(
                        programme=TITLE, unit=unit, event="recognised", effective_on=on,
                        basis="2024-1155#33", note=SOURCE, known_at=at(on),
                    )
                )  # fmt: skip

    def send_year(self, unit: str, day: dt.date, **changed: Any) -> None:
        """One centre's workbook, received and read on a day."""
        from ipgov.core.objects import store
        from ipgov.simulation.nation import fill

        blank = store().get(f"outbox/{YEARLY}/{self.year}/{unit}/{unit}-{self.year}-报送表.xlsx")
        values = {**scaled(YEAR, CENTRES[unit][3]), "F19": day, **changed}
        key = f"inbox/{YEARLY}/{self.year}/{CENTRES[unit][1]}/{unit}/{unit}-{day:%Y%m%d}.xlsx"
        self.put(key, fill(blank, values), day)

    def put(self, key: str, data: bytes, day: dt.date) -> Any:
        from ipgov.core.objects import store

        store().put(key, data)
        moment = at(day, 10).timestamp()
        os.utime(self.objects / key, (moment, moment))
        return self.receive(day)

    def of_day(self, day: dt.date, mode: Mode = Mode.LIVE) -> Cycle:
        return Cycle(YEARLY, str(self.year), day, at(day), mode)

    def send_audits(self, day: dt.date) -> Mapping[str, Any]:
        from ipgov.procedures import province_audits

        return province_audits.send(self.of_day(day)).output["sent"]

    def workbook(self, province: str, kind: str = "province_audit") -> bytes:
        """The newest workbook that was sent to a province."""
        from ipgov.core import objects, tables
        from ipgov.core.database import reading
        from sqlalchemy import select

        document, file = tables.document, tables.document_file
        query = (
            select(file.c.sha256)
            .join(document, document.c.id == file.c.document_id)
            .where(document.c.recipient == province, document.c.kind == kind, file.c.format == "xlsx")
            .order_by(document.c.id.desc())
        )
        with reading() as connection:
            return objects.get_content(connection.execute(query.limit(1)).scalar_one())

    def answer(
        self, province: str, day: dt.date, answers: Mapping[str, tuple[str, str]], data: bytes | None = None
    ) -> dict[str, Any]:
        """Fill in a province's workbook (unit → answer, opinion) and hand it in; return what came of it."""

        filled = audited(
            data or self.workbook(province),
            {
                unit: {"审核结论": said, "审核意见": opinion, "审核人": "张三", "审核日期": day}
                for unit, (said, opinion) in answers.items()
            },
        )
        return self.hand_in(province, day, filled)

    def hand_in(self, province: str, day: dt.date, data: bytes, name: str = "审核.xlsx") -> dict[str, Any]:
        from ipgov.core import tables
        from ipgov.core.database import reading
        from sqlalchemy import select

        self.put(f"inbox/{YEARLY}/{self.year}/{province}/province/{name}", data, day)
        table = tables.province_audit_return
        with reading() as connection:
            row = connection.execute(select(table).order_by(table.c.id.desc()).limit(1)).mappings().first()
        return {} if row is None else dict(row)

    def evaluate_year(self, mode: Mode = Mode.LIVE) -> dict[str, Any]:
        return self.evaluate(self.of_day(self.days(YEARLY, self.year).evaluate_on.date, mode))
