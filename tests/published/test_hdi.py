"""The Human Development Index, from its published components to every published value, rank and tier."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import pytest
from ipgov.cli import app
from typer.testing import CliRunner

HDI = Path(__file__).parent / "hdi"
# the report's last year, countries ranked in it, values published over all years
REPORTS = {"2021-22": ("2021", 191, 5_923), "2023-24": ("2022", 193, 6_171)}
Vintage = tuple[str, dict[str, dict[str, str]], dict[str, dict[str, str]]]


def rows(data: bytes) -> dict[str, dict[str, str]]:
    return {r["unit"]: r for r in csv.DictReader(io.StringIO(data.decode()))}


@pytest.fixture(scope="module", params=REPORTS)
def vintage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Vintage:
    """A report, its index as published, and as computed by the command from policy file and values file."""
    folder = tmp_path_factory.mktemp("hdi")
    (folder / "values.csv").write_bytes(
        gzip.decompress((HDI / f"values-{request.param}.csv.gz").read_bytes())
    )
    output = folder / "results.csv"
    arguments = ["--policy", HDI / "policy.yaml", "--values", folder / "values.csv", "-o", output]
    done = CliRunner().invoke(app, ["evaluate", *map(str, arguments)])
    assert done.exit_code == 0, done.output
    published = rows(gzip.decompress((HDI / f"published-{request.param}.csv.gz").read_bytes()))
    return request.param, published, rows(output.read_bytes())


def test_every_published_value(
    vintage: Vintage,
) -> None:
    name, published, computed = vintage
    assert published.keys() == computed.keys()
    told = {unit: row["hdi"] for unit, row in published.items() if row["hdi"]}
    assert len(told) == REPORTS[name][2]
    assert {u: computed[u]["total"] for u in told} == {u: f"{float(t):.3f}" for u, t in told.items()}


def test_every_published_rank_and_tier(
    vintage: Vintage,
) -> None:
    name, published, computed = vintage
    year, countries, _ = REPORTS[name]
    ranked = {u: (row["rank"], row["tier"]) for u, row in published.items() if row["rank"]}
    assert len(ranked) == countries
    assert all(u.endswith(year) for u in ranked)
    assert {u: (computed[u]["group_rank"], computed[u]["grade"]) for u in ranked} == ranked
