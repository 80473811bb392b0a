"""The pure command: a policy file and a values file in, a results file out. No database."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ipgov.core.errors import GovernanceError, Problem, UnknownError
from ipgov.evaluation.engine import Evaluation, evaluate
from ipgov.evaluation.plan import RESULT_COLUMNS
from ipgov.evaluation.values import OPTIONAL, REQUIRED, SHOWN
from ipgov.policy.check import check_scoring
from ipgov.policy.rules import RuleVersion
from ipgov.policy.store import parse_scoring

if TYPE_CHECKING:
    import pyarrow as pa

COLUMNS = (*REQUIRED, *(c for c in OPTIONAL if c != "line"))


def evaluate_files(policy: Path, values: Path, output: Path) -> Evaluation:
    """Evaluate ``values`` (CSV) under ``policy`` (YAML: scoring alone, or a whole version) into ``output``.

    Values: a header with unit, indicator, value and optionally group, rater, source; UTF-8, with or without
    byte-order mark; numbers as decimals, also as 1.2e-05 (more than 12 decimals are rounded half-up and
    counted in ``rounded_values``); an empty cell is missing. Output: unit, group, total, rank,
    group_rank, grade, passed, then a column per dimension and per indicator (score or points; a
    veto: 1 or 0). Raises GovernanceError or UnknownError in Chinese, naming line and column; nothing is
    written then.
    """
    rules = parse_scoring(_read(policy, "规则文件"), policy.name)
    if problems := check_scoring(rules, policy.name):
        raise GovernanceError(f"{policy.name} 的评分规则有 {len(problems)} 处问题", tuple(problems))
    unused = rules.inputs if isinstance(rules, RuleVersion) else frozenset()
    table = read_values(_read(values, "数值文件"), values.name)
    evaluation = evaluate(table, rules.scoring, allowed_unused=unused)
    _write(evaluation, output)
    return evaluation


def read_values(data: bytes, name: str) -> pa.Table:
    """Read a values file, every cell as text, with the number of its line. Raises as ``evaluate_files``."""
    import pyarrow as pa
    import pyarrow.csv as csv

    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise GovernanceError(f"{name} 第 {line} 行不是 UTF-8 文字；请另存为 UTF-8 编码的 CSV") from None
    header = _header(data, name)
    ragged: list[Any] = []

    def refuse(row: Any) -> str:
        ragged.append(row)
        return "skip"

    table = csv.read_csv(
        pa.BufferReader(data),
        read_options=csv.ReadOptions(use_threads=False),
        parse_options=csv.ParseOptions(ignore_empty_lines=False, invalid_row_handler=refuse),
        convert_options=csv.ConvertOptions(
            column_types=dict.fromkeys(header, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
        ),
    )
    if ragged:
        raise GovernanceError(
            f"{name} 有 {len(ragged)} 行的列数不对（只列前 {SHOWN} 行），"
            f"应为 {len(header)} 列（{','.join(header)}）："
            + "；".join(f"第 {r.number} 行有 {r.actual_columns} 列" for r in ragged[:SHOWN]),
            tuple(
                Problem(
                    "csv_columns",
                    f"有 {r.actual_columns} 列",
                    f"{len(header)} 列",
                    name,
                    "",
                    f"第 {r.number} 行",
                )
                for r in ragged[:SHOWN]
            ),
        )
    if not table.num_rows:
        raise GovernanceError(f"{name} 没有数据：表头之下须至少有一行")
    return table.append_column("line", pa.array(range(2, table.num_rows + 2), pa.int64()))


def _header(data: bytes, name: str) -> list[str]:
    first = data.split(b"\n", 1)[0].decode("utf-8-sig").rstrip("\r")
    header = [c.strip('"') for c in first.split(",")]
    accepted = ",".join(COLUMNS)
    if lacking := [c for c in REQUIRED if c not in header]:
        raise UnknownError(f"{name} 第 1 行（表头）缺少列：{'、'.join(lacking)}；可用的列：{accepted}")
    if strange := [f"第 {n} 列“{c}”" for n, c in enumerate(header, 1) if c not in COLUMNS]:
        raise UnknownError(f"{name} 第 1 行（表头）有未知的列：{'、'.join(strange)}；可用的列：{accepted}")
    if doubled := sorted({c for c in header if header.count(c) > 1}):
        raise GovernanceError(f"{name} 第 1 行（表头）的列重复：{'、'.join(doubled)}")
    return header


def _write(evaluation: Evaluation, output: Path) -> None:
    """Write the results file whole, or leave what was there."""
    query = evaluation.templates.render("wide_results.sql")
    plan = evaluation.plan
    nodes = [c.code for level in reversed(plan.levels) for n in level for c in n.children if not c.leaf]
    header = ",".join([*RESULT_COLUMNS, *nodes, *(i.code for i in plan.indicators)])
    try:
        handle, temporary = tempfile.mkstemp(dir=output.parent, prefix=".results-")
        os.close(handle)
    except OSError as error:
        raise GovernanceError(f"结果文件 {output} 无法写入：{error.strerror}") from None
    try:
        evaluation.connection.sql(query).write_csv(temporary, header=False)
        rows = Path(temporary).read_bytes()
        Path(temporary).write_bytes(f"{header}\n".encode() + rows)
        os.chmod(temporary, 0o644)
        os.replace(temporary, output)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise GovernanceError(f"{what} {path} 无法读取：{error.strerror}") from None
