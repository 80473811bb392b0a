"""Objections to a public notice (2024-1155#33): taken or refused with the reason, answered through a round.

What is refused is kept, too, with its reason: nothing that came in is lost, and nothing of it counts. Who
objected is personal data: it is handed to the reply alone and shown nowhere.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from ipgov.core import objects, tables
from ipgov.core.database import reading
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.core.fingerprint import canonical_json, fingerprint, sha256_hex
from ipgov.core.steps import Cycle, StepResult, run_step
from ipgov.decisions import publicities
from ipgov.decisions.publicities import NOTICE, Publicity
from ipgov.documents.model import printable
from ipgov.policy import store
from ipgov.policy.papers import Objections, paper
from ipgov.procedures import case_evidence, paper_round
from ipgov.procedures.attachment_intake import quarantine
from ipgov.procedures.case_evidence import Examined, Sent
from ipgov.procedures.objection_effects import UPHELD, names_an_objector, objector
from ipgov.procedures.parties import Parties
from ipgov.procedures.publicity_effects import open_rounds
from ipgov.registry.titles import life, standings

REPLY = "objection_reply"


def record(
    publicity_id: int,
    unit: str,
    text: str,
    name: str,
    contact: str,
    received_on: dt.date,
    by: str,
    files: Sequence[Sent],
    as_of: dt.date,
    known_at: dt.datetime,
    basis: Sequence[str] = (),
) -> StepResult:
    """Take an objection to a public notice, or refuse it and keep why; the same again changes nothing.

    ``text``: what it says, in a line; ``name``, ``contact``: who objects; ``basis``: clauses that it invokes.
    The output has ``objection`` (its number) or ``refused`` (the reason, Chinese), ``kept`` and
    ``refused_files``. Raises UnknownError for no such notice or clause, RefusedError for a day to come and
    without a clerk.
    """
    if not by.strip():
        raise RefusedError("须写明经办人")
    if received_on > as_of:
        raise RefusedError(f"收到之日 {received_on} 晚于 {as_of}")
    if unknown := [c for c in basis if c not in store.clauses()]:
        raise UnknownError(f"所依条款“{'、'.join(unknown)}”不是已知条款；应为条款编号（如 2024-1155#33）")
    with reading() as connection:
        notice = publicities.get(connection, publicity_id, known_at)
    asked = _asked(notice.programme)
    said = printable(" ".join(text.split()))
    # the scanner is another program: it runs before any transaction
    examined = _within(asked, [case_evidence.examine(f, asked.evidence) for f in files])
    inputs = [publicity_id, unit, said, name.strip(), contact.strip(), received_on.isoformat()]
    digests = [[e.sent.filename, e.digest] for e in examined]

    def work(connection: Connection) -> StepResult:
        reason = _refusal(connection, notice, unit, said, name, contact, received_on, as_of, known_at)
        if reason:
            return _refused(connection, notice, inputs, examined, by.strip(), reason, known_at)
        table = tables.objection
        number = connection.execute(
            table.insert()
            .values(
                publicity_id=notice.id,
                unit=unit,
                received_on=received_on,
                text_sha256=objects.put_content(said.encode()),
                basis="、".join(basis or asked.against),
                recorded_by=by.strip(),
                known_at=known_at,
            )
            .returning(table.c.id)
        ).scalar_one()
        own = {"objection_id": number, "name": name.strip(), "contact": contact.strip()}
        connection.execute(tables.objector.insert().values(**own, known_at=known_at))
        _keep(connection, number, examined, known_at)
        good = [e.sent.filename for e in examined if not e.reason]
        bad = {e.sent.filename: e.reason for e in examined if e.reason}
        output = {"objection": number, "refused": "", "kept": good, "refused_files": bad}
        return StepResult(read=1 + len(files), written=1 + len(good), found=len(bad), output=output)

    cycle = Cycle(notice.programme, str(notice.starts_on.year), as_of, known_at)
    return run_step(cycle, "objection", fingerprint([*inputs, list(basis), digests]), work)


def _asked(programme: str) -> Objections:
    asked = paper(NOTICE, programme).objections
    if asked is None:
        raise UnknownError(
            f"业务“{programme}”的公示没有规定异议的受理方式（policies/papers.yaml 的 objections）"
        )
    return asked


def _within(asked: Objections, examined: Sequence[Examined]) -> list[Examined]:
    """Return the files, those beyond the number that policy takes, or given twice, refused."""
    found: list[Examined] = []
    seen: set[tuple[str, str]] = set()
    for e in examined:
        if (e.sent.filename, e.digest) in seen:
            continue
        seen.add((e.sent.filename, e.digest))
        if not e.reason and sum(not x.reason for x in found) >= asked.evidence.max_count:
            e = replace(e, reason=f"文件数量超过上限；应为：不超过 {asked.evidence.max_count} 个")
        found.append(e)
    return found


def _refusal(
    connection: Connection,
    notice: Publicity,
    unit: str,
    said: str,
    name: str,
    contact: str,
    received_on: dt.date,
    as_of: dt.date,
    known_at: dt.datetime,
) -> str:
    """Return why an objection does not count (Chinese); empty where it does."""
    if notice.withdrawn_on is not None and received_on > notice.withdrawn_on:
        return f"公示 {notice.id} 已于 {notice.withdrawn_on} 撤回"
    named = publicities.units(connection, notice.id)
    if unit not in named:
        return f"“{printable(unit)}”不在公示名单中；名单上的：{'、'.join(named)}"
    if not said:
        return "没有写明异议的内容"
    if not name.strip() or not contact.strip():
        return "没有写明提出异议者的真实姓名（名称）和联系方式"
    last_on = notice.on(as_of).last_on
    if not notice.starts_on <= received_on <= last_on:
        return f"不在公示期内收到：公示期自 {notice.starts_on} 至 {last_on}，收到之日为 {received_on}"
    registry = Parties.read(connection, as_of, known_at)
    body = registry.bodies[notice.programme, unit]
    codes = {unit, body["host_code"], body["operator_code"]}
    if _plain(name) in {_plain(x) for c in codes for x in (c, registry.name(c))} | {_plain(named[unit])}:
        return "系公示单位自己（或其建设、运营主体）所提，不是异议"
    happens = life(notice.programme).event(UPHELD)
    now = standings(connection, notice.programme, as_of, known_at)[unit]
    allowed = (*happens.from_, happens.to, *life(notice.programme).event("publicised").from_)
    if now.code not in allowed:
        return f"{unit} 现为“{now.name}”，不再因公示异议办理；所述情况另按规定核查"
    return ""


def _plain(text: str) -> str:
    return "".join(text.split()).casefold()


def _refused(
    connection: Connection,
    notice: Publicity,
    inputs: Sequence[Any],
    examined: Sequence[Examined],
    by: str,
    reason: str,
    known_at: dt.datetime,
) -> StepResult:
    """Keep what came, files and all, under one hash, and why it does not count."""
    files = []
    for e in examined:
        infected = e.scan.verdict == "infected"
        if infected:
            quarantine(e.sent.data)
        sha256 = e.digest if infected else objects.put_content(e.sent.data)
        files.append({"filename": e.sent.filename, "sha256": sha256, "quarantined": infected})
    names = ("publicity", "unit", "text", "objector", "contact", "received_on")
    came = {**dict(zip(names, inputs, strict=True)), "files": files}
    connection.execute(
        tables.refused_objection.insert().values(
            publicity_id=notice.id,
            unit=printable(str(inputs[1])),
            received_on=dt.date.fromisoformat(inputs[5]),
            content_sha256=objects.put_content(canonical_json(came)),
            reason=reason,
            recorded_by=by,
            known_at=known_at,
        )
    )
    output: dict[str, Any] = {"objection": None, "refused": reason, "kept": [], "refused_files": {}}
    return StepResult(read=1 + len(files), found=1, output=output)


def _keep(connection: Connection, number: int, examined: Sequence[Examined], known_at: dt.datetime) -> None:
    rows = []
    for e in examined:
        if e.scan.verdict == "infected":
            quarantine(e.sent.data)
        rows.append(
            {
                "objection_id": number,
                "filename": e.sent.filename,
                "media_type": e.media_type,
                "bytes": len(e.sent.data),
                "outcome": "refused" if e.reason else "kept",
                "reason": e.reason or None,
                "digest": sha256_hex(e.sent.data),
                "sha256": None if e.reason else objects.put_content(e.sent.data),
                "scan": e.scan.verdict,
                "scanned_by": e.scan.scanned_by,
                "scan_detail": e.scan.detail,
                "known_at": known_at,
            }
        )
    if rows:
        connection.execute(tables.objection_file.insert(), rows)


def answer(
    objection_id: int,
    *,
    upheld: bool,
    finding: str,
    by: str,
    reason: str,
    as_of: dt.date,
    known_at: dt.datetime,
    remedy: str = "",
) -> StepResult:
    """Propose the reply to an objection; what it finds counts once 审核 → 签发 have issued it.

    An objection that is upheld ends the candidature at the issue. Raises UnknownError for no such objection;
    RefusedError for one that was answered, without a finding, and for a remedy of what was not upheld.
    """
    if not finding.strip():
        raise RefusedError("须写明核查情况")
    if remedy.strip() and not upheld:
        raise RefusedError("异议不成立的，不写处理意见")
    with reading() as connection:
        row = publicities.objection(connection, objection_id, known_at)
        if row["outcome"] is not None:
            raise RefusedError(f"异议 {objection_id} 已于 {row['answered_on']} 答复")
        name = publicities.units(connection, row["publicity_id"])[row["unit"]]
        person = objector(connection, objection_id)
        if named := names_an_objector(connection, row["publicity_id"], finding, remedy):
            raise RefusedError(f"核查情况、处理意见要告知他人，不得写明异议提出者“{named}”")
        if (lies := _with_reviewers(connection, row)) is not None:
            raise RefusedError(
                f"异议 {objection_id} 的答复已在第 {lies} 轮（轮次编号）送审，应先办结或退回该轮"
            )
    content: dict[str, Any] = {
        "earlier": row["document_id"],
        "received_on": row["received_on"].isoformat(),
        "claims": [{"claim": f"{name}：{words(row)}", "finding": finding.strip(), "holds": upheld}],
        "objection": objection_id,
    }
    if upheld:
        content["remedy"] = remedy.strip() or f"{name}不予认定"
    given: Mapping[str, Any] = {"content": content, "parties": {"objector": [{"name": person}]}}
    return paper_round.propose(REPLY, row["programme"], given, by, reason, as_of, known_at)


def words(row: RowMapping) -> str:
    """Return what an objection says."""
    return objects.get_content(row["text_sha256"]).decode()


def _with_reviewers(connection: Connection, row: RowMapping) -> int | None:
    """Return the round in which a reply to an objection lies; None: in none that is open."""
    for round_id, content, ended in open_rounds(connection, REPLY, row["programme"], row["known_at"]):
        if content.get("objection") == row["id"] and not ended:
            return round_id
    return None


def files(connection: Connection, objection_id: int) -> list[dict[str, Any]]:
    """Return the files that came with an objection, kept and refused."""
    own = tables.objection_file
    names = ("filename", "bytes", "outcome", "reason", "digest")
    query = select(*(own.c[n] for n in names)).where(own.c.objection_id == objection_id).order_by(own.c.id)
    return [dict(r) for r in connection.execute(query).mappings()]
