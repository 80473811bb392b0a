"""Letters of the follow-up: each event that somebody is to hear of becomes a document, once per addressee.

A letter is written as of the day of the run. What came to nothing meanwhile (met since, or a later letter to
the same addressee waits too, as after an outage) is not sent, and that is recorded with the reason.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from ipgov.calendars.deadlines import cycle_days
from ipgov.calendars.working_days import WorkingDays, entered_between, known
from ipgov.core.database import is_simulation, lock, reading, transaction
from ipgov.core.steps import Cycle, StepResult
from ipgov.core.tables import obligation_paper
from ipgov.decisions.policy_changes import require_files_approved
from ipgov.documents import dispatch, numbering, register, templates
from ipgov.documents.model import SIMULATION_BANNER, printable
from ipgov.followup.obligations import reference
from ipgov.policy.correspondence import Correspondence, Kind, correspondence
from ipgov.policy.duties import Rung
from ipgov.policy.duty_store import DutyRule, frozen_duty
from ipgov.policy.title_words import day_words
from ipgov.procedures.cycles import rules_of
from ipgov.procedures.follow_up_waiting import ENDED_BEFORE, HEARD, TOLD, WAITING
from ipgov.procedures.parties import OFFICE, Parties

Row = Mapping[str, Any]
_ENDED = {"met": "已办结", "failed": "验收未通过", "lapsed": "期限届满自行终结", "withdrawn": "已撤销"}
_SAID = {"reminded": "提醒", "overdue": "催报", "escalated": "通报"}
_CHANGES: Mapping[str, Kind] = {
    "due_set": "due_day_changed",
    "resumed": "resumed",
    "withdrawn": "withdrawn",
}
_HOW = {
    "report": "请将有关情况形成书面材料,加盖公章,连同佐证材料报送{to}。",
    "submission": "请将填好的报送表及附件放入本单位的报送目录;空白报送表已于年度开启时下发。",
    "judgement": "请将完成情况及佐证材料报送{to},由其核查验收;验收合格方为办结。",
    "lapse": "期限届满即告终结,期间如有异议请向{to}书面提出。",
}


@dataclass(frozen=True)
class _Letter:
    """An event for one addressee: what it is to be, or why it is not."""

    row: Row
    recipient: str
    kind: Kind
    reason: str = ""  # not sent

    @property
    def key(self) -> str:
        """Return the document's key: one letter per event and addressee, for ever."""
        return f"{self.row['key']}/{self.row['event']}/{self.row['step']}/{self.recipient}"


def write(as_of: dt.date, known_at: dt.datetime) -> StepResult:
    """Make the letters of every event that was not dealt with yet, as of a day; they wait in the outbox.

    Run again it makes nothing. Each event is a transaction of its own. Returns as ``output`` how many
    documents of each kind were made and what was not sent, with the reason.
    """
    with reading() as connection:
        place = {"as_of": as_of, "known_at": known_at}
        waiting = [dict(r) for r in connection.execute(text(WAITING), place).mappings()]
        if not waiting:
            return StepResult()
        require_files_approved(connection, "correspondence", known_at)
        desk = _Desk.open(connection, as_of, known_at)
        planned = desk.plan(connection, waiting)
    made: dict[str, int] = {}
    unsent = []
    for event_id, letters in _by_event(planned):
        numbers, awaited = desk.numbers([x for x in letters if not x.reason])
        if awaited:
            unsent += [f"{x.row['key']} → {x.recipient}：等待录入字号（{x.key}）" for x in awaited]
            continue  # the event stays as it is until its numbers are entered
        with transaction() as connection:
            lock(connection, "obligation_paper", event_id)
            if _written(connection, event_id):
                continue
            for letter in letters:
                document = None
                if not letter.reason:
                    document = desk.file(connection, letter, numbers[letter.recipient])
                    name = desk.rules.papers.of(letter.kind).name
                    made[name] = made.get(name, 0) + 1
                else:
                    unsent.append(f"{letter.row['key']} → {letter.recipient}：{letter.reason}")
                desk.record(connection, letter, document)
    return StepResult(
        read=len(planned),
        written=sum(made.values()),
        skipped=len(unsent),
        output={"documents": made, "not_sent": unsent},
    )


