"""Whose roles may propose and approve a change of the rules (``policies/roles.yaml``)."""

from __future__ import annotations

from typing import Literal

from ipgov.core.errors import EnvironmentProblemError
from ipgov.core.settings import settings
from ipgov.policy.store import read_yaml

Act = Literal["propose", "approve"]


def roles_that(act: Act) -> tuple[str, ...]:
    """Return the codes of the roles whose ``policies:`` names the act.

    Raises EnvironmentProblemError where the file cannot be read or no role may do it.
    """
    path = settings().policies / "roles.yaml"
    try:
        raw = read_yaml(path.read_bytes(), path.name)
    except OSError as error:
        raise EnvironmentProblemError(f"岗位文件 {path} 无法读取：{error.strerror}") from None
    found = tuple(str(r["code"]) for r in raw["roles"] if act in r.get("policies", ()))
    if not found:
        raise EnvironmentProblemError(f"policies/roles.yaml 中没有岗位可以办理规则变更的“{act}”")
    return found
