"""The synthetic nation: bodies in the registry, workbooks in the inbox. Everything is fictitious."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from ipgov.calendars.deadlines import cycle_days
from ipgov.core.steps import SHANGHAI
from ipgov.policy import store
from ipgov.policy.rules import FormField, RuleVersion
from ipgov.policy.store import read_yaml
from ipgov.registry.organisations import Organisation, add_organisation
from ipgov.registry.platforms import Unit, add_titled_body
from ipgov.registry.titles import record_title_event
from ipgov.simulation import attachments

SOURCE = "模拟数据（虚构）"
_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@cache
def nation() -> Mapping[str, Any]:
    """Return the nation's description."""
    path = Path(__file__).with_name("nation.yaml")
    data: Mapping[str, Any] = read_yaml(path.read_bytes(), path.name)
    return data


def fictitious_code(province: str, serial: int) -> str:
    """Return a well-formed 统一社会信用代码 of a body that does not exist (GB 32100-2015, check included)."""
    organisation = f"MA{serial:06d}"
    weights = (3, 7, 9, 10, 5, 8, 4, 2)
    inner = (
        11
        - sum(
            w * (int(c) if c.isdigit() else ord(c) - 55) for w, c in zip(weights, organisation, strict=True)
        )
        % 11
    ) % 11
    head = f"12{province}0000{organisation}{'X' if inner == 10 else inner}"
    total = sum(_ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(head))
    return head + _ALPHABET[(31 - total % 31) % 31]


def register(connection: Connection) -> None:
    """Enter the twelve platforms as recognised on 2023-09-05, each with its host and its operating unit."""
    described = nation()
    day = described["recognised_on"]
    known_at = dt.datetime.combine(day, dt.time(18), tzinfo=SHANGHAI)
    programme = described["programme"]
    kinds = store.in_force(programme, day).rules.kinds
    for index, platform in enumerate(described["platforms"], start=1):
        host, operator = (
            Organisation(
                fictitious_code(platform["province"], 2 * index + n),
                platform[role],
                platform["province"],
                False,
            )
            for n, role in enumerate(("host", "operator"))
        )
        for organisation in (host, operator):
            add_organisation(connection, organisation, day, SOURCE, known_at)
        add_titled_body(
            connection,
            programme,
            platform["unit"],
            platform["name"],
            platform["kind"],
            platform["province"],
            platform.get("route") or kinds[platform["kind"]].route or "province",
            host.code,
            operator.code,
            day,
            SOURCE,
            known_at,
        )
        record_title_event(
            connection,
            programme,
            platform["unit"],
            "recognised",
            day,
            "2023-156#01",
            SOURCE,
            known_at,
            by="issuer",
            document_number=described["number"],
        )


@dataclass(frozen=True)
class Sent:
    """A file as a body put it into the inbox: where, when, what, and the story behind it."""

    key: str
    received_at: dt.datetime
    data: bytes
    unit: str
    why: str


@dataclass(frozen=True)
class Extension:
    """An extension that the story grants before the due day."""

    unit: str
    until: dt.date
    reason: str


def extensions(period: int) -> list[Extension]:
    """Return the extensions of a period."""
    due = _due(period)
    return [
        Extension(e["unit"], due + dt.timedelta(days=e["extension"]), e["why"])
        for e in nation()["story"].get(str(period), ())
        if "extension" in e
    ]


def sent(period: int, units: Mapping[str, Unit], blank: Any) -> Iterator[Sent]:
    """Yield what the titled bodies send for a period, in order of receipt.

    ``blank(period, unit)`` returns the blank form's bytes. A body without a line in the story sends one good
    workbook sixteen days before the due day.
    """
    story = nation()["story"].get(str(period), [])
    told = {e.get("unit") for e in story}
    events = [e for e in story if e.get("unit") in units or "stray" in e]
    events += [{"unit": u, "days": -16, "why": ""} for u in units if u not in told]
    for event in sorted((e for e in events if "days" in e), key=lambda e: (e["days"], e.get("unit", ""))):
        yield from _send(period, event, units, blank)


