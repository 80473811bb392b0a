"""A correction in 2027 for the self-evaluation of 2025: knowledge, although the rules changed since."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from evaluated_cohort import YEARLY, at
from ipgov.core import settings
from ipgov.core.database import reading
from self_evaluating_centres import AUDIT, OPINION, Centres
from sqlalchemy import text

ROOT = Path(__file__).resolve().parents[2]
SENT, AUDITED = dt.date(2025, 12, 15), dt.date(2025, 12, 30)
GRANTED, ARRIVED, FORWARDED = dt.date(2027, 2, 22), dt.date(2027, 2, 24), dt.date(2027, 2, 26)
ANNOUNCED = dt.date(2026, 6, 1)  # from when another version of the rules is in force
WEIGHT = ("{code: D3, name: 对接转化, weight: 40}", "{code: D3, name: 对接转化, weight: 50}")
LESS = ("{code: D2, name: 运营服务, weight: 25}", "{code: D2, name: 运营服务, weight: 15}")


@pytest.fixture
def centres(database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Centres]:
    """Two centres whose year 2025 was issued; then another version of the rules came into force."""
    root = tmp_path / "installation"
    for name in ("policies", "expectations", "reports", "sql"):
        shutil.copytree(ROOT / name, root / name)
    made = Centres(database / "objects")
    made.register()
    made.open(YEARLY, made.year)
    for unit in ("IC01", "IC05"):
        made.send_year(unit, SENT)
    made.send_audits(SENT)
    assert made.answer("11", AUDITED, {"IC01": (AUDIT, OPINION)})["outcome"] == "accepted"
    made.approve(made.evaluate_year(), made.days(YEARLY, 2025).evaluate_on.date)
    rules = root / "policies" / YEARLY / "2024-12-31.yaml"
    newer = rules.read_text(encoding="utf-8").replace("2024-12-31", ANNOUNCED.isoformat())
    for old, new in (WEIGHT, LESS):
        assert old in newer
        newer = newer.replace(old, new)
    rules.with_name(f"{ANNOUNCED}.yaml").write_text(newer, encoding="utf-8")
    monkeypatch.setenv("IPGOV_ROOT", str(root))
    settings.settings.cache_clear()
    yield made
    settings.settings.cache_clear()


def rows(statement: str) -> list[dict]:
    with reading() as connection:
        return [dict(r) for r in connection.execute(text(statement)).mappings()]


@pytest.mark.clause("2024-1155#37", "2024-1155#38")
def test_it_shows_as_knowledge_and_not_as_a_change_of_rules(
    centres: Centres, ipgov: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    from ipgov.policy import store
    from ipgov.procedures import correction, extensions

    assert store.governing(YEARLY, 2026).rules.version == ANNOUNCED.isoformat()
    # without more time it is kept and counts for nothing
    centres.send_year("IC01", GRANTED, F11=1900)
    assert correction.prepare(YEARLY, "2025", at(GRANTED)).changed == ()
    extensions.grant(YEARLY, "2025", "IC01", dt.date(2027, 3, 31), "reviewer1", "合同统计有误", at(GRANTED))
    centres.send_year("IC01", ARRIVED, F11=1500)
    # until its province has forwarded it, there is nothing of it to assess
    between = correction.prepare(YEARLY, "2025", at(ARRIVED))
    assert "总分：92.20分 → 未评价" in between.said["IC01"]
    assert "IC01" in centres.send_audits(ARRIVED)["11"]
    assert centres.answer("11", FORWARDED, {"IC01": (AUDIT, OPINION)})["outcome"] == "accepted"
    prepared = correction.prepare(YEARLY, "2025", at(FORWARDED), "reviewer1", "自评数据有误")
    assert prepared.changed == ("IC01",)

    code, out, _ = ipgov("compare", YEARLY, "2025", "--json")
    assert code == 0
    told = json.loads(out)
    assert (told["rules"], told["a"]["规则版本"], told["b"]["规则版本"]) == ([], "2024-12-31", "2024-12-31")
    assert told["a"]["规则文件 SHA-256"] == told["b"]["规则文件 SHA-256"]
    assert told["a"]["基准日"] == told["b"]["基准日"]
    assert (told["a"]["所知截至"][:4], told["b"]["所知截至"][:10]) == ("2026", FORWARDED.isoformat())
    (standing,) = told["standings"]  # whose submission is another
    assert standing["unit"] == "IC01"
    assert (standing["old"]["received_at"][:10], standing["new"]["received_at"][:10]) == (
        SENT.isoformat(), ARRIVED.isoformat(),
    )  # fmt: skip
    assert [(v["unit"], v["field"], v["old"], v["new"]) for v in told["values"]] == [
        ("IC01", "F11", "2000", "1500")
    ]
    parts = {u["unit"]: u["parts"] for u in told["units"]}
    assert (parts["IC01"]["knowledge"]["own"], parts["IC01"]["values"]["own"]) == (True, True)
    assert all(p["rules"]["total"] in (None, "0") and not p["rules"]["own"] for p in parts.values())
    sheet = tmp_path / "比较.xlsx"
    code, out, _ = ipgov("compare", YEARLY, "2025", "-o", sheet)
    assert "数值不同 1 处，规则不同 0 处，名单与报送不同 1 家" in out
    assert not any(line.startswith("  规则：") for line in out.splitlines())
    assert sheet.stat().st_size

    # issued as a correction of that year, to the centre and its province, still without a grade
    day = dt.date(2027, 3, 1)
    done = centres.approve({"round_id": prepared.round_id, "fingerprint": prepared.fingerprint}, day)
    assert done.output.get("title_events", []) == []
    sent = rows("SELECT kind, recipient FROM document WHERE corrects IS NOT NULL ORDER BY kind")
    assert [(r["kind"], r["recipient"]) for r in sent] == [
        ("result_correction", "IC01"), ("result_correction_province", "11"),
    ]  # fmt: skip
    assert {r["grade"] for r in rows("SELECT grade FROM result")} == {None}
