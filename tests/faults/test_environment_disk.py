"""A full disk, wherever something is written: told, nothing half-done, done when there is room."""

# ruff: noqa: PT017 - what is told is one of several outcomes

from __future__ import annotations

import errno
import os
import resource
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ipgov.core import faults, files
from ipgov.core.errors import EnvironmentProblemError, TemporaryProblemError
from ipgov.core.objects import LocalStore

BIG = os.urandom(200_000)


class Full:
    """The n-th of the calls that need room fails as on a full disk, and every later one."""

    def __init__(self, patch: pytest.MonkeyPatch):
        self.left: int | None = None
        self.calls = 0
        for module, name in ((tempfile, "mkstemp"), (os, "fsync"), (os, "link"), (os, "mkdir")):
            patch.setattr(module, name, self._guard(getattr(module, name)))

    def _guard(self, real: Any) -> Any:
        def guarded(*arguments: Any, **named: Any) -> Any:
            self.calls += 1
            if self.left is not None:
                if self.left <= 0:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                self.left -= 1
            return real(*arguments, **named)

        return guarded


def everything(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("once", [False, True])
def test_object_at_every_call_that_needs_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, once: bool
) -> None:
    root = tmp_path / "store"
    store = LocalStore(root)
    store.put("a/there", b"old")
    full = Full(monkeypatch)
    store.put("probe/x", BIG, once=once)
    needed = full.calls
    assert needed >= 3
    told = 0
    for n in range(needed):
        key = f"new{n}/b"
        full.left = n
        try:
            store.put(key, BIG, once=once)
        except TemporaryProblemError as error:
            told += 1
            assert f"对象“{key}”无法写入 {root}：磁盘空间已满，请腾出空间后重试" in error.message
        assert {k: len(v) for k, v in everything(root).items() if k.startswith(f"new{n}/")} in (
            {},
            {key: len(BIG)},  # the last call only makes the new name survive a power cut
        )
        full.left = None
        store.put(key, BIG, once=once)
        assert store.get(key) == BIG
    assert told == needed
    assert store.get("a/there") == b"old"


@contextmanager
def tiny(folder: Path, size: str) -> Iterator[Path]:
    """A file system of its own with that much room, where this account may mount one; else a limit on files.

    Both make the system itself refuse the write in the middle of it.
    """
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True
    )
    if mounted.returncode == 0:
        try:
            yield folder
        finally:
            subprocess.run(["umount", "-l", str(folder)], check=True)
        return
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, before[1]))
    try:
        yield folder
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_object_store_on_a_disk_that_is_really_full(tmp_path: Path) -> None:
    with tiny(tmp_path / "disk", "128k") as disk:
        store = LocalStore(disk)
        store.put("small", b"x" * 1000)
        with pytest.raises(EnvironmentProblemError, match=r"对象“big”无法写入 .*(磁盘空间已满|大小限制)"):
            store.put("big", BIG)
        assert [o.key for o in store.list("")] == ["small"]
        assert [p.name for p in disk.iterdir()] == ["small"]
        store.put("next", b"y" * 1000, once=True)
        assert store.get("next") == b"y" * 1000


def test_results_file_on_a_disk_that_is_really_full(tmp_path: Path) -> None:
    with tiny(tmp_path / "disk", "128k") as disk:
        path = disk / "out.xlsx"
        files.write(path, b"old")
        with pytest.raises(OSError, match=r"No space left|File too large"):
            files.write(path, BIG)
        assert path.read_bytes() == b"old"
        assert [p.name for p in disk.iterdir()] == ["out.xlsx"]
        files.write(path, b"new")
        assert path.read_bytes() == b"new"


def test_file_keeps_its_mode_and_a_link_its_target(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"")
    target.chmod(0o640)
    (tmp_path / "link").symlink_to(target)
    files.write(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (target.read_bytes(), target.stat().st_mode & 0o777) == (b"new", 0o640)


def test_file_of_a_command_is_told(tmp_path: Path) -> None:
    """/dev/full answers every write with “no space left on device”."""
    from ipgov.cli import common

    with pytest.raises(TemporaryProblemError, match="无法写入 /dev/full：磁盘空间已满，请腾出空间后重试"):
        common.write(Path("/dev/full"), b"x")
    common.write(tmp_path / "x", b"x")
    assert common.read(tmp_path / "x") == b"x"
    with pytest.raises(EnvironmentProblemError, match=r"无法写入 .*：路径中有一段不是文件夹"):
        common.write(tmp_path / "x" / "y", b"x")


def test_spill_of_the_evaluation_is_told(tmp_path: Path) -> None:
    import duckdb
    from ipgov.core.scratch import spill_folder

    folder = spill_folder()
    assert Path(folder).parent.stat().st_mode & 0o777 == 0o700
    connection = duckdb.connect(config={"temp_directory": folder, "memory_limit": "60MB", "threads": 1})
    connection.execute("SET max_temp_directory_size = '300KB'")
    with pytest.raises(duckdb.Error) as raised:
        connection.execute(
            "CREATE TABLE big AS SELECT md5(i::VARCHAR) AS h, md5((i + 1)::VARCHAR) AS s"
            " FROM range(1500000) t(i) ORDER BY h"
        )
    told = faults.fault(raised.value)
    assert isinstance(told, TemporaryProblemError)
    assert "磁盘空间已满" in told.message
    assert connection.execute("SELECT count(*) FROM range(1000)").fetchone() == (1000,)
    connection.close()
    assert not Path(folder).exists()


@pytest.mark.parametrize(
    ("error", "said", "passing"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/x"), "文件 /x 无法读写：磁盘空间已满", True),
        (OSError(errno.EDQUOT, "Disk quota exceeded", "/x"), "磁盘配额已用完", True),
        (OSError(errno.EROFS, "Read-only file system", "/x"), "文件系统为只读", False),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), "没有权限", False),
        (MemoryError(), "内存不足", True),
    ],
)
def test_what_the_system_says_is_told(error: BaseException, said: str, passing: bool) -> None:
    told = faults.fault(error)
    assert told is not None
    assert said in told.message
    assert isinstance(told, TemporaryProblemError) is passing


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("x"), OSError("no number")])
def test_a_mistake_of_the_program_is_not_explained_away(error: BaseException) -> None:
    assert faults.fault(error) is None
