"""Clean snapshots to which a test does harm."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from frozen_bodies import CLEAN, KINDS, PROGRAMME, Body, Snapshot
from ipgov.core.database import transaction
from ipgov.policy import store
from ipgov.policy.rules import RuleVersion


@pytest.fixture(scope="session")
def rules() -> RuleVersion:
    return store.governing(PROGRAMME, 2023).rules


@pytest.fixture
def clean(rules: RuleVersion) -> Callable[..., Snapshot]:
    """Make a snapshot of clean bodies."""

    def clean(period: str = "2023", kinds: tuple[str, ...] = KINDS) -> Snapshot:
        bodies = []
        for serial, kind in enumerate(kinds, start=1):
            asked = rules.form.fields_for(kind)
            bodies.append(Body(f"FP{serial:03d}", kind, {c: CLEAN.get(c, 2) for c in asked}))
        return Snapshot(rules, period, bodies)

    return clean


@pytest.fixture
def written(database: Path) -> Callable[[Snapshot], int]:
    """Write a snapshot and commit it."""

    def write(s: Snapshot) -> int:
        with transaction() as connection:
            return s.write(connection)

    return write
