"""Organisations with a 统一社会信用代码, and which of them carries on another."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, select, text

from ipgov.core import tables
from ipgov.core.database import lock
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.policy.title_words import no_legal_persons
from ipgov.registry.asof import newest
from ipgov.registry.codes import province_name, uscc_check_problem, uscc_form_problem

# A split or restructured body has no single successor that a computation may follow.
_FOLLOWED = ("renamed", "merged")
_KINDS = (*_FOLLOWED, "split", "restructured")


@dataclass(frozen=True)
class Organisation:
    """A legal person: code (USCC), name, province (two digits, see codes.PROVINCES), 央企 or not."""

    code: str
    name: str
    province: str
    central_enterprise: bool


def add_organisation(
    connection: Connection,
    organisation: Organisation,
    valid_from: dt.date,
    source: str,
    known_at: dt.datetime,
    code_confirmed_by: str | None = None,
) -> bool:
    """Register an organisation or a later version of it; return whether a row was written.

    Raises RefusedError for a malformed code, for one whose check character fails and that nobody confirmed,
    and for the name of a body of a programme whose bodies are no legal persons (2023-156#25); UnknownError
    for the province.
    """
    _check_code(organisation.code, code_confirmed_by)
    province_name(organisation.province)
    if not organisation.name.strip():
        raise RefusedError(f"组织 {organisation.code} 没有名称，应填写营业执照或法人证书上的全称")
    # By name, so that such a body and an organisation of one name cannot be registered at the same time.
    lock(connection, "registered name", organisation.name)
    lock(connection, "organisation", organisation.code)
    body = tables.titled_body
    no_persons = no_legal_persons()
    namesakes = select(body.c.programme, body.c.unit).where(
        body.c.name == organisation.name, body.c.programme.in_(no_persons)
    )
    if (namesake := connection.execute(namesakes.limit(1)).first()) is not None:
        words = no_persons[namesake.programme]
        raise RefusedError(
            f"“{organisation.name}”是{words.body} {namesake.unit} 的名称；{words.body}为非法人、非实体机构，"
            f"不得登记统一社会信用代码，应登记其{words.host}与运营单位"
        )
    values = {
        "code": organisation.code,
        "name": organisation.name,
        "province": organisation.province,
        "central_enterprise": organisation.central_enterprise,
        "valid_from": valid_from,
        "source": source,
        "code_confirmed_by": code_confirmed_by,
    }
    table = newest(tables.organisation, [tables.organisation.c.code], valid_from, known_at)
    there = connection.execute(select(table).where(table.c.code == organisation.code)).mappings().first()
    if there is not None and all(there[k] == v for k, v in values.items()):
        return False
    connection.execute(tables.organisation.insert().values(**values, known_at=known_at))
    return True


def _check_code(code: str, confirmed_by: str | None) -> None:
    if problem := uscc_form_problem(code):
        raise RefusedError(problem)
    problem = uscc_check_problem(code)
    if problem and not confirmed_by:
        raise RefusedError(f"{problem}；确有其码的，须由人工核对证照并登记确认人")


def organisation(connection: Connection, code: str, on: dt.date, known_at: dt.datetime) -> Organisation:
    """Return an organisation as it was on a day, as known at a moment; UnknownError where there was none."""
    table = newest(tables.organisation, [tables.organisation.c.code], on, known_at)
    row = connection.execute(select(table).where(table.c.code == code)).mappings().first()
    if row is None:
        raise UnknownError(f"{on} 没有统一社会信用代码为“{code}”的已登记组织，应先登记该组织")
    return Organisation(row["code"], row["name"], row["province"], row["central_enterprise"])


def record_succession(
    connection: Connection,
    predecessor: str,
    successor: str,
    kind: str,
    effective_on: dt.date,
    source: str,
    known_at: dt.datetime,
) -> bool:
    """Record which organisation carries on another from a day on; return whether a row was written.

    ``kind``: renamed, merged, split or restructured. A new name under the same code is no succession but a
    later version of the organisation. Of two records for one predecessor the later one counts.

    Raises UnknownError for an unknown kind or organisation; RefusedError where the chain
    would close on itself.
    """
    if kind not in _KINDS:
        raise UnknownError(f"没有名为“{kind}”的承继方式；可用：{'、'.join(_KINDS)}")
    if predecessor == successor:
        raise RefusedError(f"组织 {predecessor} 不能承继自身；仅更名而代码不变的，应登记该组织的新版本")
    lock(connection, "succession")
    for code in (predecessor, successor):
        organisation(connection, code, effective_on, known_at)
    values = {
        "predecessor": predecessor,
        "successor": successor,
        "kind": kind,
        "effective_on": effective_on,
        "source": source,
    }
    table = tables.organisation_succession
    same = [table.c[k] == v for k, v in values.items()]
    if connection.execute(select(table.c.id).where(table.c.known_at <= known_at, *same)).first():
        return False
    if kind in _FOLLOWED:
        ends = current_codes(connection, [successor], dt.date.max, known_at, without=predecessor)
        if ends[successor] == predecessor:
            raise RefusedError(
                f"{predecessor} 由 {successor} 承继会形成循环：{successor} 已由 {predecessor} 承继，"
                "应先更正原记录"
            )
    connection.execute(table.insert().values(**values, known_at=known_at))
    return True


def successor(connection: Connection, code: str, on: dt.date, known_at: dt.datetime) -> str:
    """Return the code of the organisation that carries this one on (itself where none does)."""
    organisation(connection, code, on, known_at)
    return current_codes(connection, [code], on, known_at)[code]


def current_codes(
    connection: Connection,
    codes: Iterable[str],
    on: dt.date,
    known_at: dt.datetime,
    *,
    without: str | None = None,
) -> dict[str, str]:
    """Return for each code the end of its chain of renamings and mergers on a day, as known at a moment.

    ``without`` names a predecessor whose own successions are not followed. RefusedError where a chain closes
    on itself (rows written past this module).
    """
    rows = connection.execute(
        _CHAINS,
        {
            "codes": sorted(set(codes)),
            "on": on,
            "known_at": known_at,
            "kinds": list(_FOLLOWED),
            "without": without,
        },
    ).all()
    if circle := next((row for row in rows if row.is_cycle), None):
        raise RefusedError(f"组织 {circle.start} 的承继记录形成循环，应先更正")
    return {row.start: row.code for row in rows}


def descendants(
    connection: Connection, codes: Iterable[str], on: dt.date, known_at: dt.datetime
) -> dict[str, frozenset[str]]:
    """Return for each code itself and every organisation that carries it on, in whatever way and however far.

    A split or restructuring counts here too: it leads to no single successor, but its people go on.
    """
    wanted = sorted(set(codes))
    rows = connection.execute(_LINES, {"codes": wanted, "on": on, "known_at": known_at})
    found: dict[str, set[str]] = {code: {code} for code in wanted}
    for row in rows:
        found[row.start].add(row.code)
    return {code: frozenset(line) for code, line in found.items()}


# UNION drops what was reached before, so that a circle ends by itself
_LINES = text("""
WITH RECURSIVE line AS (
    SELECT start, start AS code FROM unnest(CAST(:codes AS text[])) AS start
    UNION
    SELECT line.start, s.successor
    FROM line JOIN organisation_succession AS s ON s.predecessor = line.code
    WHERE s.effective_on <= :on AND s.known_at <= :known_at
)
SELECT start, code FROM line
""")
_CHAINS = text("""
WITH RECURSIVE step AS (
    SELECT DISTINCT ON (predecessor) predecessor, successor, kind
    FROM organisation_succession
    WHERE effective_on <= :on AND known_at <= :known_at
      AND predecessor IS DISTINCT FROM CAST(:without AS text)
    ORDER BY predecessor, effective_on DESC, known_at DESC, id DESC
), chain AS (
    SELECT start, start AS code, 0 AS hops FROM unnest(CAST(:codes AS text[])) AS start
    UNION ALL
    SELECT chain.start, step.successor, chain.hops + 1
    FROM chain JOIN step ON step.predecessor = chain.code
    WHERE step.kind = ANY (CAST(:kinds AS text[]))
) CYCLE code SET is_cycle USING path
SELECT DISTINCT ON (start) start, code, is_cycle FROM chain ORDER BY start, hops DESC
""")