def _due(period: int) -> dt.date:
    return cycle_days(_rules(period).cycle, period).due.date


def _rules(period: int) -> RuleVersion:
    return store.governing(nation()["programme"], period).rules


def _send(period: int, event: Mapping[str, Any], units: Mapping[str, Unit], blank: Any) -> Iterator[Sent]:
    day = _due(period) + dt.timedelta(days=event["days"])
    received_at = dt.datetime.combine(day, dt.time(10, 30), tzinfo=SHANGHAI)
    folder = f"inbox/{nation()['programme']}/{period}"
    why = event.get("why", "")
    if "stray" in event:
        yield Sent(f"{folder}/{event['stray']}", received_at, "请查收附件".encode(), "", why)
        return
    unit = units[event["unit"]]
    own = f"{folder}/{unit.province}/{unit.unit}"
    papers = attachments.of(unit, period, _rules(period))
    for paper in attachments.sent(papers, event):
        yield Sent(f"{own}/{paper.name}", received_at, paper.data(), unit.unit, why)
    if "attachment" in event:
        return
    key = f"{own}/{unit.unit}-{period}-{day:%m%d}.xlsx"
    if "garbage" in event:
        yield Sent(key, received_at, event["garbage"].encode(), unit.unit, why)
        return
    form = blank(event.get("form_of", str(period)), event.get("identity_of", unit.unit))
    rules = _rules(int(event.get("form_of", period)))
    values = {**_values(unit, period, rules, day, event), **event.get("raw", {})}
    filled = fill(form, values, event.get("drop_sheet"), [p.row for p in papers])
    yield Sent(key, received_at, filled, unit.unit, why)


def _values(
    unit: Unit, period: int, rules: RuleVersion, day: dt.date, event: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a body's true values: full marks times its level, a little moved, parts never above wholes."""
    described = nation()
    platform = next(p for p in described["platforms"] if p["unit"] == unit.unit)
    level = Decimal(event.get("level", platform["level"][str(period)]))
    values: dict[str, Any] = {}
    for code, field in rules.form.fields_for(unit.kind).items():
        if code in described["fixed"]:
            values[code] = described["fixed"][code]
        elif field.type == "date":
            values[code] = day
        else:
            values[code] = _scaled(unit.unit, period, field, Decimal(described["full_marks"][code]), level)
    for part, whole in (("F09", "F08"), ("F12", "F11")):
        values[part] = min(values[part], values[whole])
    return {**values, **event.get("values", {})}


def _scaled(unit: str, period: int, field: FormField, full: Decimal, level: Decimal) -> Decimal | int:
    moved = Decimal(hashlib.sha256(f"{unit}/{period}/{field.code}".encode()).digest()[0]) / 255  # 0..1
    value = full * level * (Decimal("0.95") + moved / 10)
    if field.type == "percent":  # rates move within a narrow band near the top
        value = full - (1 - min(level, Decimal(1))) * (100 - full + 30 * (full < 99)) - moved
    if field.maximum is not None:
        value = min(value, field.maximum)
    step = Decimal(1).scaleb(-field.decimals)
    rounded = value.quantize(step, rounding=ROUND_HALF_UP)
    return int(rounded) if field.decimals == 0 else rounded


def fill(
    form: bytes,
    values: Mapping[str, Any],
    drop_sheet: str | None = None,
    listed: Sequence[Mapping[str, str]] = (),
) -> bytes:
    """Fill in a blank form as a body would with its spreadsheet program; returns the saved workbook.

    ``listed`` are the rows of the list of attachments, by heading.
    """
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(form))
    for code, value in values.items():
        name = book.defined_names.get(f"v_{code}")
        if name is None:
            continue
        ((sheet, cell),) = name.destinations
        book[sheet][cell.replace("$", "")] = float(value) if isinstance(value, Decimal) else value
    if listed:
        attachments.write_list(book, listed)
    if drop_sheet:
        del book[drop_sheet]
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()
