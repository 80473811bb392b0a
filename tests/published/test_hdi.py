"""The Human Development Index: from its components to every value, rank and tier that was published."""

from __future__ import annotations

import csv
import lzma
from decimal import Decimal
from pathlib import Path

import pytest
from ipgov.cli import app
from typer.testing import CliRunner

HERE = Path(__file__).parent / "hdi"
# components are given and no index was published
WITHOUT_AN_INDEX = {f"RWA@{year}" for year in range(1990, 1995)}


@pytest.fixture(params=["2021-22", "2023-24"])
def report(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[dict[str, dict[str, str]], ...]:
    """What was published and what ``ipgov evaluate`` gives, by unit."""
    values, results = tmp_path / "values.csv", tmp_path / "results.csv"
    values.write_bytes(lzma.decompress((HERE / f"values-{request.param}.csv.xz").read_bytes()))
    run = CliRunner().invoke(
        app,
        ["evaluate", "--policy", str(HERE / "policy.yaml"), "--values", str(values), "-o", str(results)],
    )
    assert run.exit_code == 0, run.output
    published = lzma.decompress((HERE / f"published-{request.param}.csv.xz").read_bytes()).decode()
    return by_unit(published), by_unit(results.read_text(encoding="utf-8"))


def by_unit(text: str) -> dict[str, dict[str, str]]:
    return {row["unit"]: row for row in csv.DictReader(text.splitlines())}


def test_every_published_value_rank_and_tier(report: tuple[dict[str, dict[str, str]], ...]) -> None:
    published, found = report
    assert published.keys() == found.keys()
    unpublished = {u for u, p in published.items() if not p["hdi"] and found[u]["total"]}
    assert unpublished == WITHOUT_AN_INDEX
    for unit, p in published.items():
        f = found[unit]
        if p["hdi"] or f["total"]:
            assert unit in unpublished or Decimal(f["total"]) == Decimal(p["hdi"]), unit
        if p["rank"]:
            assert (f["group_rank"], f["grade"]) == (p["rank"], p["tier"]), unit
    assert sum(bool(p["hdi"]) for p in published.values()) > 5900
    assert sum(bool(p["rank"]) for p in published.values()) > 190
    assert {f["group_rank"] for u, f in found.items() if u.startswith("ZZ")} == {""}
