"""Every check of the duties finds what it is for: the project's own duties, spoiled in one place each."""

from __future__ import annotations

import re

import pytest
from ipgov.policy.check import check
from ipgov.policy.check.duties import DUTY_CHECKS
from spoiled_duties import DUTIES
from spoiling import Policies


@pytest.mark.parametrize("name", DUTIES)
def test_a_spoiled_duty_is_found(policies: Policies, name: str) -> None:
    file, changes, expected, message = DUTIES[name]
    policies.edit(file, *changes)
    found = [p for p in check() if p.file == f"policies/{file}"]
    assert {p.check.removeprefix("policy_") for p in found} >= {expected}
    texts = "\n".join(map(str, found))
    assert re.search(message, texts), texts
    assert all(re.search(r"[\u4e00-\u9fff]", p.found) and p.expected for p in found)


def test_every_check_of_the_duties_has_a_spoiled_one() -> None:
    assert {c.__name__ for c in DUTY_CHECKS} <= {expected for _, _, expected, _ in DUTIES.values()}
