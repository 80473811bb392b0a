"""Suites of expectations: Great Expectations' own JSON, each expectation under a rule id and a basis.

``expectations/<name>.json`` is ``{"name", "notes", "expectations": [{"type", "kwargs", "meta"}]}``.
``meta`` holds

- ``rule``: the rule's id, ``FPQ001``;
- ``severity``: ``critical`` stops the evaluation, ``warning`` is listed, ``info`` is told;
- ``basis``: a clause id (``2023-156#16``) or ``operator: <why>``;
- ``message``: a Chinese sentence; ``{column}`` is filled from the failing row;
- ``view``: the view that the expectation looks at (``sql/views``);
- ``title`` (optional): what the rule is called in lists; else its message without the braces;
- ``columns`` (optional): which columns of the view tell a finding's unit, field, found, sheet, cell and
  submission_id, where they do not bear those names (``found`` is ``value`` by default).

Every column that a message, ``columns``, an argument or the SQL names is the view's or the query's own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Any, Literal, cast

from ipgov.core.errors import GovernanceError, Problem, UnknownError
from ipgov.core.fingerprint import sha256_hex
from ipgov.core.settings import settings
from ipgov.policy.store import clauses
from ipgov.quality.columns import given_by, quality_views, unknown_names, view_columns

Severity = Literal["critical", "warning", "info"]
SEVERITIES = ("critical", "warning", "info")
ROWS_BY_SQL = "unexpected_rows_expectation"
PLACES = {
    "unit": "unit",
    "field": "field",
    "found": "value",
    "sheet": "sheet",
    "cell": "cell",
    "submission_id": "submission_id",
}
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_BRACES = re.compile(r"\{[^}]*\}")
_RULE = re.compile(r"[A-Z]{2,5}[0-9]{3}")
_REQUIRED = ("rule", "severity", "basis", "message", "view")
_OPTIONAL = ("title", "columns")
_OF_THE_WHOLE = frozenset({"observed_value"})  # what a rule about the data as a whole tells
_HOW = {
    "rule": "规则编号，如 FPQ001",
    "severity": "critical（严重，中止）、warning（警告）、info（提示）之一",
    "basis": "条款编号（如 2023-156#16），或“operator: ”加自定理由",
    "message": "中文提示，可用 {列名} 引用所查视图的列",
    "view": "sql/views 中以 quality_ 开头的视图",
}


@dataclass(frozen=True)
class Rule:
    """One expectation, with what a person must know of it."""

    rule: str
    severity: Severity
    basis: str
    message: str
    view: str
    columns: Mapping[str, str]  # where they bear other names than in PLACES
    type: str
    kwargs: Mapping[str, Any]
    title: str = ""

    @property
    def name(self) -> str:
        """Return what the rule is called in lists."""
        return self.title or _BRACES.sub("…", self.message)

    @property
    def query(self) -> str | None:
        """Return the rule's own SQL for the failing rows, or None where Great Expectations writes it."""
        if self.type != ROWS_BY_SQL:
            return None
        return str(self.kwargs["unexpected_rows_query"]).rstrip("; \t\r\n").format(batch=self.view)

    def configuration(self) -> dict[str, Any]:
        """Return the expectation as Great Expectations reads it; the rule id leads back from its answer."""
        return {"type": self.type, "kwargs": dict(self.kwargs), "meta": {"rule": self.rule}}


@dataclass(frozen=True)
class Suite:
    """A suite with the exact bytes of its file."""

    name: str
    data: bytes
    rules: tuple[Rule, ...]

    @property
    def sha256(self) -> str:
        """Return the hash under which the suite's file is kept."""
        return sha256_hex(self.data)


def load(name: str) -> Suite:
    """Read ``expectations/<name>.json``.

    Raises UnknownError for an unknown suite, GovernanceError with every problem for an unusable one.
    """
    file = settings().expectations / f"{name}.json"
    if not _NAME.fullmatch(name) or not file.is_file():
        known = "、".join(sorted(f.stem for f in settings().expectations.glob("*.json"))) or "无"
        raise UnknownError(f"没有名为“{name}”的数据质量规则集；现有：{known}")
    return parse(file.read_bytes(), name)


