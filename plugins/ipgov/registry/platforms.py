"""Titled bodies: what they are, who hosts and who operates them, which of them hold the title.

A body has a unit code of the office's own and names two organisations, its host unit (依托单位) and its
operating unit (运营单位, answerable for performance, 2023-156#12). Whether it may itself be a legal person is
the programme's: a platform is none (2023-156#25), a centre may be one (2024-1155#17).
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, join, or_, select

from ipgov.core import tables
from ipgov.core.database import lock
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.policy import store
from ipgov.policy.title_words import no_legal_persons, title_words
from ipgov.registry.asof import listed, newest
from ipgov.registry.codes import province_name, uscc_form_problem
from ipgov.registry.organisations import Organisation, organisation
from ipgov.registry.titles import life, standings, standings_on, titling_events

UNIT_CODE = re.compile(r"[A-Z]{2}[0-9]{2,6}", re.A)
ROUTES = {"province": "经省级知识产权局", "direct": "直接报送"}


@dataclass(frozen=True)
class Unit:
    """A body of a programme as it was on a day; ``titled_on`` None: it was never recognised by then."""

    unit: str
    name: str
    kind: str
    province: str
    route: str
    host: Organisation
    operator: Organisation
    titled_on: dt.date | None


def add_titled_body(
    connection: Connection,
    programme: str,
    unit: str,
    name: str,
    kind: str,
    province: str,
    route: str,
    host_code: str,
    operator_code: str,
    valid_from: dt.date,
    source: str,
    known_at: dt.datetime,
) -> bool:
    """Register a body or a later version of it; return whether a row was written. It gives no title.

    Raises UnknownError for an unknown programme, kind, province, route, host or operating unit; RefusedError
    for a malformed unit code, for a 统一社会信用代码 in its place, and for the name of an organisation
    where the programme's bodies are no legal persons.
    """
    programme = store.governs(programme)
    _check_unit_code(programme, unit)
    kinds = kind_names(programme)
    if kind not in kinds:
        known = "、".join(f"{c}（{n}）" for c, n in kinds.items())
        raise UnknownError(f"{unit}：“{programme}”没有名为“{kind}”的类别；可用：{known}")
    province_name(province)
    if route not in ROUTES:
        known = "、".join(f"{c}（{n}）" for c, n in ROUTES.items())
        raise UnknownError(f"{unit}：没有名为“{route}”的报送渠道；可用：{known}")
    lock(connection, "registered name", name)
    lock(connection, "titled body", programme, unit)
    for code in (host_code, operator_code):
        organisation(connection, code, valid_from, known_at)
    if (words := no_legal_persons().get(programme)) is not None:
        legal_person = tables.organisation
        same_name = select(legal_person.c.code).where(legal_person.c.name == name).limit(1)
        if (namesake := connection.execute(same_name).scalar()) is not None:
            raise RefusedError(
                f"{unit}：“{name}”是组织 {namesake} 的名称；{words.body}为非法人、非实体机构，"
                f"应另有{words.body}名称，该组织登记为{words.host}或运营单位"
            )
    values: dict[str, Any] = {
        "programme": programme,
        "unit": unit,
        "name": name,
        "kind": kind,
        "province": province,
        "route": route,
        "host_code": host_code,
        "operator_code": operator_code,
        "valid_from": valid_from,
        "source": source,
    }
    body = newest(tables.titled_body, _KEYS, valid_from, known_at)
    row = connection.execute(select(body).where(body.c.programme == programme, body.c.unit == unit))
    if (there := row.mappings().first()) is not None and all(there[k] == v for k, v in values.items()):
        return False
    connection.execute(tables.titled_body.insert().values(**values, known_at=known_at))
    return True


def kind_names(programme: str) -> dict[str, str]:
    """Return code → name of every kind of body that any version of a programme's rules knows."""
    return {k.code: k.name for v in store.versions(programme) for k in v.rules.subject.kinds}


def _check_unit_code(programme: str, unit: str) -> None:
    if uscc_form_problem(unit) is None:
        words = no_legal_persons().get(programme)
        why = f"{words.body}为非法人、非实体机构，" if words else ""
        raise RefusedError(
            f"“{unit}”是统一社会信用代码；{why}应使用单位代码（如 FP01），"
            f"统一社会信用代码登记在{title_words(programme).host}与运营单位名下"
        )
    if UNIT_CODE.fullmatch(unit) is None:
        raise RefusedError(f"单位代码“{unit}”格式不符：应为 2 个大写字母加 2 至 6 位数字，如 FP01")


