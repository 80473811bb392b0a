"""One period from receipt to issue, inserted row by row, and another that was only opened."""

from __future__ import annotations

import datetime as dt
import io
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ipgov.core import objects, tables
from ipgov.core.database import transaction
from ipgov.core.fingerprint import sha256_hex
from ipgov.core.steps import Cycle
from ipgov.policy import store
from ipgov.quality import suite
from sqlalchemy import Connection

PROGRAMME, PERIOD, OPENED_ONLY = "functional_platform", "2024", "2025"
CHARTS = b"%PDF-1.4 charts"
KNOWN_AT = dt.datetime(2025, 4, 16, 1, 0, tzinfo=dt.UTC)
HOSTILE = "<script>alert('x')</script>&\"恶意\""
PDF, WORKBOOK = b"%PDF-1.7 receipt", b"PK\x03\x04 correction"


@dataclass
class Sample:
    """What was inserted, by the names that the tests use."""

    result_set_id: int = 0
    round_id: int = 0
    returned_round_id: int = 0
    accepted_id: int = 0
    returned_id: int = 0
    document_id: int = 0
    fingerprint: str = "f" * 64
    rating_list: bytes = b""
    files: dict[str, bytes] = field(default_factory=dict)


def insert(connection: Connection, table: Any, **values: Any) -> int:
    values = {"known_at": KNOWN_AT, **values}
    return connection.execute(table.insert().values(**values).returning(table.c.id)).scalar_one()


def fill() -> Sample:
    """Insert everything; content goes to the object store first, as everywhere."""
    sample = Sample()
    loaded = store.governing(PROGRAMME, 2024)
    rule_sha256 = objects.put_content(loaded.data)
    with transaction() as c:
        rule = insert(
            c, tables.rule_version, programme=PROGRAMME, version=loaded.rules.version, sha256=rule_sha256
        )
        for period, year, provisional in ((PERIOD, 2025, False), (OPENED_ONLY, 2026, True)):
            insert(
                c,
                tables.cycle,
                programme=PROGRAMME,
                period=period,
                rule_version_id=rule,
                opened_on=dt.date(year, 1, 10),
                due_on=dt.date(year, 3, 31),
                evaluate_on=dt.date(year, 4, 15),
                due_provisional=provisional,
                calendar_version=f"{year}-announced",
            )
        _registry(c)
        _submissions(c, sample, rule_sha256)
        _results(c, sample, loaded)
        _review(c, sample, loaded)
        _documents(c, sample)
        insert(
            c,
            tables.unclaimed_object,
            object_key=f"inbox/{HOSTILE}.xlsx",
            sha256="9" * 64,
            received_at=KNOWN_AT,
            reason="目录中没有单位代码",
        )
    return sample


def _registry(c: Connection) -> None:
    for login, name, role in (("reviewer1", "审核员甲", "reviewer"), ("issuer1", "签发人甲", "issuer")):
        insert(c, tables.officer, login=login, name=name, roles=[role], active=True)
    insert(
        c,
        tables.organisation,
        code="91110000600037341L",
        name="示例依托单位",
        province="11",
        central_enterprise=False,
        valid_from=dt.date(2023, 9, 5),
        source="示例",
    )
    bodies = (
        ("FP01", "示例交易平台", "recognised"),
        ("FP02", HOSTILE, "recognised"),
        ("FP03", "未报送平台", "recognised"),
        ("FP04", "已取消平台", "recognised"),
    )
    for unit, name, event in bodies:
        insert(
            c,
            tables.titled_body,
            programme=PROGRAMME,
            unit=unit,
            name=name,
            kind="trading",
            province="11",
            route="province",
            host_code="91110000600037341L",
            operator_code="91110000600037341L",
            valid_from=dt.date(2023, 9, 5),
            source="示例",
        )
        _event(c, unit, event, dt.date(2023, 9, 5))
    _event(c, "FP04", "cancelled", dt.date(2024, 6, 1))
    # after the evaluation day of 2024: still counted there, no more in 2025
    _event(c, "FP03", "cancelled", dt.date(2025, 5, 1))


def _event(c: Connection, unit: str, event: str, on: dt.date) -> None:
    insert(
        c,
        tables.title_event,
        programme=PROGRAMME,
        unit=unit,
        event=event,
        effective_on=on,
        basis="2023-156#01",
        note="示例",
    )


