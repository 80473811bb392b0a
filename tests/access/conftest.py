"""What every role saw at every door, tried once for all tests."""

from __future__ import annotations

from typing import Any

import pytest
from access_table import see


@pytest.fixture(scope="session")
def seen() -> dict[str, Any]:
    return see()
