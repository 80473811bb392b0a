"""A document that a person proposes: what was given, checked against the registry, written and addressed.

What is put before the reviewers, and bound by the fingerprint, is the whole of it: the content with every
name written out, the recipients by name and by the code that each is sent under.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, RowMapping

from ipgov.calendars import running
from ipgov.core.database import is_simulation
from ipgov.core.errors import GovernanceError, RefusedError, UnknownError
from ipgov.documents import paper_form, papers, register
from ipgov.documents.model import SIMULATION_BANNER, OfficialDocument, printable
from ipgov.documents.paper_subjects import Given, Outsider, PublicNotice, Recognition, Subject
from ipgov.policy import papers as policy
from ipgov.policy import store
from ipgov.policy.papers import Paper, Recipients, Sent
from ipgov.policy.shapes import shape_problems
from ipgov.procedures.parties import Parties
from ipgov.registry.codes import province_office

# the documents that take back or correct an earlier one: ``withdrawal`` writes those
ABOUT_EARLIER = ("withdrawal", "public_withdrawal", "document_correction")


@dataclass(frozen=True)
class Drafted:
    """A document as it would be issued on the day it was drafted, without number and seal."""

    paper: Paper
    subject: Subject
    addressed: Recipients
    sent: Sent
    letter: OfficialDocument
    stored: Mapping[str, Any]  # what a round keeps of it: see ``again``
    told: Drafted | None = None  # what goes out together with it


def blank(kind: str, programme: str) -> bytes:
    """Return the workbook in which a document of a kind is drafted; UnknownError for no such kind."""
    return paper_form.blank(kind, _proposable(kind, programme), policy.papers().issuer_of(programme))


def given(kind: str, programme: str, data: bytes, filename: str) -> object:
    """Return what a filled-in workbook or a YAML file gives; raises as ``paper_form.read``, ``read_yaml``."""
    paper = _proposable(kind, programme)
    if data.startswith(b"PK"):
        return paper_form.read(kind, paper, data, filename)
    return store.read_yaml(data, filename)


def _proposable(kind: str, programme: str) -> Paper:
    if kind in ABOUT_EARLIER:
        raise RefusedError("撤回、更正须指明原文书：请用 ipgov document withdraw 或 document correct")
    return policy.paper(kind, programme)


def draft(
    connection: Connection, kind: str, programme: str, given: object, day: dt.date, known_at: dt.datetime
) -> Drafted:
    """Return the document about what was given: ``content`` and ``parties`` (see ``Given``).

    A body may be given by its code, an earlier document by its number. Raises GovernanceError with every
    problem of the content; UnknownError for a kind, party, body, province or document that does not exist;
    RefusedError for what cannot be true or sent.
    """
    paper = _proposable(kind, programme)
    read = _read(given)
    registry = Parties.read(connection, day, known_at)
    content = _content(connection, registry, programme, read.content, day)
    kept = papers.subject(kind, content)
    about = dated(paper, kept, day)
    parties, codes = _parties(registry, paper, read.parties)
    addressed = policy.recipients(paper, parties, day)
    sent = policy.sent_to(paper, addressed, codes, concerned(about))
    letter = _write(connection, kind, programme, about, parties, day)
    stored = {
        "content": kept.model_dump(mode="json"),
        "parties": {name: list(names) for name, names in parties.items()},
        "recipients": list(addressed.to),
        "copies_to": list(addressed.copies_to),
        "codes": list(sent.codes),
        "by_hand": list(sent.by_hand),
        "drafted_on": day.isoformat(),
    }
    return Drafted(paper, about, addressed, sent, letter, stored)


def again(
    connection: Connection, kind: str, programme: str, stored: Mapping[str, Any], day: dt.date
) -> Drafted:
    """Return what a round keeps as a document of ``day``: to whom it goes was decided when it was drafted.

    RefusedError where the day does not allow it any more.
    """
    paper = policy.paper(kind, programme)
    about = dated(paper, papers.subject(kind, stored["content"]), day)
    if problem := about.problem_on(day):
        raise RefusedError(f"{paper.name}不能以 {day} 印发：{problem}")
    addressed = Recipients(tuple(stored["recipients"]), tuple(stored["copies_to"]))
    sent = Sent(tuple(stored["codes"]), tuple(stored["by_hand"]))
    letter = _write(connection, kind, programme, about, stored["parties"], day)
    return Drafted(paper, about, addressed, sent, letter, stored)


def dated(paper: Paper, about: Subject, day: dt.date) -> Subject:
    """Return what a document is about with the days that follow from the day of its issue.

    RefusedError where policy does not say how long a public notice runs.
    """
    if isinstance(about, Recognition):
        return about.on(day)
    if not isinstance(about, PublicNotice) or about.ends_on is not None:
        return about
    if paper.runs is None or paper.runs.limit.working_days is None:
        raise RefusedError(f"{paper.name}没有规定工作日数，须写明起始日、截止日和工作日数")
    starts_on = about.starts_on or day
    last = running.last_day(starts_on, paper.runs.limit, day)
    return about.running(starts_on, last.date, paper.runs.limit.working_days, provisional=last.provisional)


def concerned(about: Subject) -> tuple[str, ...]:
    """Return the codes of the registered bodies that a document names."""
    return tuple(b.unit for b in getattr(about, "bodies", ()) if getattr(b, "unit", None))


def _read(given: object) -> Given:
    try:
        return Given.model_validate(given)
    except ValidationError as error:
        problems = tuple(shape_problems(error, "文书内容"))
        raise GovernanceError(f"文书内容有 {len(problems)} 处问题", problems) from None


def _write(
    connection: Connection,
    kind: str,
    programme: str,
    about: Subject,
    parties: Mapping[str, Sequence[str]],
    day: dt.date,
) -> OfficialDocument:
    letter, _ = papers.write(
        kind,
        programme,
        about,
        parties,
        date=day,
        number=None,
        banner=SIMULATION_BANNER if is_simulation(connection) else "",
    )
    return letter


def _parties(
    registry: Parties, paper: Paper, given: Mapping[str, Sequence[str | Outsider]]
) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Return the names by party, and the code by name of those that have one."""
    outside = {a.party for a in (*paper.to, *paper.copies_to) if a.outside}
    names: dict[str, list[str]] = {}
    codes: dict[str, str] = {}
    for party, listed in given.items():
        names[party] = []
        for one in listed:
            if isinstance(one, Outsider):
                if party not in outside:
                    raise RefusedError(
                        f"{paper.name}的当事单位 {printable(party)} 须写明登记的代码，"
                        f"不能只写名称“{one.name}”"
                    )
                name = one.name
            else:
                name = _registered(registry, one)
                codes[name] = one
            names[party].append(name)
    return names, codes


