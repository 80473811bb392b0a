"""The processes of docker-compose.yml with Celery, Redis, S3 and PostgreSQL: a year without and with kills.

A worker is killed while it issues, PostgreSQL is restarted while workbooks are read, Redis is killed while
the year is evaluated. What is left is, to the last column and byte, what the undisturbed year leaves.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import compose_file
import laboratory
import pytest
import received
import stacks
from cluster import Cluster
from laboratory import Contents
from s3_services import KEYS, moto_service
from servers import need_redis

pytestmark = pytest.mark.distributed

HERE = Path(__file__).parent
LIMIT = 900.0  # seconds for one year; a quiet machine needs one or two minutes
BUCKET = "ipgov"


@dataclass
class Year:
    """What a year left, and what the people of the story saw."""

    told: Contents
    output: str
    seconds: float


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in KEYS.items():
            patch.setenv(name, value)
        with moto_service("another") as address:
            yield address


@pytest.fixture(scope="module")
def cluster(bucket: str) -> Iterator[Cluster]:
    need_redis()
    with tempfile.TemporaryDirectory(prefix="ipg") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGPORT", "5432")  # set by Postgres, given back here
        os.chmod(folder, 0o755)  # noqa: S103  the database's account has to get through
        cluster = Cluster(Path(folder), bucket)
        try:
            cluster.prepare()
            make = "from ipgov.launcher import prepare_site; prepare_site.prepare_airflow('simulation')"
            people = cluster.run(["-c", make], "prepare")
            assert people.returncode == 0, people.stderr
            laboratory.still_clock(cluster.folder / "pg", "governance", also=stacks.ANSWERED)
            yield cluster
        finally:
            cluster.stop()


def client(address: str) -> object:
    import boto3

    return boto3.client("s3", endpoint_url=address)


def objects(address: str) -> dict[str, bytes]:
    s3 = client(address)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    keys = [item["Key"] for page in pages for item in page.get("Contents", ())]
    return {key: s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys}


def contents(cluster: Cluster, address: str) -> Contents:
    rows = laboratory.contents(cluster.folder / "pg", "governance", Path("/nowhere")).rows
    return Contents(rows, {k: hashlib.sha256(v).hexdigest() for k, v in objects(address).items()})


def play(cluster: Cluster, address: str, disturb: Callable[[], None] = lambda: None) -> Year:
    """Play a year; ``disturb`` is called once the people have begun."""
    begun, output = time.monotonic(), cluster.folder / "output"
    with output.open("wb") as written, received.clock(BUCKET) as clock:
        story = subprocess.Popen(
            [sys.executable, str(HERE / "play_year.py"), cluster.url, clock],
            env=cluster.environment("ipgov"),
            stdout=written,
            stderr=subprocess.STDOUT,
        )
        _wait_for(story, output, disturb)
    told = contents(cluster, address)
    return Year(told, output.read_text(encoding="utf-8"), time.monotonic() - begun)


def _wait_for(story: subprocess.Popen[bytes], output: Path, disturb: Callable[[], None]) -> None:
    try:
        while b"PLAYING" not in output.read_bytes():
            assert story.poll() is None, output.read_text(encoding="utf-8")
            time.sleep(0.1)
        disturb()
        code = story.wait(LIMIT)
    finally:
        story.kill()
        story.wait()
    assert code == 0, output.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def undisturbed(cluster: Cluster, bucket: str) -> Year:
    """Play a year and put everything back to what was before it."""
    pg, kept = cluster.folder / "pg", cluster.folder / "kept"
    cluster.postgres.stop()
    subprocess.run(["cp", "-a", str(pg), str(kept)], check=True)
    before = objects(bucket)
    cluster.postgres.start()
    cluster.start()
    for name in cluster.replicas:
        assert cluster.health(name) == "", cluster.log(name)[-3000:]
    year = play(cluster, bucket)
    cluster.end_processes()
    cluster.postgres.stop()
    shutil.rmtree(pg)
    kept.rename(pg)
    cluster.postgres.start()
    cluster.redis.empty()
    s3 = client(bucket)
    for key in year.told.objects.keys() - before.keys():
        s3.delete_object(Bucket=BUCKET, Key=key)
    for key, data in before.items():
        s3.put_object(Bucket=BUCKET, Key=key, Body=data)
    return year


def rows(told: Contents, table: str) -> list[dict[str, object]]:
    return [json.loads(row) for row in told.rows[table]]


def test_the_year_completes_and_both_workers_have_a_part_in_it(undisturbed: Year, cluster: Cluster) -> None:
    assert len(rows(undisturbed.told, "issue")) == 1
    assert rows(undisturbed.told, "document_number")
    assert any(key.startswith("content/") for key in undisturbed.told.objects)
    for worker in ("worker-1", "worker-2"):
        assert "Executing workload in Celery" in cluster.log(worker)


def test_no_process_is_told_a_password_on_its_command_line(undisturbed: Year, cluster: Cluster) -> None:
    secrets = {f.read_text(encoding="utf-8") for f in cluster.secrets.iterdir()} - {""}
    shown = cluster.seen_command_lines
    assert shown.keys() == {*cluster.replicas, "redis"}
    assert not [line for lines in shown.values() for line in lines if any(s in line for s in secrets)]


@pytest.fixture(scope="module")
def disturbed(undisturbed: Year, cluster: Cluster, bucket: str) -> Year:
    """Play the same year; PostgreSQL, Redis and a worker fall out in the middle of a task."""
    lost: list[str] = []

    def disturb() -> None:
        cluster.wait_for_task("submission_intake", None, LIMIT)
        cluster.postgres.stop()
        time.sleep(2)
        cluster.postgres.start()
        cluster.wait_for_task("platform_performance", None, LIMIT)
        cluster.redis.kill()
        time.sleep(3)
        cluster.redis.start()
        lost.append(cluster.kill_worker_of(cluster.wait_for_task("approval_and_issue", "issue", LIMIT)))

    cluster.start()
    year = play(cluster, bucket, disturb)
    assert lost[0] in ("worker-1", "worker-2")
    assert cluster.attempts("approval_and_issue", "issue") > 1, "nothing was killed in the middle"
    return year


def test_kills_and_restarts_lose_nothing_and_issue_nothing_twice(undisturbed: Year, disturbed: Year) -> None:
    assert undisturbed.told.differences(disturbed.told) == []


def test_the_numbers_have_no_gap_and_none_is_given_twice(disturbed: Year) -> None:
    """What the comparison says, said for itself."""
    serials = defaultdict(list)
    for number in rows(disturbed.told, "document_number"):
        serials[number["series"], number["year"]].append(int(str(number["serial"])))
    assert serials
    for given in serials.values():
        assert sorted(given) == list(range(min(given), min(given) + len(given)))
    assert len(rows(disturbed.told, "issue")) == 1


def test_the_seals_verify(disturbed: Year, cluster: Cluster) -> None:
    verified = subprocess.run(
        [Path(sys.executable).with_name("ipgov"), "audit", "verify"],
        env=cluster.environment("ipgov"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_a_task_that_is_handed_out_a_second_time_does_nothing(
    disturbed: Year, cluster: Cluster, bucket: str
) -> None:
    """The killed worker's task still lies in the queue; Redis hands it out again after its timeout."""
    attempts = cluster.attempts("approval_and_issue", "issue")
    assert cluster.redeliver() >= 1
    assert disturbed.told.differences(contents(cluster, bucket)) == []
    assert cluster.attempts("approval_and_issue", "issue") == attempts


def test_preparing_again_changes_no_fact(disturbed: Year, cluster: Cluster, bucket: str) -> None:
    """As at every start and every upgrade."""
    before = contents(cluster, bucket)
    told = cluster.prepare()
    assert "已是最新" in told
    assert before.differences(contents(cluster, bucket)) == []


def test_what_is_run_here_is_what_the_compose_file_names(cluster: Cluster) -> None:
    assert sorted(set(cluster.replicas.values())) == sorted(
        name
        for name, s in compose_file.services().items()
        if compose_file.component(s) not in ("", "prepare")
    )
    assert list(cluster.replicas).count("worker-1") == list(cluster.replicas).count("worker-2") == 1
