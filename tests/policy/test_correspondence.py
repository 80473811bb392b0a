"""The rules of letters are checked like every other: shape, basis, clauses, templates."""

from __future__ import annotations

from pathlib import Path

import pytest
from ipgov.core.errors import GovernanceError
from ipgov.core.settings import settings
from ipgov.policy.check import letters
from ipgov.policy.check.sources import read_sources
from ipgov.policy.correspondence import FILE, read

ORIGINAL = (settings().policies / FILE).read_text(encoding="utf-8")


def test_the_file_of_the_project_is_right() -> None:
    assert letters.correspondence(read_sources()) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("template: reminder", "template: no_such", "模板“no_such”不存在"),
        ("clause: 2023-156#30", "clause: 2023-156#99", "条款 2023-156#99 不存在"),
        ("contact: {name:", "contact: {nme:", "contact.name 缺少此项"),
        ("  soon_working_days: 5", "  soon_working_days: 0", "须不小于 1"),
        (", clause: 2023-156#30}", "}", "contact.name 没有依据"),
        ("lists:", "lists: [", "不是有效的 YAML"),
    ],
)
def test_what_is_wrong_is_named(
    old: str, new: str, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert old in ORIGINAL
    spoiled = tmp_path / FILE
    spoiled.write_text(ORIGINAL.replace(old, new, 1), encoding="utf-8")
    monkeypatch.setattr(letters, "read", lambda path: read(spoiled))
    problems = letters.correspondence(read_sources())
    assert said in "；".join(str(p) for p in problems)


def test_a_missing_file_is_told_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(GovernanceError, match="无法读取"):
        read(tmp_path / FILE)
