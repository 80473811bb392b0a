"""Which published requirements the tests that ran have proved: a table by document (``make clauses``).

``pytest --clauses FILE``; ``tests/conftest.py`` loads this, and every session refuses unknown ids.
A requirement is *done* when tests that name it ran and all of them passed; *information only* where the
register says that nothing is to be done for it.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

REGISTER = Path(__file__).parents[1] / "policies" / "clauses.csv"
DONE, FAILED, OPEN, INFORMATION = "已落实", "测试未通过", "待落实", "仅供参考"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--clauses", type=Path, help="write the table of clauses and their tests to this file")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse a test that names a requirement which does not exist, or marks itself and names none."""
    register = read_register()
    for item in session.items:
        ids = named_by(item)
        if unknown := [i for i in ids if i not in register]:
            raise pytest.UsageError(f"{item.nodeid} names clauses that are not in {REGISTER.name}: {unknown}")
        if not ids and item.get_closest_marker("clause"):
            raise pytest.UsageError(f"{item.nodeid} is marked with a clause and names none")


def named_by(item: pytest.Item) -> tuple[str, ...]:
    return tuple(str(i) for mark in item.iter_markers("clause") for i in mark.args)


class ClauseTable:
    """Follows a test session and writes the table at its end."""

    def __init__(self, target: Path):
        self.target = target
        self.named: dict[str, tuple[str, ...]] = {}
        self.passed: dict[str, bool] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.named = {item.nodeid: ids for item in session.items if (ids := named_by(item))}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed or (report.when == "call" and report.passed):
            self.passed[report.nodeid] = report.passed and self.passed.get(report.nodeid, True)

    def pytest_sessionfinish(self) -> None:
        results: dict[str, dict[str, bool]] = defaultdict(dict)
        for node, ids in self.named.items():
            if node in self.passed:
                # one line per test function, not per parameter
                function = node.partition("[")[0]
                for i in ids:
                    results[i][function] = results[i].get(function, True) and self.passed[node]
        self.target.write_text(table(read_register(), results), encoding="utf-8")


def pytest_configure(config: pytest.Config) -> None:
    if target := config.getoption("--clauses"):
        config.pluginmanager.register(ClauseTable(target), "clause-table")


def read_register(path: Path = REGISTER) -> dict[str, dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def state(row: Mapping[str, str], tests: Mapping[str, bool]) -> str:
    if tests:
        return DONE if all(tests.values()) else FAILED
    return INFORMATION if row["auto"] == "I" else OPEN


def table(register: Mapping[str, Mapping[str, str]], results: Mapping[str, Mapping[str, bool]]) -> str:
    states = {i: state(row, results.get(i, {})) for i, row in register.items()}
    lines = [
        "# 条款与测试对照",
        "",
        "由 `make clauses` 依实际运行的测试生成，请勿手工修改。“仅供参考”指该条款不要求系统做任何事。",
        "",
        f"| 文件 | 条款 | {DONE} | {FAILED} | {OPEN} | {INFORMATION} |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    documents = {row["doc_no"]: row["doc_title"] for row in register.values()}
    for number in documents:
        lines.append(_count(number, [states[i] for i, row in register.items() if row["doc_no"] == number]))
    lines.append(_count("合计", list(states.values())))
    for number, title in documents.items():
        lines += [
            "",
            f"## {number} {title}",
            "",
            "| 条款 | 出处 | 要求 | 状态 | 测试 |",
            "|---|---|---|---|---|",
        ]
        lines += [
            _row(i, row["section"], _cell(row["key_zh"]), states[i], _tests(results.get(i, ())))
            for i, row in register.items()
            if row["doc_no"] == number
        ]
    return "\n".join(lines) + "\n"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _count(name: str, states: list[str]) -> str:
    counts = " | ".join(str(states.count(s)) for s in (DONE, FAILED, OPEN, INFORMATION))
    return f"| {name} | {len(states)} | {counts} |"


def _tests(results: Iterable[str]) -> str:
    return "<br>".join(f"`{_cell(node)}`" for node in sorted(results))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
