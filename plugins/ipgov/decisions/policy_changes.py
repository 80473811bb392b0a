"""Changes of the rules: a file governs live periods once two different people have put it in force.

A change is bound to the hash of the file and to the hash of the approved rules that it replaces, so that
nobody approves anything but what was proposed, against anything but what is in force. What a database was
made with is recorded as ``initial`` and counts without an answer.

Files that govern as a whole (``policy/files``) are put in force in the same way: their group stands in the
place of the programme, their name in that of the version, and what is replaced is always the same name.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, Row, func, or_, select
from sqlalchemy.sql.elements import ColumnElement

from ipgov.core import tables
from ipgov.core.database import lock
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.core.fingerprint import fingerprint, short_code
from ipgov.core.steps import SHANGHAI
from ipgov.decisions.officers import officer, role_label
from ipgov.policy import files
from ipgov.policy.files import GROUPS, PolicyFile
from ipgov.policy.officials import roles_that
from ipgov.policy.store import Loaded

Answer = Literal["approve", "reject"]
_CHANGE = tables.policy_change
_ANSWER = tables.policy_approval


@dataclass(frozen=True)
class Change:
    """A proposed or initial rule file, and what was answered; ``state``: initial, approved, rejected or open.

    An open one that a newer proposal of the same version has overtaken is ``overtaken``.
    """

    id: int
    state: str
    programme: str
    version: str
    effective: dt.date
    sha256: str
    replaces_sha256: str | None
    fingerprint: str
    proposed_by: str
    note: str
    proposed_at: dt.datetime
    answered_by: str | None
    comment: str | None
    answered_at: dt.datetime | None

    @property
    def code(self) -> str:
        """Return the printable short form of what an answer is bound to."""
        return short_code(self.fingerprint)

    @property
    def counts(self) -> bool:
        """Tell whether the file may govern."""
        return self.state in ("initial", "approved")


@dataclass(frozen=True)
class Acted:
    """What became of a proposal or an answer: the change, or why it did not count; ``repeated``: again."""

    change: Change | None
    refused: str | None
    repeated: bool = False


def record_initial(
    connection: Connection, rules: Iterable[Loaded | PolicyFile], by: str, known_at: dt.datetime
) -> int:
    """Record the rules that a database is made with, once for ever; return how many.

    Drafts govern nothing and are not recorded. The caller has kept the files' bytes.
    """
    lock(connection, "policy_change")
    if connection.execute(select(_CHANGE.c.id).limit(1)).first() is not None:
        return 0
    rows = [
        {
            **_named(loaded, known_at),
            "origin": "initial",
            "replaces_sha256": None,
            "fingerprint": _bound(loaded.sha256, None),
            "proposed_by": by,
            "note": "建库时已有的规则",
            "known_at": known_at,
        }
        for loaded in rules
        if not _is_draft(loaded)
    ]
    if rows:
        connection.execute(_CHANGE.insert(), rows)
    return len(rows)


def propose(
    connection: Connection, loaded: Loaded | PolicyFile, by: str, note: str, known_at: dt.datetime
) -> Acted:
    """Propose a rule file; the caller has kept its bytes and commits either way.

    Recorded with its reasons (Chinese) where it does not count: not an active officer, no role for it, a
    draft, no note, in force already. The same file proposed again while it waits changes nothing.
    """
    programme, version, effective = _place(loaded, known_at)
    lock(connection, "policy_change", programme)
    there = changes(connection, programme, known_at)
    replaced = _replaced(there, programme, version, effective)
    bound = _bound(loaded.sha256, replaced)
    waiting = _waiting(there, version)
    if waiting and waiting.fingerprint == bound and waiting.proposed_by == by:
        return Acted(waiting, None, repeated=True)
    reasons = _wrong_person(connection, by, "propose", known_at)
    if _is_draft(loaded):
        reasons.append("文件为草案；要施行，先把 status 改为 in_force")
    if not note.strip():
        reasons.append("须写明为何变更")
    if replaced == loaded.sha256:
        reasons.append("该文件与已批准的内容相同，无须变更")
    if reasons:
        return _refuse(
            connection, "propose", (programme, version, loaded.sha256), by, note, reasons, known_at
        )
    values = _named(loaded, known_at) | {
        "origin": "proposed",
        "replaces_sha256": replaced,
        "fingerprint": bound,
        "proposed_by": by,
        "note": note,
        "known_at": known_at,
    }
    change_id = connection.execute(_CHANGE.insert().values(values).returning(_CHANGE.c.id)).scalar_one()
    return Acted(next(c for c in changes(connection, programme, known_at) if c.id == change_id), None)


def answer(
    connection: Connection,
    programme: str,
    version: str,
    given: Answer,
    by: str,
    comment: str,
    known_at: dt.datetime,
    code: str | None = None,
) -> Acted:
    """Approve or reject the newest proposal of a version; ``code``: of what the person has read.

    Raises UnknownError where nothing waits. What does not count is recorded with its reasons (Chinese): the
    proposer, no role for it, another code than the proposal's, other rules in force than when proposed.
    """
    lock(connection, "policy_change", programme)
    there = changes(connection, programme, known_at)
    newest = max((c for c in there if c.version == version), key=lambda c: c.id, default=None)
    if newest and (newest.answered_by, newest.state) == (by, _STATES[given]):
        return Acted(newest, None, repeated=True)
    change = _waiting(there, version)
    if change is None:
        waiting = "、".join(c.version for c in there if c.state == "open") or "无"
        raise UnknownError(f"“{programme}”没有待批准的 {version} 版变更；待批准：{waiting}")
    reasons = _wrong_person(connection, by, "approve", known_at)
    if by == change.proposed_by:
        reasons.append("提出人与批准人须为不同的两人")
    if code is not None and code.strip().upper() != change.code:
        reasons.append(f"所依的校验码 {code} 不是本次变更的 {change.code}，应按新提出的内容重新答复")
    if (
        given == "approve"
        and _replaced(there, programme, version, change.effective) != change.replaces_sha256
    ):
        reasons.append("提出之后，它所替代的规则已经变更，应重新提出")
    if given == "reject" and not comment.strip():
        reasons.append("不同意须写明意见")
    if reasons:
        return _refuse(connection, given, (programme, version, change.sha256), by, comment, reasons, known_at)
    connection.execute(
        _ANSWER.insert().values(
            change_id=change.id,
            fingerprint=change.fingerprint,
            answer=given,
            actor=by,
            comment=comment,
            known_at=known_at,
        )
    )
    return Acted(next(c for c in changes(connection, programme, known_at) if c.id == change.id), None)


_STATES = {"approve": "approved", "reject": "rejected"}


def changes(connection: Connection, programme: str | None, known_at: dt.datetime) -> list[Change]:
    """Return every change of a programme, or of all, as known at a moment, in the order of writing.

    What a database was made with counts at every moment: a simulation plays days before it.
    """
    known: ColumnElement[bool] = or_(_CHANGE.c.origin == "initial", _CHANGE.c.known_at <= known_at)
    if programme is not None:
        known &= _CHANGE.c.programme == programme
    newest = select(func.max(_CHANGE.c.id)).where(known).group_by(_CHANGE.c.programme, _CHANGE.c.version)
    rows = connection.execute(
        select(
            _CHANGE,
            _CHANGE.c.id.in_(newest).label("newest"),
            _ANSWER.c.answer,
            _ANSWER.c.actor,
            _ANSWER.c.comment,
            _ANSWER.c.known_at.label("answered_at"),
        )
        .outerjoin(_ANSWER, (_ANSWER.c.change_id == _CHANGE.c.id) & (_ANSWER.c.known_at <= known_at))
        .where(known)
        .order_by(_CHANGE.c.id)
    )
    return [_change(row) for row in rows]


def refused(connection: Connection, programme: str | None, known_at: dt.datetime) -> list[dict[str, object]]:
    """Return every proposal and answer that did not count, in the order of writing."""
    table = tables.refused_policy_act
    query = select(table).where(table.c.known_at <= known_at).order_by(table.c.id)
    if programme is not None:
        query = query.where(table.c.programme == programme)
    return [dict(row) for row in connection.execute(query).mappings()]


def require_approved(connection: Connection, loaded: Loaded, on: dt.date, known_at: dt.datetime) -> None:
    """See that a rule file may govern a live period whose rules are those of the day ``on``.

    Raises RefusedError (what to do is in it) where the file's bytes were not approved, where they were
    replaced since, and where approved rules of a later day lack their file: nothing older steps in.
    """
    rules = loaded.rules
    there = changes(connection, rules.programme, known_at)
    newest = _governing(there, on)
    if newest is not None and newest.sha256 == loaded.sha256:
        return
    name = f"“{rules.programme}”{rules.version} 版规则"
    approve = f"ipgov policy approve {rules.programme} {rules.version} --by 批准人 --comment 意见"
    if newest is not None and newest.effective > rules.effective:
        raise RefusedError(
            f"已批准的“{rules.programme}”{newest.version} 版规则没有对应的规则文件，"
            f"不能以较早的 {rules.version} 版代替；"
            f"请恢复该文件（归档内容 {newest.sha256}）"
        )
    waiting = _waiting(there, rules.version)
    if waiting and waiting.sha256 == loaded.sha256:
        raise RefusedError(
            f"{name}（{loaded.source}）已由 {waiting.proposed_by} 提出，尚未批准，不能用于正式办理；"
            f"请由另一人运行：{approve}"
        )
    raise RefusedError(
        f"{name}（{loaded.source}，指纹 {loaded.sha256[:12]}）"
        f"未经批准，不能用于正式办理（重算与试算不受限）；"
        f"请先运行：ipgov policy propose 规则文件 --by 提出人 --note 说明，再由另一人运行：{approve}"
    )


def require_files_approved(connection: Connection, group: str, known_at: dt.datetime) -> None:
    """See that live work may rest on the files of a group, as this process reads them.

    Raises RefusedError (what to do is in it) with every file not approved as it is, and every one missing.
    """
    there = changes(connection, group, known_at)
    approved, found = _in_force(there), {f.name: f for f in files.files(group)}
    reasons = [
        f"已批准的 {group} {name} 没有对应的文件，请恢复（归档内容 {change.sha256}）"
        for name, change in approved.items()
        if name not in found
    ]
    for name, file in found.items():
        if name in approved and approved[name].sha256 == file.sha256:
            continue
        approve = f"ipgov policy approve {group} {name} --by 批准人 --comment 意见"
        waiting = _waiting(there, name)
        if waiting and waiting.sha256 == file.sha256:
            told = f" 已由 {waiting.proposed_by} 提出，尚未批准；请由另一人运行：{approve}"
        else:
            first = f"ipgov policy propose {file.source} --by 提出人 --note 说明"
            told = f"（指纹 {file.sha256[:12]}）未经批准；请先运行：{first}，再由另一人运行：{approve}"
        reasons.append(f"{file.source}{told}")
    if reasons:
        upgraded = "程序升级带来的新规则文件也须提出并批准一次（docs/upgrade.md）"
        raise RefusedError(f"规则文件未经批准，不能用于正式办理：{'；'.join(reasons)}。{upgraded}")


def _change(row: Row[tuple[object, ...]]) -> Change:
    r = row._mapping
    state = _STATES.get(r["answer"]) or ("open" if r["newest"] else "overtaken")
    return Change(
        id=r["id"],
        state="initial" if r["origin"] == "initial" else state,
        programme=r["programme"],
        version=r["version"],
        effective=r["effective"],
        sha256=r["sha256"],
        replaces_sha256=r["replaces_sha256"],
        fingerprint=r["fingerprint"],
        proposed_by=r["proposed_by"],
        note=r["note"],
        proposed_at=r["known_at"],
        answered_by=r["actor"],
        comment=r["comment"],
        answered_at=r["answered_at"],
    )


def _place(what: Loaded | PolicyFile, known_at: dt.datetime) -> tuple[str, str, dt.date]:
    """Return programme (or group), version (or name) and the first day; of a file the day of the proposal."""
    if isinstance(what, PolicyFile):
        return what.group, what.name, known_at.astimezone(SHANGHAI).date()
    return what.rules.programme, what.rules.version, what.rules.effective


def _named(what: Loaded | PolicyFile, known_at: dt.datetime) -> dict[str, object]:
    programme, version, effective = _place(what, known_at)
    return {"programme": programme, "version": version, "effective": effective, "sha256": what.sha256}


def _is_draft(what: Loaded | PolicyFile) -> bool:
    return isinstance(what, Loaded) and what.rules.status != "in_force"


def _bound(sha256: str, replaced: str | None) -> str:
    return fingerprint({"sha256": sha256, "replaces_sha256": replaced})


def _in_force(there: list[Change]) -> dict[str, Change]:
    """Return the change that counts of every version: the one proposed last of those that were approved.

    An overtaken proposal cannot be approved, so the order of proposals is that of approvals.
    """
    return {c.version: c for c in there if c.counts}


def _governing(there: list[Change], on: dt.date) -> Change | None:
    begun = [c for c in _in_force(there).values() if c.effective <= on]
    return max(begun, key=lambda c: c.effective, default=None)


def _replaced(there: list[Change], programme: str, version: str, effective: dt.date) -> str | None:
    """Return the hash of the version of that name, else of the rules that govern its first day."""
    before = None if programme in GROUPS else _governing(there, effective)
    found = _in_force(there).get(version) or before
    return found.sha256 if found else None


def _waiting(there: list[Change], version: str) -> Change | None:
    return next((c for c in there if c.version == version and c.state == "open"), None)


def _wrong_person(
    connection: Connection, login: str, act: Literal["propose", "approve"], known_at: dt.datetime
) -> list[str]:
    try:
        person = officer(connection, login, known_at)
    except UnknownError as error:
        return [error.message]
    reasons = []
    if not person.active:
        reasons.append(f"{person.name}的账号“{person.login}”已停用")
    allowed = roles_that(act)
    if not set(allowed) & set(person.roles):
        roles = "、".join(map(role_label, person.roles)) or "无"
        what = "提出" if act == "propose" else "批准"
        may = "、".join(map(role_label, allowed))
        reasons.append(f"{person.name}的角色为{roles}，规则变更须由{may}{what}")
    return reasons


def _refuse(
    connection: Connection,
    act: str,
    of: tuple[str, str, str],
    actor: str,
    comment: str,
    reasons: list[str],
    known_at: dt.datetime,
) -> Acted:
    programme, version, digest = of
    reason = "；".join(reasons)
    connection.execute(
        tables.refused_policy_act.insert().values(
            act=act,
            programme=programme,
            version=version,
            digest=digest,
            actor=actor,
            comment=comment,
            reason=reason,
            known_at=known_at,
        )
    )
    return Acted(None, reason)
