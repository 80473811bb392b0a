"""policies/roles.yaml: who may do what, and how people sign in; checked whole before anything starts."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError

from ipgov.core.errors import EnvironmentProblemError, GovernanceError, Problem, UnknownError
from ipgov.decisions.officers import Role as OfficerRole
from ipgov.policy.store import read_yaml

FILE = "policies/roles.yaml"
CONSOLE = "governance"
ACTIONS = ("can_create", "can_delete", "can_edit", "can_read", "menu_access")
# The resources of the installed FAB auth manager and our own (tests compare them: FAB would take any word).
RESOURCES = frozenset(
    {
        "Admin", "All Audit Logs", "All Import Errors", "All Reparses", "Asset Aliases", "Assets",
        "Audit Logs", "Backfills", "Browse", "Cluster Activity", "Configurations", "Connections", "DAG Code",
        "DAG Dependencies", "DAG Runs", "DAG Versions", "DAG Warnings", "DAGs", "Docs", "Documentation",
        "HITL Detail", "ImportError", "Jobs", "My Password", "My Profile", "Passwords", "Permission Views",
        "Permissions", "Plugins", "Pools", "Providers", "Roles", "SLA Misses", "Task Instances", "Task Logs",
        "Task Reschedules", "Triggers", "User Stats Chart", "Users", "Variables", "View Menus", "Website",
        "XComs", CONSOLE,
        "DAG Run:correction",  # whoever asks for a correction triggers it, so that Airflow knows who it is
    }
)  # fmt: skip
BUILT_IN = "Admin"


class Role(BaseModel):
    """A role: what Airflow lets it do, and which approval steps it decides (by their Chinese names).

    ``policies``: what it may do in a change of the rules; ``commands``: what else it may do by command.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str
    name: str
    decides: tuple[str, ...]
    policies: tuple[Literal["propose", "approve"], ...] = ()  # read by policy/officials.py
    commands: tuple[str, ...] = ()
    includes: tuple[str, ...] = ()
    allow: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    built_in: Literal["Admin"] | None = None  # the auth manager's own role that stands for this one

    @property
    def account_role(self) -> str:
        """Return the name of the role in the auth manager."""
        return self.built_in or self.code

    @property
    def acts(self) -> frozenset[str]:
        """Return the commands that the role may give, without ``ipgov``: ``quality waive``."""
        return frozenset(self.commands) | {f"policy {act}" for act in self.policies}


class SignIn(BaseModel):
    """How people sign in: ``failures`` within ``minutes`` close an account; the rest as in the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    failures: PositiveInt
    minutes: PositiveInt
    requests_per_minute: PositiveInt
    idle_minutes: PositiveInt
    longest_minutes: PositiveInt
    token_minutes: PositiveInt
    password_length: int = Field(ge=8)


class Roles(BaseModel):
    """All roles of policies/roles.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    operator: str
    sign_in: SignIn
    roles: tuple[Role, ...]

    @cached_property
    def _by_code(self) -> dict[str, Role]:
        return {r.code: r for r in self.roles}

    def role(self, code: str) -> Role:
        """Return a role; UnknownError names those that exist."""
        try:
            return self._by_code[code]
        except KeyError:
            raise UnknownError(f"没有“{code}”这一角色；可用：{'、'.join(self._by_code)}") from None

    def permissions(self, code: str) -> frozenset[tuple[str, str]]:
        """Return every (action, resource) of a role, those of the roles it includes among them."""
        role = self.role(code)
        own = {(action, resource) for action, resources in role.allow.items() for resource in resources}
        return frozenset(own).union(*(self.permissions(other) for other in role.includes))

    def of_account(self, account_roles: frozenset[str]) -> tuple[Role, ...]:
        """Return the roles that an account's roles in the auth manager stand for."""
        return tuple(r for r in self.roles if r.account_role in account_roles)

    def that_may(self, command: str) -> tuple[Role, ...]:
        """Return the roles that may give a command (``quality waive``)."""
        return tuple(r for r in self.roles if command in r.acts)


