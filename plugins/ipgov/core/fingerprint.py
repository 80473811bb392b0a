"""Content hashes: the names under which inputs, rules and files are known for ever."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from decimal import Decimal
from enum import Enum
from typing import Any


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 of ``data`` as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def _plain(value: Any) -> Any:
    """Return plain JSON data for a value, all the way down."""
    if isinstance(value, Enum):
        return _plain(value.value)
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, dict):
        plain = {str(k): _plain(v) for k, v in value.items()}
        if len(plain) != len(value):
            raise TypeError("two keys with one spelling have no canonical form")
        return plain
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise TypeError(f"{value} is no number and has no canonical form")
        return format(value, "f")
    if isinstance(value, dt.datetime):
        if value.tzinfo is None:
            raise TypeError("a datetime without time zone has no one fingerprint")
        return value.astimezone(dt.UTC).isoformat()
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, float):
        raise TypeError("floats have no place in a fingerprint: use Decimal")
    raise TypeError(f"no canonical form for {type(value).__name__}")


def canonical_json(value: Any) -> bytes:
    """Serialise to the one JSON text of ``value``: sorted keys, no spaces, UTF-8.

    A decimal is a string of its digits as written, without exponent: ``1E+2`` and ``100`` are one text,
    ``1.0`` and ``1.00`` are two, for a fingerprint binds what people see, and they see the digits.
    Raises TypeError for floats, naive datetimes, NaN and anything without one canonical form.
    """
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def fingerprint(value: Any) -> str:
    """Return the SHA-256 of the canonical JSON of ``value``."""
    return sha256_hex(canonical_json(value))


def short_code(fingerprint_hex: str) -> str:
    """Return the printable short form of a fingerprint: ``XXXX-XXXX-XXXX`` (48 bits, upper-case hex)."""
    head = fingerprint_hex[:12].upper()
    return f"{head[:4]}-{head[4:8]}-{head[8:]}"
