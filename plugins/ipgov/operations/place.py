"""Where backups lie: a folder or s3://, the objects of all of them under their hashes, once each.

objects/<2 digits>/<sha256>       content, shared by every backup
backups/<id>/governance.dump      the record; airflow.dump: accounts and run history
backups/<id>/objects.jsonl        the objects that belong to it, a line each
backups/<id>/manifest.json        written last: without it a backup is half-written and never restored
.partial-<id>/                    (folders only) what a backup is writing or, killed, left
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ipgov.core.errors import RefusedError, os_problem
from ipgov.core.objects import LocalStore, ObjectStore, open_store
from ipgov.core.s3 import S3Store

PARTIAL = ".partial-"
MANIFEST = "manifest.json"


class Place:
    """A destination of backups. Raises as the object stores do."""

    def __init__(self, location: str, endpoint: str | None = None):
        if not location.strip():
            raise RefusedError("没有指明备份的存放处：一个文件夹，或 s3://存储桶[/前缀]")
        self.location = location
        self.store: ObjectStore = open_store(location, endpoint)
        self.folder = self.store.root if isinstance(self.store, LocalStore) else None

    def require_apart_from(self, objects: str) -> None:
        """Refuse a destination inside the object store it is to save, or around it: RefusedError."""
        if self.folder is None or objects.startswith("s3://"):
            same = self.location.rstrip("/") == objects.rstrip("/")
        else:
            mine, theirs = self.folder.resolve(), Path(objects).resolve()
            same = mine.is_relative_to(theirs) or theirs.is_relative_to(mine)
        if same:
            raise RefusedError(f"备份不能存放在所备份的对象库中：{self.location}；请用另一块磁盘或存储桶")

    @contextmanager
    def workspace(self, backup: str) -> Iterator[Path]:
        """Give a private folder in which a backup's files are made; it is gone afterwards."""
        if self.folder is None:
            with tempfile.TemporaryDirectory(prefix="ipgov-backup-") as made:
                yield Path(made)
            return
        made_in = self.folder / f"{PARTIAL}{backup}"
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            made_in.mkdir(mode=0o700)
        except OSError as error:
            raise os_problem(f"无法写入备份的存放处 {self.folder}", error) from error
        try:
            yield made_in
        finally:
            shutil.rmtree(made_in, ignore_errors=True)

    def clear_partial(self) -> list[str]:
        """Remove what killed backups left; call it only while no other backup runs."""
        left = sorted(self.folder.glob(f"{PARTIAL}*")) if self.folder else []
        for each in left:
            shutil.rmtree(each, ignore_errors=True)
        return [each.name.removeprefix(PARTIAL) for each in left]

    def put_file(self, key: str, path: Path) -> None:
        """Store a file whole; where there is a folder it is moved."""
        if isinstance(self.store, S3Store):
            self.store.put_file(key, path)
            return
        assert self.folder is not None  # noqa: S101
        to = self.folder / key
        try:
            to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.chmod(0o600)
            os.replace(path, to)
            handle = os.open(to.parent, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise os_problem(f"无法写入 {to}", error) from error

    @contextmanager
    def file(self, key: str) -> Iterator[Path]:
        """Give a stored file as a local one."""
        if self.folder is not None:
            yield self.folder / key
            return
        assert isinstance(self.store, S3Store)  # noqa: S101
        with tempfile.TemporaryDirectory(prefix="ipgov-restore-") as made:
            path = Path(made) / "file"
            self.store.get_file(key, path)
            yield path


def object_key(sha256: str) -> str:
    """Return where content lies among the backups."""
    return f"objects/{sha256[:2]}/{sha256}"


def part_key(backup: str, name: str) -> str:
    """Return where a file of a backup lies."""
    return f"backups/{backup}/{name}"


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
