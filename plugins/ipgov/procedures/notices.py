"""The documents that an issue makes: planned from policy, numbered, filed, handed to the outbox."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, text

from ipgov.core.database import is_simulation
from ipgov.core.errors import Problem
from ipgov.core.fingerprint import sha256_hex
from ipgov.core.steps import Cycle
from ipgov.decisions.rounds import Round
from ipgov.documents import dispatch, numbering, register, templates
from ipgov.documents.model import SIMULATION_BANNER, OfficialDocument
from ipgov.policy.rules import Notice
from ipgov.policy.store import Loaded, clauses
from ipgov.procedures.rating_lists import UnitResult, unit_results
from ipgov.registry.codes import province_name, province_office


@dataclass(frozen=True)
class Planned:
    """A document that is to be made: for whom, from which notice of the rules, with which content."""

    key: str
    notice: Notice
    unit: str | None
    recipient: str
    recipient_name: str
    context: Mapping[str, Any] = field(repr=False)
    number: numbering.Reserved | None = None
    copies: tuple[tuple[str, str], ...] = ()  # recipients of copies beside those of the notice: code, name
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)  # ready made, by format
    corrects: int | None = None  # the document that it corrects, and the one that it takes back
    withdraws: int | None = None
    recipient_names: tuple[str, ...] = ()  # 主送 where they are several; empty: recipient_name alone
    public: bool = False  # for everybody: it has no 主送
    templates: str = ""  # the version of the templates it is made with; empty: those of this installation

    @property
    def recipients(self) -> tuple[str, ...]:
        """Return 主送 as they are printed."""
        return () if self.public else self.recipient_names or (self.recipient_name,)


@dataclass(frozen=True)
class Filed:
    """A document that was made."""

    document_id: int
    kind: str
    unit: str | None
    number: str


def plan(connection: Connection, cycle: Cycle, rules: Loaded, round_: Round, seal_code: str) -> list[Planned]:
    """Return the documents of an approved round in the order of the rules' notices."""
    results = unit_results(connection, rules.rules, round_.results)
    shared = shared_context(connection, cycle, rules, round_, seal_code)
    prefix = f"round:{round_.id}"
    planned = []
    for notice in rules.rules.notices:
        if notice.kind == "result_to_unit":
            planned += [
                Planned(
                    f"{prefix}/{notice.kind}/{r.unit}",
                    notice,
                    r.unit,
                    r.unit,
                    r.name,
                    {**shared, "result": r},
                )
                for r in results
                if r.passed is not None or r.total is not None  # without grades nobody passes or fails
            ]
        elif notice.kind == "result_to_province":
            planned += _to_provinces(prefix, notice, results, shared)
        else:
            planned += [
                Planned(
                    f"{prefix}/{notice.kind}/{r.unit}",
                    notice,
                    r.unit,
                    r.unit,
                    r.name,
                    {**shared, "result": r, "outcome": outcome},
                )
                for r in results
                for outcome in r.outcomes
                if outcome.outcome == notice.kind
            ]
    return planned


def shared_context(
    connection: Connection, cycle: Cycle, rules: Loaded, round_: Round, seal_code: str
) -> dict[str, Any]:
    """Return what every document of an issue says or carries."""
    return {
        "rules": rules.rules,
        "programme_title": rules.rules.title,
        "title": rules.rules.subject.title,
        "period": cycle.period,
        "first_year": str(rules.rules.cycle.years(cycle.year)[0]),
        "issuer": rules.rules.issuer.name,
        "issued_on": cycle.as_of,
        "seal_code": seal_code,
        "trace": round_.fingerprint,
        "banner": SIMULATION_BANNER if is_simulation(connection) else "",
        "clauses": clauses(),
    }


def _to_provinces(
    prefix: str, notice: Notice, results: list[UnitResult], shared: Mapping[str, Any]
) -> list[Planned]:
    """Locally built platforms are guided by their provinces (2023-156#13), directly managed ones by none."""
    provinces = sorted({r.province for r in results if r.route == "province"})
    return [
        Planned(
            f"{prefix}/{notice.kind}/{code}",
            notice,
            None,
            code,
            province_office(code),
            {
                **shared,
                "province": province_name(code),
                "results": [r for r in results if r.province == code and r.route == "province"],
            },
        )
        for code in provinces
    ]


def reserve(planned: Sequence[Planned], as_of: dt.date, known_at: dt.datetime) -> list[Planned]:
    """Reserve the documents' numbers, each in a short transaction; a retry takes up its own reservations.

    Numbers of the office's own register are asked for first: where one is awaited, none is reserved. Raises
    NumberAwaitedError that lists every document without one.
    """
    numbers: dict[str, numbering.Reserved] = ask(planned, as_of, known_at)
    for p in planned:
        if p.notice.series and not p.notice.entered:
            numbers[p.key] = numbering.reserve(p.notice.series, as_of.year, p.key, known_at)
    return [replace(p, number=numbers.get(p.key)) for p in planned]


