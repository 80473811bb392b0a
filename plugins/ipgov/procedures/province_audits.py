"""The province's audit of its bodies' files: workbooks go out as files come in, and come back with answers.

2024-1155#38 (yearly self-evaluation), #30 (recommendation): what a province has not forwarded in time does
not count. A newer file of a body needs a new answer.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, select

from ipgov.calendars.deadlines import cycle_days, due
from ipgov.core.database import is_simulation, lock, reading, transaction
from ipgov.core.errors import UnknownError
from ipgov.core.fingerprint import fingerprint
from ipgov.core.steps import SHANGHAI, Cycle, StepResult
from ipgov.core.tables import cycle as cycle_table
from ipgov.decisions import audits
from ipgov.documents import audit_form
from ipgov.documents.audit_form import AuditForm, Item
from ipgov.documents.model import SIMULATION_BANNER
from ipgov.intake import submissions
from ipgov.intake.inbox import PROVINCE_FOLDER
from ipgov.policy.audits import ProvinceAudit
from ipgov.policy.rules import RuleVersion
from ipgov.policy.store import Loaded
from ipgov.procedures.answers import Answer, file_answer
from ipgov.procedures.cycles import rules_of
from ipgov.procedures.snapshots import bodies, titled_too_short
from ipgov.registry.codes import province_name, province_office
from ipgov.registry.platforms import Unit

_STATES = {False: "按期", True: "逾期（宽限期内）"}
_WHY_NOT = {"returned": "报送表被退回，尚未更正", "refused": "来件未予接收", "accepted": "报送超过宽限期"}


def last_day(rules: RuleVersion, cycle: Cycle, extended: dt.date | None = None) -> dt.date:
    """Return the last day on which an audit counts; ``extended``: until when the body had more time."""
    until = cycle_days(rules.cycle, cycle.year).late_until.date
    return due(max(until, extended or until), rule_of(rules).within).date


def rule_of(rules: RuleVersion) -> ProvinceAudit:
    """Return the rules' audit; UnknownError where they have none."""
    if rules.province_audit is None:
        raise UnknownError(f"“{rules.title}”的规则没有省级审核")
    return rules.province_audit


@dataclass(frozen=True)
class Asked:
    """What a province is asked: the form, the submission of each row, what it said of them before."""

    form: AuditForm
    rows: tuple[Mapping[str, Any], ...]
    before: Mapping[int, audits.Audit]  # by number of the row

    @property
    def filled(self) -> audit_form.Filled:
        """Return the earlier answers, by place on the sheet."""
        columns = audit_form.free_columns(self.form.ranked)
        found: dict[tuple[int, int], dt.date | int | str] = {}
        for number, a in self.before.items():
            values = {
                audit_form.ANSWER: a.answer, audit_form.PLACE: a.place, audit_form.OPINION: a.opinion,
                audit_form.AUDITOR: a.auditor, audit_form.DAY: a.audited_on,
            }  # fmt: skip
            row = audit_form.row_of(number)
            found |= {(row, columns[h]): v for h, v in values.items() if h in columns and v is not None}
        return found


def compose(connection: Connection, cycle: Cycle, loaded: Loaded) -> list[Asked]:
    """Return what every province with a body that reports through it is asked, by its code."""
    rules = loaded.rules
    rule = rule_of(rules)
    days = cycle_days(rules.cycle, cycle.year)
    of_period = cycle.programme, cycle.period
    units = [
        u for u in bodies(connection, cycle, rules)
        if u.route == "province" and not titled_too_short(u, rules, cycle.year)
    ]  # fmt: skip
    counting = submissions.accepted_in_time(connection, *of_period, cycle.known_at, days.late_until.date)
    newest = submissions.states(connection, *of_period, cycle.known_at)
    before = audits.standing(connection, (row["id"] for row in counting.values()), cycle.known_at)
    more = {
        u.unit: submissions.extension_until(connection, *of_period, u.unit, cycle.known_at) for u in units
    }
    banner = SIMULATION_BANNER if is_simulation(connection) else ""
    found = []
    for code in sorted({u.province for u in units}):
        own = [u for u in units if u.province == code]
        sent = [u for u in own if u.unit in counting]
        items = tuple(_item(rules, cycle, u, counting[u.unit], more[u.unit]) for u in sent)
        absent = tuple(
            (u.unit, u.name, _WHY_NOT[newest[u.unit]["outcome"]] if u.unit in newest else "未报送")
            for u in own
            if u.unit not in counting
        )
        form = AuditForm(
            title=f"{rules.title}审核工作簿（{province_name(code)}，{cycle.period}年度）",
            author=rules.issuer.name,
            banner=banner,
            programme=cycle.programme,
            period=cycle.period,
            province=code,
            province_name=province_name(code),
            due_on=last_day(rules, cycle),
            answers=tuple(a.name for a in rule.answers),
            ranked=rule.ranked,
            quota=rule.quota,
            items=items,
            absent=absent,
            fingerprint="",
        )
        rows = tuple(counting[u.unit] for u in sent)
        told = {n: before[row["id"]] for n, row in enumerate(rows) if row["id"] in before}
        found.append(Asked(replace(form, fingerprint=_fingerprint(form, loaded.sha256)), rows, told))
    return found


