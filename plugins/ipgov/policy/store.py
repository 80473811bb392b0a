"""Loading rule versions: every version of a programme, the one in force on a day, the one of a period."""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from ipgov.core import objects
from ipgov.core.errors import EnvironmentProblemError, GovernanceError, Problem, UnknownError
from ipgov.core.fingerprint import sha256_hex
from ipgov.core.settings import settings
from ipgov.policy.blocks import Block
from ipgov.policy.rules import RuleVersion, ScoringRules
from ipgov.policy.shapes import key_path, shape_problems

_Policy = TypeVar("_Policy", bound=Block)
_Rules = TypeVar("_Rules", bound=ScoringRules)

# What names a version needs no clause: it is no rule value.
_IDENTITY = {"programme", "version", "effective", "status", "title", "note", "procedure", "governs"}

_CLAUSE_COLUMNS = (
    "id", "doc_no", "doc_title", "dated", "effective", "section", "force", "kind", "rule_en", "key_zh",
    "actor", "when", "data", "outcome", "program", "auto",
)  # fmt: skip


# folders of policies/ that hold something else
_NO_PROGRAMMES = {"calendars", "cases", "duties", "lifecycles", "titles"}


class _Loader(yaml.CSafeLoader):
    """Safe YAML (in C: four times as fast) with decimals instead of floats, and no key given twice."""


def _number(loader: _Loader, node: yaml.ScalarNode) -> Decimal:
    text = str(loader.construct_scalar(node))
    if not re.fullmatch(r"[-+]?\d+\.\d+", text):
        raise _refused(node, f"{text} 不是十进制数（写作 0.5；文字请加引号）")
    return Decimal(text)


def _integer(loader: _Loader, node: yaml.ScalarNode) -> int:
    # YAML 1.1 reads 010 as 8 and 1:30 as 90: nobody who writes policy means that
    text = str(loader.construct_scalar(node))
    if not re.fullmatch(r"[-+]?(0|[1-9]\d*)", text):
        raise _refused(node, f"{text} 不是十进制整数（文字请加引号）")
    return int(text)


def _true_false(loader: _Loader, node: yaml.ScalarNode) -> bool:
    text = str(loader.construct_scalar(node))
    if text not in ("true", "false"):
        raise _refused(node, f"{text} 须写作 true 或 false（文字请加引号）")
    return text == "true"


def _day(loader: _Loader, node: yaml.ScalarNode) -> dt.date:
    text = str(loader.construct_scalar(node))
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise _refused(node, f"{text} 不是日期（YYYY-MM-DD）") from None


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [loader.construct_object(k, deep=True) for k, _ in node.value]
    for key, (key_node, _) in zip(keys, node.value, strict=True):
        if not isinstance(key, str):
            raise _refused(key_node, f"键 {key} 不是文字（请加引号）")
        if keys.count(key) > 1:
            raise _refused(node, f"键重复：{key}")
    return loader.construct_mapping(node, deep=True)


def _refused(node: yaml.Node, problem: str) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


