"""The scanner hook: exit codes are verdicts, everything else is none, and it runs in bounds."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from ipgov.core.settings import settings
from ipgov.intake import scanner
from ipgov.intake.scanner import NotScannedError, Scan, scan

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Make a Python text the site's scanner."""

    def put(body: str, **more: str) -> None:
        program = tmp_path / "扫描 程序.py"
        program.write_text("import os, sys, time\npath = sys.argv[-1]\n" + body, encoding="utf-8")
        monkeypatch.setenv("IPGOV_SCANNER", f"'{sys.executable}' '{program}' --fast")
        for name, value in more.items():
            monkeypatch.setenv(f"IPGOV_SCANNER_{name.upper()}", value)
        settings.cache_clear()

    yield put  # type: ignore[misc]
    monkeypatch.undo()
    settings.cache_clear()


def test_without_a_scanner_nothing_is_scanned_and_that_is_said() -> None:
    assert scan(b"x") == Scan("not_scanned")


def test_exit_codes_are_verdicts(install: Install) -> None:
    install(
        "data = open(path, 'rb').read()\nprint('FOUND: Test.Virus' if b'EICAR' in data else 'OK')\n"
        "sys.exit(b'EICAR' in data)",
        version=f"'{sys.executable}' -c \"print('Scanner 1.4 / 2026-03-01')\"",
    )
    by = f"{Path(sys.executable).name}（Scanner 1.4 / 2026-03-01）"
    assert scan(b"good") == Scan("clean", by, "OK")
    assert scan(b"EICAR") == Scan("infected", by, "FOUND: Test.Virus")


def test_the_file_is_private_and_gone_afterwards(install: Install, tmp_path: Path) -> None:
    told = tmp_path / "told"
    install(
        f"s, d = os.stat(path), os.stat(os.path.dirname(path))\n"
        f"open({str(told)!r}, 'w').write(f'{{s.st_mode & 0o777:o}} {{d.st_mode & 0o777:o}} {{path}} '\n"
        f"    + ' '.join(sorted(os.environ)))"
    )
    assert scan(b"x").verdict == "clean"
    mode, folder, path, *environment = told.read_text().split()
    assert (mode, folder) == ("600", "700")
    assert not Path(path).exists()
    assert not any(name.startswith("IPGOV") for name in environment)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("print('no database'); sys.exit(2)", "退出码 2）：no database"),
        ("os.kill(os.getpid(), 9)", "退出码 -9"),
        ("sys.exit(50)", "没有说明"),
    ],
)
def test_any_other_end_is_no_verdict(install: Install, body: str, words: str) -> None:
    install(body)
    with pytest.raises(NotScannedError, match=words):
        scan(b"x")


def test_a_scanner_that_hangs_is_ended_with_all_its_children(install: Install, tmp_path: Path) -> None:
    mark = tmp_path / "alive"
    install(
        "if os.fork() == 0:\n"
        f"    time.sleep(3)\n    open({str(mark)!r}, 'w').close()\n    os._exit(0)\n"
        "time.sleep(60)",
        timeout="1",
    )
    begun = time.monotonic()
    with pytest.raises(NotScannedError, match="超过 1 秒"):
        scan(b"x")
    assert time.monotonic() - begun < 3
    time.sleep(2.5)
    assert not mark.exists()


def test_a_scanner_that_talks_without_end_takes_no_memory(install: Install) -> None:
    install("print('first line')\nfor _ in range(2000): sys.stdout.write('x' * 10_000)\nsys.exit(1)")
    found = scan(b"x")
    assert (found.verdict, found.detail) == ("infected", "first line")


def test_a_child_that_stays_behind_does_not_hold_up_the_verdict(install: Install) -> None:
    install("if os.fork() == 0:\n    time.sleep(30)\n    os._exit(0)\nsys.exit(0)")
    begun = time.monotonic()
    assert scan(b"x").verdict == "clean"
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    ("line", "words"), [("/no/such/scanner --x", "无法启动"), ("scan 'unfinished", "不是有效的命令行")]
)
def test_a_wrong_command_line_is_no_verdict(monkeypatch: pytest.MonkeyPatch, line: str, words: str) -> None:
    monkeypatch.setenv("IPGOV_SCANNER", line)
    settings.cache_clear()
    with pytest.raises(NotScannedError, match=words):
        scan(b"x")
    monkeypatch.undo()
    settings.cache_clear()


def test_a_version_that_cannot_be_told_is_no_verdict(install: Install) -> None:
    install("sys.exit(0)", version="/bin/false")
    with pytest.raises(NotScannedError, match="版本无法得知"):
        scanner.scan(b"x")