def _registered(registry: Parties, code: str) -> str:
    try:
        return registry.name(code)
    except UnknownError as error:
        raise UnknownError(
            f"{error.message}；应为单位代码（如 FP01、IC01）、两位省份代码（如 33）或统一社会信用代码"
        ) from None


def _content(
    connection: Connection, registry: Parties, programme: str, content: Mapping[str, Any], day: dt.date
) -> dict[str, Any]:
    """Return the content with bodies and the earlier document written out as the record has them."""
    found = dict(content)
    if isinstance(found.get("bodies"), list | tuple):
        found["bodies"] = [
            body(registry, programme, b, day) if isinstance(b, str) else b for b in found["bodies"]
        ]
    if "earlier" in found:
        found["earlier"] = named(_earlier(connection, found["earlier"]))
    return found


def _earlier(connection: Connection, given: object) -> RowMapping:
    if not isinstance(given, str | int) or isinstance(given, bool):
        raise RefusedError("所指文书（earlier）应写发文字号或登记序号，标题和日期由登记簿取得")
    return register.get(connection, given)


def named(earlier: RowMapping) -> dict[str, str | None]:
    """Return what another document says of one of the register."""
    return {
        "title": earlier["title"],
        "number": earlier["number"],
        "issued_on": earlier["issued_on"].isoformat(),
    }


def body(registry: Parties, programme: str, unit: str, day: dt.date) -> dict[str, str]:
    """Return what a list says of a registered body; UnknownError names those that there are."""
    found = registry.bodies.get((programme, unit))
    if found is None:
        known = "、".join(u for p, u in registry.bodies if p == programme)
        raise UnknownError(
            f"{day} 业务“{programme}”没有登记代码为“{printable(unit)}”的单位；已登记的：{known or '无'}"
        )
    kinds = {k.code: k.name for v in store.versions(programme) for k in v.rules.subject.kinds}
    direct = found["route"] == "direct"
    by = "直接报送" if direct else province_office(found["province"])
    return {
        "unit": unit,
        "name": found["name"],
        "category": kinds.get(found["kind"], found["kind"]),
        "host": registry.name(found["host_code"]),
        "operating": registry.name(found["operator_code"]),
        "recommended_by": by,
    }
