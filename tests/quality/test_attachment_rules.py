"""Rules about attachments: each expected or listed one is a row, with its place and what stood for it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from frozen_bodies import CLEAN, KNOWN_AT, PROGRAMME, Body, Snapshot
from ipgov.core.database import transaction
from ipgov.core.tables import attachment, listed_attachment, snapshot_attachment, snapshot_unit
from ipgov.policy import store
from ipgov.quality import gate
from sqlalchemy import Connection, select

RULES = store.governing(PROGRAMME, 2025).rules


def add(connection: Connection, table: Any, **values: Any) -> int:
    values = {"known_at": KNOWN_AT, **values}
    return connection.execute(table.insert().values(**values).returning(table.c.id)).scalar_one()


def lists(c: Connection, snapshot_id: int, unit: str, kind: str, fields: list[str], came: bool) -> None:
    """Let a body's workbook list a file, which came or did not."""
    submission_id = c.execute(
        select(snapshot_unit.c.submission_id).where(
            snapshot_unit.c.snapshot_id == snapshot_id, snapshot_unit.c.unit == unit
        )
    ).scalar_one()
    name = f"{kind}.pdf"
    listed = add(
        c, listed_attachment, submission_id=submission_id, name=name, name_key=name, kind=kind,
        fields=fields, note="", sheet="附件清单", cell="B9",
    )  # fmt: skip
    kept = came and add(
        c, attachment, object_key=f"inbox/{unit}/{name}", programme=PROGRAMME, period="2025", unit=unit,
        filename=name, name_key=name, media_type="application/pdf", bytes=7,
        received_at=dt.datetime(2026, 3, 1, tzinfo=dt.UTC), outcome="kept", digest="a" * 64, sha256="a" * 64,
        scan="clean", rule_sha256="0" * 64,
    )  # fmt: skip
    add(
        c, snapshot_attachment, snapshot_id=snapshot_id, unit=unit, listed_attachment_id=listed,
        attachment_id=kept or None,
    )  # fmt: skip


@pytest.fixture
def found(database: object) -> Callable[..., list[tuple[Any, ...]]]:
    """Check bodies that answer F01 with a value and list attachments (kind, fields, whether it came)."""

    def check(*bodies: tuple[str, str, list[tuple[str, list[str], bool]]]) -> list[tuple[Any, ...]]:
        snapshot = Snapshot(RULES, "2025")
        for serial, (kind, value, _) in enumerate(bodies, 1):
            answers = {c: CLEAN.get(c, 2) for c in RULES.form.fields_for(kind)}
            code = {"trading": "F01", "financial": "F03"}.get(kind)
            snapshot.bodies.append(
                Body(f"FP{serial:03d}", kind, answers | ({code: Decimal(value)} if code else {}))
            )
        with transaction() as c:
            snapshot_id = snapshot.write(c)
            for body, (_, _, attached) in zip(snapshot.bodies, bodies, strict=True):
                for one in attached:
                    lists(c, snapshot_id, body.unit, *one)
        verdict = gate.check(snapshot_id, RULES, KNOWN_AT)
        return [
            (f.rule, f.unit, f.field, f.found, f.sheet, f.cell)
            for f in verdict.findings
            if f.rule in ("FPQ019", "FPQ020", "FPQ021")
        ]

    return check


SCAN = ("sealed_scan", [], True)


def test_a_sealed_scan_that_is_not_listed_or_did_not_come_is_found(found: Callable[..., Any]) -> None:
    assert found(("tool", "0", []), ("tool", "0", [("sealed_scan", [], False)]), ("tool", "0", [SCAN])) == [
        ("FPQ019", "FP001", None, None, None, None),
        ("FPQ019", "FP002", None, "sealed_scan.pdf", "附件清单", "B9"),
    ]


def test_listed_evidence_that_did_not_come_is_found_where_it_is_listed(found: Callable[..., Any]) -> None:
    assert found(
        ("trading", "2", [SCAN, ("evidence", ["F01"], False)]),
        ("trading", "2", [SCAN, ("evidence", ["F01"], True)]),
    ) == [("FPQ020", "FP001", "F01", "evidence.pdf", "附件清单", "B9")]


def test_a_large_figure_without_listed_evidence_is_found_at_its_cell(found: Callable[..., Any]) -> None:
    assert found(
        ("trading", "10000", [SCAN]),
        ("trading", "9999.99", [SCAN]),
        ("financial", "80000", [SCAN]),
        ("financial", "80000", [SCAN, ("evidence", ["F03"], True)]),
    ) == [
        ("FPQ021", "FP001", "F01", "10000", "一、业务绩效", "C4"),
        ("FPQ021", "FP003", "F03", "80000", "一、业务绩效", "C6"),
    ]
