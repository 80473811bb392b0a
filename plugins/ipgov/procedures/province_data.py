"""What a province may see, read under its own role: the row policies filter, and nothing here does."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from psycopg import sql
from sqlalchemy import Connection, text

from ipgov.core import province_roles
from ipgov.core.database import is_simulation, reading
from ipgov.core.errors import EnvironmentProblemError, RefusedError, UnknownError
from ipgov.core.fingerprint import fingerprint
from ipgov.core.steps import SHANGHAI
from ipgov.documents.province_book import Shown, Table
from ipgov.followup.facts import OFFICE
from ipgov.followup.obligations import OFFICE_NAME, STATE_NAMES
from ipgov.policy import lifecycles, store
from ipgov.policy.duty_store import frozen_duty
from ipgov.registry.codes import PROVINCES, province_name

# view: the name of its sheet
VIEWS = {
    "counts": "统计",
    "bodies": "单位",
    "title_events": "资格变动",
    "submissions": "报送",
    "obligations": "应办事项",
    "results": "评价结果",
    "documents": "文书",
}
_OUTCOMES = {"accepted": "合格", "returned": "退回更正", "refused": "拒收"}
_COMMENTS = """
SELECT a.attname, col_description(a.attrelid, a.attnum) FROM pg_attribute a
WHERE a.attrelid = CAST(:view AS regclass) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""


@dataclass(frozen=True)
class Data:
    """Everything of a province as of a day, as known at a moment; codes as they are."""

    province: str
    as_of: dt.date
    known_at: dt.datetime
    simulation: bool
    tables: tuple[Table, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Return the number of rows by table; the counts themselves are none."""
        return {t.name: len(t.rows) for t in self.tables if t.name != "counts"}

    @property
    def programmes(self) -> list[str]:
        """Return the programmes that it tells of."""
        return sorted({row["programme"] for t in self.tables for row in t.rows})

    def as_dict(self) -> dict[str, Any]:
        """Return plain data, the same for the same record."""
        return {
            "province": self.province,
            "province_name": province_name(self.province),
            "as_of": self.as_of.isoformat(),
            "known_at": self.known_at.isoformat(),
            "simulation": self.simulation,
            "rules": rule_versions(self.programmes, self.as_of),
            "tables": [
                {
                    "name": t.name,
                    "title": t.title,
                    "columns": dict(t.columns),
                    "rows": [[_plain(row[c]) for c in t.columns] for row in t.rows],
                }
                for t in self.tables
            ],
        }

    @property
    def fingerprint(self) -> str:
        """Return the hash of what the record says; not of words or rules that only explain it."""
        return fingerprint([self.as_dict() | {"rules": [], "known_at": ""}])


def read(province: str, as_of: dt.date, known_at: dt.datetime) -> Data:
    """Read a province's views under its role, as of a day and as known at a moment.

    Raises UnknownError for no province, RefusedError where its view is not open, EnvironmentProblemError
    where the server lost its role.
    """
    province_name(province)
    with reading() as connection:
        simulation = is_simulation(connection)
        _take_role(connection, province, as_of, known_at)
        tables = tuple(_table(connection, view) for view in VIEWS)
    return Data(province, as_of, known_at, simulation, tables)


def _take_role(connection: Connection, province: str, as_of: dt.date, known_at: dt.datetime) -> None:
    decided = province_roles.newest(connection).get(province)
    if decided is None or decided["state"] == "revoked":
        raise RefusedError(f"{PROVINCES[province].name}（{province}）的查看没有开通；见 ipgov province grant")
    role = decided["role"]
    if not province_roles.exists(connection, role):
        raise EnvironmentProblemError(
            f"数据库服务器上没有角色 {role}（恢复备份之后须重新开通）：ipgov province grant {province}"
        )
    for name, value in (("as_of", as_of.isoformat()), ("known_at", known_at.isoformat())):
        connection.execute(
            text("SELECT set_config(:name, :value, true)"), {"name": f"ipgov.{name}", "value": value}
        )
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101
    driver.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role)))
    if connection.execute(text("SELECT province.mine()")).scalar() != province:
        raise EnvironmentProblemError(f"角色 {role} 不对应 {province}：数据库的各省权限有误，未导出")


def _table(connection: Connection, view: str) -> Table:
    told = connection.execute(text(_COMMENTS), {"view": f"province.{view}"})
    columns = {row[0]: str(row[1]) for row in told}
    rows = connection.execute(text(f"SELECT * FROM province.{view}")).mappings()  # noqa: S608
    return Table(view, VIEWS[view], columns, tuple(dict(r) for r in rows))


def shown(data: Data) -> list[Shown]:
    """Return the tables as people read them: every code with its Chinese word."""
    bodies = next(t for t in data.tables if t.name == "bodies").rows
    names = {OFFICE: OFFICE_NAME, data.province: province_name(data.province)}
    for b in bodies:
        names |= {b["host_code"]: b["host_name"], b["operator_code"]: b["operator_name"]}
        names[b["unit"]] = f"{b['name']}（{b['unit']}）"
    return [
        Shown(
            t.title,
            list(t.columns.values()),
            [[_word(t.name, c, r, names) for c in t.columns] for r in t.rows],
        )
        for t in data.tables
    ]


def _word(table: str, column: str, row: dict[str, Any], names: dict[str, Any]) -> str | Decimal | int | None:
    value = row[column]
    if value is None:
        return None
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, dt.datetime):
        return f"{value.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, int | Decimal):
        return value
    match column:
        case "programme":
            return programme_title(value, of_bodies=table in ("bodies", "title_events"))
        case "event" | "last_event":
            return lifecycles.lifecycle(store.governs(row["programme"])).event(value).name
        case "outcome":
            return _OUTCOMES[value]
        case "duty":
            return frozen_duty(row["rule_sha256"]).duty.name
        case "state":
            return "逾期办结" if value == "met" and row["late"] else STATE_NAMES[value]
        case "kind" if table == "bodies":
            return _kind(row["programme"], value)
        case "owed_by" | "owed_to" | "recipient":
            return names.get(value) or value
        case "unit" if table in ("obligations", "documents"):
            return names.get(value) or value
        case "rule_sha256":
            return value[:12]
    return str(value)


def programme_title(programme: str, *, of_bodies: bool = False) -> str:
    """Return what a programme, or its bodies, are called; what has no rules of its own has a name here."""
    try:
        rules = store.versions(programme)[-1].rules
        return rules.subject.title if of_bodies else rules.title
    except (UnknownError, IndexError):
        return _WITHOUT_RULES.get(programme, programme)


_WITHOUT_RULES = {"product_filing": "专利产品备案", "province_export": "各省按月数据"}


def _kind(programme: str, kind: str) -> str:
    known = {k.code: k.name for v in store.versions(programme) for k in v.rules.subject.kinds}
    return known.get(kind, kind)


def rule_versions(programmes: Sequence[str], on: dt.date) -> list[dict[str, str]]:
    """Return the rule versions in force on a day of those programmes that have any, with their hashes."""
    found = []
    for programme in programmes:
        if programme in store.programmes():
            try:
                loaded = store.in_force(programme, on)
            except UnknownError:
                continue
            found.append({"programme": programme, "version": loaded.rules.version, "sha256": loaded.sha256})
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.astimezone(SHANGHAI).isoformat()
    if isinstance(value, dt.date | Decimal):
        return str(value)
    return value
