"""The register: every document as data, its archived files, and the proof that they can be made again."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from ipgov.core.database import lock
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.core.fingerprint import canonical_json, sha256_hex
from ipgov.core.objects import get_content, put_content
from ipgov.core.packing import members
from ipgov.core.tables import document as document_table
from ipgov.core.tables import document_file
from ipgov.documents import docx, fonts, html, pdf
from ipgov.documents.layout import Layouts, bundle, layouts, printed
from ipgov.documents.model import OfficialDocument, parse_document, plain_text, printable
from ipgov.documents.numbering import Reserved

_LONGEST_NAME = 240  # bytes; a file system holds 255 with the ending

Renderer = Callable[[Mapping[str, Any], Layouts, Sequence[fonts.FontFile]], bytes]
RENDERERS: Mapping[str, Renderer] = {
    "docx": lambda what, layout, _: docx.render(what, layout),
    "html": lambda what, layout, _: html.render(what, layout),
    "pdf": pdf.render,
}


@dataclass(frozen=True)
class Rebuilt:
    """What making a document again gave: per rendered format, whether every byte is the same.

    ``changed`` names what is not as it was when the document was made (layout, font, version); where a format
    differs and nothing changed, the archive or the record did.
    """

    document_id: int
    formats: Mapping[str, bool]
    changed: tuple[str, ...]


def renderer() -> str:
    """Return what makes the bytes besides the layout: versions, hashes of fonts (canonical JSON)."""
    return canonical_json(
        {
            "docx": {"jinja2": version("jinja2")},
            "html": {"jinja2": version("jinja2")},
            "xlsx": {"deflate": version("deflate"), "xlsxwriter": version("xlsxwriter")},
            "pdf": {"typst": version("typst"), "fonts": {f.path.name: f.sha256 for f in fonts.font_files()}},
        }
    ).decode()


def file_document(
    connection: Connection,
    *,
    key: str,
    kind: str,
    programme: str,
    period: str,
    unit: str | None,
    recipient: str,
    document: OfficialDocument,
    template_sha256: str,
    number: Reserved | None,
    round_id: int | None,
    known_at: dt.datetime,
    formats: Sequence[str] = ("docx", "pdf"),
    files: Mapping[str, bytes] | None = None,
    filename: str,
    corrects: int | None = None,
    withdraws: int | None = None,
) -> int:
    """Archive a document and its files; return its id. One document per key: again, it is the same one.

    ``formats`` are rendered, ``files`` (say, a correction workbook) come ready made. ``corrects`` and
    ``withdraws`` name the documents whose content this one corrects or takes back. Raises RefusedError
    where the key holds a document with other content: it is corrected by another document, never changed;
    GovernanceError where the fonts lack a character, naming it and its places.
    """
    reserved = number.text if number else None
    if document.number != reserved:
        raise RefusedError(f"文书载明的字号“{document.number or '无'}”与预留字号“{reserved or '无'}”不符")
    lock(connection, "document", key)
    data = document.canonical()
    there = connection.execute(
        select(document_table.c.id, document_table.c.data_sha256).where(document_table.c.key == key)
    ).first()
    if there is not None:
        if there.data_sha256 != sha256_hex(data):
            raise RefusedError(f"文书“{key}”已登记且内容不同：已登记的文书不得改动，只能另文更正或撤回")
        return int(there.id)
    _check_filename(filename)
    fonts.require_glyphs(document.texts(), document.title)
    what, layout, installed = printed(document), layouts(), fonts.font_files()
    contents = {f: RENDERERS[f](what, layout, installed) for f in formats} | dict(files or {})
    row_id = connection.execute(
        document_table.insert()
        .values(
            key=key,
            kind=kind,
            programme=programme,
            period=period,
            unit=unit,
            recipient=recipient,
            title=document.title,
            number_id=number.id if number else None,
            number=reserved,
            issued_on=document.signature_date,
            seal_code=document.seal_code,
            round_id=round_id,
            data_sha256=put_content(data),
            template_sha256=template_sha256,
            layout_sha256=put_content(bundle(layout)[0]),
            printed_sha256=put_content(canonical_json(what)),
            renderer=renderer(),
            corrects=corrects,
            withdraws=withdraws,
            known_at=known_at,
        )
        .returning(document_table.c.id)
    ).scalar_one()
    connection.execute(
        document_file.insert(),
        [
            {
                "document_id": row_id,
                "format": format_,
                "filename": f"{filename}.{format_}",
                "sha256": put_content(content),
                "known_at": known_at,
            }
            for format_, content in sorted(contents.items())
        ],
    )
    return int(row_id)


def _check_filename(filename: str) -> None:
    if not plain_text(filename) or filename.startswith(".") or re.search(r'[/\\:*?"<>|]', filename):
        raise RefusedError(f'文件名“{filename}”无效：不得含 / \\ : * ? " < > |，不得以点开头')
    if len(filename.encode()) > _LONGEST_NAME:
        raise RefusedError(f"文件名“{filename[:20]}……”过长：应为 {_LONGEST_NAME} 字节以内")


def documents(
    connection: Connection,
    programme: str | None = None,
    period: str | None = None,
    unit: str | None = None,
    kind: str | None = None,
    round_id: int | None = None,
) -> list[RowMapping]:
    """Return the rows of the register that match, in order of filing."""
    wanted = {"programme": programme, "period": period, "unit": unit, "kind": kind, "round_id": round_id}
    query = select(document_table).order_by(document_table.c.id)
    for column, value in wanted.items():
        if value is not None:
            query = query.where(document_table.c[column] == value)
    return list(connection.execute(query).mappings())


def get(connection: Connection, number_or_id: str | int) -> RowMapping:
    """Return the document with that number (国知平评函〔2026〕7号) or id; else UnknownError."""
    if isinstance(number_or_id, int) or number_or_id.isdecimal():
        where = document_table.c.id == int(number_or_id)
    else:
        where = document_table.c.number == number_or_id
    # what a terminal could not decode (half characters) is no text for the database either
    known = str(number_or_id).isprintable()
    row = connection.execute(select(document_table).where(where)).mappings().first() if known else None
    if row is None:
        raise UnknownError(
            f"没有登记“{printable(str(number_or_id))}”这一文书；应为发文字号（如“国知平评函〔2026〕7号”）或登记序号"
        )
    return row


def files(connection: Connection, document_id: int) -> list[RowMapping]:
    """Return a document's files (format, filename, sha256) by format."""
    return list(
        connection.execute(
            select(document_file)
            .where(document_file.c.document_id == document_id)
            .order_by(document_file.c.format)
        ).mappings()
    )


