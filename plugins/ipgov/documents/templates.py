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

A title may be a list: its lines then break best between the parts. What is filled into it is not cut.

Punctuation of the file's own wording becomes full-width; values stand as they were given.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ipgov.core.errors import EnvironmentProblemError, GovernanceError, UnknownError
from ipgov.core.fingerprint import canonical_json, sha256_hex
from ipgov.core.settings import settings
from ipgov.core.steps import SHANGHAI
from ipgov.documents.model import Attachment, Heading, OfficialDocument, date_zh, plain_text
from ipgov.documents.typography import full_width

if TYPE_CHECKING:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    from ipgov.policy.scoring import Indicator, Scoring

Context = Mapping[str, Any]
_EACH = re.compile(r"(?P<name>[a-z_]+) in (?P<expression>.+)")
_CLAUSE_ID = re.compile(r"\d{4}-\d+#\d{2}")
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


class _Template(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    form: Literal["letter", "file"]
    sealed: bool = True
    title: str | tuple[str, ...]
    paragraphs: tuple[str | _Paragraph, ...]
    attachments: tuple[_Table, ...] = ()
    note: str = ""


def _shown(value: Any) -> Any:
    """Return what a value looks like in a document; a float or a nothing is a mistake of the template."""
    from jinja2 import Undefined

    if isinstance(value, Undefined):
        return str(value)  # raises, naming what the context lacks
    if isinstance(value, str):
        return plain_text(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dt.datetime):
        raise GovernanceError("模板直接输出了时刻：请用 moment 写明")
    if isinstance(value, dt.date):
        return date_zh(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise GovernanceError(f"模板输出了 {type(value).__name__} 类型的值：只能是文字、整数、小数或日期")


def _moment(value: dt.datetime) -> str:
    """Return a moment in the office's time, to the minute: 2026年4月20日 9:05."""
    local = value.astimezone(SHANGHAI)
    return f"{date_zh(local.date())}{local.hour}:{local.minute:02d}"


def _points(value: Decimal | None, decimals: int) -> str:
    """Return a score with the rule's decimals; 缺 where there is none."""
    return "缺" if value is None else format(value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP), "f")


def _number(value: Decimal | None, decimals: int = 6) -> str:
    """Return a number to at most ``decimals`` places, without trailing zeros; 缺 where there is none."""
    if value is None:
        return "缺"
    text = format(value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _grouped(digest: str) -> str:
    """Return a hash in groups of eight, so that it breaks over lines and can be compared by eye."""
    return " ".join(digest[i : i + 8] for i in range(0, len(digest), 8))


def cite(clause_id: str) -> str:
    """Return how a document names a clause: title, number and section; ``operator`` is 运行方自定."""
    if clause_id == "operator":
        return "运行方自定"
    row = _clause(clause_id)
    return full_width(f"《{row['doc_title']}》({row['doc_no']}){_section(row)}")


def _clause(clause_id: str) -> Mapping[str, str]:
    from ipgov.policy.store import clauses

    row = clauses().get(clause_id)
    if row is None:
        raise UnknownError(f"没有条款“{clause_id}”；应为 policies/clauses.csv 中的编号")
    return row


def _section(row: Mapping[str, str]) -> str:
    section = re.match(r"[一二三四五六七八九十]+", row["section"])
    return f"第{section[0]}部分" if section else ""


def _cited(clause_ids: Sequence[str]) -> str:
    """Return several clauses in one phrase; sections of one document are named together."""
    sections: dict[tuple[str, str], list[str]] = {}
    for row in map(_clause, clause_ids):
        known = sections.setdefault((row["doc_title"], row["doc_no"]), [])
        if (section := _section(row)) not in known and section:
            known.append(section)
    return "、".join(
        full_width(f"《{title}》({number}){'、'.join(sorted(found, key=_order))}")
        for (title, number), found in sections.items()
    )


def _order(section: str) -> int:
    return "一二三四五六七八九十".find(section[1])


def _quoted(clause_id: str) -> str:
    """Return the clause's own words in quotation marks; an omission is a full ellipsis."""
    words = _clause(clause_id)["key_zh"]
    return full_width("“" + re.sub("…+", "……", words) + "”")


def _readable(text: str) -> str:
    """Return a sentence of the engine for those outside the office: clauses by number and section."""
    return full_width(_CLAUSE_ID.sub(lambda m: _clause(m[0])["doc_no"] + _section(_clause(m[0])), text))


def _visible(text: str) -> str:
    """Return a sender's own text (a file name) with whatever cannot be printed written as its code."""
    from ipgov.documents.fonts import missing_characters

    missing = missing_characters([text])
    return "".join(f"〔U+{ord(c):04X}〕" if c in missing or not _printable(c) else c for c in text)


def _printable(character: str) -> bool:
    try:
        plain_text(character)
    except GovernanceError:
        return False
    return True


def _indicator_basis(indicator: Indicator, scoring: Scoring) -> str:
    """Return under what an indicator stands: clauses by number and section, or 运行方自定."""
    from ipgov.evaluation.basis import in_chinese, indicator_basis

    return _readable(in_chinese(indicator_basis(scoring, indicator)))


def _adjusting(indicators: Sequence[Indicator], scores: Mapping[str, Mapping[str, Any]]) -> list[Indicator]:
    """Return the bonus and deduction items that changed a total."""
    return [
        i
        for i in indicators
        if i.role in ("bonus", "deduction") and i.code in scores and scores[i.code]["contribution"]
    ]


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    # no autoescape: the output is text of a data model, which each renderer escapes for its own format
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, finalize=_shown, autoescape=False)
    environment.filters.update(
        moment=_moment,
        points=_points,
        number=_number,
        grouped=_grouped,
        cite=cite,
        cited=_cited,
        quoted=_quoted,
        readable=_readable,
        visible=_visible,
        indicator_basis=_indicator_basis,
        adjusting=_adjusting,
        full_width=full_width,
    )
    return environment


@cache
def _text(source: str) -> Callable[..., str]:
    # own wording stands between values (odd parts): an ellipsis for them makes its punctuation full-width
    parts = _FILLED_IN.split(source)
    for i in range(0, len(parts), 2):
        before, after = "…" if i else "", "…" if i + 1 < len(parts) else ""
        widened = full_width(before + parts[i] + after)
        parts[i] = widened[len(before) : len(widened) - len(after)]
    return _environment().from_string("".join(parts)).render


@cache
def _expression(source: str) -> Callable[..., Any]:
    return _environment().compile_expression(source, undefined_to_none=False)


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
    (naming it), RefusedError for text that is not one printable line.
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
            attachments=tuple(_attachment(t, whole) for t in parsed.attachments),
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
    return document, put_content(canonical_json(files))