def parse(data: bytes, name: str) -> Suite:
    """Read a suite from the bytes of its file; GovernanceError (Chinese) with every problem at once."""
    source = f"{name}.json"
    try:
        raw = json.loads(data)
    except ValueError as error:
        raise GovernanceError(f"数据质量规则集 {source} 不是有效的 JSON：{error}") from None
    if not isinstance(raw, dict) or not isinstance(raw.get("expectations"), list) or not raw["expectations"]:
        raise GovernanceError(f"数据质量规则集 {source} 须为含 expectations 列表的 JSON 对象，且至少一条规则")
    problems = []
    if raw.get("name") != name:
        problems.append(
            Problem("suite_name", f"name 为“{raw.get('name')}”", f"与文件名相同：“{name}”", source)
        )
    if extra := sorted(set(raw) - {"name", "notes", "expectations"}):
        problems.append(
            Problem("suite_keys", f"多余的键 {'、'.join(extra)}", "name、notes、expectations", file=source)
        )
    seen: set[str] = set()
    for number, entry in enumerate(raw["expectations"], start=1):
        problems += [
            Problem("suite_rule", f, e, source, cell=f"第 {number} 条") for f, e in _wrong(entry, seen)
        ]
    if problems:
        listed = "；".join(map(str, problems))
        raise GovernanceError(f"数据质量规则集 {source} 有 {len(problems)} 处问题：{listed}", tuple(problems))
    return Suite(name, data, tuple(_rule(e) for e in raw["expectations"]))


def _rule(entry: Mapping[str, Any]) -> Rule:
    meta = entry["meta"]
    return Rule(
        rule=meta["rule"],
        severity=cast(Severity, meta["severity"]),
        basis=meta["basis"],
        message=meta["message"],
        view=meta["view"],
        columns=meta.get("columns", {}),
        type=entry["type"],
        kwargs=entry["kwargs"],
        title=meta.get("title", ""),
    )


def _wrong(entry: Any, seen: set[str]) -> Iterator[tuple[str, str]]:
    """Yield (found, expected) for everything wrong with one entry."""
    shape = "{type, kwargs, meta} 三项"
    if not isinstance(entry, dict) or set(entry) != {"type", "kwargs", "meta"}:
        yield "项目不全或多余", shape
        return
    meta, kwargs = entry["meta"], entry["kwargs"]
    if not (isinstance(entry["type"], str) and isinstance(meta, dict) and isinstance(kwargs, dict)):
        yield "type、kwargs 或 meta 类型不对", shape
        return
    for key in _REQUIRED:
        if not isinstance(meta.get(key), str) or not meta[key].strip():
            yield f"缺 meta.{key}", _HOW[key]
    if extra := sorted(set(meta) - {*_REQUIRED, *_OPTIONAL}):
        yield f"meta 中多余的键 {'、'.join(extra)}", "、".join((*_REQUIRED, *_OPTIONAL))
    if "title" in meta and (not isinstance(meta["title"], str) or not meta["title"].strip()):
        yield "meta.title 无效", "规则的简短中文名称"
    yield from _wrong_meta({k: v for k, v in meta.items() if isinstance(v, str) and v.strip()}, seen)
    columns = meta.get("columns", {})
    if (
        not isinstance(columns, dict)
        or set(columns) - set(PLACES)
        or not all(isinstance(c, str) and _NAME.fullmatch(c) for c in columns.values())
    ):
        yield "meta.columns 无效", f"{'、'.join(PLACES)} 到视图列名的对应"
    wrong_kwargs = list(_wrong_kwargs(entry["type"], kwargs))
    yield from wrong_kwargs
    if not wrong_kwargs and meta.get("view") in quality_views():
        yield from _wrong_columns(entry["type"], kwargs, meta)


