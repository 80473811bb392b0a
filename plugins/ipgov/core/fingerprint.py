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
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dt.datetime):
        if value.tzinfo is None:
            raise TypeError("a datetime without time zone has no one fingerprint")
        return value.astimezone(dt.UTC).isoformat()
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float):
        raise TypeError("floats have no place in a fingerprint: use Decimal")
    raise TypeError(f"no canonical form for {type(value).__name__}")


def canonical_json(value: Any) -> bytes:
    """Serialise to the one JSON text of ``value``: sorted keys, no spaces, UTF-8, decimals as written.

    Raises TypeError for floats, naive datetimes and anything without one canonical form.
    """

    def refuse_floats(v: Any) -> Any:
        if isinstance(v, float):
            raise TypeError("floats have no place in a fingerprint: use Decimal")
        if isinstance(v, dict):
            return {str(k): refuse_floats(x) for k, x in v.items()}
        if isinstance(v, (list, tuple)):
            return [refuse_floats(x) for x in v]
        return v

    return json.dumps(
        refuse_floats(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain
    ).encode()


def fingerprint(value: Any) -> str:
    """Return the SHA-256 of the canonical JSON of ``value``."""
    return sha256_hex(canonical_json(value))


def short_code(fingerprint_hex: str) -> str:
    """Return the printable short form of a fingerprint: ``XXXX-XXXX-XXXX`` (48 bits, upper-case hex)."""
    head = fingerprint_hex[:12].upper()
    return f"{head[:4]}-{head[4:8]}-{head[8:]}"
