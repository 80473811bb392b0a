"""What an audit reports, and the files that sealed rows name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, text

from ipgov.core.errors import Problem, UnknownError
from ipgov.core.fingerprint import sha256_hex
from ipgov.core.objects import content_key, store
from ipgov.core.tables import metadata, seal

_NAMED = 20  # keys that a line of information lists; the others are counted
Columns = Mapping[str, frozenset[str]]  # of every table that is there, whatever became of it


@dataclass(frozen=True)
class Finding(Problem):
    """Something that is not as it was sealed: table, row, columns, object of the store, seal, where known."""

    seal: int = 0
    table: str = ""
    row: int | None = None
    columns: tuple[str, ...] = ()
    object_key: str = ""


@dataclass
class Verified:
    """What is wrong, what is worth knowing and not wrong, and how much was looked at."""

    problems: list[Problem] = field(default_factory=list)
    information: list[str] = field(default_factory=list)
    seals: int = 0
    rows: int = 0
    files: int = 0
    head: str = ""  # SEQUENCE:CHAIN of the newest seal


def columns_there(connection: Connection) -> Columns:
    """Return what tables and columns the database has now."""
    found = connection.execute(
        text(
            "SELECT c.relname, array_agg(a.attname::text) FROM pg_class c"
            " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
            " WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace GROUP BY c.relname"
        )
    )
    return {name: frozenset(columns) for name, columns in found}


def lost_columns(there: Columns, table: str, columns: list[str]) -> list[str]:
    """Return those of a table's columns that are gone, all of them where the table is."""
    return [c for c in columns if c not in there.get(table, ())]


class Files:
    """Looks at each object once, for rows share files: what is wrong with it, if anything."""

    def __init__(self) -> None:
        self.wrong: dict[tuple[str, str], str] = {}

    def problem(self, key: str, sha256: str) -> str:
        """Return 缺失, 被改动 or nothing."""
        if (key, sha256) not in self.wrong:
            try:
                same = sha256_hex(store().get(key)) == sha256
                self.wrong[key, sha256] = "" if same else "被改动"
            except UnknownError:
                self.wrong[key, sha256] = "缺失"
            except OSError as error:  # a name that somebody made up
                self.wrong[key, sha256] = f"无法读取（{error.strerror}）"
        return self.wrong[key, sha256]


def names_content(column: str) -> bool:
    """Tell whether a column names content in the object store; a manifest does not lie there."""
    return column == "sha256" or column.endswith("_sha256")


def row_files(
    connection: Connection,
    number: int,
    name: str,
    columns: list[str],
    between: tuple[int | None, int],
    files: Files,
) -> Iterator[Problem]:
    """Hold the files that a table's rows between two ids name against the store."""
    after, upto = between
    for column in filter(names_content, columns):
        lower = "" if after is None else "AND id > :after"
        rows = connection.execute(
            text(
                f'SELECT id, "{column}" FROM "{name}"'  # noqa: S608
                f' WHERE id <= :upto {lower} AND "{column}" IS NOT NULL ORDER BY id'
            ),
            {"upto": upto} | ({} if after is None else {"after": after}),
        )
        for row_id, digest in rows:
            key = content_key(digest)
            if wrong := files.problem(key, digest):
                found = f"表 {name} 第 {row_id} 行的文件 {digest} {wrong}（第 {number} 号封存）"
                yield Finding(
                    "seal_file",
                    found,
                    "文件在库，与指纹一致",
                    seal=number,
                    table=name,
                    row=row_id,
                    columns=(column,),
                    object_key=key,
                )


_SENT = """
SELECT a.id, sent.key, f.sha256, p.number
FROM dispatch_attempt a
JOIN dispatch d ON d.id = a.dispatch_id
JOIN document p ON p.id = d.document_id
JOIN document_file f ON f.document_id = p.id
CROSS JOIN LATERAL unnest(string_to_array(a.detail, E'\\n')) AS sent (key)
WHERE a.succeeded AND d.channel = 'outbox' AND right(sent.key, length(f.filename) + 1) = '/' || f.filename
ORDER BY a.id, sent.key
"""


def sent(connection: Connection, there: Columns, files: Files, told: Verified) -> Iterator[Problem]:
    """Hold the copies that recipients fetch against the documents; one that was taken away is no problem."""
    needed = {
        "dispatch_attempt": ["id", "dispatch_id", "succeeded", "detail"],
        "dispatch": ["id", "document_id", "channel"],
        "document": ["id", "number"],
        "document_file": ["document_id", "filename", "sha256"],
    }
    if any(lost_columns(there, name, columns) for name, columns in needed.items()):
        return  # a finding of its own
    gone = []
    for row_id, key, digest, number in connection.execute(text(_SENT)):
        wrong = files.problem(key, digest)
        if wrong == "缺失":
            gone.append(key)
        elif wrong:
            copy = f"已发文书 {number or '（无文号）'} 在发件目录中的副本 {key}"
            found = f"{copy} 被改动（表 dispatch_attempt 第 {row_id} 行）"
            same, table = f"与归档文件 {digest} 一致", "dispatch_attempt"
            yield Finding("seal_file", found, same, table=table, row=row_id, object_key=key)
    if gone:
        told.information.append(f"发件目录中 {len(gone)} 件已发文书的副本已被取走：{_some(gone)}")


def unnamed(connection: Connection, there: Columns, told: Verified) -> None:
    """List content that no row names: left by a step that was broken off, or put there by somebody."""
    columns = [
        f'SELECT "{c.name}" FROM "{t.name}"'  # noqa: S608
        for t in metadata.sorted_tables
        if t is not seal
        for c in t.columns
        if names_content(c.name) and c.name in there.get(t.name, ())
    ]
    named = set(connection.execute(text(" UNION ".join(columns))).scalars())
    extra = [i.key for i in store().list("content/") if i.key.rpartition("/")[2] not in named]
    if extra:
        told.information.append(f"对象库中有 {len(extra)} 个文件没有任何记录提到：{_some(extra)}")


def _some(keys: list[str]) -> str:
    return "、".join(keys[:_NAMED]) + ("……" if len(keys) > _NAMED else "")
