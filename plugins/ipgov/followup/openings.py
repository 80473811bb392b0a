"""What is called for on a day: which duty, of whom, from which cause.

A *source* is one duty opened by one thing (a day, a month, a period, the results of a period, an
occurrence). It is looked at when it begins and whenever something becomes known on which it rests; what it no
longer calls for is withdrawn.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ipgov.core.errors import UnknownError
from ipgov.followup.facts import OFFICE, ONE_DAY, Body, Facts, Issued, Occurred, OpenedPeriod
from ipgov.policy.duties import Party
from ipgov.policy.duty_store import DutyBook, DutyRule
from ipgov.registry.codes import PROVINCES


@dataclass(frozen=True)
class Call:
    """One obligation that is called for. ``base``: its key, but for the number of an opening anew."""

    rule: DutyRule
    base: str
    party: str
    unit: str | None
    period: str | None
    opened_on: dt.date
    cause: str
    owed_by: str
    owed_to: str


@dataclass(frozen=True)
class Source:
    """One duty opened by one thing; ``looked_at``: the days on which that may come to something else."""

    rule: DutyRule
    subject: str
    begins: dt.date
    looked_at: frozenset[dt.date]
    opened_on: dt.date | None = None
    period: OpenedPeriod | None = None
    label: str | None = None  # the period as people read it
    occurrence: Occurred | None = None
    issued: tuple[Issued, ...] = ()

    @property
    def follows_cause(self) -> bool:
        """Tell whether its obligations are withdrawn when it no longer calls for them."""
        return self.occurrence is None


def sources(facts: Facts, duties: DutyBook, until: dt.date) -> list[Source]:
    """Return every source that begins by a day."""
    found: list[Source] = []
    for code in duties.codes:
        for rule in duties.entries(code):
            found += _of_rule(rule, facts, duties, until)
    return [_looked_at_when_resumed(s, facts) for s in found if s.begins <= until]


def _looked_at_when_resumed(source: Source, facts: Facts) -> Source:
    """Look at cases and their milestones also when a judgement may count no more: both may go on."""
    duty = source.rule.duty
    if not facts.judged_anew or (duty.part_of is None and duty.met_by != "judgement"):
        return source
    return replace(source, looked_at=source.looked_at | facts.judged_anew)


def _of_rule(rule: DutyRule, facts: Facts, duties: DutyBook, until: dt.date) -> Iterator[Source]:
    duty, opening = rule.duty, rule.duty.opened_by
    if opening.day is not None:
        if opening.day >= facts.since and duties.governing(duty.code, opening.day) is rule:
            yield _dated(rule, opening.day, opening.day.isoformat(), None, facts)
    elif opening.monthly is not None:
        for day in _monthly(opening.monthly, max(duty.effective, facts.since), until):
            if duties.governing(duty.code, day) is rule:
                yield _dated(rule, day, f"{day:%Y-%m}", f"{day:%Y-%m}", facts)
    elif opening.period is not None:
        for period in facts.periods:
            day = {"opens": period.opened_on, "due": period.due_on, "evaluate": period.evaluate_on}[
                opening.period
            ]
            governs = duties.governing(duty.code, day) is rule
            if period.programme == duty.collected_in and day >= facts.since and governs:
                begins = max(day, period.known_on + ONE_DAY)
                news = _registry_news(facts, duty.programme)
                yield Source(rule, period.period, begins, news | {begins}, day, period, period.period)
    elif opening.occurrences is not None:
        kinds = {k.code for k in opening.occurrences}
        for o in facts.occurrences:
            governs = duties.governing(duty.code, o.occurred_on) is rule
            if o.programme == duty.programme and o.kind in kinds and governs:
                begins = max(o.occurred_on, o.known_on) + ONE_DAY
                days = frozenset((begins,))
                if o.retracted is not None:
                    days |= {o.retracted.known_on + ONE_DAY}
                yield Source(rule, f"{o.kind}:{o.subject}", begins, days, o.occurred_on, occurrence=o)
    elif opening.outcomes is not None or opening.grades is not None:
        periods: dict[str, list[Issued]] = {}
        for issued in facts.issued:
            if issued.programme == duty.programme and duties.governing(duty.code, issued.issued_on) is rule:
                periods.setdefault(issued.period, []).append(issued)
        for name, rows in periods.items():
            news = frozenset(i.known_on + ONE_DAY for i in facts.issued if i.programme == duty.programme)
            begins = min(i.known_on for i in rows) + ONE_DAY
            days = news | _registry_news(facts, duty.programme)
            yield Source(rule, name, begins, days, label=name, issued=tuple(rows))


def _dated(rule: DutyRule, day: dt.date, subject: str, label: str | None, facts: Facts) -> Source:
    news = frozenset[dt.date]()
    if rule.duty.opened_by.whom not in ("provinces", "office"):
        news = _registry_news(facts, rule.duty.programme)
    return Source(rule, subject, day, news | {day}, day, label=label)


def _monthly(day: int, first: dt.date, until: dt.date) -> Iterator[dt.date]:
    for month in range(first.year * 12 + first.month - 1, until.year * 12 + until.month):
        at = dt.date(month // 12, month % 12 + 1, day)
        if at >= first:
            yield at


def _registry_news(facts: Facts, programme: str) -> frozenset[dt.date]:
    """Return the days on which a body of the programme, or its title, may be seen otherwise than before."""
    bodies = {max(b.known_on + ONE_DAY, b.valid_from) for b in facts.bodies if b.programme == programme}
    titles = {max(t.known_on + ONE_DAY, t.effective_on) for t in facts.titles if t.programme == programme}
    return frozenset(bodies | titles)


def calls(source: Source, facts: Facts, day: dt.date) -> list[Call]:
    """Return what a source calls for, as known when the day began."""
    whom = source.rule.duty.opened_by.whom
    if source.occurrence is not None:
        if facts.retraction(f"occurrence:{source.occurrence.id}", day) is not None:
            return []
        return [_of_occurrence(source, source.occurrence, facts, day)]
    if source.issued:
        return list(_of_results(source, facts, day))
    assert source.opened_on is not None  # noqa: S101 - every other source has its day
    cause = f"cycle:{source.period.id}" if source.period else source.opened_on.isoformat()
    if whom == "office":
        return [_call(source, OFFICE, None, source.opened_on, cause, source.label)]
    if whom == "provinces":
        without = source.rule.duty.opened_by.without
        return [
            _call(source, p, None, source.opened_on, cause, source.label)
            for p in sorted(PROVINCES)
            if p not in without
        ]
    programme, found = source.rule.duty.programme, []
    for unit in facts.registered(programme, source.opened_on, day):
        if source.period is not None and not source.period.asks(facts.titled_on(programme, unit, day)):
            continue
        if _concerned(whom, facts, programme, unit, source.opened_on, day):
            body = facts.body(programme, unit, day)
            if _on_route(source.rule, body):
                found.append(_call(source, unit, body, source.opened_on, cause, source.label))
    return found


def _concerned(
    whom: str | None, facts: Facts, programme: str, unit: str, opened_on: dt.date, day: dt.date
) -> bool:
    then = facts.titled(programme, unit, opened_on, day)
    if whom == "not_titled":
        return then is None
    if whom == "registered" and then is None:
        return True
    # who lost the title since owes nothing that rests on it
    return then is True and facts.titled(programme, unit, day, day) is True


def _on_route(rule: DutyRule, body: Body) -> bool:
    return not rule.duty.routes or body.route in rule.duty.routes


def _of_results(source: Source, facts: Facts, day: dt.date) -> Iterator[Call]:
    newest: dict[str, Issued] = {}
    for issued in facts.issued:  # all of the period: a correction under newer rules counts as well
        here = (issued.programme, issued.period) == (source.rule.duty.programme, source.subject)
        last = newest.get(issued.unit)
        if here and issued.known_on < day and (last is None or issued.id > last.id):
            newest[issued.unit] = issued
    opening = source.rule.duty.opened_by
    for unit, issued in sorted(newest.items()):
        asked = issued.grade in (opening.grades or ()) or issued.outcomes & set(opening.outcomes or ())
        if not asked or issued.issued_on < facts.since:
            continue
        if facts.titled(issued.programme, unit, day, day) is False:
            continue
        body = facts.body(issued.programme, unit, day)
        if _on_route(source.rule, body):
            yield _call(source, unit, body, issued.issued_on, f"issue:{issued.id}", source.label)


def _of_occurrence(source: Source, o: Occurred, facts: Facts, day: dt.date) -> Call:
    body = None if o.party == OFFICE or o.party in PROVINCES else facts.body(o.programme, o.party, day)
    kinds = {k.code: k for k in source.rule.duty.opened_by.occurrences or ()}
    period = o.subject if kinds[o.kind].of_period else None
    return _call(source, o.party, body, o.occurred_on, f"occurrence:{o.id}", period)


def _call(
    source: Source, party: str, body: Body | None, opened_on: dt.date, cause: str, label: str | None
) -> Call:
    duty = source.rule.duty
    return Call(
        rule=source.rule,
        base=f"{duty.programme}/{duty.code}/{party}/{source.subject}",
        party=party,
        unit=None if body is None else body.unit,
        period=label,
        opened_on=opened_on,
        cause=cause,
        owed_by=resolved(duty.owed_by, party, body),
        owed_to=resolved(duty.owed_to, party, body),
    )


def following(rule: DutyRule, key: str, unit: str | None, period: str | None, ended_on: dt.date,
              facts: Facts, day: dt.date) -> Call | None:  # fmt: skip
    """Return what a duty that comes after another one calls for; None: the body is on another route."""
    programme, _, party, subject = key.partition("#")[0].split("/", 3)
    body = None if unit is None else facts.body(programme, unit, day)
    if body is not None and not _on_route(rule, body):
        return None
    return Call(
        rule=rule,
        base=f"{programme}/{rule.duty.code}/{party}/{subject}",
        party=party,
        unit=unit,
        period=period,
        opened_on=ended_on,
        cause=key,
        owed_by=resolved(rule.duty.owed_by, party, body),
        owed_to=resolved(rule.duty.owed_to, party, body),
    )


def resolved(role: Party, party: str, body: Body | None) -> str:
    """Return the code of whoever has a part in a duty: of a body, an organisation, a province, or OFFICE.

    Raises UnknownError where a duty without a body names a part that only a body gives.
    """
    if role == "office":
        return OFFICE
    if body is not None:
        return {
            "body": body.unit,
            "host": body.host_code,
            "operating": body.operator_code,
            "province": body.province,
        }[role]
    if role == "province" and party in PROVINCES:
        return party
    raise UnknownError(f"“{party}”的事项没有所涉单位，无从确定“{role}”；可用：office、province")
