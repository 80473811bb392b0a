"""Templates: a folder of ``reports/templates`` whose ``document.yaml`` says what a kind of document says.

The file is structure; each text in it is a Jinja2 template of one line. The structure is read before anything
is filled in, so that no value can become a paragraph, a heading or a template. ::

    form: letter
    title: 关于{{ period }}年度评价结果的通知
    paragraphs:
      - 现将结果通知如下:                              # a paragraph
      - {heading: 1, text: 一、评价结果}               # a heading of level 1 to 4
      - {each: item in result.reasons, text: "{{ item }}", when: item}   # one for each, where ``when`` holds
    attachments:
      - {title: …, columns: [...], each: r in results, row: ["{{ index }}", "{{ r.name }}"]}
      - {title: …, orientation: landscape, columns: [...], ...}          # a wide table lies across the page
      - {title: …, paragraphs: [...]}                                    # text, alone or before a table
      - {title: …, present: results, ...}                                # only where this holds

A title may be a list: its lines then break best between the parts. What is filled into it is not cut.

Punctuation of the file's own wording becomes full-width; values stand as they were given.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ipgov.core.errors import EnvironmentProblemError, GovernanceError, UnknownError
from ipgov.core.fingerprint import canonical_json, sha256_hex
from ipgov.core.settings import settings
from ipgov.documents import sandbox
from ipgov.documents.filters import FILTERS, cite, shown
from ipgov.documents.layout import require_words_where_it_is_signed
from ipgov.documents.model import Attachment, Heading, OfficialDocument
from ipgov.documents.typography import full_width

if TYPE_CHECKING:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

__all__ = ["archive", "cite", "render", "template_names", "template_sha256"]

Context = Mapping[str, Any]
_EACH = re.compile(r"(?P<name>[a-z_]+) in (?P<expression>.+)")
_FILLED_IN = re.compile(r"(\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\})")


class _Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    when: str = "true"
    each: str = ""


class _Paragraph(_Block):
    text: str
    heading: Annotated[int, Field(ge=1, le=4)] | None = None


class _Table(_Block):
    title: str
    paragraphs: tuple[str | _Paragraph, ...] = ()
    columns: tuple[str, ...] = ()
    widths: tuple[int, ...] = ()
    row: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    orientation: Literal["portrait", "landscape"] = "portrait"
    present: str = "true"


class _Template(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    form: Literal["letter", "file"]
    sealed: bool = True
    title: str | tuple[str, ...]
    paragraphs: tuple[str | _Paragraph, ...]
    attachments: tuple[_Table, ...] = ()
    note: str = ""


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    # no autoescape: the output is text of a data model, which each renderer escapes for its own format
    return sandbox.environment("text", FILTERS, finalize=shown, autoescape=False)


@cache
def _text(source: str) -> Callable[..., str]:
    # own wording stands between values (odd parts): an ellipsis for them makes its punctuation full-width
    parts = _FILLED_IN.split(source)
    for i in range(0, len(parts), 2):
        before, after = "…" if i else "", "…" if i + 1 < len(parts) else ""
        widened = full_width(before + parts[i] + after)
        parts[i] = widened[len(before) : len(widened) - len(after)]
    return sandbox.text_function(_environment(), "".join(parts))


@cache
def _expression(source: str) -> Callable[..., Any]:
    return sandbox.text_function(_environment(), source, expression=True)


def _repeated(block: _Block, context: Context) -> Iterator[Context]:
    """Yield the context of each repetition of a block for which ``when`` holds."""
    if not block.each:
        items: Sequence[Any] = [None]
        name = ""
    else:
        match = _EACH.fullmatch(block.each)
        if match is None:
            raise GovernanceError(f"模板的 each 写作“名称 in 表达式”，却是“{block.each}”")
        name, items = match["name"], list(_expression(match["expression"])(**context))
    index = 0
    for item in items:
        inner = {**context, name: item} if name else dict(context)
        if _expression(block.when)(**inner):
            index += 1
            yield {**inner, "index": index}


def _paragraphs(paragraphs: Sequence[str | _Paragraph], context: Context) -> Iterator[str | Heading]:
    for paragraph in paragraphs:
        if isinstance(paragraph, str):
            yield _text(paragraph)(**context)
            continue
        for inner in _repeated(paragraph, context):
            text = _text(paragraph.text)(**inner)
            yield text if paragraph.heading is None else Heading(level=paragraph.heading, text=text)


def _attachment(table: _Table, context: Context) -> Attachment:
    repeated = _repeated(table, context) if table.row else ()
    rows = tuple(tuple(_text(cell)(**inner) for cell in table.row) for inner in repeated)
    return Attachment(
        title=_text(table.title)(**context),
        paragraphs=tuple(_paragraphs(table.paragraphs, context)),
        orientation=table.orientation,
        columns=tuple(_text(c)(**context) for c in table.columns),
        widths=table.widths,
        rows=rows,
        notes=tuple(_text(n)(**context) for n in table.notes),
    )


def _title(template: _Template, context: Context) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the title's parts, and what was filled into it: names that no line's end cuts."""
    sources = (template.title,) if isinstance(template.title, str) else template.title
    parts = tuple(part for source in sources if (part := _text(source)(**context)))
    filled = (f for source in sources for f in _FILLED_IN.findall(source) if f.startswith("{{"))
    terms = (_text(expression)(**context) for expression in filled)
    return parts, tuple(dict.fromkeys(t for t in terms if len(t) > 1 and not t.isdecimal()))