def _by_event(letters: Sequence[_Letter]) -> Iterator[tuple[int, list[_Letter]]]:
    events: dict[int, list[_Letter]] = {}
    for letter in letters:
        events.setdefault(letter.row["event_id"], []).append(letter)
    yield from events.items()


def _written(connection: Connection, event_id: int) -> bool:
    query = text("SELECT 1 FROM obligation_paper WHERE event_id = :event_id")
    return connection.execute(query, {"event_id": event_id}).first() is not None


@dataclass(frozen=True)
class _Desk:
    """What every letter of a run needs."""

    as_of: dt.date
    known_at: dt.datetime
    rules: Correspondence
    parties: Parties
    days: WorkingDays
    banner: str

    @classmethod
    def open(cls, connection: Connection, as_of: dt.date, known_at: dt.datetime) -> _Desk:
        banner = SIMULATION_BANNER if is_simulation(connection) else ""
        parties = Parties.read(connection, as_of, known_at)
        return cls(as_of, known_at, correspondence(), parties, known(as_of), banner)

    def plan(self, connection: Connection, waiting: Sequence[Row]) -> list[_Letter]:
        """Return a letter for each event and addressee, the stale ones with the reason."""
        letters: list[_Letter] = []
        for row in waiting:
            if row["event"] in ("due_set", "resumed", "withdrawn"):
                letters += self._changes(connection, row)
            else:
                letters += self._reminders(row)
        newest: dict[tuple[int, str, str], Row] = {}
        for letter in letters:
            if not letter.reason:
                newest[_place(letter)] = letter.row
        return [self._unless_stale(x, newest.get(_place(x))) for x in letters]

    def _unless_stale(self, letter: _Letter, newest: Row | None) -> _Letter:
        row = letter.row
        if letter.reason:
            return letter
        if row["ended"] is not None and row["event"] != "withdrawn":
            why = f"该事项{_ENDED[row['ended']]}（{row['ended_on']}），无须再发"
        elif newest is not None and newest["event_id"] != row["event_id"]:
            why = f"同一收件单位另有其后（{newest['day']}）的文书待发，以后者为准"
        else:
            return letter
        return _Letter(row, letter.recipient, letter.kind, why)

    def _reminders(self, row: Row) -> Iterator[_Letter]:
        rule = frozen_duty(row["rule_sha256"])
        if row["event"] == "overdue":
            by_ladder = any(r.overdue for r in rule.ladder.rungs) if rule.ladder else False
            why = "逾期后的催报由提醒阶梯办理" if by_ladder else ""
            yield _Letter(row, row["owed_by"], "overdue", why)
            return
        rung = rung_of(rule, row["detail"]["rung"])
        opening = rung is not None and rung.at == "opening"
        for code in dict.fromkeys(to["code"] for to in row["detail"]["to"]):
            again = opening and row["noticed"] and code == row["owed_by"]
            why = "整改通知已载明事项与期限，不另发提醒" if again else ""
            yield _Letter(row, code, self._kind(row, rule, code, opening=opening), why)

    def _kind(self, row: Row, rule: DutyRule, recipient: str, *, opening: bool) -> Kind:
        if row["event"] == "escalated":
            return "overdue" if recipient == row["owed_by"] else "escalation"
        return "call" if opening and rule.duty.met_by == "submission" else "reminder"

    def _changes(self, connection: Connection, row: Row) -> Iterator[_Letter]:
        """Tell whoever owes it, and whoever already had a letter about it; of a mistake only the latter."""
        place = {"obligation_id": row["obligation_id"], "known_at": self.known_at}
        heard = connection.execute(text(HEARD), place).scalars().all()
        kind = _CHANGES[row["event"]]
        why = ""
        if kind == "due_day_changed":
            same = (row["due_on"], row["provisional"]) == (row["told_due"], row["told_provisional"])
            why = "期限又改回原来告知的日期" if same else ""
        elif kind == "withdrawn" and row["owed_by"] not in heard:
            yield _Letter(row, row["owed_by"], kind, "此前未就该事项发过文书，无须告知")
        told = heard if kind == "withdrawn" else (row["owed_by"], *heard)
        for code in dict.fromkeys(told):
            yield _Letter(row, code, kind, why)

    def numbers(
        self, letters: Sequence[_Letter]
    ) -> tuple[dict[str, numbering.Reserved | None], list[_Letter]]:
        """Return the numbers of an event's letters by recipient, and which letters wait for one.

        Where one waits, none is reserved: what is counted here is taken only for what is made at once.
        """
        paper = {x.recipient: self.rules.papers.of(x.kind) for x in letters}
        found: dict[str, numbering.Reserved | None] = {}
        for letter in letters:
            if paper[letter.recipient].entered:
                kind, name = (
                    paper[letter.recipient],
                    self.parties.name(letter.recipient, letter.row["programme"]),
                )
                found[letter.recipient] = numbering.ask(
                    kind.series, f"{kind.name}（{name}）", letter.key, self.known_at
                )
        if awaited := [x for x in letters if x.recipient in found and found[x.recipient] is None]:
            return {}, awaited
        for letter in letters:
            kind = paper[letter.recipient]
            if not kind.entered:
                found[letter.recipient] = (
                    numbering.reserve(kind.series, self.as_of.year, letter.key, self.known_at)
                    if kind.series
                    else None
                )
        return found, []

    def file(self, connection: Connection, letter: _Letter, number: numbering.Reserved | None) -> int:
        """Render, register and queue a letter; return its document."""
        row, paper = letter.row, self.rules.papers.of(letter.kind)
        rule = frozen_duty(row["rule_sha256"])
        document, template_sha256 = templates.render(
            paper.template,
            self._context(connection, letter, rule),
            kind=letter.kind,
            issuer=self.rules.issuer_of(row["programme"]),
            number=number.text if number else None,
            recipients=(self._called(letter.recipient, row),),
            date=self.as_of,
            basis=rule.duty.clause,
            banner=self.banner,
        )
        period = row["period"] or str(row["opened_on"].year)
        short = reference(row["key"])
        step = row["step"].replace("@", "-")
        document_id = register.file_document(
            connection,
            key=letter.key,
            kind=letter.kind,
            programme=row["programme"],
            period=period,
            unit=row["unit"],
            recipient=letter.recipient,
            document=document,
            template_sha256=template_sha256,
            number=number,
            round_id=None,
            known_at=self.known_at,
            formats=("docx", "pdf") if number else ("pdf",),
            filename=f"{letter.recipient}-{self.as_of:%Y%m%d}-{paper.name}-{short}-{step}",
        )
        dispatch.queue(connection, document_id, letter.recipient, "outbox", self.known_at)
        return document_id

    def record(self, connection: Connection, letter: _Letter, document_id: int | None) -> None:
        """Record what became of an event for an addressee."""
        connection.execute(
            obligation_paper.insert().values(
                event_id=letter.row["event_id"],
                recipient=letter.recipient,
                kind=letter.kind,
                written_on=self.as_of,
                document_id=document_id,
                reason=letter.reason or None,
                known_at=self.known_at,
            )
        )

    def _context(self, connection: Connection, letter: _Letter, rule: DutyRule) -> dict[str, Any]:
        row = letter.row
        left = working_days_left(self.as_of, row["due_on"], self.days)
        to = self._called(row["owed_to"], row)
        subject = self.parties.about(row)
        values: dict[str, Any] = {
            "duty": rule.duty.name,
            "subject": f"（{printable(subject)}）" if subject else "",
            "owner": self.parties.name(row["owed_by"], row["programme"]),
            "own": letter.recipient == row["owed_by"],
            "opened_on": row["opened_on"],
            "due_on": row["due_on"],
            "provisional": row["provisional"],
            "days_left": max(left, 0),
            "days_late": max(-left, 0),
            "operator": has_operator(rule),
            "how": templates.full_width(_HOW[rule.duty.met_by].format(to=to)),
            "contact": self._contact(row),
            "reference": reference(row["key"]),
        }
        place = {"obligation_id": row["obligation_id"], "known_at": self.known_at}
        if letter.kind == "escalation":
            told = connection.execute(text(TOLD), {**place, "event_id": row["event_id"]}).mappings()
            values["told"] = [{"day": t["day"], "what": _SAID[t["event"]]} for t in told]
            values["to_office"] = letter.recipient == "office"
        if letter.kind == "overdue":
            values |= self._next(row, rule)
        if letter.kind == "due_day_changed":
            values |= self._change(row)
        if letter.kind == "resumed":
            ended = connection.execute(text(ENDED_BEFORE), {**place, "event_id": row["event_id"]}).scalar()
            values |= {"day": row["day"], "ended_on": dt.date.fromisoformat(str(ended))}
        if letter.kind == "withdrawn":
            values |= {"day": row["day"], "why": printable(row["detail"]["why"])}
        if letter.kind == "call":
            values |= self._call(connection, row, rule.duty.collected_in)
        return values

    def _contact(self, row: Row) -> str:
        """Return whom recipients ask."""
        return self.rules.contact_of(row["programme"])

    def _called(self, code: str, row: Row) -> str:
        """Return how a letter calls a party: the office is whom to ask there."""
        return self._contact(row) if code == OFFICE else self.parties.name(code, row["programme"])

    def _next(self, row: Row, rule: DutyRule) -> dict[str, Any]:
        """Return the next step of the ladder above whoever owes it: when, and to whom."""
        after = rung_of(rule, row["detail"].get("rung", ""))
        past = after.working_days_after or 0 if after else 0
        later = [r for r in (rule.ladder.rungs if rule.ladder else ()) if (r.working_days_after or 0) > past]
        if not later:
            return {"next_on": row["due_on"], "next_to": []}
        rung = min(later, key=lambda r: r.working_days_after or 0)
        roles = self.parties.roles(row)
        codes = [roles[r] for r in rung.to if roles.get(r) and roles[r] != row["owed_by"]]
        names = [self._called(c, row) for c in dict.fromkeys(codes)]
        on = row["due_on"]
        for _ in range(rung.working_days_after or 0):
            on = _next_working_day(on, self.days)
        return {"next_on": on, "next_to": names}

    def _change(self, row: Row) -> dict[str, Any]:
        detail = row["detail"]
        return {
            "previous": row["told_due"],
            "was_provisional": row["told_provisional"],
            "reason": row["due_reason"],
            "why": printable(detail.get("why", "")),
            "notices": [printable(n) for n in entered_between(row["told_on"], row["day"])],
        }

    def _call(self, connection: Connection, row: Row, collected_in: str) -> dict[str, Any]:
        """Return what the call for a period's reports says, from the rules under which it was opened."""
        cycle = Cycle(collected_in, row["period"], self.as_of, self.known_at)
        rules = rules_of(connection, cycle).rules
        days = cycle_days(rules.cycle, cycle.year)
        body = self.parties.bodies[row["programme"], row["unit"]]
        asked = rules.form.attachments
        kinds = asked.kinds_for(body["kind"]).values() if asked else ()
        return {
            "period": row["period"],
            "programme_title": rules.title,
            "form_title": rules.form.title,
            "form_file": f"{row['unit']}-{row['period']}-报送表.xlsx",
            "attachments": [{"name": k.name, "required": k.required} for k in kinds],
            "late_until": days.late_until.date,
            "evaluate_on": days.evaluate_on.date,
            "evaluate_on_is_called": day_words(collected_in).evaluate_on,
            "rules_version": rules.version,
        }