def _wrong_columns(
    type_: str, kwargs: Mapping[str, Any], meta: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """Yield every column named that is not there."""
    view = meta["view"]
    there = view_columns(view)
    told = there | _OF_THE_WHOLE
    if type_ == ROWS_BY_SQL:
        query = kwargs["unexpected_rows_query"]
        if unknown := unknown_names(query, view):
            yield f"unexpected_rows_query 引用了视图“{view}”没有的列 {'、'.join(unknown)}", _columns_of(there)
        there = told = given_by(query, view)
    for key, value in kwargs.items():
        named = [value] if isinstance(value, str) else value if isinstance(value, list) else []
        if key.startswith("column") and (unknown := sorted(str(c) for c in named if c not in there)):
            yield f"kwargs.{key} 引用了视图“{view}”没有的列 {'、'.join(unknown)}", _columns_of(there)
    columns = meta.get("columns", {})
    if isinstance(columns, dict) and (unknown := sorted({c for c in columns.values() if c not in there})):
        yield f"meta.columns 引用了不存在的列 {'、'.join(map(str, unknown))}", _columns_of(there)
    message = meta.get("message")
    if isinstance(message, str) and (unknown := sorted(_named_in(message) - told)):
        yield f"提示引用了不存在的列 {'、'.join(unknown)}", _columns_of(told)


def _columns_of(there: Iterable[str]) -> str:
    return f"可用：{'、'.join(sorted(there))}"


def _named_in(message: str) -> set[str]:
    """Return the columns that a message names; none where it cannot be read, which is told elsewhere."""
    try:
        return {n for _, n, _, _ in Formatter().parse(message) if n is not None and _NAME.fullmatch(n)}
    except ValueError:
        return set()


def _wrong_meta(meta: Mapping[str, str], seen: set[str]) -> Iterator[tuple[str, str]]:
    if rule := meta.get("rule"):
        if not _RULE.fullmatch(rule):
            yield f"规则编号“{rule}”无效", _HOW["rule"]
        if rule in seen:
            yield f"规则编号“{rule}”重复", "每条规则编号唯一"
        seen.add(rule)
    if (severity := meta.get("severity")) and severity not in SEVERITIES:
        yield f"严重程度“{severity}”未知", _HOW["severity"]
    if basis := meta.get("basis"):
        reason = basis.removeprefix("operator:")
        if (not reason.strip()) if reason != basis else (basis not in clauses()):
            yield f"依据“{basis}”未知", _HOW["basis"]
    if message := meta.get("message"):
        yield from _wrong_message(message)
    if (view := meta.get("view")) and view not in quality_views():
        yield f"视图“{view}”未知", "、".join(sorted(quality_views()))


def _wrong_message(message: str) -> Iterator[tuple[str, str]]:
    try:
        names = [name for _, name, _, _ in Formatter().parse(message) if name is not None]
    except ValueError:
        yield "提示中的花括号不成对", _HOW["message"]
        return
    if wrong := [n for n in names if not _NAME.fullmatch(n)]:
        yield f"提示引用“{'、'.join(wrong)}”无效", _HOW["message"]


def _wrong_kwargs(type_: str, kwargs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if "row_condition" in kwargs:
        # the index query that Great Expectations hands back leaves the condition out and lists other rows too
        yield "不能用 row_condition", f"条件写入 {ROWS_BY_SQL} 的 SQL"
    if "mostly" in kwargs:
        yield "不能用 mostly", "每一失败行都是一处发现；可容忍的用 warning"
    if type_ == ROWS_BY_SQL:
        query = kwargs.get("unexpected_rows_query")
        try:
            used = {n for _, n, _, _ in Formatter().parse(query)} if isinstance(query, str) else set()
        except ValueError:
            used = set()
        if "batch" not in used or used - {"batch", None}:
            yield "unexpected_rows_query 缺失或无效", "以 {batch} 为数据来源的 SELECT，返回视图的各列"


def problems() -> list[Problem]:
    """Return every problem of every suite in ``expectations/``; ``ipgov policy check`` tells them."""
    found: list[Problem] = []
    for file in sorted(settings().expectations.glob("*.json")):
        try:
            load(file.stem)
        except GovernanceError as error:
            found += error.problems or (Problem("suite", error.message, "可读的规则集", file=file.name),)
    return found


def kept(data: bytes) -> dict[str, Rule]:
    """Return the rules of a suite as it was when it checked something, by id.

    What was true then is not held against today's views and clauses.
    """
    return {entry["meta"]["rule"]: _rule(entry) for entry in json.loads(data)["expectations"]}
