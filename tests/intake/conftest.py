"""A unit of every kind, the rules of the first version, and workbooks filled as bodies fill them."""

from __future__ import annotations

import pytest
from intake_workbooks import PROGRAMME, unit_of_kind
from ipgov.policy import store
from ipgov.policy.store import Loaded
from ipgov.registry.platforms import Unit


@pytest.fixture(scope="session")
def rules() -> Loaded:
    return store.governing(PROGRAMME, 2023)


@pytest.fixture
def unit() -> Unit:
    return unit_of_kind("trading")