def _place(letter: _Letter) -> tuple[int, str, str]:
    """Return what a later letter makes an earlier one superfluous in: obligation, addressee, and sort."""
    return letter.row["obligation_id"], letter.recipient, _CHANGES.get(letter.row["event"], "")


def rung_of(rule: DutyRule, step: str) -> Rung | None:
    """Return the step of a duty's ladder; None: it has no such step."""
    rungs = rule.ladder.rungs if rule.ladder else ()
    return next((r for r in rungs if r.step == step), None)


def has_operator(rule: DutyRule) -> bool:
    """Tell whether anything of a duty or its reminders is the operator's own choice."""
    duty = rule.duty
    blocks = [duty, duty.opened_by, duty.due, duty.due.limit, rule.ladder]
    return any(b is not None and b.operator for b in blocks)


def working_days_left(as_of: dt.date, due_on: dt.date, days: WorkingDays) -> int:
    """Return the working days after ``as_of`` up to the due day; negative: how many it is too late."""
    sign, first, last = (1, as_of, due_on) if due_on >= as_of else (-1, due_on, as_of)
    count = sum(days.day(first + dt.timedelta(days=n)).working for n in range(1, (last - first).days + 1))
    return sign * count


def _next_working_day(day: dt.date, days: WorkingDays) -> dt.date:
    day += dt.timedelta(days=1)
    while not days.day(day).working:
        day += dt.timedelta(days=1)
    return day
