"""The objects of a backup: which belong to a moment of the record, and their copies, once per content."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from sqlalchemy import Connection, select, text

from ipgov.core import objects, seals
from ipgov.core.audit_files import columns_there, names_content
from ipgov.core.errors import EnvironmentProblemError, UnknownError
from ipgov.core.fingerprint import sha256_hex
from ipgov.core.tables import seal
from ipgov.intake import submissions
from ipgov.operations import manifest as manifests
from ipgov.operations.manifest import Entry
from ipgov.operations.place import Place, object_key
from ipgov.procedures.submission_intake import INBOX

AT_ONCE = 4
CONTENT = "content/"


@dataclass(frozen=True)
class Wanted:
    """An object that belongs to the backup; ``sha256`` where its name says it, ``must``: named by a row."""

    key: str
    sha256: str = ""
    modified: dt.datetime | None = None
    size: int | None = None
    must: bool = False


@dataclass(frozen=True)
class Copied:
    """What became of an object: its entry, the bytes that were written, what is wrong with it."""

    entry: Entry | None
    written: int = 0
    problem: str = ""


def named(connection: Connection, moment: dt.datetime) -> Iterator[Wanted]:
    """Yield the objects that belong to the state of the record that ``connection`` sees since ``moment``.

    Content that a row names; the seals' manifests and marks; of the inbox what was never read; everything
    else that was written by then. Later ones would stand in the way of the steps that are done again.
    """
    columns = [
        f'SELECT "{column}" FROM "{table}"'  # noqa: S608
        for table, there in sorted(columns_there(connection).items())
        if table != seal.name
        for column in sorted(filter(names_content, there))
    ]
    digests = connection.execute(text(" UNION ".join(columns))).scalars()
    yield from (Wanted(objects.content_key(d), d, must=True) for d in sorted(filter(None, digests)))
    for row in connection.execute(select(seal).order_by(seal.c.sequence)).mappings():
        digest = row["manifest_sha256"]
        yield Wanted(f"{seals.MANIFESTS}{digest}.json", digest, must=True)
        # the mark of the newest seal may be about to be written
        yield Wanted(f"{seals.MARKS}{row['sequence']:012d}-{row['chain_sha256']}.json")
    waiting = list(objects.store().list(INBOX))
    read = submissions.seen(connection, [(o.key, o.modified) for o in waiting])
    for info in waiting:
        if (info.key, info.modified) not in read:
            yield Wanted(info.key, modified=info.modified, size=info.size)
    apart = (CONTENT, seals.MANIFESTS, seals.MARKS, INBOX)
    for info in objects.store().list(""):
        if not info.key.startswith(apart) and info.modified <= moment:
            yield Wanted(info.key, modified=info.modified, size=info.size)


def copy(place: Place, wanted: Sequence[Wanted]) -> list[Copied]:
    """Copy what is not among the backups yet; what its name or the last backup proves is not even read."""
    there = {info.key: info.size for info in place.store.list("objects/")}
    known = _known(place)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda each: _copy(place, each, there, known), wanted))


def _known(place: Place) -> dict[tuple[str, int, str], str]:
    """Return the hashes that the last backup found, by key, size and time of modification."""
    done, _ = manifests.every(place)
    if not done:
        return {}
    try:
        last = manifests.read(place, done[-1])
        return {(e.key, e.size, e.modified): e.sha256 for e in manifests.entries(place, last)}
    except (EnvironmentProblemError, UnknownError):  # damaged: then everything is read again
        return {}


def _copy(
    place: Place, each: Wanted, there: dict[str, int], known: dict[tuple[str, int, str], str]
) -> Copied:
    digest = each.sha256
    if not digest and each.modified is not None and each.size is not None:
        digest = known.get((each.key, each.size, each.modified.isoformat()), "")
    if digest and object_key(digest) in there:
        written_at = each.modified.isoformat() if each.modified else ""
        return Copied(Entry(each.key, digest, there[object_key(digest)], written_at))
    try:
        data = objects.store().get(each.key)
        modified = each.modified or objects.store().info(each.key).modified
    except UnknownError:  # a copy that its recipient took away meanwhile; or one that a row needs
        return Copied(None, problem=f"{each.key}：缺失" if each.must else "")
    found = sha256_hex(data)
    if each.sha256 and found != each.sha256:
        return Copied(None, problem=f"{each.key}：内容与其指纹不符")
    key = object_key(found)
    new = key not in there
    if new:
        place.store.put(key, data, once=True)
    return Copied(Entry(each.key, found, len(data), modified.isoformat()), len(data) if new else 0)