def _submissions(c: Connection, sample: Sample, rule_sha256: str) -> None:
    def submission(unit: str, number: int, outcome: str, day: int, answer: bytes, **more: Any) -> int:
        return insert(
            c,
            tables.submission,
            object_key=f"inbox/{PROGRAMME}/{PERIOD}/11/{unit}/报送表{number}.xlsx",
            sha256=sha256_hex(f"{unit}{number}".encode()),
            programme=PROGRAMME,
            period=PERIOD,
            unit=unit,
            form="FP-ANNUAL",
            form_version=1,
            rule_sha256=rule_sha256,
            received_at=dt.datetime(2025, 3, day, 2, 30, tzinfo=dt.UTC),
            due_on=dt.date(2025, 3, 31),
            outcome=outcome,
            answer_sha256=objects.put_content(answer),
            **{"late": False, "problems": [], **more},
        )

    problem = {
        "check": "type",
        "found": f"填写了“{HOSTILE}”",
        "expected": "数字",
        "file": "报送表1.xlsx",
        "sheet": "一、业务绩效",
        "cell": "C7",
        "basis": "operator",
    }
    first = submission("FP01", 1, "returned", 10, WORKBOOK, problems=[problem])
    sample.accepted_id = submission("FP01", 2, "accepted", 12, PDF, supersedes=first)
    sample.returned_id = submission(
        "FP02", 1, "returned", 31, WORKBOOK, problems=[problem, problem], late=True
    )
    submission("FP02", 2, "refused", 5, WORKBOOK, problems=[problem])
    insert(
        c,
        tables.extension,
        programme=PROGRAMME,
        period=PERIOD,
        unit="FP02",
        until=dt.date(2025, 4, 7),
        granted_by="审核员甲",
        reason="系统故障",
    )
    sample.files = {"accepted": PDF, "returned": WORKBOOK}


VALUES = {
    "F01": "60000", "F02": "120", "F08": "400", "F09": "320", "F10": "92.5", "F11": "50", "F12": "40",
    "F13": "20", "F14": "5", "F15": "25", "F16": "900", "F17": "99.5", "F18": "4", "F19": "1", "F20": "2",
    "F21": "2", "F22": "0", "F23": "0", "F24": "0", "F25": "1", "F26": "0",
}  # fmt: skip


def _results(c: Connection, sample: Sample, loaded: store.Loaded) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from ipgov.evaluation import engine
    from ipgov.evaluation import store as results
    from ipgov.evaluation.outcomes import ProposedOutcome

    table = pa.table(
        {
            "unit": ["FP01"] * len(VALUES),
            "indicator": list(VALUES),
            "value": [Decimal(v) for v in VALUES.values()],
            "group": ["trading"] * len(VALUES),
        }
    )
    parquet = io.BytesIO()
    pq.write_table(table, parquet)
    snapshot = insert(
        c,
        tables.snapshot,
        programme=PROGRAMME,
        period=PERIOD,
        mode="live",
        as_of=dt.date(2025, 4, 15),
        fingerprint="a" * 64,
        rule_sha256=loaded.sha256,
        values_sha256=objects.put_content(parquet.getvalue()),
    )
    for unit, name, state, submission in (
        ("FP01", "示例交易平台", "accepted", sample.accepted_id),
        ("FP02", HOSTILE, "returned", None),
        ("FP03", "未报送平台", "missing", None),
    ):
        insert(
            c,
            tables.snapshot_unit,
            snapshot_id=snapshot,
            unit=unit,
            name=name,
            kind="trading",
            province="11",
            route="province",
            host_code="91110000600037341L",
            operator_code="91110000600037341L",
            state=state,
            submission_id=submission,
        )
    for row, (code, value) in enumerate(VALUES.items(), 5):
        value_id = insert(
            c,
            tables.submitted_value,
            submission_id=sample.accepted_id,
            field=code,
            value=Decimal(value),
            raw=value,
            sheet="一、业务绩效",
            cell=f"D{row}",
            transforms=[],
        )
        insert(
            c,
            tables.snapshot_value,
            snapshot_id=snapshot,
            unit="FP01",
            field=code,
            value=Decimal(value),
            submitted_value_id=value_id,
        )
    evaluation = engine.evaluate(
        table,
        loaded.rules.scoring,
        groups=tuple(loaded.rules.kinds),
        allowed_unused=frozenset(loaded.rules.form.fields),
    )
    proposed = ProposedOutcome(
        "FP03", "cancel_title", "取消称号", "2023-156#21", f"连续两年未通过{HOSTILE}", (), "cancelled"
    )
    absent = [
        results.Absent(unit, "trading", state, None, None, "operator")
        for unit, state in (("FP02", "returned"), ("FP03", "missing"))
    ]
    sample.result_set_id = results.save(
        c,
        Cycle(PROGRAMME, PERIOD, dt.date(2025, 4, 15), KNOWN_AT),
        snapshot,
        loaded.sha256,
        evaluation,
        absent,
        "b" * 64,
        [proposed],
        KNOWN_AT,
    )
    check = insert(
        c,
        tables.quality_check,
        snapshot_id=snapshot,
        suite="functional_platform_annual",
        suite_sha256=objects.put_content(suite.load("functional_platform_annual").data),
        passed=True,
    )
    waiver = insert(
        c,
        tables.waiver,
        programme=PROGRAMME,
        period=PERIOD,
        unit="FP01",
        rule="year_on_year",
        granted_by="审核员甲",
        reason="已核实",
        until=dt.date(2025, 12, 31),
    )
    for number in range(23):
        insert(
            c,
            tables.finding,
            check_id=check,
            rule="year_on_year",
            severity="warning",
            basis="operator",
            unit="FP01",
            field="F01",
            message=f"第 {number} 处：较上年增长超过一倍",
            found="60000",
            sheet="一、业务绩效",
            cell="D5",
            waiver_id=waiver,
        )
    insert(
        c,
        tables.finding,
        check_id=check,
        rule="seal_carved",
        severity="critical",
        basis="2023-156#26",
        message=HOSTILE,
        waiver_id=waiver,
    )