def load_roles(policies: Path) -> Roles:
    """Read ``roles.yaml`` of the policies folder.

    Raises GovernanceError with every problem at once: wrong form, unknown action, resource or role, a role
    twice or missing. EnvironmentProblemError where the file cannot be read.
    """
    path = policies / "roles.yaml"
    try:
        raw = read_yaml(path.read_bytes(), FILE)
    except OSError as error:
        raise EnvironmentProblemError(f"岗位文件 {path} 无法读取：{error.strerror}") from None
    try:
        roles = Roles.model_validate(raw)
    except ValidationError as error:
        raise _refused([_form_problem(e["loc"], e["type"], e["msg"]) for e in error.errors()]) from None
    if problems := _problems(roles):
        raise _refused(problems)
    return roles


def _refused(problems: list[Problem]) -> GovernanceError:
    return GovernanceError(f"{FILE} 有 {len(problems)} 处问题", tuple(problems))


_FORM = {
    "extra_forbidden": ("不认识的键", "角色与登录限制所用的键"),
    "missing": ("缺少该键", "须写明"),
    "greater_than": ("数值过小", "大于 0 的整数"),
    "greater_than_equal": ("数值过小", "不小于 8 的整数"),
    "int_parsing": ("不是整数", "大于 0 的整数"),
    "int_type": ("不是整数", "大于 0 的整数"),
    "string_type": ("不是文字", "文字"),
    "tuple_type": ("不是列表", "列表，如 [DAGs, Website]"),
    "dict_type": ("不是键值结构", "键值结构"),
    "model_type": ("不是键值结构", "键值结构"),
}


def _form_problem(place: tuple[int | str, ...], kind: str, message: str) -> Problem:
    found, expected = _FORM.get(kind, ("内容无效", message))
    return Problem("roles", found, expected, file=FILE, cell=".".join(map(str, place)) or "全文")


def _problems(roles: Roles) -> list[Problem]:
    found: list[Problem] = []

    def wrong(place: str, what: str, expected: str) -> None:
        found.append(Problem("roles", what, expected, file=FILE, cell=place))

    codes = [r.code for r in roles.roles]
    known = list(OfficerRole)
    for code in dict.fromkeys(codes):
        if codes.count(code) > 1:
            wrong("roles", f"角色“{code}”写了 {codes.count(code)} 次", "每个角色一次")
        if code not in known:
            wrong("roles", f"没有“{code}”这一角色", "、".join(known))
    for code in known:
        if code not in codes:
            wrong("roles", f"缺少角色“{code}”", f"六个角色齐全：{'、'.join(known)}")
    for role in roles.roles:
        place = f"roles.{role.code}"
        for action, resources in role.allow.items():
            if action not in ACTIONS:
                wrong(f"{place}.allow", f"没有“{action}”这种权限", "、".join(ACTIONS))
            for resource in resources:
                if resource not in RESOURCES:
                    wrong(
                        f"{place}.allow.{action}",
                        f"没有“{resource}”这一权限对象",
                        "、".join(sorted(RESOURCES)),
                    )
                elif resources.count(resource) > 1:
                    wrong(f"{place}.allow.{action}", f"“{resource}”写了不止一次", "一次")
        if role.built_in and (role.allow or role.includes):
            wrong(place, "内置角色另写了权限", f"{BUILT_IN} 的权限由 Airflow 规定，不写 allow 与 includes")
        for other in role.includes:
            if other not in codes:
                wrong(f"{place}.includes", f"没有“{other}”这一角色", "、".join(codes))
            elif role.code in _included(roles, other):
                wrong(f"{place}.includes", f"与“{other}”互相包含", "不循环")
    return found


def _included(roles: Roles, code: str, seen: frozenset[str] = frozenset()) -> frozenset[str]:
    """Return a role and all that it includes, whatever circle there may be."""
    if code in seen:
        return seen
    seen |= {code}
    for role in roles.roles:
        if role.code == code:
            for other in role.includes:
                seen |= _included(roles, other, seen)
    return seen
