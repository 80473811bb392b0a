"""The values to be evaluated: taken into DuckDB as decimals, after everything about them has been proved."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ipgov.core.errors import GovernanceError, Problem, UnknownError
from ipgov.evaluation.plan import Plan
from ipgov.evaluation.scales import VALUE_DECIMALS, VALUE_DIGITS
from ipgov.evaluation.templates import sql_text

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from ipgov.evaluation.templates import Templates

REQUIRED = ("unit", "indicator", "value")
OPTIONAL = ("group", "rater", "source", "line")  # line: of the file that the row was read from, for messages
SHOWN = 20
_MASK_BITS = 126  # of a HUGEINT: one for each input that may stand once a unit
_NARROW_DIGITS = 18  # of a DECIMAL that is a 64-bit integer
_TEXTS = ("unit", "indicator", "group", "rater")
_WHAT: dict[str, tuple[type[GovernanceError], str, str]] = {
    "nameless": (GovernanceError, "unit 或 indicator 列为空", "每行写明对象（unit）与指标（indicator）"),
    "unknown_indicator": (UnknownError, "indicator 列有未知的指标", ""),
    "not_decimal": (
        GovernanceError,
        "value 列的数值无法识别",
        "十进制数（可写 1.2e-05），整数部分不超过 13 位；不用千分位、空格与单位",
    ),
    "two_groups": (GovernanceError, "group 列对同一对象写了不同的组别", "每个对象只属于一个组别"),
    "unknown_group": (UnknownError, "group 列有未知的组别", ""),
    "doubled": (
        GovernanceError,
        "同一对象、指标、评分人的数值重复",
        "每个对象的每个指标（及评分人）只有一行",
    ),
    "doubled_rating": (
        GovernanceError,
        "同一对象、指标、评分人的数值重复",
        "每个对象的每个指标（及评分人）只有一行",
    ),
    "no_rater": (GovernanceError, "rater 列为空的专家评分", "专家评分逐行写明评分人（rater）"),
    "strange_rater": (GovernanceError, "不是专家评分而 rater 列有评分人", "评分人（rater）留空"),
    "not_yes_no": (GovernanceError, "value 列不是“是否”值", "1（是）或 0（否）"),
    "rating_range": (GovernanceError, "value 列的专家评分超出范围", ""),
    "quotient_range": (GovernanceError, "与分母相除后数值过大", "绝对值小于 10 的 13 次方"),
}


def load(
    connection: duckdb.DuckDBPyConnection,
    templates: Templates,
    plan: Plan,
    values: pa.Table | Path,
    allowed_unused: frozenset[str],
) -> int:
    """Make the views ``given`` and ``typed`` and the table ``wide`` (one row per unit, one column per input).

    Returns how many values have more than 12 decimals and were rounded, half-up, from their digits. Raises
    UnknownError or GovernanceError (Chinese; first 20 rows and their number) for whatever the rules cannot
    take.
    """
    columns = _given(connection, values)
    textual = columns["value"] == "VARCHAR"
    used = list(plan.inputs)
    yes_no = [i.input for i in plan.indicators if i.method == "boolean"]
    rated = [n for n, column in plan.inputs.items() if not column]
    context: dict[str, Any] = {
        "used": used,
        "allowed": sorted({*used, *allowed_unused}),
        "single": sorted({*used, *allowed_unused} - set(rated)),
        "counted": [n for n in used if n not in rated],
        "rated": rated,
        "yes_no": yes_no,
        "groups": list(plan.groups),
        "textual": textual,
    }
    _check(connection, templates, "nameless", context)
    _check(connection, templates, "unknown_indicator", context, "、".join(used))
    if not _fits(columns["value"]):
        _check(connection, templates, "not_decimal", context)
    kind, rounded = _kind(connection, templates, columns["value"], context)
    _check(connection, templates, "strange_rater", context)
    if rated:
        _check(connection, templates, "no_rater", context)
        _check(connection, templates, "rating_range", context, expected=_scales(plan))
        _check(connection, templates, "doubled_rating", context)
    if yes_no:
        _check(connection, templates, "not_yes_no", context)
    connection.execute(templates.render("values.sql", kind=kind, **context))
    if _one_row_of_one_group_each(connection, plan, context["single"]):
        return rounded
    _check(connection, templates, "two_groups", context)
    if plan.groups:
        _check(connection, templates, "unknown_group", context, "、".join(plan.groups))
    _check(connection, templates, "doubled", context)
    return rounded


def _decimal_type(kind: str) -> tuple[int, int] | None:
    """Return digits and decimals of a DECIMAL type; None for any other."""
    found = re.fullmatch(r"DECIMAL\((\d+),\s*(\d+)\)", kind)
    return (int(found[1]), int(found[2])) if found else None


def _fits(kind: str) -> bool:
    """Tell whether every number of a type has few enough digits before the point."""
    digits = _decimal_type(kind)
    return digits is not None and digits[0] - digits[1] <= VALUE_DIGITS


def _kind(
    connection: duckdb.DuckDBPyConnection, templates: Templates, given: str, context: dict[str, Any]
) -> tuple[str, int]:
    """Return the narrowest type that holds every value used, and how many of them it rounds."""
    widest = f"DECIMAL({VALUE_DIGITS + VALUE_DECIMALS}, {VALUE_DECIMALS})"
    if "INT" in given:
        return f"DECIMAL({VALUE_DIGITS}, 0)", 0
    digits = _decimal_type(given)
    if digits and digits[1] <= VALUE_DECIMALS:
        return given if _fits(given) else f"DECIMAL({VALUE_DIGITS + digits[1]}, {digits[1]})", 0
    sql = templates.render("digits.sql", most=VALUE_DECIMALS, **context)
    before, decimals, rounded = connection.execute(sql).fetchall()[0]
    # one more digit before the point for what is rounded up
    before, decimals = min(VALUE_DIGITS, before + 1), min(VALUE_DECIMALS, decimals)
    narrow = before + decimals <= _NARROW_DIGITS
    return f"DECIMAL({before + decimals}, {decimals})" if narrow else widest, rounded


def _one_row_of_one_group_each(
    connection: duckdb.DuckDBPyConnection, plan: Plan, single: Sequence[str]
) -> bool:
    """Tell from the wide table whether nothing stands twice; the checks by name cost ten times as much."""
    if len(single) > _MASK_BITS:
        return False
    wide = connection.table("wide")
    if plan.groups:
        known = ", ".join(map(sql_text, plan.groups))
        if wide.filter(f"grp NOT IN ({known})").limit(1).fetchall():
            return False
    wrong = wide.filter("grp <> last_grp OR coalesce(bit_count(inputs_given), 0) <> rows_given")
    return not wrong.limit(1).fetchall()


def check_quotients(connection: duckdb.DuckDBPyConnection, templates: Templates, plan: Plan) -> None:
    """Refuse quotients that are too large to be computed with."""
    divided = [i for i in plan.indicators if i.denominator]
    if not divided:
        return
    # all at once whether there is any, for listing them costs a query each
    columns = [f"{'g' if i.transforms else 'v'}_{i.key}" for i in divided]
    table = "measured" if any(i.transforms for i in plan.indicators) else "quotients"
    beyond = " OR ".join(f"abs({c}) >= 1{'0' * VALUE_DIGITS}" for c in columns)
    if connection.table(table).filter(beyond).limit(1).fetchall():
        _check(connection, templates, "quotient_range", {"divided": divided})


def _given(connection: duckdb.DuckDBPyConnection, values: pa.Table | Path) -> dict[str, str]:
    """Make the view ``given`` with every column, and return the types as given."""
    if isinstance(values, Path):
        if not values.is_file():
            raise UnknownError(f"没有数值文件 {values}")
        source = connection.read_parquet(str(values))
    else:
        source = connection.from_arrow(values)
    source.create_view("source_rows", replace=True)
    columns = dict(zip(source.columns, map(str, source.types), strict=True))
    if lacking := [c for c in REQUIRED if c not in columns]:
        raise UnknownError(f"数值表缺少列：{'、'.join(lacking)}；须有 {'、'.join(REQUIRED)}")
    if strange := [c for c in columns if c not in (*REQUIRED, *OPTIONAL)]:
        raise UnknownError(
            f"数值表有未知的列：{'、'.join(strange)}；可用：{'、'.join((*REQUIRED, *OPTIONAL))}"
        )
    kind = columns["value"]
    if kind != "VARCHAR" and not kind.startswith("DECIMAL") and "INT" not in kind and kind != '"NULL"':
        raise GovernanceError(
            f"数值表的 value 列类型为 {kind}，不精确；应为：十进制数（DECIMAL）、整数或文本"
        )
    fields = [
        f'CAST("{c}" AS VARCHAR) AS "{c}"' if c in columns else f'CAST(NULL AS VARCHAR) AS "{c}"'
        for c in _TEXTS
    ]
    value = "value" if kind != '"NULL"' else "CAST(NULL AS VARCHAR) AS value"
    line = "line" if "line" in columns else "CAST(NULL AS BIGINT) AS line"
    connection.from_query(f"SELECT {', '.join(fields)}, {value}, {line} FROM source_rows").create_view(  # noqa: S608
        "given", replace=True
    )
    return columns | ({"value": "VARCHAR"} if kind == '"NULL"' else {})


def _check(
    connection: duckdb.DuckDBPyConnection,
    templates: Templates,
    check: str,
    context: dict[str, Any],
    accepted: str = "",
    expected: str = "",
) -> None:
    sql = templates.render("checks.sql", check=check, limit=SHOWN, **context)
    rows = connection.execute(sql).fetchall()
    if not rows:
        return
    error, what, usual = _WHAT[check]
    expected = expected or usual or f"已知的：{accepted}"
    problems = tuple(Problem(check, _place(row) + what + _found(row), expected) for row in rows)
    listed = "；".join(p.found for p in problems)
    more = f"（只列前 {SHOWN} 处）" if rows[0][0] > SHOWN else ""
    raise error(f"数值表有 {rows[0][0]} 处{what}{more}：{listed}。应为：{expected}", problems)


def _scales(plan: Plan) -> str:
    """Say from what to what experts score each input: once where it is the same for all."""
    rated = (i for i in plan.indicators if i.method == "expert_mean")
    scales = {i.input: f"{i.rule['least']} 至 {i.rule['most']}" for i in rated}
    same = len(set(scales.values())) == 1
    return next(iter(scales.values())) if same else "；".join(f"{n}：{s}" for n, s in scales.items())


def _place(row: Sequence[Any]) -> str:
    _, unit, indicator, rater, _, line = row
    parts = [
        f"第 {line} 行" if line is not None else "",
        f"对象“{unit or '（空）'}”",
        f"指标“{indicator}”" if indicator else "",
        f"评分人“{rater}”" if rater else "",
    ]
    return "".join(p for p in parts if p)


def _found(row: Sequence[Any]) -> str:
    return f"（“{row[4]}”）" if row[4] is not None else ""