def _review(c: Connection, sample: Sample, loaded: store.Loaded) -> None:
    from ipgov.documents import rating_list
    from ipgov.procedures.rating_lists import compose

    cycle = Cycle(PROGRAMME, PERIOD, dt.date(2025, 4, 15), KNOWN_AT)
    sample.rating_list = rating_list.write(compose(c, cycle, loaded, sample.result_set_id), "模拟数据")
    insert(
        c,
        tables.rating_chart,
        result_set_id=sample.result_set_id,
        rating_list_sha256=objects.put_content(sample.rating_list),
        charts_sha256=objects.put_content(CHARTS),
    )
    for number, fingerprint in ((1, "e" * 64), (2, sample.fingerprint)):
        round_id = insert(
            c,
            tables.review_round,
            programme=PROGRAMME,
            period=PERIOD,
            number=number,
            result_set_id=sample.result_set_id,
            fingerprint=fingerprint,
            rating_list_sha256=objects.put_content(sample.rating_list),
            rule_sha256=loaded.sha256,
        )
        insert(
            c,
            tables.decision,
            round_id=round_id,
            step="audit",
            answer="return" if number == 1 else "approve",
            actor="reviewer1",
            comment=HOSTILE,
            fingerprint=fingerprint,
            entry="airflow",
            answered_at=KNOWN_AT,
        )
        sample.returned_round_id, sample.round_id = sample.round_id, round_id
    insert(
        c,
        tables.review_mark,
        round_id=sample.round_id,
        unit="FP01",
        mark="question",
        comment="交易额是否含税",
        actor="reviewer1",
        entry="workbook",
        file_sha256="8" * 64,
    )
    insert(
        c,
        tables.refused_decision,
        round_id=sample.round_id,
        step="sign",
        answer="approve",
        actor="reviewer1",
        comment="",
        fingerprint=sample.fingerprint,
        entry="airflow",
        answered_at=KNOWN_AT,
        reason="审核员甲已在本轮“审核”中答复",
    )


def _documents(c: Connection, sample: Sample) -> None:
    key = "round:1/result_to_unit/FP01"
    number = insert(c, tables.document_number, series="国知平评函", year=2025, serial=1, reserved_for=key)
    sample.document_id = insert(
        c,
        tables.document,
        key=key,
        kind="result_to_unit",
        programme=PROGRAMME,
        period=PERIOD,
        unit="FP01",
        recipient="FP01",
        title="关于2024年度绩效评价结果的函",
        number_id=number,
        number="国知平评函〔2025〕1号",
        issued_on=dt.date(2025, 4, 20),
        seal_code="ABCD-EF01-2345",
        data_sha256="1" * 64,
        template_sha256="2" * 64,
        renderer="test",
    )
    for extension, data in (("docx", b"PK docx bytes"), ("pdf", b"%PDF-1.7 notice")):
        insert(
            c,
            tables.document_file,
            document_id=sample.document_id,
            format=extension,
            filename=f"国知平评函〔2025〕1号 “结果”.{extension}",
            sha256=objects.put_content(data),
        )
        sample.files[extension] = data
