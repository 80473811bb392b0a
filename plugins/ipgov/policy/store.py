"""Loading ``policies/``: the rule version in force on a day, the documents, the clauses."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from ipgov.core.errors import GovernanceError, Problem, UnknownError
from ipgov.core.fingerprint import sha256_hex
from ipgov.core.settings import settings
from ipgov.policy.rules import RuleVersion

# What names a version needs no clause: it is no rule value.
_IDENTITY = {"programme", "version", "effective", "status", "title", "note"}


class _Loader(yaml.SafeLoader):
    """Safe YAML with decimals instead of floats, and no key given twice."""


def _decimal(loader: _Loader, node: yaml.ScalarNode) -> Decimal:
    return Decimal(str(loader.construct_scalar(node)).replace("_", ""))


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [loader.construct_object(k) for k, _ in node.value]
    if doubled := {k for k in keys if keys.count(k) > 1}:
        raise yaml.constructor.ConstructorError(
            None, None, f"键重复:{'、'.join(map(str, doubled))}", node.start_mark
        )
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor("tag:yaml.org,2002:float", _decimal)
_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_yaml(data: bytes, name: str) -> Any:
    """Parse YAML as policy is written; GovernanceError (Chinese, with the line) where it is not YAML."""
    try:
        return yaml.load(data, _Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"第 {mark.line + 1} 行" if mark else ""
        raise GovernanceError(f"{name} {place}不是有效的 YAML:{getattr(error, 'problem', error)}") from None


@dataclass(frozen=True)
class Loaded:
    """A rule version with the file it was read from, byte for byte."""

    rules: RuleVersion
    data: bytes
    source: str

    @property
    def sha256(self) -> str:
        """Return the hash under which this version is frozen."""
        return sha256_hex(self.data)


def _without_basis(value: Any, path: str, basis: bool) -> Iterator[str]:
    if isinstance(value, Mapping):
        basis = basis or bool(value.get("clause")) or bool(value.get("operator"))
        for key, inner in value.items():
            if key in ("clause", "operator") or (not path and key in _IDENTITY):
                continue
            yield from _without_basis(inner, f"{path}.{key}" if path else str(key), basis)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _without_basis(inner, f"{path}[{index}]", basis)
    elif not basis:
        yield path


def parse(data: bytes, name: str) -> Loaded:
    """Read one rule version from the bytes of its file.

    Raises GovernanceError with every problem: not YAML, unknown or missing keys, wrong values, and rule values
    that stand under neither a clause nor ``operator``.
    """
    raw = read_yaml(data, name)
    if not isinstance(raw, dict):
        raise GovernanceError(f"{name}:规则文件须为键值结构")
    problems = [
        Problem("policy_basis", f"{path} 没有依据", "写明 clause(条款)或 operator(运行方自定)", file=name)
        for path in _without_basis(raw, "", False)
    ]
    try:
        rules = RuleVersion.model_validate(raw)
    except ValidationError as error:
        problems += [
            Problem("policy_shape", f"{'.'.join(map(str, e['loc']))}:{e['msg']}", "符合规则文件格式", file=name)
            for e in error.errors()
        ]
        raise GovernanceError(f"{name} 有 {len(problems)} 处问题", tuple(problems)) from None
    if problems:
        raise GovernanceError(f"{name} 有 {len(problems)} 处问题", tuple(problems))
    return Loaded(rules, data, name)


def load(path: Path) -> Loaded:
    """Read a rule version from a file."""
    try:
        return parse(path.read_bytes(), path.name)
    except OSError as error:
        raise GovernanceError(f"规则文件 {path} 无法读取:{error.strerror}") from None


@cache
def versions(programme: str) -> tuple[Loaded, ...]:
    """Return every version of a programme in order of effect, drafts last."""
    files = sorted((settings().policies / programme).glob("*.yaml"))
    if not files:
        known = "、".join(programmes()) or "无"
        raise UnknownError(f"没有名为“{programme}”的业务规则;现有:{known}")
    loaded = [load(f) for f in files]
    return tuple(sorted(loaded, key=lambda v: (v.rules.status == "draft", v.rules.effective)))


def programmes() -> tuple[str, ...]:
    """Return the programmes that have rule versions."""
    folders = (f for f in sorted(settings().policies.iterdir()) if f.is_dir() and f.name != "calendars")
    return tuple(f.name for f in folders if any(f.glob("*.yaml")))


def in_force(programme: str, on: dt.date) -> Loaded:
    """Return the version of a programme in force on a day; UnknownError where none covers it."""
    covering = [v for v in versions(programme) if v.rules.status == "in_force" and v.rules.effective <= on]
    if not covering:
        first = min((v.rules.effective for v in versions(programme) if v.rules.status == "in_force"), default=None)
        raise UnknownError(f"{on} 尚无“{programme}”的有效规则;最早的规则自 {first} 起施行")
    return covering[-1]


def governing(programme: str, year: int) -> Loaded:
    """Return the version that governs the period ending with ``year``: the one in force on its last day."""
    return in_force(programme, dt.date(year, 12, 31))


@cache
def clauses() -> Mapping[str, Mapping[str, str]]:
    """Return every published requirement by id (``2023-156#21``), with the quoted words."""
    with (settings().policies / "clauses.csv").open(encoding="utf-8", newline="") as f:
        return {row["id"]: row for row in csv.DictReader(f)}
