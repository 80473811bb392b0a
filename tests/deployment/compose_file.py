"""docker-compose.yml as a program reads it: variables filled in from .env.example, merges resolved."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import yaml
from ipgov.core.settings import settings

ROOT = settings().root
COMPOSE = ROOT / "docker-compose.yml"
EXAMPLE = ROOT / ".env.example"
# The compose specification's interpolation: $$, $NAME, ${NAME}, ${NAME:?…}, ${NAME?…}, ${NAME:-…} …
VARIABLE = re.compile(
    r"\$(?:(?P<escaped>\$)|(?P<bare>[A-Za-z_]\w*)|\{(?P<name>[A-Za-z_]\w*)(?P<rest>[^}]*)\})"
)


@cache
def example() -> dict[str, str]:
    """Return the variables of .env.example and their values."""
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    pairs = [line.partition("=") for line in lines if line and not line.startswith("#")]
    return {name: value for name, _, value in pairs}


def used() -> dict[str, str]:
    """Return the variables of docker-compose.yml and what stands after their name (``:?``, ``?``)."""
    found = VARIABLE.finditer(COMPOSE.read_text(encoding="utf-8"))
    return {m["bare"] or m["name"]: m["rest"] or "" for m in found if not m["escaped"]}


def filled(value: Any, variables: Mapping[str, str]) -> Any:
    """Return a value with every variable in its texts filled in."""
    if isinstance(value, dict):
        return {key: filled(each, variables) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, variables) for each in value]
    if isinstance(value, str):
        return VARIABLE.sub(lambda m: "$" if m["escaped"] else variables[m["bare"] or m["name"]], value)
    return value


@cache
def compose() -> dict[str, Any]:
    """Return the whole file, with the values of .env.example."""
    return read(example())


def read(variables: Mapping[str, str]) -> dict[str, Any]:
    """Return the whole file with these values of its variables."""
    whole: dict[str, Any] = filled(yaml.safe_load(COMPOSE.read_text(encoding="utf-8")), variables)
    return whole


def services() -> dict[str, dict[str, Any]]:
    """Return the services, by name."""
    found: dict[str, dict[str, Any]] = compose()["services"]
    return found


def component(service: Mapping[str, Any]) -> str:
    """Return which of ipgov's components a service is; empty: none."""
    words = service.get("command") or []
    return words[3] if words[:3] == ["python", "-m", "ipgov.launcher.component"] else ""
