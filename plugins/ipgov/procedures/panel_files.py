"""A panel as its people write it down: a YAML file with number, basis, members, and what they score."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ipgov.core.errors import GovernanceError
from ipgov.decisions.panel_plans import Plan, Role, Scope, Seat
from ipgov.policy.shapes import shape_problems
from ipgov.policy.store import read_yaml


class _Scope(BaseModel):
    model_config = ConfigDict(extra="forbid")

    indicators: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    units: tuple[str, ...] = ()

    def made(self) -> Scope:
        return Scope(self.indicators, self.kinds, self.units)


class _Member(BaseModel):
    model_config = ConfigDict(extra="forbid")

    expert: str
    role: Role = "member"
    scope: _Scope = _Scope()


class _Panel(BaseModel):
    model_config = ConfigDict(extra="forbid")

    number: Annotated[int, Field(ge=1)]
    basis: str
    scope: _Scope = _Scope()
    members: tuple[_Member, ...] = Field(min_length=1)


def read_plan(data: bytes, name: str) -> Plan:
    """Read a panel from the bytes of its file; an empty or missing scope means everything.

    Raises GovernanceError with every problem: not YAML, unknown or missing keys, wrong values.
    """
    raw = read_yaml(data, name)
    if not isinstance(raw, dict):
        raise GovernanceError(f"{name}：专家组方案须为键值结构")
    try:
        panel = _Panel.model_validate(raw)
    except ValidationError as error:
        problems = tuple(shape_problems(error, name))
        raise GovernanceError(f"{name} 有 {len(problems)} 处问题", problems) from None
    seats = tuple(Seat(m.expert, m.role, m.scope.made()) for m in panel.members)
    return Plan(panel.number, seats, panel.basis, panel.scope.made())
