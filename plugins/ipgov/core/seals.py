"""Seals: a chain of manifests over every row and file added, so that a later change shows.

A manifest lists, per table, the columns and the hash of each row added since the last seal, and the chain
value is SHA-256(previous chain value + manifest hash). It lies in the database and, write-once, in the object
store: changing history unseen needs both, and every later link.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, Table, select, text

from ipgov.core.database import SEAL_LOCK, engine
from ipgov.core.errors import Problem
from ipgov.core.fingerprint import canonical_json, sha256_hex
from ipgov.core.objects import content_key, store
from ipgov.core.tables import metadata, seal

GENESIS = "0" * 64
_SEALED_TABLES = [t for t in metadata.sorted_tables if t is not seal]


def _row_hashes(connection: Connection, table: str, columns: list[str], after: int, upto: int | None) -> list[Any]:
    listed = ", ".join(f't."{c}"' for c in columns)
    limit = "" if upto is None else "AND t.id <= :upto"
    rows = connection.execute(
        text(
            f"SELECT t.id, encode(sha256(convert_to(jsonb_build_array({listed})::text, 'UTF8')), 'hex')"  # noqa: S608
            f' FROM "{table}" t WHERE t.id > :after {limit} ORDER BY t.id'
        ),
        {"after": after, "upto": upto},
    )
    return [[row_id, digest] for row_id, digest in rows]


def _files(table: Table) -> list[str]:
    """Columns of a table that name content in the object store."""
    return [c.name for c in table.columns if c.name.endswith("_sha256") or c.name == "sha256"]


def add(occasion: str, subject: str, known_at: Any) -> str | None:
    """Seal all that was added since the last seal and return the chain value.

    A nightly seal of nothing is not made (None); any other occasion is a fact worth a link of its own.
    """
    with engine().begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": SEAL_LOCK})
        last = connection.execute(select(seal).order_by(seal.c.sequence.desc()).limit(1)).mappings().first()
        previous = last["chain_sha256"] if last else GENESIS
        marks = _read_manifest(last["manifest_sha256"])["upto"] if last else {}
        tables: dict[str, Any] = {}
        upto = dict(marks)
        for table in _SEALED_TABLES:
            columns = [c.name for c in table.columns]
            rows = _row_hashes(connection, table.name, columns, marks.get(table.name, 0), None)
            if rows:
                tables[table.name] = {"columns": columns, "rows": rows}
                upto[table.name] = rows[-1][0]
        if not tables and occasion == "nightly":
            return None
        sequence = (last["sequence"] if last else 0) + 1
        manifest = canonical_json(
            {"sequence": sequence, "previous": previous, "upto": upto, "after": marks, "tables": tables}
        )
        digest = sha256_hex(manifest)
        chain = sha256_hex((previous + digest).encode())
        # Under its hash, so that a seal killed before its commit leaves nothing that stands in the way.
        store().put(_manifest_key(digest), manifest, once=True)
        connection.execute(
            seal.insert().values(
                sequence=sequence,
                occasion=occasion,
                subject=subject,
                manifest_sha256=digest,
                previous_chain_sha256=previous,
                chain_sha256=chain,
                row_count=sum(len(t["rows"]) for t in tables.values()),
                known_at=known_at,
            )
        )
    return chain


def current(connection: Connection) -> str:
    """Return the chain value of the newest seal."""
    value = connection.execute(select(seal.c.chain_sha256).order_by(seal.c.sequence.desc()).limit(1)).scalar()
    return value or GENESIS


def find(connection: Connection, occasion: str, subject: str) -> str | None:
    """Return the chain value of the first seal made on an occasion for a subject, or None."""
    return connection.execute(
        select(seal.c.chain_sha256)
        .where(seal.c.occasion == occasion, seal.c.subject == subject)
        .order_by(seal.c.sequence)
        .limit(1)
    ).scalar()


def verify(connection: Connection) -> list[Problem]:
    """Find and name every sealed row or file that was changed, removed, added or re-ordered since."""
    problems: list[Problem] = []
    chain = GENESIS
    by_name = {t.name: t for t in metadata.sorted_tables}
    for row in connection.execute(select(seal).order_by(seal.c.sequence)).mappings():
        subject = f"第 {row['sequence']} 号封存"
        if row["previous_chain_sha256"] != chain:
            problems.append(Problem("seal_chain", f"{subject}未接在上一号之后", "链值连续"))
        try:
            manifest = _read_manifest(row["manifest_sha256"])
        except Exception as error:  # whatever the store answers, the verdict is the same
            problems.append(Problem("seal_manifest", f"{subject}的清单无法读取:{error}", "清单完整"))
            chain = row["chain_sha256"]
            continue
        if sha256_hex((row["previous_chain_sha256"] + row["manifest_sha256"]).encode()) != row["chain_sha256"]:
            problems.append(Problem("seal_chain", f"{subject}的链值不符", "链值由上一号与清单指纹算出"))
        for name, part in manifest["tables"].items():
            after, upto = manifest["after"].get(name, 0), manifest["upto"][name]
            now = dict(_row_hashes(connection, name, part["columns"], after, upto))
            then = dict(part["rows"])
            problems += [
                Problem("seal_row", f"表 {name} 第 {i} 行在{subject}之后{what}", "与封存时一致")
                for i, what in [(i, "被删除") for i in then.keys() - now.keys()]
                + [(i, "被插入") for i in now.keys() - then.keys()]
                + [(i, "被修改") for i in now.keys() & then.keys() if now[i] != then[i]]
            ]
            problems += _verify_files(connection, by_name[name], after, upto)
        chain = row["chain_sha256"]
    return problems


def _verify_files(connection: Connection, table: Table, after: int, upto: int) -> list[Problem]:
    problems = []
    for column in _files(table):
        rows = connection.execute(
            select(table.c.id, table.c[column]).where(table.c.id > after, table.c.id <= upto)
        )
        for row_id, digest in rows:
            if digest is None:
                continue
            key = content_key(digest)
            if not store().exists(key):
                problems.append(
                    Problem("seal_file", f"表 {table.name} 第 {row_id} 行的文件 {digest} 缺失", "文件在库")
                )
            elif sha256_hex(store().get(key)) != digest:
                problems.append(
                    Problem("seal_file", f"表 {table.name} 第 {row_id} 行的文件 {digest} 被改动", "与指纹一致")
                )
    return problems


def _manifest_key(digest: str) -> str:
    return f"seals/{digest}.json"


def _read_manifest(digest: str) -> dict[str, Any]:
    data = store().get(_manifest_key(digest))
    if sha256_hex(data) != digest:
        raise ValueError("清单内容与指纹不符")
    manifest: dict[str, Any] = json.loads(data)
    return manifest
