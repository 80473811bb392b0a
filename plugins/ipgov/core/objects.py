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
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from ipgov.core.errors import EnvironmentProblemError, UnknownError
from ipgov.core.fingerprint import sha256_hex
from ipgov.core.settings import settings


@dataclass(frozen=True)
class ObjectInfo:
    """An object's key, size in bytes and time of last modification (UTC)."""

    key: str
    size: int
    modified: dt.datetime


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


_TEMPORARY = ".ipgov-put-"  # a local write that is not yet complete
FOREIGN_BYTE = re.compile(r"\\x([89a-f][0-9a-f])")  # a byte of a local file's name that is not UTF-8


def _check_key(key: str) -> str:
    parts = key.split("/")
    forbidden = any(p in ("", ".", "..") or p.startswith(_TEMPORARY) for p in parts)
    if forbidden or "\0" in key:
        raise UnknownError(f"对象名“{key}”无效：须为以“/”分隔的相对路径")
    return key


def _check_prefix(prefix: str) -> str:
    """Return the prefix, which is a key cut off anywhere, or nothing."""
    if prefix:
        _check_key(prefix + "x")
    return prefix


def _refuse_other_content(key: str, there: bytes, data: bytes) -> None:
    if there != data:
        raise EnvironmentProblemError(f"对象“{key}”已存在且内容不同：一次写入的对象不得改写")


class LocalStore:
    r"""A folder. Writes go to a temporary file that is renamed, so that no half object is ever seen.

    A file whose name is not UTF-8 (an old archive program's) has each foreign byte written as ``\xb8`` in its
    key, so that the key can be printed and stored, and still leads to the file.
    """

    def __init__(self, root: Path):
        self.root = root

    def _path(self, key: str) -> Path:
        path = self.root / _check_key(key)
        if FOREIGN_BYTE.search(key) and not path.exists():
            return self.root / os.fsdecode(foreign_bytes(key))
        return path

    def put(self, key: str, data: bytes, *, once: bool = False) -> None:
        """See ObjectStore."""
        path = self._path(key)
        try:
            self._put(path, key, data, once)
        except OSError as error:  # a full disk, a missing right, a folder in the place of a file
            raise EnvironmentProblemError(f"对象“{key}”无法写入 {self.root}：{error.strerror}") from error

    def _put(self, path: Path, key: str, data: bytes, once: bool) -> None:
        if once and path.exists():
            return _refuse_other_content(key, path.read_bytes(), data)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=_TEMPORARY)
        try:
            with os.fdopen(handle, "wb") as f:
                f.write(data)
                f.flush()
                os.fsync(f.fileno())
            if once:
                try:
                    os.link(temporary, path)  # fails where another writer came first; rename would replace it
                except FileExistsError:
                    _refuse_other_content(key, path.read_bytes(), data)
            else:
                os.replace(temporary, path)
            _sync(path.parent)
        finally:
            Path(temporary).unlink(missing_ok=True)
        return None

    def get(self, key: str) -> bytes:
        """See ObjectStore."""
        try:
            return self._path(key).read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise UnknownError(f"没有名为“{key}”的对象") from None

    def head(self, key: str, count: int) -> bytes:
        """See ObjectStore."""
        try:
            with self._path(key).open("rb") as f:
                return f.read(count)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise UnknownError(f"没有名为“{key}”的对象") from None

    def exists(self, key: str) -> bool:
        """See ObjectStore."""
        return self._path(key).is_file()

    def info(self, key: str) -> ObjectInfo:
        """See ObjectStore."""
        path = self._path(key)
        if not path.is_file():
            raise UnknownError(f"没有名为“{key}”的对象")
        return _info(key, path)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """See ObjectStore."""
        folder = self.root / _check_prefix(prefix).rpartition("/")[0]
        found = []
        for directory, _, names in os.walk(folder):
            for name in names:
                if name.startswith(_TEMPORARY):
                    continue
                path = Path(directory) / name
                key = _printable(path.relative_to(self.root).as_posix())
                if key.startswith(prefix):
                    found.append((key, path))
        for key, path in sorted(found):
            with suppress(FileNotFoundError):  # taken away since
                yield _info(key, path)


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


class S3Store:
    """A bucket of any S3 service."""

    def __init__(self, bucket: str, prefix: str, endpoint: str | None):
        import boto3

        self.bucket, self.prefix = bucket, prefix.strip("/") + "/" if prefix.strip("/") else ""
        self.client: Any = boto3.client("s3", endpoint_url=endpoint)

    def _key(self, key: str) -> str:
        return self.prefix + _check_key(key)

    def put(self, key: str, data: bytes, *, once: bool = False) -> None:
        """See ObjectStore. Services without conditional put are read first."""
        from botocore.exceptions import ClientError

        if once and self.exists(key):
            return _refuse_other_content(key, self.get(key), data)
        condition = {"IfNoneMatch": "*"} if once else {}
        try:
            self.client.put_object(Bucket=self.bucket, Key=self._key(key), Body=data, **condition)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("PreconditionFailed", "ConditionalRequestConflict"):
                raise
            _refuse_other_content(key, self.get(key), data)
        return None

    def get(self, key: str) -> bytes:
        """See ObjectStore."""
        from botocore.exceptions import ClientError

        try:
            body: bytes = self.client.get_object(Bucket=self.bucket, Key=self._key(key))["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                raise UnknownError(f"没有名为“{key}”的对象") from None
            raise
        return body

    def head(self, key: str, count: int) -> bytes:
        """See ObjectStore."""
        from botocore.exceptions import ClientError

        wanted = {"Bucket": self.bucket, "Key": self._key(key), "Range": f"bytes=0-{count - 1}"}
        try:
            body: bytes = self.client.get_object(**wanted)["Body"].read(count)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in ("InvalidRange", "416"):  # an empty object has no first byte
                return b""
            if code in ("NoSuchKey", "404"):
                raise UnknownError(f"没有名为“{key}”的对象") from None
            raise
        return body

    def exists(self, key: str) -> bool:
        """See ObjectStore."""
        _check_key(key)
        try:
            self.info(key)
        except UnknownError:
            return False
        return True

    def info(self, key: str) -> ObjectInfo:
        """See ObjectStore."""
        from botocore.exceptions import ClientError

        try:
            head = self.client.head_object(Bucket=self.bucket, Key=self._key(key))
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                raise UnknownError(f"没有名为“{key}”的对象") from None
            raise
        return ObjectInfo(key, head["ContentLength"], head["LastModified"].astimezone(dt.UTC))

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """See ObjectStore. S3 lists in the order of UTF-8 bytes, as sorted() does for these keys."""
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=self.prefix + _check_prefix(prefix)
        )
        for page in pages:
            for item in page.get("Contents", ()):
                if item["Key"].endswith("/"):  # the mark by which some tools make a folder
                    continue
                yield ObjectInfo(
                    item["Key"][len(self.prefix) :], item["Size"], item["LastModified"].astimezone(dt.UTC)
                )


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
