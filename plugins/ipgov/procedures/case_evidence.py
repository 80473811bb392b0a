"""Files that a body sends in a case: examined, scanned, kept under their hash or refused with the reason."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from sqlalchemy import Connection, select

from ipgov.core import objects
from ipgov.core.errors import RefusedError
from ipgov.core.fingerprint import sha256_hex
from ipgov.core.tables import case_evidence
from ipgov.followup.case_problems import CaseProblem
from ipgov.followup.cases import Case
from ipgov.intake import content_type, scanner
from ipgov.intake.attachment_list import megabytes, name_key
from ipgov.intake.content_type import NAMES, SUFFIXES, NotAcceptableError
from ipgov.intake.scanner import Scan
from ipgov.policy.cases import Evidence, Reevaluation
from ipgov.procedures.attachment_intake import INFECTED, quarantine


@dataclass(frozen=True)
class Sent:
    """A file as its sender named it; the name is text, never a path."""

    filename: str
    data: bytes


@dataclass(frozen=True)
class Examined:
    """A file with what was found of it; ``reason`` (Chinese): why it is refused, empty: it is not."""

    sent: Sent
    media_type: str | None
    reason: str
    scan: Scan

    @property
    def digest(self) -> str:
        """Return the SHA-256 of what came."""
        return sha256_hex(self.sent.data)


def examine(sent: Sent, asked: Evidence) -> Examined:
    """Return what a file is and whether it may be kept; the site's scanner looks at it first."""
    if len(sent.data) > asked.max_bytes:
        reason = f"文件大小为 {megabytes(len(sent.data))}；应为：不超过 {megabytes(asked.max_bytes)}"
        return Examined(sent, None, reason, Scan("not_scanned"))
    scan = scanner.scan(sent.data)
    if scan.verdict == "infected":
        return Examined(sent, None, INFECTED, scan)
    type_, reason = _refusal(sent, asked)
    return Examined(sent, type_, reason, scan)


def _refusal(sent: Sent, asked: Evidence) -> tuple[str | None, str]:
    types = "、".join(NAMES[t] for t in asked.media_types)
    type_ = content_type.media_type(sent.data[: content_type.HEAD_BYTES])
    if type_ is None or type_ not in asked.media_types:
        what = f"是{NAMES[type_]}" if type_ else "为空或不是可接收的类型"
        return type_, f"文件内容{what}；应为：{types}"
    if not name_key(sent.filename).endswith(SUFFIXES[type_]):
        suffixes = "、".join(SUFFIXES[type_])
        return type_, f"文件内容是{NAMES[type_]}，与文件名后缀不符；应为：后缀 {suffixes}"
    try:
        content_type.examine(sent.data, type_)
    except NotAcceptableError as error:
        return type_, error.message
    return type_, ""


def within_count(connection: Connection, case: Case, examined: Sequence[Examined]) -> list[Examined]:
    """Return the files, those beyond the number that a case takes refused; one sent before is not new."""
    table = case_evidence
    there = connection.execute(
        select(table.c.filename, table.c.digest, table.c.outcome).where(
            table.c.obligation_id == case.obligation_id
        )
    ).all()
    before = {(r.filename, r.digest) for r in there}
    left = case.rules.evidence.max_count - sum(r.outcome == "kept" for r in there)
    found = []
    for e in examined:
        if (e.sent.filename, e.digest) in before:
            raise RefusedError(f"文件“{e.sent.filename}”（指纹 {e.digest[:12]}）此前已报送，无须重复报送")
        before.add((e.sent.filename, e.digest))
        if not e.reason and left <= 0:
            e = replace(e, reason=f"文件数量超过上限；应为：不超过 {case.rules.evidence.max_count} 个")
        left -= not e.reason
        found.append(e)
    return found


def save(
    connection: Connection,
    case: Case,
    event_id: int | None,
    examined: Sequence[Examined],
    problems: Sequence[int],
    known_at: dt.datetime,
) -> None:
    """Put the contents away and record each file, kept or refused."""
    rows = []
    for e in examined:
        infected = e.scan.verdict == "infected"
        if infected:
            quarantine(e.sent.data)
        rows.append(
            {
                "obligation_id": case.obligation_id,
                "event_id": None if e.reason else event_id,
                "filename": e.sent.filename,
                "media_type": e.media_type,
                "bytes": len(e.sent.data),
                "problems": list(problems),
                "outcome": "refused" if e.reason else "kept",
                "reason": e.reason or None,
                "digest": e.digest,
                "sha256": None if e.reason else objects.put_content(e.sent.data),
                "scan": e.scan.verdict,
                "scanned_by": e.scan.scanned_by,
                "scan_detail": e.scan.detail,
                "known_at": known_at,
            }
        )
    if rows:
        connection.execute(case_evidence.insert(), rows)


def passes(rule: Reevaluation, problems: Sequence[CaseProblem], unsolved: Sequence[int]) -> tuple[bool, str]:
    """Return whether what was found of the problems has passed by the operator's rule, and how it comes."""
    if not problems or rule.share is None:
        raise RefusedError("没有问题清单，不能按核查结果再评价")
    left = set(unsolved)
    solved = len(problems) - len(left)
    must = [p for p in problems if p.kind in rule.every and p.number in left]
    enough = Decimal(solved) >= rule.share * len(problems)
    share = format(rule.share * 100, "f").rstrip("0").rstrip(".")
    told = f"共 {len(problems)} 项，已解决 {solved} 项；须解决 {share}% 以上"
    if must:
        told += f"，且第 {'、'.join(str(p.number) for p in must)} 项必须解决"
    return enough and not must, told
