"""The synthetic nation on a fresh database."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from ipgov.core.steps import SHANGHAI
from played_nation import Nation


@pytest.fixture
def nation(database: Path) -> Nation:
    from ipgov.core.database import transaction
    from ipgov.decisions.officers import Officer, register_officer
    from ipgov.simulation import nation as synthetic

    with transaction() as connection:
        synthetic.register(connection)
        for login, role in (("reviewer1", "reviewer"), ("reviewer2", "reviewer"), ("issuer1", "issuer")):
            register_officer(
                connection,
                Officer(login, login, (role,), None, True),
                dt.datetime(2023, 9, 5, tzinfo=SHANGHAI),
            )
    return Nation(database / "objects")
