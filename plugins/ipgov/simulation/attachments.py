"""The synthetic bodies' attachments: small PDFs that say of themselves that they are simulated."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ipgov.intake.attachment_list import FIELDS, HEADINGS, KIND, NAME, NOTE, SEPARATOR, provable
from ipgov.policy.rules import RuleVersion
from ipgov.registry.platforms import Unit

_WORD = b"PK\x03\x04" + b"[Content_Types].xml word/document.xml" + bytes(64)


@dataclass(frozen=True)
class Paper:
    """An attachment as a body has it: its kind, its row in the list, and whether the file is a wrong one."""

    kind: str
    title: str
    row: Mapping[str, str]
    unit: Unit
    period: int
    wrong: bool = False

    @property
    def name(self) -> str:
        """Return the file's name."""
        return self.row[NAME]

    def data(self) -> bytes:
        """Return the file."""
        return _WORD if self.wrong else _pdf(self)


def of(unit: Unit, period: int, rules: RuleVersion) -> list[Paper]:
    """Return what a body has to attach: one file of every kind that is asked of it."""
    asked = rules.form.attachments
    if asked is None:
        return []
    papers = []
    for kind in asked.kinds_for(unit.kind).values():
        fields = provable(rules.form, kind, unit.kind)
        if kind.fields and not fields:
            continue
        row = {
            NAME: f"{unit.unit}-{period}-{kind.name}.pdf",
            KIND: kind.name,
            FIELDS: SEPARATOR.join(rules.form.fields[c].label for c in fields),
            NOTE: "模拟",
        }
        papers.append(Paper(kind.code, f"{period}年度{kind.name}", row, unit, period))
    return papers


def sent(papers: Sequence[Paper], event: Mapping[str, Any]) -> Iterator[Paper]:
    """Yield what a line of the story sends of them."""
    if "garbage" in event:
        return
    for paper in papers:
        if "attachment" in event and paper.kind != event["attachment"]:
            continue
        if paper.kind not in event.get("forgets", ()):
            yield replace(paper, wrong=paper.kind in event.get("wrong", ()))


def write_list(book: Any, rows: Sequence[Mapping[str, str]]) -> None:
    """Write the rows below the headings of the list, on whatever sheet of the workbook it stands."""
    for sheet in book.worksheets:
        for cells in sheet.iter_rows():
            places = {c.value: c.column for c in cells if c.value in HEADINGS}
            if NAME not in places:
                continue
            for number, row in enumerate(rows, cells[0].row + 1):
                for heading, text in row.items():
                    sheet.cell(number, places[heading]).value = text or None
            return


def _pdf(paper: Paper) -> bytes:
    from ipgov.documents.model import SIMULATION_BANNER, OfficialDocument
    from ipgov.documents.pdf import render_pdf

    whose = f"{paper.unit.name}（{paper.unit.unit}）"
    document = OfficialDocument(
        kind="attachment",
        form="letter",
        issuer=paper.unit.host.name,
        title=f"{paper.title}（模拟）",
        paragraphs=(f"本件为模拟系统生成的附件，报送单位：{whose}。内容、签章均为虚构。",),
        signature_date=dt.date(paper.period + 1, 3, 1),
        banner=SIMULATION_BANNER,
    )
    return render_pdf(document)
