"""Plays the synthetic nation's years through the procedures, without Airflow."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ipgov.core.steps import SHANGHAI, Cycle, Mode

PROGRAMME = "functional_platform"


def at(day: dt.date, hour: int = 23) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour), tzinfo=SHANGHAI)


@dataclass
class Nation:
    """Plays a period step by step, each step as of its own day."""

    objects: Path
    at = staticmethod(at)

    def days(self, period: int) -> Any:
        from ipgov.calendars.deadlines import cycle_days
        from ipgov.policy import store

        return cycle_days(store.governing(PROGRAMME, period).rules.cycle, period)

    def cycle(self, period: int, day: dt.date, mode: Mode = Mode.LIVE) -> Cycle:
        return Cycle(PROGRAMME, str(period), day, at(day), mode)

    def put_in_force(self, period: int) -> None:
        """Two officers put a test's own rules in force; those of the project are so from the beginning."""
        from ipgov.core import objects
        from ipgov.core.database import transaction
        from ipgov.core.errors import RefusedError
        from ipgov.decisions import policy_changes
        from ipgov.policy import store

        loaded, known_at = store.governing(PROGRAMME, period), at(self.days(period).opens.date)
        name = (PROGRAMME, loaded.rules.version)
        objects.put_content(loaded.data)
        with transaction() as connection:
            try:
                policy_changes.require_approved(connection, loaded, dt.date(period, 12, 31), known_at)
            except RefusedError:
                policy_changes.propose(connection, loaded, "reviewer1", "（试）", known_at)
                policy_changes.answer(connection, *name, "approve", "issuer1", "", known_at)

    def open(self, period: int) -> Any:
        from ipgov.procedures import cycles

        self.put_in_force(period)
        return cycles.open_cycle(self.cycle(period, self.days(period).opens.date))

    def units(self, day: dt.date) -> dict[str, Any]:
        from ipgov.core.database import reading
        from ipgov.registry.platforms import roster

        with reading() as connection:
            return {u.unit: u for u in roster(connection, PROGRAMME, day, at(day))}

    def blank(self, period: str, unit: str) -> bytes:
        from ipgov.core.objects import store

        return store().get(f"outbox/{PROGRAMME}/{period}/{unit}/{unit}-{period}-报送表.xlsx")

    def put(self, key: str, data: bytes, moment: dt.datetime) -> None:
        from ipgov.core.objects import store

        store().put(key, data)
        os.utime(self.objects / key, (moment.timestamp(), moment.timestamp()))

    def send(self, period: int) -> list[Any]:
        from ipgov.procedures import extensions
        from ipgov.simulation import nation

        opened = self.days(period).opens.date
        for e in nation.extensions(period):
            extensions.grant(PROGRAMME, str(period), e.unit, e.until, "运行组", e.reason, at(opened))
        sent = list(nation.sent(period, self.units(opened), self.blank))
        for s in sent:
            self.put(s.key, s.data, s.received_at)
        return sent

    def receive(self, day: dt.date) -> Any:
        from ipgov.procedures import submission_intake

        return submission_intake.receive(submission_intake.new_objects(at(day)), day, at(day))

    def collect(self, period: int) -> None:
        from ipgov.simulation import nation

        self.open(period)
        self.send(period)
        self.receive(self.days(period).due.date - dt.timedelta(days=10))
        self.receive(max([self.days(period).late_until.date, *(e.until for e in nation.extensions(period))]))

    def evaluate(self, period: int, mode: Mode = Mode.LIVE, day: dt.date | None = None) -> dict[str, Any]:
        from ipgov.procedures import evaluation_cycle as procedure

        cycle = self.cycle(period, day or self.days(period).evaluate_on.date, mode)
        frozen = procedure.freeze(cycle).output
        procedure.check(cycle, frozen["snapshot_id"])
        evaluated = procedure.evaluate(cycle, frozen["snapshot_id"]).output
        listed = procedure.make_rating_list(cycle, evaluated["result_set_id"]).output
        opened = {}
        if mode is Mode.LIVE:
            opened = procedure.open_round(
                cycle, evaluated["result_set_id"], listed["rating_list_sha256"]
            ).output
        return {**frozen, **evaluated, **listed, **opened}

    def answer(
        self, round_: dict[str, Any], step: str, actor: str, day: dt.date, chosen: str = "approve"
    ) -> Any:
        from ipgov.procedures import approval

        return approval.answer(
            round_["round_id"],
            step,
            chosen,
            actor,
            "（试）",
            round_["fingerprint"],
            "console",
            at(day),
            at(day),
        )

    def approve(self, period: int, round_: dict[str, Any]) -> Any:
        from ipgov.procedures import approval

        day = self.days(period).evaluate_on.date
        assert not self.answer(round_, "audit", "reviewer1", day).refused
        assert self.answer(round_, "sign", "issuer1", day).status in ("approved", "issued")
        result = approval.issue(round_["round_id"], day, at(day))
        approval.send(at(day))
        return result

    def year(self, period: int) -> dict[str, Any]:
        self.collect(period)
        round_ = self.evaluate(period)
        round_["issued"] = self.approve(period, round_)
        return round_
