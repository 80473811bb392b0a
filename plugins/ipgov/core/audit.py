"""What was changed in the sealed record, whoever did it: rows, files, documents, seals, guards.

What can be known: every sealed row and file is held against the manifest that lists it, and the chain of the
database against the manifests and marks of the object store. Whoever has all rights over the database is
found out by the store. Whoever also removes the newest manifests and marks from the store is found out by a
head of the chain that was deposited elsewhere (``heads``), and by nothing else. Rows not yet sealed are not
proved.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, select, text

from ipgov.core import seals
from ipgov.core.audit_files import (
    Columns,
    Files,
    Finding,
    Verified,
    columns_there,
    lost_columns,
    row_files,
    sent,
    unnamed,
)
from ipgov.core.database import transaction
from ipgov.core.errors import GovernanceError, Problem, UnknownError
from ipgov.core.objects import store
from ipgov.core.tables import metadata, seal

_AS_SEALED = "与封存时一致"


def head(row: Mapping[Any, Any]) -> str:
    """Return a seal as it is deposited elsewhere: ``12:9f2c…``."""
    return f"{row['sequence']}:{row['chain_sha256']}"


def verify(connection: Connection, heads: Iterable[str] = ()) -> Verified:
    """Find and name every sealed row or file that was changed, removed, added or re-ordered since.

    ``heads`` were deposited elsewhere (``ipgov audit head``). Raises UnknownError where one is none.
    """
    asked = [_asked(h) for h in heads]
    told = Verified()
    there = list(connection.execute(select(seal).order_by(seal.c.sequence)).mappings())
    columns, files = columns_there(connection), Files()
    headers: dict[str, dict[str, Any]] = {}
    for digest in seals.manifest_names():
        try:
            manifest = seals.read_manifest(digest)
        except GovernanceError as error:
            key = f"{seals.MANIFESTS}{digest}.json"
            told.problems.append(Finding("seal_manifest", error.message, "清单与指纹一致", object_key=key))
            continue
        if manifest["sequence"] > _newest(there) and _stands(digest):
            continue  # made since this transaction began to look
        for name, part in manifest.pop("tables").items():
            told.problems += _table(connection, columns, manifest, name, part, files)
        headers[digest] = manifest
    marks = _marks()
    told.problems += _chain(there, headers, marks)
    _strays(there, headers, {m["manifest_sha256"] for m in marks.values()}, told)
    told.problems += _heads(there, asked)
    told.problems += _guards(connection, columns)
    told.problems += sent(connection, columns, files, told)
    _unsealed(connection, columns, there, headers, told)
    unnamed(connection, columns, told)
    told.problems = sorted(dict.fromkeys(told.problems), key=_place)
    told.seals, told.files = len(there), len(files.wrong)
    told.rows = sum(row["row_count"] for row in there)
    told.head = head(there[-1]) if there else ""
    return told


def _place(problem: Problem) -> tuple[bool, int, str, int]:
    """Order problems: of the chain as a whole first, then by seal, table and row."""
    at = problem if isinstance(problem, Finding) else Finding("", "", "")
    return bool(at.table), at.seal, at.table, at.row or 0


def _table(
    connection: Connection,
    there: Columns,
    manifest: Mapping[str, Any],
    name: str,
    part: Mapping[str, Any],
    files: Files,
) -> Iterator[Problem]:
    number = manifest["sequence"]
    sealed, columns = f"第 {number} 号封存", part["columns"]
    after, upto = manifest["after"].get(name), manifest["upto"][name]
    if lost := lost_columns(there, name, columns):
        found = f"表 {name} 在{sealed}之后失去 {'、'.join(lost)} 列"
        yield Finding("seal_row", found, _AS_SEALED, seal=number, table=name, columns=tuple(lost))
        return
    now = {r[0]: r for r in seals.rows(connection, name, columns, after, upto)}
    then = {r[0]: r for r in part["rows"]}
    whole = {r[2][seals.CELL :]: r[0] for r in then.values() if len(r) > 2}  # what a row says, but for its id
    for row_id in sorted(then.keys() | now.keys()):
        was, is_ = then.get(row_id), now.get(row_id)
        if was and is_ and was[1] == is_[1]:
            continue
        changed: tuple[str, ...] = ()
        if is_ is None:
            what = "被删除"
        elif was is None:
            what = "被插入"
        else:
            changed = _changed(columns, was, is_)
            what = "被修改" + (f"（{'、'.join(changed)}）" if changed else "")
            other = whole.get(is_[2][seals.CELL :])
            if other not in (None, row_id):
                what = f"被修改（内容为封存时第 {other} 行的：次序被改动）"
        found = f"表 {name} 第 {row_id} 行在{sealed}之后{what}"
        yield Finding("seal_row", found, _AS_SEALED, seal=number, table=name, row=row_id, columns=changed)
    yield from row_files(connection, number, name, columns, (after, upto), files)


def _changed(columns: list[str], was: list[Any], is_: tuple[int, str, str]) -> tuple[str, ...]:
    """Return the columns that changed; none where the manifest was made before it knew columns."""
    if len(was) < 3:
        return ()
    return tuple(c for n, c in enumerate(columns) if _cell(was, n) != _cell(is_, n))


def _cell(row: Any, number: int) -> str:
    return str(row[2][number * seals.CELL : (number + 1) * seals.CELL])


def _chain(
    there: list[Any], headers: Mapping[str, Mapping[str, Any]], marks: Mapping[str, Mapping[str, Any]]
) -> Iterator[Problem]:
    """Hold every seal of the database against the one before, its manifest and its mark."""
    previous = seals.GENESIS
    for row in there:
        number = row["sequence"]
        for check, found, expected in _wrong_link(row, previous, headers.get(row["manifest_sha256"])):
            yield Finding(check, found, expected, seal=number)
        now = seals.marked(row)
        kept = marks.get(row["chain_sha256"], now)
        for name in now:
            if kept[name] != now[name]:
                found = f"第 {number} 号封存的 {name} 为“{now[name]}”"
                expected = f"与封存标记一致：“{kept[name]}”"
                yield Finding("seal_chain", found, expected, seal=number, columns=(name,))
        previous = row["chain_sha256"]
    chains, newest = {row["chain_sha256"] for row in there}, _newest(there)
    for value, kept in marks.items():
        if value in chains or (kept["sequence"] > newest and _stands(kept["manifest_sha256"])):
            continue
        of = f"链值 {value}，{kept['occasion']} {kept['subject']}"
        found = f"第 {kept['sequence']} 号封存（{of}）曾经作出，数据库中已没有：封存记录被删除或改写"
        yield Finding("seal_chain", found, "封存记录与对象库中的标记一致", seal=kept["sequence"])


def _marks() -> dict[str, dict[str, Any]]:
    """Return what the store keeps of every seal that was committed, by its chain value."""
    found = {}
    for info in store().list(seals.MARKS):
        value = info.key.removesuffix(".json").rpartition("-")[2]
        try:
            kept = json.loads(store().get(info.key))
            found[value] = {c.name: kept[c.name] for c in seal.columns}
        except (ValueError, KeyError, TypeError):  # its name still says that there was a seal
            number = info.key.removeprefix(seals.MARKS).partition("-")[0]
            unread = dict.fromkeys((c.name for c in seal.columns), "（封存标记被改动）")
            found[value] = unread | {"sequence": int(number) if number.isdecimal() else 0}
    return found


def _wrong_link(
    row: Mapping[Any, Any], previous: str, manifest: Mapping[str, Any] | None
) -> Iterator[tuple[str, str, str]]:
    sealed = f"第 {row['sequence']} 号封存"
    if row["previous_chain_sha256"] != previous:
        yield "seal_chain", f"{sealed}未接在上一号之后", "链值连续"
    if seals.chain(row["previous_chain_sha256"], row["manifest_sha256"]) != row["chain_sha256"]:
        yield "seal_chain", f"{sealed}的链值不符", "链值由上一号与清单指纹算出"
    if manifest is None:
        lost = f"{sealed}的清单缺失或被改动，其封存的 {row['row_count']} 行无法逐行核验"
        yield "seal_manifest", lost, f"清单 {row['manifest_sha256']} 在库且完整"
        return
    now = seals.marked(row)
    for name in ("sequence", "occasion", "subject", "previous_chain_sha256", "row_count", "known_at"):
        if now[name] != manifest[name]:
            yield "seal_chain", f"{sealed}的 {name} 为“{now[name]}”", f"与清单一致：“{manifest[name]}”"


def _newest(there: list[Any]) -> int:
    return int(there[-1]["sequence"]) if there else 0


def _strays(
    there: list[Any], headers: Mapping[str, Mapping[str, Any]], marked: set[str], told: Verified
) -> None:
    """Tell of manifests that no seal of the database names: seals that were broken off, or removed ones."""
    named = {row["manifest_sha256"] for row in there}
    newest = _newest(there)
    for digest, manifest in headers.items():
        number = manifest["sequence"]
        if digest in named or digest in marked:  # the mark of a removed one tells of it
            continue
        if number <= newest:
            left = f"对象库另有第 {number} 号封存的清单 {digest}"
            told.information.append(f"{left}：封存中断所留，所列各行照样核验")
        else:
            found = f"对象库中有第 {number} 号封存的清单 {digest}，数据库中没有这次封存"
            expected = "封存记录未被删除（封存中断的，再封存一次即可）"
            told.problems.append(Finding("seal_chain", found, expected, seal=number))


def _stands(manifest_sha256: str) -> bool:
    """Tell whether a seal has been committed by now, after waiting for one that is being made."""
    with transaction() as connection:
        found = connection.execute(select(seal.c.id).where(seal.c.manifest_sha256 == manifest_sha256))
        return found.first() is not None


def _asked(text_: str) -> tuple[int, str]:
    number, _, value = text_.strip().partition(":")
    if not (number.isascii() and number.isdecimal() and len(value) == len(seals.GENESIS)):
        raise UnknownError(f"链头“{text_}”无效，应为 序号:链值，如 ipgov audit head 所示")
    return int(number), value.lower()


def _heads(there: list[Any], asked: list[tuple[int, str]]) -> Iterator[Problem]:
    chains = {row["sequence"]: row["chain_sha256"] for row in there}
    for number, value in asked:
        if number not in chains:
            found = f"外存的链头为第 {number} 号，数据库中没有这次封存（现有 {len(there)} 次）：末尾被删除"
            yield Finding("seal_head", found, f"第 {number} 号封存的链值为 {value}", seal=number)
        elif chains[number] != value:
            found = f"第 {number} 号封存的链值为 {chains[number]}，与外存的链头不同：封存链被改写"
            yield Finding("seal_head", found, f"链值为 {value}", seal=number)


def _guards(connection: Connection, columns: Columns) -> Iterator[Problem]:
    """Tell of tables whose guard against change is off: somebody with all rights was there."""
    guarded = set(
        connection.execute(
            text(
                "SELECT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
                " WHERE t.tgname = 'append_only' AND t.tgenabled = 'A'"
                " AND c.relnamespace = 'public'::regnamespace"
            )
        ).scalars()
    )
    for table in metadata.sorted_tables:
        if table.name in columns and table.name not in guarded:
            found, expected = f"表 {table.name} 的只增不改保护被停用或删除", "保护始终启用"
            yield Finding("seal_guard", found, expected, table=table.name)


def _unsealed(
    connection: Connection,
    columns: Columns,
    there: list[Any],
    headers: Mapping[str, Mapping[str, Any]],
    told: Verified,
) -> None:
    """Count what was added since the last seal: nothing proves it yet."""
    last = headers.get(there[-1]["manifest_sha256"]) if there else {"upto": {}}
    if last is None:
        return
    counts: Counter[str] = Counter()
    for table in metadata.sorted_tables:
        mark = last["upto"].get(table.name)
        if table is seal or "id" not in columns.get(table.name, ()):
            continue
        where = "" if mark is None else f" WHERE id > {int(mark)}"
        counts[table.name] = connection.execute(
            text(f'SELECT count(*) FROM "{table.name}"{where}')  # noqa: S608
        ).scalar_one()
    if total := counts.total():
        listed = "、".join(f"{name} {n} 行" for name, n in counts.items() if n)
        told.information.append(f"上次封存之后新增 {total} 行，尚未封存，不在核验之列：{listed}")
