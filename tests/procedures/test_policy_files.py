"""Duties, cases and correspondence are put in force by two people, like the rules of a programme."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from ipgov.core.errors import GovernanceError, RefusedError
from ipgov.core.settings import settings
from ipgov.policy import files
from ipgov.procedures import case_opening, follow_up, policy_changes
from played_nation import Nation, at

DAY = dt.date(2023, 9, 7)


def advance(day: dt.date, known_at: dt.datetime) -> object:
    return follow_up.advance(day, known_at, DAY)


Edit = Callable[[str, str, str], Path]


@pytest.fixture
def edit(nation: Nation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Edit:
    """The database's own policies in a folder of the test, edited one after another."""
    copies: list[Path] = []

    def change(name: str, old: str, new: str) -> Path:
        folder = tmp_path / f"policies{len(copies)}"
        shutil.copytree(copies[-1] if copies else settings().policies, folder)
        copies.append(folder)
        path = folder / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        monkeypatch.setattr(type(settings()), "policies", folder)
        return path

    return change


def test_what_a_database_is_made_with_counts_as_initial(nation: Nation) -> None:
    there = {(c.programme, c.version): c for c in policy_changes.changes(None, at(DAY))}
    for file in files.every():
        assert there[file.group, file.name].state == "initial"
        assert there[file.group, file.name].sha256 == file.sha256
    assert {"duties", "cases", "correspondence"} <= {group for group, _ in there}


@pytest.mark.parametrize(
    ("group", "name", "file", "old", "work"),
    [
        ("duties", "2023-156", "duties/2023-156.yaml", "working_days_before: 20", advance),
        (
            "cases",
            "functional_platform",
            "cases/functional_platform.yaml",
            "max_count: 50",
            case_opening.open_cases,
        ),
    ],
)
def test_an_edited_file_governs_once_two_have_approved_it(
    edit: Edit, group: str, name: str, file: str, old: str, work: Callable[..., object]
) -> None:
    path = edit(file, old, f"{old[:-1]}1")
    with pytest.raises(RefusedError, match=rf"policies/{file}（指纹 .*未经批准；请先运行"):
        work(DAY, at(DAY))
    done = policy_changes.propose(path, "reviewer1", "（试）", at(DAY))
    assert done.change is not None, done.refused
    assert (done.change.programme, done.change.version, done.change.state) == (group, name, "open")
    assert done.change.replaces_sha256 is not None
    with pytest.raises(RefusedError, match=f"尚未批准；请由另一人运行：ipgov policy approve {group}"):
        work(DAY, at(DAY))
    own = policy_changes.answer(group, name, "approve", "reviewer1", "", at(DAY))
    assert "不同的两人" in str(own.refused)
    assert policy_changes.answer(group, name, "approve", "issuer1", "", at(DAY)).change is not None
    work(DAY, at(DAY))


def test_an_approved_file_that_is_gone_is_missed(edit: Edit) -> None:
    edit("duties/2023-156.yaml", "20", "20").unlink()
    with pytest.raises(RefusedError, match="已批准的 duties 2023-156 没有对应的文件，请恢复"):
        advance(DAY, at(DAY))


def test_a_file_that_cannot_govern_is_not_proposed(edit: Edit, tmp_path: Path) -> None:
    path = edit("duties/2023-156.yaml", "after: pilot_rectification,", "after: pilot_rectificatio,")
    with pytest.raises(GovernanceError, match="不能提出"):
        policy_changes.propose(path, "reviewer1", "（试）", at(DAY))
    elsewhere = tmp_path / "2023-156.yaml"
    shutil.copy(path, elsewhere)
    elsewhere.write_text(elsewhere.read_text(encoding="utf-8") + "extra: 1\n", encoding="utf-8")
    with pytest.raises(GovernanceError, match=r"2023-156.yaml 有 .* 处问题"):
        policy_changes.propose(elsewhere, "reviewer1", "（试）", at(DAY))
