"""What a backup says of itself: its parts and their hashes, its moment, what it was made of."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from ipgov.core.errors import EnvironmentProblemError, UnknownError
from ipgov.core.fingerprint import canonical_json, sha256_hex
from ipgov.operations.place import MANIFEST, Place, part_key

FORMAT = 1
GOVERNANCE, AIRFLOW, OBJECTS = "governance.dump", "airflow.dump", "objects.jsonl"
_ID = re.compile(r"\d{8}T\d{6}Z")

# What is in no backup, and has to be kept by the operator in another place (docs/backup.md).
KEPT_APART = (
    "STATE/secrets/（fernet_key 等密钥）",
    "STATE/passwords.json（仅模拟）",
    "数据库口令、S3 密钥、IPGOV_SMTP_PASSWORD_FILE、IPGOV_ALERT_WEBHOOK_SECRET_FILE 所指的文件",
    "证书与私钥、反向代理的配置、STATE/env 与部署用的环境变量",
)


@dataclass(frozen=True)
class Entry:
    """An object of the store: key, hash, size in bytes, time of its last modification (ISO 8601)."""

    key: str
    sha256: str
    size: int
    modified: str


@dataclass
class Manifest:
    """See the module; ``problems`` are the gaps of a backup that is not whole."""

    backup: str
    kind: str
    snapshot_at: str
    finished_at: str
    code: str
    revision: str
    postgres: int
    head: str
    parts: dict[str, dict[str, Any]]
    rows: dict[str, int]
    roles: list[dict[str, Any]]
    objects: int
    bytes: int
    copied: int
    copied_bytes: int
    airflow: str  # Airflow's version, or nothing where its database is not in the backup
    problems: list[str] = field(default_factory=list)
    kept_apart: list[str] = field(default_factory=lambda: list(KEPT_APART))
    format: int = FORMAT

    @property
    def at(self) -> dt.datetime:
        """Return the moment whose state the backup holds."""
        return dt.datetime.fromisoformat(self.snapshot_at)

    @property
    def size(self) -> int:
        """Return the bytes of everything that a restore reads."""
        return self.bytes + sum(part["size"] for part in self.parts.values())


def new_id(moment: dt.datetime) -> str:
    """Return the name of a backup begun at a moment."""
    return moment.astimezone(dt.UTC).strftime("%Y%m%dT%H%M%SZ")


def write(place: Place, manifest: Manifest) -> None:
    """Store the manifest, which makes the backup one."""
    told = asdict(manifest)
    sealed = told | {"self_sha256": sha256_hex(canonical_json(told))}
    data = json.dumps(sealed, ensure_ascii=False, indent=1).encode()
    place.store.put(part_key(manifest.backup, MANIFEST), data, once=True)


def read(place: Place, backup: str) -> Manifest:
    """Return a backup's manifest, proved against itself.

    Raises UnknownError where there is no such backup or it is half-written, EnvironmentProblemError where
    the manifest was cut or changed, or is of another form.
    """
    if not _ID.fullmatch(backup):
        raise UnknownError(f"“{backup}”不是备份的编号，应为 20260722T183000Z 的形式（见 ipgov backup list）")
    try:
        data = place.store.get(part_key(backup, MANIFEST))
    except UnknownError:
        raise UnknownError(f"{place.location} 中没有完成的备份 {backup}（没有清单的是未写完的）") from None
    damaged = EnvironmentProblemError(f"备份 {backup} 的清单被改动或不完整，不能使用")
    try:
        told = json.loads(data)
        stated = told.pop("self_sha256")
        if told["format"] != FORMAT:
            raise EnvironmentProblemError(
                f"备份 {backup} 的格式为第 {told['format']} 版，本程序只认第 {FORMAT} 版"
            )
        if stated != sha256_hex(canonical_json(told)):
            raise damaged
        return Manifest(**told)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise damaged from None


def every(place: Place) -> tuple[list[str], list[str]]:
    """Return the names of the finished backups and of the half-written ones, oldest first."""
    keys = [info.key.split("/") for info in place.store.list("backups/")]
    there = {parts[1] for parts in keys if len(parts) == 3 and _ID.fullmatch(parts[1])}
    done = {parts[1] for parts in keys if parts[2:] == [MANIFEST]}
    return sorted(there & done), sorted(there - done)


def newest(place: Place) -> str:
    """Return the newest finished backup; UnknownError where there is none."""
    done, _ = every(place)
    if not done:
        raise UnknownError(f"{place.location} 中没有完成的备份")
    return done[-1]


def entries(place: Place, manifest: Manifest) -> Iterator[Entry]:
    """Yield the objects of a backup; EnvironmentProblemError where the list was changed."""
    data = place.store.get(part_key(manifest.backup, OBJECTS))
    if sha256_hex(data) != manifest.parts[OBJECTS]["sha256"]:
        raise EnvironmentProblemError(f"备份 {manifest.backup} 的 {OBJECTS} 被改动或不完整")
    for line in data.splitlines():
        yield Entry(**json.loads(line))
