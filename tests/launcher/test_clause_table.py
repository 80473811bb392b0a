"""The table of clauses says what the tests that ran have proved, and nothing more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]

PASSING = """
import pytest

@pytest.mark.clause("2023-156#21")
@pytest.mark.parametrize("n", [1, 2])
def test_good(n): ...

@pytest.mark.clause("2023-156#20")
def test_bad(): assert False

@pytest.mark.clause("2023-156#20")
def test_also_good(): ...

@pytest.mark.clause("2023-156#19")
def test_skipped(): pytest.skip("not now")
"""


def run(folder: Path, text: str, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_sample.py").write_text(text, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n    clause(*ids): x\n", encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "clause_table", *options],
        cwd=folder,
        env={"PYTHONPATH": str(TESTS), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def line(folder: Path, clause: str) -> str:
    (found,) = [
        row
        for row in (folder / "table.md").read_text(encoding="utf-8").splitlines()
        if row.startswith(f"| {clause} |")
    ]
    return found


def test_states_follow_the_tests_that_ran(tmp_path: Path) -> None:
    assert run(tmp_path, PASSING, "--clauses", "table.md").returncode == 1
    assert "| 已落实 | `test_sample.py::test_good` |" in line(tmp_path, "2023-156#21")
    assert "| 测试未通过 |" in line(tmp_path, "2023-156#20")
    assert "| 待落实 |" in line(tmp_path, "2023-156#19")
    assert "| 仅供参考 |" in line(tmp_path, "2024-1155#02")
    assert "| 合计 | 215 | 1 | 1 |" in (tmp_path / "table.md").read_text(encoding="utf-8")


def test_a_clause_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    for options in ((), ("--clauses", "table.md")):
        result = run(
            tmp_path, "import pytest\n@pytest.mark.clause('2023-156#99')\ndef test_a(): ...\n", *options
        )
        assert result.returncode == pytest.ExitCode.USAGE_ERROR
        assert (
            "test_a names clauses that are not in clauses.csv: ['2023-156#99']"
            in result.stdout + result.stderr
        )


def test_a_mark_that_names_no_clause_is_refused(tmp_path: Path) -> None:
    result = run(tmp_path, "import pytest\n@pytest.mark.clause()\ndef test_a(): ...\n")
    assert result.returncode == pytest.ExitCode.USAGE_ERROR
    assert "test_a is marked with a clause and names none" in result.stdout + result.stderr
