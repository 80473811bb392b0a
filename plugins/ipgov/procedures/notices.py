"""The documents that an issue makes: planned from policy, numbered, filed, handed to the outbox."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection

from ipgov.core.database import is_simulation
from ipgov.core.steps import Cycle
from ipgov.decisions.rounds import Round
from ipgov.documents import dispatch, numbering, register, templates
from ipgov.documents.model import SIMULATION_BANNER
from ipgov.policy.rules import Notice, RuleVersion
from ipgov.policy.store import Loaded, clauses
from ipgov.procedures.rating_lists import UnitResult, unit_results
from ipgov.registry.codes import province_name


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
                if r.passed is not None
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
            f"{province_name(code)}知识产权局",
            {
                **shared,
                "province": province_name(code),
                "results": [r for r in results if r.province == code and r.route == "province"],
            },
        )
        for code in provinces
    ]


def reserve(planned: Planned, year: int, known_at: Any) -> Planned:
    """Reserve the document's number (its own short transaction); a retry takes up its own reservation."""
    if not planned.notice.series:
        return planned
    number = numbering.reserve(planned.notice.series, year, planned.key, known_at)
    return replace(planned, number=number)


# a title may name a body, whose name is text of others: what no file name holds is written full-width
_IN_FILE_NAMES = str.maketrans({c: chr(ord(c) + 0xFEE0) for c in '/\\:*?"<>|'})


def file(connection: Connection, cycle: Cycle, round_id: int | None, planned: Planned) -> Filed:
    """Render, register and queue one document; ``round_id`` None: no round approved it."""
    context = planned.context
    rules: RuleVersion = context["rules"]
    letter, template_sha256 = templates.render(
        planned.notice.template,
        context,
        kind=planned.notice.kind,
        issuer=rules.issuer.name,
        number=planned.number.text if planned.number else None,
        recipients=(planned.recipient_name,),
        date=cycle.as_of,
        basis=planned.notice.clause,
        copies_to=(*planned.notice.copies_to, *(name for _, name in planned.copies)),
        seal_code=context["seal_code"],
        trace=context["trace"],
        banner=context["banner"],
    )
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
        filename=f"{planned.recipient}-{letter.title}".translate(_IN_FILE_NAMES),
        corrects=planned.corrects,
        withdraws=planned.withdraws,
    )
    for channel in planned.notice.channels:
        for recipient in (planned.recipient, *(code for code, _ in planned.copies)):
            dispatch.queue(connection, document_id, recipient, channel, cycle.known_at)
    return Filed(
        document_id, planned.notice.kind, planned.unit, planned.number.text if planned.number else ""
    )
