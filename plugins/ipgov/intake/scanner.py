"""The site's malware scanner: any program that is given a file and answers by its exit code.

``IPGOV_SCANNER`` is a command line (``clamdscan --fdpass --no-summary``); the file's path is added to it.
Exit code 0: clean, 1: infected, anything else, a time-out or no start at all: it could not be scanned.
"""

from __future__ import annotations

import os
import select
import shlex
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ipgov.core.errors import EnvironmentProblemError
from ipgov.core.settings import settings

_SAID_BYTES = 4_000  # of what the scanner says; the rest is read and dropped
# Enough to find and run it. Nothing of ours (addresses of databases, keys) is handed on.
_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "SYSTEMROOT")


class NotScannedError(EnvironmentProblemError):
    """The scanner is configured and did not answer; what was to be scanned must not be used."""


@dataclass(frozen=True)
class Scan:
    """A verdict: ``scanned_by`` names the scanner and its version, ``detail`` what it said (one line)."""

    verdict: Literal["clean", "infected", "not_scanned"]
    scanned_by: str | None = None
    detail: str | None = None


def scan(data: bytes) -> Scan:
    """Have the site's scanner look at these bytes; ``not_scanned`` where the site has none.

    Raises NotScannedError where it has one and that gave no verdict.
    """
    command = _command(settings().scanner, "IPGOV_SCANNER")
    if not command:
        return Scan("not_scanned")
    with tempfile.TemporaryDirectory(prefix="ipgov-scan-") as folder:  # for this user's eyes only
        path = Path(folder) / "object"  # no name of the sender's choice
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as f:
            f.write(data)
        code, said = _run([*command, str(path)], folder)
    detail = _one_line(said.replace(str(path), "（文件）"))
    if code not in (0, 1):
        raise NotScannedError(f"恶意代码扫描程序没有给出结论（退出码 {code}）：{detail or '没有说明'}")
    return Scan("infected" if code else "clean", _scanner(command), detail)


def _scanner(command: Sequence[str]) -> str:
    """Return what the scanner is called, and its version where the site says how to ask for it."""
    name = Path(command[0]).name
    asking = _command(settings().scanner_version, "IPGOV_SCANNER_VERSION")
    if not asking:
        return name
    with tempfile.TemporaryDirectory(prefix="ipgov-scan-") as folder:
        code, said = _run(asking, folder)
    if code != 0 or not said.strip():
        raise NotScannedError(
            f"恶意代码扫描程序的版本无法得知（退出码 {code}）：{_one_line(said) or '没有说明'}"
        )
    return f"{name}（{_one_line(said)}）"


def _command(line: str, setting: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise NotScannedError(f"设置 {setting} 不是有效的命令行：{error}") from None


def _one_line(said: str) -> str:
    first = next((line.strip() for line in said.splitlines() if line.strip()), "")
    return "".join(c if c.isprintable() else "·" for c in first)[:300]


def _run(command: Sequence[str], folder: str) -> tuple[int, str]:
    """Run a command without a shell, in its own group and folder; return exit code and what it said."""
    timeout = settings().scanner_timeout
    environment = {k: v for k, v in os.environ.items() if k in _ENVIRONMENT} | {
        "TMPDIR": folder,
        "HOME": folder,
    }
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise NotScannedError(f"恶意代码扫描程序“{command[0]}”无法启动：{error.strerror}") from None
    try:
        said = _listen(process, time.monotonic() + timeout)
        return process.wait(timeout=timeout), said.decode("utf-8", "replace")
    except subprocess.TimeoutExpired:
        raise NotScannedError(f"恶意代码扫描程序超过 {timeout} 秒没有结束") from None
    finally:
        _end(process)


def _listen(process: subprocess.Popen[bytes], deadline: float) -> bytes:
    """Read what the program says until it closes its mouth or ends; TimeoutExpired at the deadline."""
    assert process.stdout is not None  # noqa: S101
    handle, said = process.stdout.fileno(), b""
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            raise subprocess.TimeoutExpired(process.args, 0)
        if select.select([handle], [], [], min(left, 0.1))[0]:
            piece = os.read(handle, 65_536)
            if not piece:
                return said
            said += piece[: _SAID_BYTES - len(said)]
        elif process.poll() is not None:  # ended; a child of its own may still hold the pipe
            return said


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the program and whatever it started."""
    with suppress(ProcessLookupError, PermissionError):  # all of it has ended
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
