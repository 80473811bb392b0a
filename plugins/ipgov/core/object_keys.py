"""What every object store shares: how objects are named and described."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from ipgov.core.errors import EnvironmentProblemError, UnknownError

TEMPORARY = ".ipgov-put-"  # a local write that is not yet complete


@dataclass(frozen=True)
class ObjectInfo:
    """An object's key, size in bytes and time of last modification (UTC)."""

    key: str
    size: int
    modified: dt.datetime


class OtherContentError(EnvironmentProblemError):
    """A key that is written once holds other bytes: no repetition helps."""


def check_key(key: str) -> str:
    """Return the key; UnknownError where it could lead elsewhere."""
    parts = key.split("/")
    forbidden = any(p in ("", ".", "..") or p.startswith(TEMPORARY) for p in parts)
    if forbidden or "\0" in key:
        raise UnknownError(f"对象名“{key}”无效：须为以“/”分隔的相对路径")
    return key


def check_prefix(prefix: str) -> str:
    """Return the prefix, which is a key cut off anywhere, or nothing."""
    if prefix:
        check_key(prefix + "x")
    return prefix


def missing(key: str) -> UnknownError:
    """Return the error for a key without an object."""
    return UnknownError(f"没有名为“{key}”的对象")


def refuse_other_content(key: str, there: bytes, data: bytes) -> None:
    """Raise OtherContentError where an object that is written once holds other bytes."""
    if there != data:
        raise OtherContentError(f"对象“{key}”已存在且内容不同：一次写入的对象不得改写")
