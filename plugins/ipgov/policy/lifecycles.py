"""The life of a title as data: states, events, who may cause them, what they need. ``policies/lifecycles/``.

One file per programme that confers a title. What happened to a body is one log (``title_event``); in which
state that leaves it on a day is decided here alone. An event that leads somewhere always leads to the same
state, so that the last such event says where a body stands.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from ipgov.core.errors import UnknownError
from ipgov.core.settings import settings
from ipgov.policy.blocks import Block
from ipgov.policy.store import read_policy

_CODE = r"^[a-z][a-z0-9_]*$"
Actor = Literal["body", "province", "office", "reviewer", "issuer", "system"]
Need = Literal["approval", "notice_expired", "no_open_objection"]
RECOGNISED = "recognised"  # the event that confers the title, in every lifecycle

ACTOR_NAMES: dict[Actor, str] = {
    "body": "申报（持有）单位",
    "province": "省级部门",
    "office": "经办人员",
    "reviewer": "审核人员",
    "issuer": "签发机关",
    "system": "系统",
}
NEED_NAMES: dict[Need, str] = {
    "approval": "经审批签发",
    "notice_expired": "公示期满",
    "no_open_objection": "无未决或成立的异议",
}


def _as_tuple(value: object) -> object:
    return [value] if isinstance(value, str) else value


class State(Block):
    """What a body can be; ``titled``: it holds the title then."""

    code: str = Field(pattern=_CODE)
    name: str
    titled: bool
    initial: bool = False


class Event(Block):
    """What can happen to a title: in which states, where it leads (None: the state stays), by whom.

    ``needs``: what must be there besides; a round of approval, facts of the public notice.
    """

    code: str = Field(pattern=_CODE)
    name: str
    from_: tuple[str, ...] = Field(alias="from", min_length=1)
    to: str | None = None
    by: Annotated[tuple[Actor, ...], BeforeValidator(_as_tuple), Field(min_length=1)]
    needs: tuple[Need, ...] = ()


class Lifecycle(Block):
    """The life of one programme's title, from ``effective`` on: there is no rule for earlier days."""

    programme: str = Field(pattern=_CODE)
    title: str
    note: str = ""
    effective: dt.date
    states: tuple[State, ...] = Field(min_length=1)
    events: tuple[Event, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _whole(self) -> Lifecycle:
        for what, codes in (
            ("states", [s.code for s in self.states]),
            ("events", [e.code for e in self.events]),
        ):
            if twice := sorted({c for c in codes if codes.count(c) > 1}):
                raise ValueError(f"{what} 的 code 重复：{'、'.join(twice)}")
        if sum(s.initial for s in self.states) != 1:
            raise ValueError("须有且只有一个初始状态（initial: true）")
        known = {s.code for s in self.states}
        for event in self.events:
            unknown = {*event.from_, *([event.to] if event.to else [])} - known
            if unknown:
                raise ValueError(f"事项 {event.code} 所指的状态“{'、'.join(sorted(unknown))}”未列于 states")
        return self

    @property
    def initial(self) -> State:
        """Return the state of a body to which nothing has happened."""
        return next(s for s in self.states if s.initial)

    def state(self, code: str) -> State:
        """Return a state; UnknownError names those there are."""
        for state in self.states:
            if state.code == code:
                return state
        known = "、".join(s.code for s in self.states)
        raise UnknownError(f"“{self.programme}”没有名为“{code}”的称号状态；可用：{known}")

    def event(self, code: str) -> Event:
        """Return an event; UnknownError names those there are."""
        for event in self.events:
            if event.code == code:
                return event
        known = "、".join(e.code for e in self.events)
        raise UnknownError(f"没有名为“{code}”的称号事项；可用：{known}")

    def refusal(self, now: State, event: Event) -> str | None:
        """Tell in Chinese why an event is impossible in a state; None: it is possible."""
        if now.code in event.from_:
            return None
        expected = "或".join(self.state(code).name for code in event.from_)
        return f"当日状态为“{now.name}”，应为“{expected}”"

    def after(self, now: State, event: Event) -> State:
        """Return the state that an event leaves."""
        return now if event.to is None else self.state(event.to)

    def replay(self, events: Iterable[str]) -> State:
        """Return where a sequence of events leads, each of which was possible when it happened."""
        now = self.initial
        for code in events:
            now = self.after(now, self.event(code))
        return now

    @property
    def states_after(self) -> dict[str, State]:
        """Return, by event, the state that it leads to; without the events that change no state."""
        return {e.code: self.state(e.to) for e in self.events if e.to is not None}

    @property
    def ending(self) -> tuple[str, ...]:
        """Return the events that take a title away: from a state with it to one without."""
        return tuple(
            e.code
            for e in self.events
            if e.to is not None
            and not self.state(e.to).titled
            and any(self.state(code).titled for code in e.from_)
        )


def files() -> list[Path]:
    """Return the files of this installation."""
    return sorted((settings().policies / "lifecycles").glob("*.yaml"))


def load(path: Path) -> Lifecycle:
    """Read one file; GovernanceError with every problem, EnvironmentProblemError where it cannot be read."""
    return read_policy(Lifecycle, path, f"policies/lifecycles/{path.name}")


@cache
def _read(path: Path) -> Lifecycle:
    return load(path)


def programmes() -> tuple[str, ...]:
    """Return the programmes that confer a title."""
    return tuple(path.stem for path in files())


def lifecycle(programme: str) -> Lifecycle:
    """Return the life of a programme's title; UnknownError where it confers none."""
    if programme not in programmes():
        known = "、".join(programmes()) or "无"
        raise UnknownError(f"业务“{programme}”没有称号周期（policies/lifecycles/）；现有：{known}")
    return _read(settings().policies / "lifecycles" / f"{programme}.yaml")


def every() -> tuple[Lifecycle, ...]:
    """Return the life of every title."""
    return tuple(lifecycle(programme) for programme in programmes())
