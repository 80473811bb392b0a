"""Whether backups are what they say: every byte of every part and object, held against the manifest."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ipgov.core.errors import GovernanceError, Problem, UnknownError
from ipgov.core.fingerprint import sha256_hex
from ipgov.operations import manifest as manifests
from ipgov.operations.backup_objects import AT_ONCE
from ipgov.operations.manifest import OBJECTS, Entry, Manifest
from ipgov.operations.place import Place, digest, object_key, part_key

_WHOLE = "与备份清单一致"


def problems(place: Place, manifest: Manifest) -> list[Problem]:
    """Read the whole backup and return all that is missing or was changed, its own gaps included."""
    found = [Problem("backup_gap", gap, "备份时完好", file=manifest.backup) for gap in manifest.problems]
    found += parts(place, manifest)
    if any(p.file == part_key(manifest.backup, OBJECTS) for p in found):
        return found  # which objects belong to it is not known
    contents = {e.sha256: e for e in manifests.entries(place, manifest)}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        said = pool.map(lambda entry: content(place, entry), contents.values())
    return found + [p for p in said if p is not None]


def parts(place: Place, manifest: Manifest) -> list[Problem]:
    """Hold the dumps and the list of objects against the manifest."""
    found = []
    for name, stated in manifest.parts.items():
        key = part_key(manifest.backup, name)
        try:
            with place.file(key) as path:
                if not path.is_file():
                    raise UnknownError(key)
                size, same = path.stat().st_size, digest(path) == stated["sha256"]
        except UnknownError:
            found.append(Problem("backup_part", f"{name} 缺失", _WHOLE, file=key))
            continue
        if size != stated["size"]:
            what = f"{name} 为 {size} 字节"
            found.append(Problem("backup_part", what, f"{stated['size']} 字节（清单所列）", file=key))
        elif not same:
            found.append(Problem("backup_part", f"{name} 的内容被改动", _WHOLE, file=key))
    return found


def content(place: Place, entry: Entry) -> Problem | None:
    """Hold an object's content against its hash; nothing where it is as it was."""
    key = object_key(entry.sha256)
    try:
        same = sha256_hex(place.store.get(key)) == entry.sha256
    except UnknownError:
        return Problem("backup_object", f"对象 {entry.key} 的内容缺失", _WHOLE, file=key)
    return None if same else Problem("backup_object", f"对象 {entry.key} 的内容被改动", _WHOLE, file=key)


def listing(place: Place) -> list[dict[str, Any]]:
    """Return every backup of a place, oldest first, with what its manifest says; half-written ones too."""
    done, half = manifests.every(place)
    rows: list[dict[str, Any]] = [{"backup": b, "state": "unfinished"} for b in half]
    for backup in done:
        try:
            m = manifests.read(place, backup)
        except GovernanceError as error:
            rows.append({"backup": backup, "state": "damaged", "detail": error.message})
            continue
        told = ("snapshot_at", "finished_at", "code", "revision", "head", "objects", "size", "copied_bytes")
        rows.append(
            {"backup": backup, "state": "incomplete" if m.problems else "whole"}
            | {name: getattr(m, name) for name in told}
            | {"airflow": bool(m.airflow), "problems": m.problems}
        )
    return sorted(rows, key=lambda row: row["backup"])
