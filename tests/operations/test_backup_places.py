"""Buckets on both sides, existing databases, the commands and the rehearsal."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ipgov.core.settings import settings

sys.path.append(str(Path(__file__).parents[1] / "faults"))
from s3_services import KEYS, moto_service

Ipgov = Callable[..., tuple[int, str, str]]


@pytest.fixture
def reader(database: Path, postgres: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ipgov.launcher import postgres as embedded
    from sqlalchemy import make_url

    name = make_url(os.environ["IPGOV_DATABASE_URL"]).database
    monkeypatch.setenv("IPGOV_BACKUP_DATABASE_URL", embedded.url(postgres, str(name), embedded.BACKUP))
    settings.cache_clear()


@pytest.fixture
def empty_database(postgres: Path) -> Iterator[str]:
    from ipgov.launcher import postgres as embedded

    embedded.ensure_database(postgres, "empty_target", owner=embedded.OWNER)
    yield "empty_target"
    embedded.drop_database(postgres, "empty_target")


def test_the_commands_and_the_rehearsal(reader: None, database: Path, tmp_path: Path, ipgov: Ipgov) -> None:
    from ipgov.core.database import reading
    from ipgov.operations import backups

    assert ipgov("backup", "create")[0] == 2  # no destination
    assert ipgov("audit", "seal")[0] == 0
    place = tmp_path / "backups"
    assert ipgov("backup", "list", place)[:2] == (0, "没有备份\n")
    code, said, _ = ipgov("backup", "create", place)
    assert (code, "已备份" in said, "不含 Airflow 的数据库" in said) == (0, True, True)
    code, said, _ = ipgov("backup", "list", place, "--json")
    (row,) = json.loads(said)
    assert (row["state"], row["airflow"]) == ("whole", False)
    assert ipgov("backup", "verify", place)[1].startswith(f"备份 {row['backup']} 完好")
    assert ipgov("backup", "verify", place, "--backup", "../x")[0] == 2
    before = set(Path(tempfile.gettempdir()).glob("restore-*"))
    code, said, _ = ipgov("backup", "rehearse", place, "--json")
    told = json.loads(said)
    assert (code, told["problems"], told["verified"]["head"]) == (0, [], row["head"])
    assert set(Path(tempfile.gettempdir()).glob("restore-*")) == before
    with reading() as connection:
        event = backups.last(connection, "rehearsed")
    assert event is not None
    assert float(event["seconds"]) == pytest.approx(told["seconds"], abs=0.01)
    dump = place / "backups" / row["backup"] / "governance.dump"
    dump.write_bytes(dump.read_bytes()[:-1])
    code, said, _ = ipgov("backup", "rehearse", place)
    assert (code, "核验发现问题" in said) == (1, True)
    with reading() as connection:
        assert backups.last(connection, "rehearsal_failed") is not None


def test_buckets_and_an_existing_server(
    reader: None,
    database: Path,
    postgres: Path,
    empty_database: str,
    monkeypatch: pytest.MonkeyPatch,
    ipgov: Ipgov,
) -> None:
    from ipgov.core import database as core_database
    from ipgov.core import objects
    from ipgov.core.objects import open_store
    from ipgov.launcher import postgres as embedded

    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    with moto_service("gov") as address:

        def use(**more: str) -> None:
            given = {"IPGOV_S3_ENDPOINT": address, "IPGOV_BACKUP_ENDPOINT": address}
            for name, value in (given | more).items():
                monkeypatch.setenv(name, value)
            for cached in (settings, objects.store, core_database.engine):
                cached.cache_clear()

        use(IPGOV_OBJECT_STORE="s3://gov/live")
        live, folder = open_store("s3://gov/live", address), open_store(str(database / "objects"))
        for info in folder.list(""):
            live.put(info.key, folder.get(info.key))
        live.put("inbox/p/2024/u/waiting.xlsx", b"never read")
        assert ipgov("audit", "seal")[0] == 0
        code, said, err = ipgov("backup", "create", "s3://gov/saved", "--json")
        assert code == 0, said + err
        made = json.loads(said)
        assert ipgov("backup", "verify", "s3://gov/saved")[0] == 0
        code, said, err = ipgov("backup", "restore", "s3://gov/saved")
        assert (code, "治理数据库不是空的" in err) == (2, True)
        use(
            IPGOV_OBJECT_STORE="s3://gov/back",
            IPGOV_OWNER_DATABASE_URL=embedded.url(postgres, empty_database, embedded.OWNER),
            IPGOV_DATABASE_URL=embedded.url(postgres, empty_database, embedded.APPLICATION),
        )
        code, said, err = ipgov("backup", "restore", "s3://gov/saved", "--head", made["head"], "--json")
        told = json.loads(said)
        assert (code, told["problems"], told["verified"]["head"]) == (0, [], made["head"])
        assert told["received_anew"][0].startswith("inbox/p/2024/u/waiting.xlsx（原收件时刻 ")
        back = open_store("s3://gov/back", address)
        assert back.get("inbox/p/2024/u/waiting.xlsx") == b"never read"
        assert ipgov("audit", "verify")[0] == 0
        # again: refused, and set aside where that is asked for a folder
        use(IPGOV_OBJECT_STORE=str(database / "another"))
        assert ipgov("backup", "restore", "s3://gov/saved")[0] == 2
        code, said, err = ipgov("backup", "restore", "s3://gov/saved", "--set-aside")
        assert code == 0, said + err
        assert "现有内容已移为" in err
        core_database.engine().dispose()