def template_names() -> tuple[str, ...]:
    """Return the templates of this installation."""
    return tuple(sorted(f.parent.name for f in settings().templates.glob("*/document.yaml")))


def template_sha256(template: str) -> str:
    """Return the hash over names and contents of a template's files; UnknownError where there is none."""
    return sha256_hex(_bundle(_folder(template)))


def _folder(template: str) -> Path:
    if template not in template_names():
        raise UnknownError(f"没有文书模板“{template}”；现有：{'、'.join(template_names()) or '无'}")
    return settings().templates / template


def _files(folder: Path) -> dict[str, str]:
    files = sorted(f for f in folder.rglob("*") if f.is_file())
    return {f.relative_to(folder).as_posix(): f.read_text(encoding="utf-8") for f in files}


def _bundle(folder: Path) -> bytes:
    """Return every file of a template in one canonical text: what the template's hash names."""
    return canonical_json(_files(folder))


def archive() -> str:
    """Put every template of this installation into the object store as one version; return its hash."""
    from ipgov.core.objects import put_content

    return put_content(canonical_json({name: _files(_folder(name)) for name in template_names()}))


def _of_version(template: str, version: str) -> dict[str, str]:
    """Return the files of a template as an archived version has them."""
    from ipgov.core.objects import get_content

    archived: dict[str, dict[str, str]] = json.loads(get_content(version))
    if template not in archived:
        raise UnknownError(f"归档的模板中没有“{template}”；有：{'、'.join(archived) or '无'}")
    return archived[template]


@cache
def _parsed(data: str, name: str) -> _Template:
    import yaml
    from pydantic import ValidationError

    try:
        return _Template.model_validate(yaml.safe_load(data))
    except (yaml.YAMLError, ValidationError) as error:
        raise EnvironmentProblemError(f"文书模板 {name} 有误：{error}") from None


def render(
    template: str,
    context: Context,
    *,
    kind: str,
    issuer: str,
    date: dt.date,
    recipients: Sequence[str] = (),
    number: str | None = None,
    basis: Sequence[str] = (),
    copies_to: Sequence[str] = (),
    seal_code: str | None = None,
    trace: str = "",
    banner: str = "",
    mark: str = "",
    printer: str = "",
    version: str = "",
) -> tuple[OfficialDocument, str]:
    """Fill a template in; return the document and the hash under which the template's files are kept.

    ``mark`` and ``printer`` are the red mark's and the imprint's office where they are not the issuer's. The
    template's files are put into the object store. ``version``: what ``archive`` returned, else the files of
    this installation are taken. Raises UnknownError for an unknown template or a value that the context lacks
    (naming it), RefusedError for text that is not one printable line or too long to stand before a signature.
    """
    from jinja2 import TemplateError

    from ipgov.core.objects import put_content

    files = _of_version(template, version) if version else _files(_folder(template))
    parsed = _parsed(files["document.yaml"], template)
    whole = {**context, "issuer": issuer, "issued_on": date, "number": number, "basis": tuple(basis)}
    try:
        title_parts, title_terms = _title(parsed, whole)
        document = OfficialDocument(
            kind=kind,
            form=parsed.form,
            issuer=issuer,
            number=number,
            title="".join(title_parts),
            title_parts=title_parts if len(title_parts) > 1 else (),
            title_terms=title_terms,
            sealed=parsed.sealed,
            mark=mark,
            printer=printer,
            recipients=tuple(recipients),
            paragraphs=tuple(_paragraphs(parsed.paragraphs, whole)),
            attachments=tuple(
                _attachment(t, whole) for t in parsed.attachments if _expression(t.present)(**whole)
            ),
            signature_date=date,
            copies_to=tuple(copies_to),
            note=_text(parsed.note)(**whole),
            seal_code=seal_code,
            basis=tuple(basis),
            banner=banner,
            trace=trace,
        )
    except TemplateError as error:
        raise UnknownError(f"文书模板“{template}”无法填写：{error.message}") from None
    require_words_where_it_is_signed(document)
    return document, put_content(canonical_json(files))
