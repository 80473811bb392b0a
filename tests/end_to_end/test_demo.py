"""`make demo` as a whole: real scheduler, API server and PostgreSQL; then once more, and nothing changes."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

pytestmark = pytest.mark.scheduler

FACTS = (
    "submission",
    "submitted_value",
    "snapshot",
    "quality_check",
    "result",
    "score",
    "decision",
    "document",
    "document_number",
    "dispatch_attempt",
    "title_event",
    "issue",
    "seal",
)


@pytest.fixture(scope="module")
def state() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ipg") as folder:
        yield Path(folder) / "state"


def _play(state: Path) -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "ipgov.launcher.demo",
        "--no-wait",
        "--state",
        str(state),
        "--port",
        str(port),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1500)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


def _ask(state: Path, *statements: str) -> list[list[tuple[object, ...]]]:
    from ipgov.launcher import airflow, postgres

    data = state / "pg"
    postgres.start(data)
    try:
        engine = create_engine(postgres.url(data, airflow.GOVERNANCE_DATABASE, postgres.APPLICATION))
        with engine.connect() as connection:
            answers = [[tuple(r) for r in connection.execute(text(s))] for s in statements]
        engine.dispose()
    finally:
        postgres.stop(data)
    return answers


@pytest.fixture(scope="module")
def told(state: Path) -> str:
    return _play(state)


def test_the_summary_tells_the_years(told: str, state: Path) -> None:
    for year in ("2023", "2024", "2025"):
        assert f"── {year} 年度 ──" in told
    assert "取消称号" in told
    passwords = state / "passwords.json"
    assert str(passwords) in told
    assert stat.S_IMODE(os.stat(passwords).st_mode) == 0o600


def test_the_summary_tells_how_each_kind_of_duty_ended(told: str) -> None:
    after = told[told.index("── 后续事项") :]
    assert "FP01 重大事项报送" in after
    assert "按期办结" in after
    assert "逾期办结" in after
    assert "逾期；已通报至" in after  # never reported
    assert "FP08 提醒整改" in after
    assert "整改验收合格，曾延期 1 次" in after
    assert "整改验收不合格" in after
    assert "PP01 试点平台整改" in after
    assert "整改后评价通过" in after
    assert "整改后评价未通过" in after


def test_the_summary_tells_how_a_provisional_day_was_confirmed(told: str, state: Path) -> None:
    after = told[told.index("── 暂定期限与放假通知（虚构）──") :]
    assert (
        "FP12 违规情形整改：原期限 2027-01-04（暂定）（保留在案），2026-12-16 重新推算为 2027-01-05" in after
    )
    assert "期限变更通知 2 件" in after
    assert "日历文件：20270104 TENTATIVE" in after
    assert "日历文件：20270105 CONFIRMED" in after
    assert f"IPGOV_CALENDARS={state}/calendars" in (state / "env").read_text(encoding="utf-8")


def test_the_summary_tells_one_centre_of_each_fate(told: str, state: Path) -> None:
    fates = told[told.index("── 国家级产业知识产权运营中心") :]
    for unit, words in (
        ("IC01", "综合评价优秀（国知产评函〔2028〕"),
        ("IC02", "综合评价合格（国知产评函〔2028〕"),
        ("IC03", "异议成立不予认定（国知异复函〔2025〕1号；第七条(三)，2024-1155#33）"),
        ("IC04", "整改后再评价合格（国知产改函〔2028〕"),
        ("IC05", "  取消资格（国知产改函〔2028〕"),
        ("IC06", "未通过复核评审"),
        ("IC07", "取消资格（违法违规且后果严重）（国知产改函〔2026〕"),
    ):
        own = fates[fates.index(f"  {unit} ") :].split("\n  IC", 1)[0]
        assert words in own, own
    assert "综合评价优秀单位的通报（国知产通〔2028〕1号" in fates
    (decided,) = _ask(
        state,
        "SELECT d.step, d.actor, d.entry FROM decision d JOIN review_round r ON r.id = d.round_id"
        " WHERE r.programme = 'industry_centre_self_evaluation' AND r.period = '2025' ORDER BY d.id",
    )
    assert decided == [("audit", "reviewer1", "airflow"), ("sign", "issuer1", "airflow")]


def test_each_issue_started_the_follow_up_of_its_period(told: str) -> None:
    for year in ("2023", "2024", "2025"):
        assert f"{year} 年度发文已转后续事项" in told


@pytest.mark.clause("2023-156#20", "2023-156#21")
def test_each_year_was_decided_as_of_its_own_day_by_two_people(told: str, state: Path) -> None:
    decisions, titles, results = _ask(
        state,
        "SELECT r.period, d.step, d.actor, d.entry FROM decision d JOIN review_round r ON r.id = d.round_id"
        " WHERE r.result_set_id IS NOT NULL AND r.programme = 'functional_platform' ORDER BY d.id",
        "SELECT unit, effective_on::text, document_number FROM title_event"
        " WHERE event = 'cancelled' AND programme = 'functional_platform' ORDER BY id",
        "SELECT s.period, max(r.known_at)::date::text FROM result r"
        " JOIN result_set s ON s.id = r.result_set_id WHERE s.programme = 'functional_platform'"
        " GROUP BY 1 ORDER BY 1",
    )
    assert decisions == [
        ("2023", "audit", "reviewer1", "airflow"),
        ("2023", "sign", "issuer1", "airflow"),
        ("2024", "audit", "reviewer1", "airflow"),
        ("2024", "sign", "issuer1", "airflow"),
        ("2025", "audit", "reviewer1", "workbook"),
        ("2025", "sign", "issuer1", "airflow"),
    ]
    ended = [(unit, day) for unit, day, _ in titles]
    assert ended == [("FP09", "2025-04-15"), ("FP08", "2026-04-15")]
    assert all(number.startswith("国知平评函〔") for *_, number in titles)
    assert results == [("2023", "2024-04-16"), ("2024", "2025-04-15"), ("2025", "2026-04-15")]


def test_played_again_nothing_changes(told: str, state: Path) -> None:
    count = " UNION ALL ".join(f"SELECT '{t}', count(*) FROM {t}" for t in FACTS)  # noqa: S608
    (before,) = _ask(state, count)
    again = _play(state)
    (after,) = _ask(state, count)
    assert after == before
    assert again[again.index("── 2023") :].split("界面")[0] == told[told.index("── 2023") :].split("界面")[0]


def test_seals_and_documents_of_the_demo_hold(told: str, state: Path) -> None:
    from ipgov.launcher import airflow, postgres

    data = state / "pg"
    postgres.start(data)
    environment = {
        **os.environ,
        "IPGOV_STATE": str(state),
        "IPGOV_DATABASE_URL": postgres.url(data, airflow.GOVERNANCE_DATABASE, postgres.APPLICATION),
    }
    try:
        for arguments in (
            ["audit", "verify"],
            ["document", "rebuild", "国知平评函〔2026〕1号"],
            ["explain", "functional_platform", "2025", "FP01"],
            ["status"],
        ):
            done = subprocess.run(
                [sys.executable, "-c", "from ipgov.cli import main; main()", *arguments],
                env=environment,
                capture_output=True,
                text=True,
            )
            needs = arguments == ["status"] and "需要人处理：" in done.stdout
            assert done.returncode == int(needs), (arguments, done.stdout, done.stderr)
            assert done.stdout.strip()
    finally:
        postgres.stop(data)