_KEYS = (tables.titled_body.c.programme, tables.titled_body.c.unit)


def _bodies(programme: str, on: dt.date, known_at: dt.datetime) -> Select[Any]:
    """Return one query of the bodies of a programme with both their organisations and their last event.

    They are those ever recognised by that day; of a programme of recognition, those registered that do not
    hold the title then. Outer joins: an event without a body, or a body without its organisation, must show
    and not vanish.
    """
    titles = life(programme).programme
    every = newest(tables.titled_body, _KEYS, on, known_at)
    body = select(every).where(every.c.programme == titles).subquery()
    last = standings_on(titles, on, known_at)
    organisations = newest(tables.organisation, [tables.organisation.c.code], on, known_at)
    host, operator = organisations.alias("host"), organisations.alias("operator")
    if store.recognises(programme):
        unit, pairs = body.c.unit, join(body, last, last.c.unit == body.c.unit, isouter=True)
        wanted = or_(last.c.event.is_(None), last.c.event.not_in(titling_events(titles)))
    else:
        unit, pairs = last.c.unit, join(last, body, body.c.unit == last.c.unit, isouter=True)
        wanted = last.c.titled_on.is_not(None)
    return (
        select(
            unit.label("unit"),
            last.c.titled_on,
            last.c.event,
            *(body.c[name] for name in ("name", "kind", "province", "route")),
            *(o.c[n].label(f"{o.name}_{n}") for o in (host, operator) for n in _ORGANISATION),
        )
        .select_from(pairs)
        .join(host, host.c.code == body.c.host_code, isouter=True)
        .join(operator, operator.c.code == body.c.operator_code, isouter=True)
        .where(wanted)
        .order_by(unit)
    )


_ORGANISATION = tuple(f.name for f in fields(Organisation))


def _unit(row: RowMapping, on: dt.date) -> Unit:
    for column, what in (("name", "单位登记"), ("host_name", "依托单位"), ("operator_name", "运营单位")):
        if row[column] is None:
            raise UnknownError(f"{row['unit']} 在 {on} 缺少{what}的有效登记，应补登后再取名册")
    host, operator = (
        Organisation(**{name: row[f"{role}_{name}"] for name in _ORGANISATION})
        for role in ("host", "operator")
    )
    plain = {name: row[name] for name in ("unit", "name", "kind", "province", "route", "titled_on")}
    return Unit(**plain, host=host, operator=operator)


def roster(connection: Connection, programme: str, on: dt.date, known_at: dt.datetime) -> list[Unit]:
    """Return the bodies that hold the title on a day, as known at a moment, ordered by unit.

    Here and below a programme may be one that governs the bodies of another (``store.governs``); the bodies
    of one of recognition are those that may apply: registered, and without the title on the day.

    UnknownError for an unknown programme, and where a body's own record or organisation is missing.
    """
    held = titling_events(programme)
    applicants = store.recognises(programme)
    rows = connection.execute(_bodies(programme, on, known_at)).mappings()
    return [_unit(row, on) for row in rows if applicants or row["event"] in held]


def unit(connection: Connection, programme: str, unit: str, on: dt.date, known_at: dt.datetime) -> Unit:
    """Return one body that holds, or held and lost, the title by that day (its standing: titles.standing).

    UnknownError names the code and what exists; RefusedError for a body that holds the title, where the
    programme is one of recognition.
    """
    every = _bodies(programme, on, known_at).subquery()
    row = connection.execute(select(every).where(every.c.unit == unit)).mappings().first()
    if row is not None:
        return _unit(row, on)
    known = listed(list(connection.execute(select(every.c.unit).order_by(every.c.unit)).scalars()))
    if not store.recognises(programme):
        raise UnknownError(f"{on}“{programme}”没有代码为“{unit}”的已认定单位；现有：{known}")
    if standings(connection, programme, on, known_at).get(unit) is not None:
        raise RefusedError(f"{unit} 在 {on} 已持有{life(programme).title}资格，不能再次申报")
    raise UnknownError(f"{on}“{programme}”没有登记代码为“{unit}”的申报单位；现有：{known}")
