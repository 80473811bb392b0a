"""The real rules of the platforms with a tiny nation of twelve."""

from __future__ import annotations

from typing import Any

import pytest
from ipgov.policy import store
from platform_nation import values_of


@pytest.fixture(params=[2023, 2025])
def functional_platform_case(request: pytest.FixtureRequest) -> tuple[Any, Any, frozenset[str]]:
    """(values, scoring, inputs that need not be used) of the version that governs the year."""
    rules = store.governing("functional_platform", request.param).rules
    return values_of(rules), rules.scoring, frozenset(rules.form.fields)
