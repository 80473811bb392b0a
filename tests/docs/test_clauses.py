"""docs/clauses.md, the committed table of clauses and their tests, is what the tests now name."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import clause_table
import pytest

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| (\d{4}-\d+#\d+) \| .* \| (\S+) \| (.*) \|$", flags=re.M)
STALE = "docs/clauses.md is stale: make clauses"


@pytest.fixture(scope="module")
def rows() -> dict[str, tuple[str, list[str]]]:
    """Of every clause, its state and the tests that prove it."""
    text = (ROOT / "docs" / "clauses.md").read_text()
    return {i: (state, re.findall(r"`([^`]+)`", tests)) for i, state, tests in ROW.findall(text)}


def test_every_requirement_has_its_row_and_none_fails(rows: dict[str, tuple[str, list[str]]]) -> None:
    register = clause_table.read_register()
    assert list(rows) == list(register), STALE
    for i, (state, tests) in rows.items():
        assert state == clause_table.state(register[i], dict.fromkeys(tests, True)), STALE


def test_every_test_of_this_session_that_names_a_clause_is_in_its_row(
    rows: dict[str, tuple[str, list[str]]], request: pytest.FixtureRequest
) -> None:
    named = defaultdict(set)
    for item in request.session.items:
        for i in clause_table.named_by(item):
            named[i].add(item.nodeid.partition("[")[0])
    missing = {i: tests - set(rows[i][1]) for i, tests in named.items()}
    assert {i: tests for i, tests in missing.items() if tests} == {}, STALE


def test_every_test_of_the_table_is_still_there(rows: dict[str, tuple[str, list[str]]]) -> None:
    for node in {test for _, tests in rows.values() for test in tests}:
        path, *_, function = node.split("::")
        assert f"def {function}(" in (ROOT / path).read_text(), f"{STALE}: {node}"