def file_sha256(connection: Connection, document_id: int, format_: str) -> str:
    """Return the hash of a document's file in a format; UnknownError where it has none."""
    found = {row["format"]: row["sha256"] for row in files(connection, document_id)}
    if format_ not in found:
        raise UnknownError(f"第 {document_id} 号文书没有 {format_} 文件；有：{'、'.join(found) or '无'}")
    return str(found[format_])


def rebuild(
    connection: Connection,
    number_or_id: str | int,
    beside: Callable[[RowMapping], Mapping[str, bytes]] = lambda row: {},
) -> Rebuilt:
    """Make a document's files again and compare them byte by byte with the archive.

    What the layout printed and the layout itself are archived: neither a changed template nor a changed
    layout changes what was issued. Fonts are those that were recorded, and no others. ``beside`` makes the
    files that came ready made, by format; what it does not make is named as not compared. Raises UnknownError
    for an unknown document, EnvironmentProblemError where archived content no longer matches its hash or a
    recorded font is missing.
    """
    row = get(connection, number_or_id)
    then, now = json.loads(row["renderer"]), json.loads(renderer())
    what, layout, changed = _archived(row)
    rendered = [f for f in files(connection, row["id"]) if f["format"] in RENDERERS]
    needs_fonts = any(f["format"] == "pdf" for f in rendered)
    used = fonts.recorded_files(then["pdf"]["fonts"]) if needs_fonts else ()
    if used:
        now["pdf"]["fonts"] = {f.path.name: f.sha256 for f in used}
    same = {
        f["format"]: RENDERERS[f["format"]](what, layout, used) == get_content(f["sha256"]) for f in rendered
    }
    for other in (f for f in files(connection, row["id"]) if f["format"] not in RENDERERS):
        again = beside(row).get(other["format"])
        if again is None:
            changed.append(f"{other['format']}：不由归档数据生成，未作比对")
            continue
        archived = get_content(other["sha256"])
        same[other["format"]] = again == archived
        if again != archived and members(again) == members(archived):
            changed.append(f"{other['format']}：内容相同，只有压缩方式不同")
    made = {kind: then[kind] for kind in then if kind in same}
    changed += _differences(made, {kind: now[kind] for kind in made})
    return Rebuilt(row["id"], same, tuple(changed))


def changed_since(recorded: str, kinds: Sequence[str]) -> list[str]:
    """Return what of the versions that made these formats is another now (``recorded``: see ``renderer``)."""
    then, now = json.loads(recorded), json.loads(renderer())
    return _differences({k: then[k] for k in kinds if k in then}, {k: now[k] for k in kinds if k in then})


def _archived(row: RowMapping) -> tuple[Mapping[str, Any], Layouts, list[str]]:
    """Return what was printed, the layout, and how far both are not those of the archive."""
    if row["layout_sha256"] is not None:
        layout = json.loads(get_content(row["layout_sha256"]))
        return json.loads(get_content(row["printed_sha256"])), layout, []
    what = json.loads(canonical_json(printed(parse_document(get_content(row["data_sha256"])))))
    return what, layouts(), ["layout：当时的版式没有归档，按现行版式生成"]


def _differences(then: Mapping[str, Any], now: Mapping[str, Any], path: str = "") -> list[str]:
    found = []
    for key in sorted(then.keys() | now.keys()):
        a, b, place = then.get(key), now.get(key), f"{path}{key}"
        if isinstance(a, dict) and isinstance(b, dict):
            found += _differences(a, b, f"{place}.")
        elif a != b:
            found.append(f"{place}：当时为 {a or '无'}，现为 {b or '无'}")
    return found
