"""Dispatch into a shared folder and an S3 bucket; a simulation reaches nobody else; contacts from a file."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from document_samples import KNOWN_AT
from ipgov.core import database as db
from ipgov.core.errors import GovernanceError, TemporaryProblemError
from ipgov.core.objects import get_content
from ipgov.core.settings import settings
from ipgov.documents import dispatch, register
from ipgov.procedures import dispatching
from test_register import file

sys.path.append(str(Path(__file__).parents[1] / "faults"))
from s3_services import KEYS, FaultyService, moto_service

pytestmark = pytest.mark.usefixtures("database")
LATER = KNOWN_AT + dt.timedelta(minutes=15)
KEY = "functional_platform/2025/FP001/2025-result-FP001"


def configure(monkeypatch: pytest.MonkeyPatch, **values: object) -> None:
    for name, value in values.items():
        monkeypatch.setenv(f"IPGOV_{name.upper()}", str(value))
    settings.cache_clear()


def queued(channel: str, key: str = "a") -> tuple[int, int]:
    with db.transaction() as connection:
        document_id = file(connection, key)
        return document_id, dispatch.queue(connection, document_id, "FP001", channel, KNOWN_AT)


def archived(document_id: int) -> dict[str, bytes]:
    with db.reading() as connection:
        files = register.files(connection, document_id)
    return {f["format"]: get_content(f["sha256"]) for f in files}


def test_shared_folder(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = database / "shared"
    configure(monkeypatch, shared_folder=folder)
    document_id, _ = queued("folder")
    with pytest.raises(TemporaryProblemError, match="不存在或未挂载"):
        dispatch.send_pending(KNOWN_AT)
    folder.mkdir()
    assert dispatch.send_pending(KNOWN_AT) == 0, "not before its time"
    assert dispatch.send_pending(LATER) == 1
    there = {p.suffix[1:]: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert there == archived(document_id)


def test_shared_folder_never_replaces_other_bytes(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = database / "shared" / f"{KEY}.pdf"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"another's")
    configure(monkeypatch, shared_folder=database / "shared")
    queued("folder")
    with pytest.raises(GovernanceError, match="已存在且内容不同") as told:
        dispatch.send_pending(KNOWN_AT)
    assert not isinstance(told.value, TemporaryProblemError)
    assert place.read_bytes() == b"another's"
    assert dispatch.send_pending(LATER) == 0


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyService]:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    with moto_service("public") as address:
        service = FaultyService(address)
        configure(
            monkeypatch,
            publication="s3://public/documents",
            publication_endpoint=service.address,
            s3_attempts=1,
        )
        yield service
        service.stop()


def test_publication(bucket: FaultyService) -> None:
    import boto3

    document_id, _ = queued("publication")
    bucket.fault = lambda method, path: "503 SlowDown" if method == "PUT" else ""
    with pytest.raises(TemporaryProblemError, match="要求放慢"):
        dispatch.send_pending(KNOWN_AT)
    bucket.always("")
    assert dispatch.send_pending(LATER) == 1
    client = boto3.client("s3", endpoint_url=bucket.address)
    got = {f: client.get_object(Bucket="public", Key=f"documents/{KEY}.{f}") for f in ("docx", "pdf")}
    assert got["pdf"]["ContentType"] == "application/pdf"
    assert {f: g["Body"].read() for f, g in got.items()} == archived(document_id)


@pytest.mark.parametrize(
    ("channel", "values"),
    [
        ("folder", {"shared_folder": "/mnt/province"}),
        ("publication", {"publication": "s3://public", "publication_endpoint": "https://s3.example.org"}),
        ("publication", {"publication": "s3://public"}),
    ],
)
def test_simulation_reaches_nobody_else(
    monkeypatch: pytest.MonkeyPatch, channel: str, values: dict[str, str]
) -> None:
    configure(monkeypatch, **values)
    queued(channel)
    with pytest.raises(GovernanceError, match="模拟库不向外寄发"):
        dispatch.send_pending(KNOWN_AT)


def test_what_was_not_sent_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from ipgov.cli.dispatching import show_dispatch

    queued("outbox")
    queued("folder", "b")
    with pytest.raises(TemporaryProblemError, match="请设置 IPGOV_SHARED_FOLDER"):
        dispatch.send_pending(KNOWN_AT)
    found = dispatching.outlook()
    assert found["sent"] == [{"channel": "outbox", "sent": 1}]
    assert [(r["channel"], r["state"], r["attempts"]) for r in found["unsent"]] == [("folder", "retry", 1)]
    show_dispatch(found)
    shown = capsys.readouterr().out
    assert "寄发：outbox 1 件" in shown
    assert "待重试，已试 1 次，2026-04-20 01:15 UTC 再试；没有共享文件夹" in shown


class TestContacts:
    """Contacts are facts with two times, taken from a file whole or not at all."""

    DAY = dt.date(2026, 4, 20)

    def take(self, *lines: str) -> int:
        data = "\n".join([",".join(dispatching.COLUMNS), *lines]).encode()
        return dispatching.import_contacts(data, "contacts.csv", "tester", self.DAY, KNOWN_AT)

    def test_taken_once_and_ended(self) -> None:
        assert (
            self.take("32,江苏省知识产权局,js@example.org,2026-01-01", "33,浙江省知识产权局,zj@example.org,")
            == 2
        )
        assert self.take("32,江苏省知识产权局,js@example.org,2026-01-01") == 0
        assert self.take("32,江苏省知识产权局,,") == 1
        shown = dispatching.list_contacts(self.DAY, KNOWN_AT)
        assert [(r["recipient"], r["address"]) for r in shown] == [("32", None), ("33", "zj@example.org")]
        before = dispatching.list_contacts(dt.date(2026, 1, 2), KNOWN_AT)
        assert [(r["recipient"], r["address"]) for r in before] == [("32", "js@example.org")]

    def test_every_wrong_line_is_named_and_nothing_is_taken(self) -> None:
        with pytest.raises(GovernanceError, match="有 4 处问题，未登记任何联系方式") as told:
            self.take(
                "32,江苏省知识产权局,js@example.org,",
                "XX999,无,a@example.org,",
                "33,浙江省知识产权局,not an address,",
                "34,安徽省知识产权局,ah@example.org,2026-13-01",
                "35,福建省知识产权局",
            )
        assert sorted(p.cell for p in told.value.problems) == [f"第 {n} 行" for n in (3, 4, 5, 6)]
        assert dispatching.list_contacts(self.DAY, KNOWN_AT) == []

    def test_a_file_that_is_none_is_refused(self) -> None:
        for data in (b"", b"a,b\n", "recipient,name\n".encode("utf-16")):
            with pytest.raises(GovernanceError, match=r"contacts\.csv"):
                dispatching.import_contacts(data, "contacts.csv", "tester", self.DAY, KNOWN_AT)


def test_status_and_list_show_it() -> None:
    import json

    from ipgov.cli import app
    from typer.testing import CliRunner

    queued("folder")
    with pytest.raises(TemporaryProblemError):
        dispatch.send_pending(KNOWN_AT)
    for arguments in (["status", "--json"], ["dispatch", "list", "--json"]):
        shown = CliRunner().invoke(app, arguments)
        assert shown.exit_code == 0, shown.output
        found = json.loads(shown.output)
        assert [r["state"] for r in found.get("dispatch", found)["unsent"]] == ["retry"]
    assert "待重试" in CliRunner().invoke(app, ["status"]).output