def _item(rules: RuleVersion, cycle: Cycle, unit: Unit, row: Mapping[str, Any], more: dt.date | None) -> Item:
    return Item(
        unit.unit,
        unit.name,
        rules.kinds[unit.kind].name,
        row["received_at"].astimezone(SHANGHAI).date(),
        _STATES[row["late"]],
        row["sha256"],
        last_day(rules, cycle, more),
    )


def _fingerprint(form: AuditForm, rule_sha256: str) -> str:
    asked = [[i.unit, i.name, i.kind, i.received_on, i.state, i.sha256, i.due_on] for i in form.items]
    place = [form.programme, form.period, form.province]
    return fingerprint(
        {"place": place, "rules": rule_sha256, "due_on": form.due_on, "items": asked, "absent": form.absent}
    )


def open_audits(as_of: dt.date, known_at: dt.datetime) -> list[list[str]]:
    """Return the (programme, period) pairs whose provinces may be sent workbooks on a day."""
    found = []
    with reading() as connection:
        for row in connection.execute(select(cycle_table.c.programme, cycle_table.c.period)):
            cycle = Cycle(row.programme, row.period, as_of, known_at)
            rules = rules_of(connection, cycle).rules
            asked = rules.province_audit is not None
            if asked and as_of < cycle_days(rules.cycle, cycle.year).evaluate_on.date:
                found.append([row.programme, row.period])
    return sorted(found)


def send(cycle: Cycle) -> StepResult:
    """Send every province its workbook if what it is asked has changed since the last one."""
    sent: dict[str, list[str]] = {}
    with transaction() as connection:
        loaded = rules_of(connection, cycle)
        asked = [a for a in compose(connection, cycle, loaded) if a.form.items]
        for one in asked:
            lock(connection, "province audit", cycle.programme, cycle.period, one.form.province)
            place = (cycle.programme, cycle.period, one.form.province)
            data = audit_form.write(one.form)
            if audits.issue(connection, place, one.form.fingerprint, data, one.form.due_on, cycle.known_at):
                _send_one(connection, cycle, loaded, one)
                sent[one.form.province] = [i.unit for i in one.form.items]
    return StepResult(
        read=len(asked), written=len(sent), skipped=len(asked) - len(sent), output={"sent": sent}
    )


def _send_one(connection: Connection, cycle: Cycle, loaded: Loaded, asked: Asked) -> None:
    form = asked.form
    context = {
        "title": loaded.rules.subject.title,
        "period": cycle.period,
        "province": form.province_name,
        "items": form.items,
        "absent": form.absent,
        "audited": bool(asked.before),
        "quota": form.quota,
        "due_on": form.due_on,
        "folder": f"inbox/{cycle.programme}/{cycle.period}/{form.province}/{PROVINCE_FOLDER}/",
    }
    file_letter(
        connection, cycle, loaded, "province_audit", form.province, context,
        form.fingerprint, {"xlsx": audit_form.write(form, asked.filled)}, form.filename,
    )  # fmt: skip


def file_letter(
    connection: Connection,
    cycle: Cycle,
    loaded: Loaded,
    kind: str,
    province: str,
    context: Mapping[str, Any],
    mark: str,
    files: Mapping[str, bytes],
    filename: str,
) -> str:
    """File and queue a letter to a province; return the hash of what it consists in."""
    notice = loaded.rules.notice(kind)
    return file_answer(
        connection,
        Answer(
            kind=kind,
            template=notice.template,
            issuer=loaded.rules.issuer.name,
            basis=notice.clause,
            channels=notice.channels,
            programme=cycle.programme,
            period=cycle.period,
            unit=None,
            recipient=province,
            recipient_name=province_office(province),
            filename=filename,
        ),
        context,
        mark,
        cycle.as_of,
        cycle.known_at,
        files,
    )
