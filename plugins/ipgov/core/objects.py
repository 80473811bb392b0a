"""Objects: files in any S3 or, as the embedded default, in a local folder.

Two kinds of names are used. *Content* lies under ``content/<sha256>`` and never changes. Everything else
has a key of its own (``inbox/…``, ``seals/…``).
"""

from __future__ import annotations

import datetime as dt
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import BinaryIO, Protocol

from ipgov.core.errors import EnvironmentProblemError, os_problem
from ipgov.core.fingerprint import sha256_hex
from ipgov.core.object_keys import (
    TEMPORARY,
    ObjectInfo,
    check_key,
    check_prefix,
    missing,
    refuse_other_content,
)
from ipgov.core.s3 import S3Store
from ipgov.core.settings import settings


class ObjectStore(Protocol):
    """The six things that ipgov asks of a store."""

    def put(self, key: str, data: bytes, *, once: bool = False) -> None:
        """Store ``data`` whole or not at all; ``once`` refuses another content under an existing key."""

    def get(self, key: str) -> bytes:
        """Return the object's bytes; UnknownError where there is none."""

    def head(self, key: str, count: int) -> bytes:
        """Return the object's first ``count`` bytes, fewer where it has no more; UnknownError as ``get``."""

    def exists(self, key: str) -> bool:
        """Tell whether the key holds an object."""

    def info(self, key: str) -> ObjectInfo:
        """Return size and time of an object; UnknownError where there is none."""

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield the objects whose key starts with ``prefix``, sorted by key."""


FOREIGN_BYTE = re.compile(r"\\x([89a-f][0-9a-f])")  # a byte of a local file's name that is not UTF-8


class LocalStore:
    r"""A folder. Writes go to a temporary file that is renamed, so that no half object is ever seen.

    A file whose name is not UTF-8 (an old archive program's) has each foreign byte written as ``\xb8`` in its
    key, so that the key can be printed and stored, and still leads to the file.
    """

    def __init__(self, root: Path):
        self.root = root

    def _path(self, key: str) -> Path:
        path = self.root / check_key(key)
        if FOREIGN_BYTE.search(key) and not path.exists():
            return self.root / os.fsdecode(foreign_bytes(key))
        return path

    def put(self, key: str, data: bytes, *, once: bool = False) -> None:
        """See ObjectStore."""
        with self._told(key, "写入"):  # a full disk, a missing right, a folder in the place of a file
            self._put(self._path(key), key, data, once)

    @contextmanager
    def _told(self, key: str, act: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise os_problem(f"对象“{key}”无法{act} {self.root}", error) from error

    def _put(self, path: Path, key: str, data: bytes, once: bool) -> None:
        if once and path.exists():
            return refuse_other_content(key, path.read_bytes(), data)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=TEMPORARY)
        try:
            with os.fdopen(handle, "wb") as f:
                f.write(data)
                f.flush()
                os.fsync(f.fileno())
            if once:
                try:
                    os.link(temporary, path)  # fails where another writer came first; rename would replace it
                except FileExistsError:
                    refuse_other_content(key, path.read_bytes(), data)
            else:
                os.replace(temporary, path)
            _sync(path.parent)
        finally:
            Path(temporary).unlink(missing_ok=True)
        return None

    def get(self, key: str) -> bytes:
        """See ObjectStore."""
        with self._told(key, "读取"), self._open(key) as f:
            return f.read()

    def head(self, key: str, count: int) -> bytes:
        """See ObjectStore."""
        with self._told(key, "读取"), self._open(key) as f:
            return f.read(count)

    def _open(self, key: str) -> BinaryIO:
        try:
            return self._path(key).open("rb")
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise missing(key) from None

    def exists(self, key: str) -> bool:
        """See ObjectStore."""
        with self._told(key, "读取"):
            return self._path(key).is_file()

    def info(self, key: str) -> ObjectInfo:
        """See ObjectStore."""
        with self._told(key, "读取"):
            path = self._path(key)
            if not path.is_file():
                raise missing(key)
            return _info(key, path)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """See ObjectStore."""
        folder = self.root / check_prefix(prefix).rpartition("/")[0]
        found = []
        with self._told(prefix, "列出"):
            for directory, _, names in os.walk(folder, onerror=_unless_missing):
                for name in names:
                    if name.startswith(TEMPORARY):
                        continue
                    path = Path(directory) / name
                    key = _printable(path.relative_to(self.root).as_posix())
                    if key.startswith(prefix):
                        found.append((key, path))
        for key, path in sorted(found):
            info = None
            with self._told(key, "读取"), suppress(FileNotFoundError):  # taken away since
                info = _info(key, path)
            if info is not None:
                yield info


def _unless_missing(error: OSError) -> None:
    """Tell of a folder that cannot be read: its objects are not simply none."""
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise error


def _printable(name: str) -> str:
    r"""Write the bytes of a name that are not UTF-8 (the system gives lone surrogates) as ``\xb8``."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def foreign_bytes(key: str) -> bytes:
    """Return the bytes of the name for which a key with foreign bytes stands."""
    parts = FOREIGN_BYTE.split(key)  # text and hexadecimal digits in turn
    return b"".join(bytes.fromhex(p) if at % 2 else p.encode() for at, p in enumerate(parts))


def _info(key: str, path: Path) -> ObjectInfo:
    stat = path.stat()
    return ObjectInfo(key, stat.st_size, dt.datetime.fromtimestamp(stat.st_mtime, dt.UTC))


def _sync(folder: Path) -> None:
    """Make a new name in a folder survive a power cut: a row of the database is about to rely on it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def open_store(location: str, endpoint: str | None = None) -> ObjectStore:
    """Return the store at ``s3://bucket[/prefix]`` or in a folder."""
    if location.startswith("s3://"):
        bucket, _, prefix = location.removeprefix("s3://").partition("/")
        return S3Store(bucket, prefix, endpoint)
    return LocalStore(Path(location))


@cache
def store() -> ObjectStore:
    """Return the installation's store."""
    return open_store(settings().objects_location, settings().s3_endpoint)


def content_key(sha256: str) -> str:
    """Return the key under which content is kept."""
    return f"content/{sha256[:2]}/{sha256}"


def put_content(data: bytes) -> str:
    """Keep ``data`` under its SHA-256 and return that; a second time changes nothing."""
    sha256 = sha256_hex(data)
    store().put(content_key(sha256), data, once=True)
    return sha256


def get_content(sha256: str) -> bytes:
    """Return kept content, proved against its name.

    Raises UnknownError where it is missing, EnvironmentProblemError where the bytes no longer match.
    """
    data = store().get(content_key(sha256))
    if sha256_hex(data) != sha256:
        raise EnvironmentProblemError(f"归档文件 {sha256} 的内容与其指纹不符，可能被篡改")
    return data