def ask(planned: Sequence[Planned], as_of: dt.date, known_at: dt.datetime) -> dict[str, numbering.Reserved]:
    """Return the entered numbers by document key; NumberAwaitedError lists every document without one."""
    asked = {p.key: _entered(p, as_of, known_at) for p in planned if p.notice.entered}
    if awaited := [p for p in planned if p.notice.entered and asked[p.key] is None]:
        problems = tuple(
            Problem(
                "document_number",
                f"发给{p.recipient_name}的文书没有字号",
                f"录入办公室登记簿所编的“{p.notice.series}”字号："
                f"ipgov document number {p.key} '{p.notice.series}〔{as_of.year}〕N号' --by 账号",
            )
            for p in awaited
        )
        raise numbering.NumberAwaitedError(f"有 {len(awaited)} 件文书等待录入字号，录入后再签发", problems)
    return {key: number for key, number in asked.items() if number is not None}


def _entered(planned: Planned, as_of: dt.date, known_at: dt.datetime) -> numbering.Reserved | None:
    subject = f"《{_letter(planned, as_of)[0].title}》（{planned.recipient_name}）"
    return numbering.ask(planned.notice.series, subject, planned.key, known_at)


def _letter(planned: Planned, day: dt.date) -> tuple[OfficialDocument, str]:
    """Return the document as of a day, and the hash of its template."""
    context = planned.context
    return templates.render(
        planned.notice.template,
        context,
        kind=planned.notice.kind,
        issuer=context["issuer"],
        number=planned.number.text if planned.number else None,
        recipients=planned.recipients,
        date=day,
        basis=planned.notice.clause,
        copies_to=(*planned.notice.copies_to, *(name for _, name in planned.copies)),
        seal_code=context["seal_code"],
        trace=context["trace"],
        banner=context["banner"],
        version=planned.templates,
    )


# a title may name a body, whose name is text of others: what no file name holds is written full-width
_IN_FILE_NAMES = str.maketrans({c: chr(ord(c) + 0xFEE0) for c in '/\\:*?"<>|'})


_LONGEST_NAME = 200  # bytes; a file system holds 255 with the ending


def file_name(recipient: str, title: str) -> str:
    """Return what a document's files are called: no path, and no longer than a file system holds.

    Of a longer one the end is cut, and a short hash tells it from others that begin alike.
    """
    name = f"{recipient}-{title}".translate(_IN_FILE_NAMES)
    whole = name.encode(errors="surrogatepass")
    if len(whole) <= _LONGEST_NAME:
        return name
    return f"{whole[: _LONGEST_NAME - 12].decode(errors='ignore')}…{sha256_hex(whole)[:8]}"


_NAMED_SO = """
SELECT count(DISTINCT d.id) FROM document d JOIN document_file f ON f.document_id = d.id
WHERE d.programme = :programme AND d.period = :period AND d.key <> :key AND f.filename = :name
"""


def _own_file_name(connection: Connection, cycle: Cycle, planned: Planned, title: str) -> str:
    """Return a name that no other document of the period bears: a second of one title adds its number.

    They lie in one folder of the recipient, where nothing is written over.
    """
    many = len(planned.recipients)
    to = planned.recipient if many < 2 else f"致{many}个单位"  # of many, no single one names the file
    name = file_name(to, title)
    place = {"programme": cycle.programme, "period": cycle.period, "key": planned.key}
    before = connection.execute(text(_NAMED_SO), {**place, "name": f"{name}.docx"}).scalar_one()
    if not before:
        return name
    return file_name(to, f"{title}-{planned.number.text if planned.number else before + 1}")


def file(connection: Connection, cycle: Cycle, round_id: int | None, planned: Planned) -> Filed:
    """Render, register and queue one document; ``round_id`` None: no round approved it."""
    letter, template_sha256 = _letter(planned, cycle.as_of)
    document_id = register.file_document(
        connection,
        key=planned.key,
        kind=planned.notice.kind,
        programme=cycle.programme,
        period=cycle.period,
        unit=planned.unit,
        recipient=planned.recipient,
        document=letter,
        template_sha256=template_sha256,
        number=planned.number,
        round_id=round_id,
        known_at=cycle.known_at,
        formats=("docx", "html", "pdf"),
        files=planned.files,
        filename=_own_file_name(connection, cycle, planned, letter.title),
        corrects=planned.corrects,
        withdraws=planned.withdraws,
    )
    for channel in planned.notice.channels:
        for recipient in (planned.recipient, *(code for code, _ in planned.copies)):
            dispatch.queue(connection, document_id, recipient, channel, cycle.known_at)
    return Filed(
        document_id, planned.notice.kind, planned.unit, planned.number.text if planned.number else ""
    )
