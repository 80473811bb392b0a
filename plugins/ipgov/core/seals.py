"""Seals: a chain of manifests over every row and file added, so that a later change shows.

A manifest lists, per table, the columns and the hash of each row added since the last seal, and the chain
value is SHA-256(previous chain value + manifest hash). It lies in the database and, write-once, in the object
store: changing history unseen needs both, and every later link. What verifies reads both: the chain of the
database against its manifests, and every manifest of the store against the rows.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Table, select, text

from ipgov.core.database import SEAL_LOCK, engine, transaction
from ipgov.core.errors import EnvironmentProblemError, GovernanceError, Problem
from ipgov.core.fingerprint import canonical_json, sha256_hex
from ipgov.core.objects import content_key, store
from ipgov.core.tables import metadata, seal

GENESIS = "0" * 64
_SEALED_TABLES = [t for t in metadata.sorted_tables if t is not seal]
_BY_NAME = {t.name: t for t in _SEALED_TABLES}
_FIRST = -(2**63)  # below every id, also one that somebody made up


def _row_hashes(
    connection: Connection, table: str, columns: list[str], after: int, upto: int | None
) -> list[Any]:
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


def add(occasion: str, subject: str, known_at: dt.datetime) -> str | None:
    """Seal all that was added since the last seal and return the chain value.

    A nightly seal of nothing is not made (None); any other occasion is a fact worth a link of its own.
    Raises EnvironmentProblemError where the last manifest was changed: nothing is sealed on a broken chain.
    """
    with engine().begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": SEAL_LOCK})
        last = connection.execute(select(seal).order_by(seal.c.sequence.desc()).limit(1)).mappings().first()
        marks = _read_manifest(last["manifest_sha256"])["upto"] if last else {}
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
        chain = _chain(previous, digest)
        # Under its hash, so that a seal killed before its commit leaves nothing that stands in the way.
        store().put(_manifest_key(digest), manifest, once=True)
        connection.execute(seal.insert().values(told | {"manifest_sha256": digest, "chain_sha256": chain}))
    return chain


def _added(connection: Connection, marks: Mapping[str, int]) -> dict[str, Any]:
    """Return columns and row hashes of every table that has rows after its mark."""
    tables = {}
    for table in _SEALED_TABLES:
        columns = [c.name for c in table.columns]
        if rows := _row_hashes(connection, table.name, columns, marks.get(table.name, _FIRST), None):
            tables[table.name] = {"columns": columns, "rows": rows}
    return tables


def _chain(previous: str, manifest: str) -> str:
    return sha256_hex((previous + manifest).encode())


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
    manifests, problems = _manifests()
    chain, newest = GENESIS, 0
    for row in connection.execute(select(seal).order_by(seal.c.sequence)).mappings():
        problems += _wrong_link(row, chain, manifests.get(row["manifest_sha256"]))
        chain, newest = row["chain_sha256"], row["sequence"]
    verified: dict[str, str] = {}
    for digest, manifest in sorted(manifests.items(), key=lambda m: (m[1]["sequence"], m[0])):
        sealed = f"第 {manifest['sequence']} 号封存"
        if manifest["sequence"] > newest and not _stands(digest):
            found = f"对象库中有{sealed}的清单 {digest}，数据库中没有这次封存"
            problems.append(Problem("seal_chain", found, "封存记录未被删除（封存中断的，再封存一次即可）"))
        for name, part in manifest["tables"].items():
            after, upto = manifest["after"].get(name, _FIRST), manifest["upto"][name]
            if lost := _lost_columns(connection, name, part["columns"]):
                found = f"表 {name} 在{sealed}之后失去 {'、'.join(lost)} 列"
                problems.append(Problem("seal_row", found, "与封存时一致"))
                continue
            problems += _wrong_rows(connection, sealed, name, part, after, upto)
            problems += _wrong_files(connection, name, after, upto, verified)
    return list(dict.fromkeys(problems))


def _stands(manifest_sha256: str) -> bool:
    """Tell whether a seal has been committed by now, after waiting for one that is being made."""
    with transaction() as connection:
        found = connection.execute(select(seal.c.id).where(seal.c.manifest_sha256 == manifest_sha256))
        return found.first() is not None


def _manifests() -> tuple[dict[str, dict[str, Any]], list[Problem]]:
    """Return every manifest of the store by its hash, and what is wrong with those that cannot be read."""
    manifests: dict[str, dict[str, Any]] = {}
    problems = []
    for info in store().list("seals/"):
        digest = info.key.removeprefix("seals/").removesuffix(".json")
        try:
            manifests[digest] = _read_manifest(digest)
        except GovernanceError as error:
            problems.append(Problem("seal_manifest", error.message, "清单与指纹一致"))
    return manifests, problems


def _wrong_link(row: Mapping[Any, Any], chain: str, manifest: Mapping[str, Any] | None) -> Iterator[Problem]:
    sealed = f"第 {row['sequence']} 号封存"
    if row["previous_chain_sha256"] != chain:
        yield Problem("seal_chain", f"{sealed}未接在上一号之后", "链值连续")
    if _chain(row["previous_chain_sha256"], row["manifest_sha256"]) != row["chain_sha256"]:
        yield Problem("seal_chain", f"{sealed}的链值不符", "链值由上一号与清单指纹算出")
    if manifest is None:
        yield Problem("seal_manifest", f"{sealed}的清单缺失或被改动", "清单完整")
        return
    for name in ("sequence", "occasion", "subject", "previous_chain_sha256", "row_count", "known_at"):
        now = row[name].astimezone(dt.UTC).isoformat() if name == "known_at" else row[name]
        if now != manifest[name]:
            yield Problem("seal_chain", f"{sealed}的 {name} 为“{now}”", f"与清单一致：“{manifest[name]}”")


def _lost_columns(connection: Connection, table: str, columns: list[str]) -> list[str]:
    there = connection.execute(
        text(
            "SELECT attname FROM pg_attribute"
            " WHERE attrelid = to_regclass(:name) AND attnum > 0 AND NOT attisdropped"
        ),
        {"name": f'"{table}"'},
    )
    present = set(there.scalars())
    return [c for c in columns if c not in present]


def _wrong_rows(
    connection: Connection, sealed: str, name: str, part: Mapping[str, Any], after: int, upto: int
) -> Iterator[Problem]:
    now = dict(_row_hashes(connection, name, part["columns"], after, upto))
    then = dict(part["rows"])
    for row_id in sorted(then.keys() | now.keys()):
        if now.get(row_id) != then.get(row_id):
            what = "被删除" if row_id not in now else "被插入" if row_id not in then else "被修改"
            yield Problem("seal_row", f"表 {name} 第 {row_id} 行在{sealed}之后{what}", "与封存时一致")


def _wrong_files(
    connection: Connection, name: str, after: int, upto: int, verified: dict[str, str]
) -> Iterator[Problem]:
    """Look at each file once, for rows share files: ``verified`` keeps what is wrong with it, if anything."""
    table = _BY_NAME[name]
    for column in _files(table):
        rows = connection.execute(
            select(table.c.id, table.c[column])
            .where(table.c.id > after, table.c.id <= upto, table.c[column].is_not(None))
            .order_by(table.c.id)
        )
        for row_id, digest in rows:
            if digest not in verified:
                verified[digest] = _wrong_file(digest)
            if verified[digest]:
                found = f"表 {name} 第 {row_id} 行的文件 {digest} {verified[digest]}"
                yield Problem("seal_file", found, "文件在库，与指纹一致")


def _wrong_file(digest: str) -> str:
    key = content_key(digest)
    if not store().exists(key):
        return "缺失"
    return "" if sha256_hex(store().get(key)) == digest else "被改动"


def _manifest_key(digest: str) -> str:
    return f"seals/{digest}.json"


def _read_manifest(digest: str) -> dict[str, Any]:
    data = store().get(_manifest_key(digest))
    if sha256_hex(data) != digest:
        raise EnvironmentProblemError(f"封存清单 {digest} 的内容与其指纹不符，可能被篡改")
    manifest: dict[str, Any] = json.loads(data)
    return manifest
