"""Seals: a chain of manifests over every row and file added, so that a later change shows.

A manifest lists, per table, the columns and of each row added since the last seal its id, its hash, and eight
digits of a hash of each of its columns, by which a changed column can be named. The chain value is
SHA-256(previous chain value + manifest hash). It lies in the database and, write-once, in the object store:
the manifest under its hash before the seal's row is committed, and the row itself as a mark after that.
Changing history unseen needs both, and every later link. ``core/audit.py`` verifies.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, RowMapping, select, text

from ipgov.core.database import SEAL_LOCK, engine
from ipgov.core.errors import EnvironmentProblemError
from ipgov.core.fingerprint import canonical_json, sha256_hex
from ipgov.core.objects import store
from ipgov.core.tables import metadata, seal

GENESIS = "0" * 64
MANIFESTS, MARKS = "seals/", "seal-marks/"
CELL = 8  # digits by which a manifest knows a column of a row
_SEALED_TABLES = [t for t in metadata.sorted_tables if t is not seal]
# Row by row: id, what proves the row, what tells which column it is.
Rows = list[tuple[int, str, str]]


def add(occasion: str, subject: str, known_at: dt.datetime) -> str | None:
    """Seal all that was added since the last seal and return the chain value.

    A nightly seal of nothing is not made (None); any other occasion is a fact worth a link of its own.
    Raises EnvironmentProblemError where the last manifest was changed: nothing is sealed on a broken chain.
    """
    with engine().begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": SEAL_LOCK})
        last = newest(connection)
        marks = read_manifest(last["manifest_sha256"])["upto"] if last else {}
        if last:
            _mark(last)  # whoever made it may have been killed before that
        tables = _added(connection, marks)
        if not tables and occasion == "nightly":
            return None
        previous = last["chain_sha256"] if last else GENESIS
        told = {
            "sequence": (last["sequence"] if last else 0) + 1,
            "occasion": occasion,
            "subject": subject,
            "previous_chain_sha256": previous,
            "row_count": sum(len(t["rows"]) for t in tables.values()),
            "known_at": known_at,
        }
        upto = marks | {name: part["rows"][-1][0] for name, part in tables.items()}
        manifest = canonical_json(told | {"after": marks, "upto": upto, "tables": tables})
        digest = sha256_hex(manifest)
        # Under its hash, so that a seal killed before its commit leaves nothing that stands in the way.
        store().put(f"{MANIFESTS}{digest}.json", manifest, once=True)
        values = told | {"manifest_sha256": digest, "chain_sha256": chain(previous, digest)}
        made = connection.execute(seal.insert().values(values).returning(*seal.columns)).mappings().one()
    _mark(made)
    return str(made["chain_sha256"])


def ensure(occasion: str, subject: str, known_at: dt.datetime) -> str:
    """Return the chain value of the first seal on an occasion for a subject; seal now where there is none.

    For a step that may have been killed after its own commit: done again, it makes what was left out, once.
    """
    with engine().connect() as connection:
        there = (
            connection.execute(
                select(seal)
                .where(seal.c.occasion == occasion, seal.c.subject == subject)
                .order_by(seal.c.sequence)
                .limit(1)
            )
            .mappings()
            .first()
        )
    if there is None:
        made = add(occasion, subject, known_at)
        if made is None:
            raise EnvironmentProblemError(f"“{occasion} {subject}”没有可封存的内容")
        return made
    _mark(there)
    return str(there["chain_sha256"])


def newest(connection: Connection) -> RowMapping | None:
    """Return the row of the newest seal, the head of the chain; None before the first."""
    return connection.execute(select(seal).order_by(seal.c.sequence.desc()).limit(1)).mappings().first()


def current(connection: Connection) -> str:
    """Return the chain value of the newest seal."""
    last = newest(connection)
    return last["chain_sha256"] if last else GENESIS


def find(connection: Connection, occasion: str, subject: str) -> str | None:
    """Return the chain value of the first seal made on an occasion for a subject, or None."""
    return connection.execute(
        select(seal.c.chain_sha256)
        .where(seal.c.occasion == occasion, seal.c.subject == subject)
        .order_by(seal.c.sequence)
        .limit(1)
    ).scalar()


def chain(previous: str, manifest_sha256: str) -> str:
    """Return the chain value of a seal."""
    return sha256_hex((previous + manifest_sha256).encode())


def rows(connection: Connection, table: str, columns: list[str], after: int | None, upto: int | None) -> Rows:
    """Return every row of a table with ``after`` < id <= ``upto`` (None: no bound), in the order of ids."""
    listed = ", ".join(f't."{c}"' for c in columns)
    # md5 only tells columns apart; what proves a row is its SHA-256
    cells = " || ".join(f'left(md5(jsonb_build_array(t."{c}")::text), {CELL})' for c in columns)
    bounds = [b for b, given in (("t.id > :after", after), ("t.id <= :upto", upto)) if given is not None]
    where = f"WHERE {' AND '.join(bounds)}" if bounds else ""
    found = connection.execute(
        text(
            f"SELECT t.id, encode(sha256(convert_to(jsonb_build_array({listed})::text, 'UTF8')), 'hex'),"  # noqa: S608
            f' {cells} FROM "{table}" t {where} ORDER BY t.id'
        ),
        {name: value for name, value in (("after", after), ("upto", upto)) if value is not None},
    )
    return [(row_id, digest, cells) for row_id, digest, cells in found]


def read_manifest(digest: str) -> dict[str, Any]:
    """Return a manifest, proved against its name.

    Raises UnknownError where it is missing, EnvironmentProblemError where the bytes no longer match.
    """
    data = store().get(f"{MANIFESTS}{digest}.json")
    if sha256_hex(data) != digest:
        raise EnvironmentProblemError(f"封存清单 {digest} 的内容与其指纹不符，可能被篡改")
    manifest: dict[str, Any] = json.loads(data)
    return manifest


def marked(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the row of a seal as its mark keeps it."""
    kept: dict[str, Any] = json.loads(canonical_json({c.name: row[c.name] for c in seal.columns}))
    return kept


def manifest_names() -> Iterator[str]:
    """Yield the hash of every manifest of the store, by its name."""
    for info in store().list(MANIFESTS):
        yield info.key.removeprefix(MANIFESTS).removesuffix(".json")


def _mark(row: Mapping[Any, Any]) -> None:
    """Keep in the store that a seal was committed: a manifest alone may be of one that was not."""
    key = f"{MARKS}{row['sequence']:012d}-{row['chain_sha256']}.json"
    if not store().exists(key):  # one that was changed is for the audit to tell
        store().put(key, canonical_json(marked(row)), once=True)


def _added(connection: Connection, marks: Mapping[str, int]) -> dict[str, Any]:
    """Return columns and row hashes of every table that has rows after its mark."""
    tables = {}
    for table in _SEALED_TABLES:
        columns = [c.name for c in table.columns]
        if found := rows(connection, table.name, columns, marks.get(table.name), None):
            tables[table.name] = {"columns": columns, "rows": found}
    return tables