# 1e3 would be a text to YAML 1.1 and a number to whoever reads that text
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?\d[\d_.]*[eE][-+]?\d+"), list("-+0123456789")
)
_Loader.add_constructor("tag:yaml.org,2002:float", _number)
_Loader.add_constructor("tag:yaml.org,2002:int", _integer)
_Loader.add_constructor("tag:yaml.org,2002:bool", _true_false)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _day)
_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_yaml(data: bytes, name: str) -> Any:
    """Parse YAML as policy is written; GovernanceError (Chinese, with the line) where it is not YAML."""
    try:
        return yaml.load(data, _Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"第 {mark.line + 1} 行" if mark else ""
        raise GovernanceError(f"{name} {place}不是有效的 YAML：{getattr(error, 'problem', error)}") from None


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


def without_basis(raw: Any, path: tuple[object, ...] = (), basis: bool = False) -> Iterator[str]:
    """Yield the place of every value that stands under neither ``clause`` nor ``operator``."""
    if isinstance(raw, Mapping):
        basis = basis or bool(raw.get("clause")) or bool(raw.get("operator"))
        for key, inner in raw.items():
            if key in ("clause", "operator") or (not path and key in _IDENTITY):
                continue
            yield from without_basis(inner, (*path, key), basis)
    elif isinstance(raw, list):
        for index, inner in enumerate(raw):
            yield from without_basis(inner, (*path, index), basis)
    elif not basis:
        yield key_path(path)


def basis_problems(raw: Any, name: str) -> list[Problem]:
    """Return a problem for every value that stands under neither ``clause`` nor ``operator``."""
    expected = "写明 clause（条款）或 operator（运行方自定）"
    return [Problem("policy_basis", f"{path} 没有依据", expected, file=name) for path in without_basis(raw)]


def read_policy(model: type[_Policy], path: Path, name: str) -> _Policy:
    """Read a file of ``policies/`` afresh; ``name`` is what its problems call it.

    Raises GovernanceError with every problem, EnvironmentProblemError where the file cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise EnvironmentProblemError(f"{path} 无法读取：{error.strerror}") from None
    return validated(model, read_yaml(data, path.name), name)


def validated(model: type[_Policy], raw: Any, name: str) -> _Policy:
    """Return what was read as a block of policy; GovernanceError with every problem of it."""
    problems = basis_problems(raw, name)
    try:
        rules = model.model_validate(raw)
    except ValidationError as error:
        problems += shape_problems(error, name)
    if problems:
        raise GovernanceError(f"{name} 有 {len(problems)} 处问题", tuple(problems))
    return rules


def _read_mapping(data: bytes, name: str) -> dict[str, Any]:
    raw = read_yaml(data, name)
    if not isinstance(raw, dict):
        raise GovernanceError(f"{name}：规则文件须为键值结构")
    return raw


@lru_cache(maxsize=64)  # a period's frozen bytes are asked for with every file that is received
def parse(data: bytes, name: str) -> Loaded:
    """Read one rule version from the bytes of its file.

    Raises GovernanceError with every problem: not YAML, unknown or missing keys, wrong values, and rule
    values that stand under neither a clause nor ``operator``.
    """
    return Loaded(validated(RuleVersion, _read_mapping(data, name), name), data, name)


def frozen(sha256: str) -> Loaded:
    """Read the rule version whose bytes were frozen under this hash."""
    return parse(objects.get_content(sha256), f"规则 {sha256[:12]}（已冻结）")


def parse_scoring(data: bytes, name: str) -> ScoringRules:
    """Read rules that can be evaluated: what names them and ``scoring`` alone, or a whole rule version.

    ``sensitivity`` and ``rule_checks`` may stand beside ``scoring``; anything else makes it a whole rule
    version, and as such it must be complete. Raises
    GovernanceError as ``parse`` does.
    """
    raw = _read_mapping(data, name)
    alone = set(raw) <= {*_IDENTITY, "scoring", "sensitivity", "rule_checks"}
    return validated(ScoringRules if alone else RuleVersion, raw, name)


def load(path: Path) -> Loaded:
    """Read a rule version from a file."""
    try:
        return parse(path.read_bytes(), path.name)
    except OSError as error:
        raise GovernanceError(f"规则文件 {path} 无法读取：{error.strerror}") from None


def versions(programme: str) -> tuple[Loaded, ...]:
    """Return every version of a programme in order of effect, drafts last."""
    if programme not in programmes():
        known = "、".join(programmes()) or "无"
        raise UnknownError(f"没有名为“{programme}”的业务规则；现有：{known}")
    return _versions(settings().policies / programme)


@cache
def _versions(folder: Path) -> tuple[Loaded, ...]:
    loaded = [load(f) for f in sorted(folder.glob("*.yaml"))]
    return tuple(sorted(loaded, key=lambda v: (v.rules.status == "draft", v.rules.effective)))


def programmes() -> tuple[str, ...]:
    """Return the programmes that have rule versions."""
    policies = settings().policies
    if not policies.is_dir():
        raise EnvironmentProblemError(f"没有规则文件夹 {policies}：请检查 IPGOV_ROOT")
    folders = (f for f in sorted(policies.iterdir()) if f.is_dir() and f.name not in _NO_PROGRAMMES)
    return tuple(f.name for f in folders if any(f.glob("*.yaml")))


def governs(programme: str) -> str:
    """Return the programme whose title the bodies of this one hold: itself, or what its rules name.

    A programme without rules of its own (a title that nothing is collected for yet) is its own.
    """
    if programme not in programmes():
        return programme
    return _versions(settings().policies / programme)[-1].rules.governs or programme


def recognises(programme: str) -> bool:
    """Tell whether a programme is about bodies that apply for a title, not about those that hold it."""
    if programme not in programmes():
        return False
    return _versions(settings().policies / programme)[-1].rules.procedure == "recognition"


def covering(available: Iterable[Loaded], on: dt.date) -> Loaded | None:
    """Return the newest version in force that has taken effect by the day; drafts never count."""
    effective = [v for v in available if v.rules.status == "in_force" and v.rules.effective <= on]
    return max(effective, key=lambda v: v.rules.effective, default=None)


def in_force(programme: str, on: dt.date) -> Loaded:
    """Return the version of a programme in force on a day; UnknownError where none covers it."""
    available = versions(programme)
    found = covering(available, on)
    if found is None:
        days = [v.rules.effective for v in available if v.rules.status == "in_force"]
        first = f"最早的规则自 {min(days)} 起施行" if days else "该业务只有草案"
        raise UnknownError(f"{on} 尚无“{programme}”的有效规则；{first}")
    return found


def governing(programme: str, year: int) -> Loaded:
    """Return the version that governs the period ending with ``year``: the one in force on its last day."""
    return in_force(programme, dt.date(year, 12, 31))


def read_clauses(path: Path) -> list[dict[str, str]]:
    """Return the rows of ``clauses.csv`` as they stand.

    Raises EnvironmentProblemError where the file cannot be read, GovernanceError where it is no such table.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise EnvironmentProblemError(f"条款清单 {path} 无法读取：{error.strerror}") from None
    except UnicodeDecodeError:
        raise GovernanceError("policies/clauses.csv 不是 UTF-8 编码的文本") from None
    reader = csv.DictReader(lines)
    if tuple(reader.fieldnames or ()) != _CLAUSE_COLUMNS:
        raise GovernanceError(f"policies/clauses.csv 的表头不对；应为：{','.join(_CLAUSE_COLUMNS)}")
    rows = []
    for row in reader:
        if None in row or None in row.values():
            found = f"第 {reader.line_num} 行的列数不对"
            raise GovernanceError(f"policies/clauses.csv {found}；应为：{len(_CLAUSE_COLUMNS)} 列")
        rows.append(row)
    return rows


def clauses() -> Mapping[str, Mapping[str, str]]:
    """Return every published requirement by id (``2023-156#21``), with the quoted words.

    ``effective`` is as written: a date, and in brackets how it is known (``[inferred: date of issue]``).
    """
    return _clauses(settings().policies / "clauses.csv")


@cache
def _clauses(path: Path) -> Mapping[str, Mapping[str, str]]:
    return {row["id"]: row for row in read_clauses(path)}
