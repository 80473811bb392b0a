"""What the tests of the registry register."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator

import pytest
from ipgov.core import tables
from ipgov.core.database import transaction
from ipgov.registry.codes import organisation_code_check_character, uscc_check_character
from ipgov.registry.organisations import Organisation, add_organisation
from ipgov.registry.platforms import add_titled_body
from ipgov.registry.titles import record_title_event
from sqlalchemy import Connection

PROGRAMME = "functional_platform"
KNOWN_AT = dt.datetime(2023, 9, 6, 1, 0, tzinfo=dt.UTC)
RECOGNISED = dt.date(2023, 9, 5)
REGISTERED = dt.date(2023, 1, 1)


@pytest.fixture
def code_of() -> Callable[[int], str]:
    """Make well-formed, fictitious codes."""

    def code_of(serial: int) -> str:
        inner = f"{serial:08d}"
        first = "91110000" + inner + organisation_code_check_character(inner)
        return first + uscc_check_character(first)

    return code_of


@pytest.fixture
def connection(database: object) -> Iterator[Connection]:
    with transaction() as connection:
        yield connection


@pytest.fixture
def approval(connection: Connection) -> Callable[..., int]:
    """Make a round that was approved and issued; ``issued`` False: one that still waits."""

    def approval(programme: str = PROGRAMME, issued: bool = True, known_at: dt.datetime = KNOWN_AT) -> int:
        table = tables.review_round
        number = len(connection.execute(table.select()).all()) + 1
        made = connection.execute(
            table.insert()
            .values(
                programme=programme,
                period="2023",
                number=number,
                fingerprint=f"{number:064x}",
                rating_list_sha256="0" * 64,
                rule_sha256="0" * 64,
                known_at=known_at,
            )
            .returning(table.c.id)
        ).scalar_one()
        if issued:
            connection.execute(
                tables.issue.insert().values(round_id=made, fingerprint=f"{number:064x}", known_at=known_at)
            )
        return int(made)

    return approval


@pytest.fixture
def register(connection: Connection, code_of: Callable[[int], str]) -> Callable[..., Organisation]:
    def register(serial: int, name: str = "", known_at: dt.datetime = KNOWN_AT) -> Organisation:
        organisation = Organisation(code_of(serial), name or f"示例组织{serial}", "11", False)
        add_organisation(connection, organisation, REGISTERED, "测试", known_at)
        return organisation

    return register


@pytest.fixture
def title(connection: Connection, register: Callable[..., Organisation]) -> Callable[..., None]:
    """Register a body with a host and an operating unit of its own, and recognise it."""

    def title(
        unit: str,
        kind: str = "trading",
        recognised_on: dt.date | None = RECOGNISED,
        known_at: dt.datetime = KNOWN_AT,
        route: str | None = None,
    ) -> None:
        serial = int(unit[2:])
        host, operator = (register(s, known_at=known_at) for s in (100 + serial, 200 + serial))
        add_titled_body(
            connection,
            PROGRAMME,
            unit,
            f"示例平台{unit}",
            kind,
            "11",
            route or ("direct" if kind == "tool" else "province"),
            host.code,
            operator.code,
            REGISTERED,
            "测试",
            known_at,
        )
        if recognised_on:
            record_title_event(
                connection,
                PROGRAMME,
                unit,
                "recognised",
                recognised_on,
                "2023-156#01",
                "",
                known_at,
                by="issuer",
            )

    return title
