"""Every way in which an S3 service can fail: a clear message, bounded waiting, nothing half-done."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ipgov.core import objects, s3
from ipgov.core.errors import EnvironmentProblemError, TemporaryProblemError, UnknownError
from ipgov.core.settings import settings
from s3_services import KEYS, FaultyService, moto_service


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    with moto_service() as address:
        yield address


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Few and short attempts, without botocore's pauses between them."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("IPGOV_S3_CONNECT_TIMEOUT", "1")
    monkeypatch.setenv("IPGOV_S3_READ_TIMEOUT", "1")
    monkeypatch.setenv("IPGOV_S3_ATTEMPTS", "2")
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *a: 0.01)
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture
def faulty(upstream: str, impatient: None) -> Iterator[FaultyService]:
    service = FaultyService(upstream)
    yield service
    service.stop()


@pytest.fixture
def store(faulty: FaultyService, request: pytest.FixtureRequest) -> objects.ObjectStore:
    """A place of its own in the bucket, warmed up."""
    made = objects.open_store(f"s3://gov/{abs(hash(request.node.name))}", faulty.address)
    made.put("there", b"0123456789" * 100)
    faulty.seen.clear()
    return made


ACTS = {
    "put": (lambda s: s.put("key", b"data"), "写入对象“key”到"),
    "put once": (lambda s: s.put("key", b"data", once=True), "查看对象“key”于"),
    "get": (lambda s: s.get("there"), "读取对象“there”自"),
    "head": (lambda s: s.head("there", 5), "读取对象“there”自"),
    "exists": (lambda s: s.exists("there"), "查看对象“there”于"),
    "info": (lambda s: s.info("there"), "查看对象“there”于"),
    "list": (lambda s: list(s.list("t")), "列出“t”下的对象于"),
}
PASSING = ["503 SlowDown", "500 InternalError", "503", "429 TooManyRequests", "drop"]
REFUSED = ["403 AccessDenied", "403 SignatureDoesNotMatch", "301 PermanentRedirect"]


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("fault", PASSING)
def test_what_may_pass_is_tried_again_and_then_told(
    store: objects.ObjectStore, faulty: FaultyService, act: str, fault: str
) -> None:
    work, said = ACTS[act]
    faulty.always(fault)
    with pytest.raises(TemporaryProblemError, match=said) as told:
        work(store)
    assert f"s3://gov（{faulty.address}）" in told.value.message
    assert "可稍后重试" in told.value.message
    assert len(faulty.seen) == 2, "as often as the setting says"
    faulty.always("")
    work(store)  # the same call completes
    faulty.first(1, fault)
    work(store)  # one failure is not even noticed


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("fault", REFUSED)
def test_what_will_not_pass_is_told_at_once(
    store: objects.ObjectStore, faulty: FaultyService, act: str, fault: str
) -> None:
    work, said = ACTS[act]
    faulty.always(fault)
    with pytest.raises(EnvironmentProblemError, match=said) as told:
        work(store)
    assert not isinstance(told.value, TemporaryProblemError)
    assert "请核对" in told.value.message
    assert KEYS["AWS_SECRET_ACCESS_KEY"] not in told.value.message


@pytest.mark.parametrize("act", ["put", "get", "list"])
def test_silence_is_not_waited_for_without_end(
    store: objects.ObjectStore, faulty: FaultyService, act: str
) -> None:
    faulty.always("silent")
    begun = time.monotonic()
    with pytest.raises(TemporaryProblemError, match="等待应答超时"):
        ACTS[act][0](store)
    assert 1.5 < time.monotonic() - begun < 8


def test_clock_that_the_service_refuses_is_named(store: objects.ObjectStore, faulty: FaultyService) -> None:
    faulty.always("403 RequestTimeTooSkewed")
    with pytest.raises(EnvironmentProblemError, match="本机时钟与存储服务相差过大"):
        store.put("key", b"data")


@pytest.mark.parametrize("code", ["507 XMinioStorageFull", "507"])
def test_full_service_is_told_and_then_takes_the_object(
    store: objects.ObjectStore, faulty: FaultyService, code: str
) -> None:
    faulty.fault = lambda method, path: code if method == "PUT" else ""
    with pytest.raises(TemporaryProblemError, match="空间已满，请腾出空间"):
        store.put("key", b"data", once=True)
    assert not store.exists("key")
    faulty.always("")
    store.put("key", b"data", once=True)
    assert store.get("key") == b"data"


def test_answer_that_is_broken_off_is_asked_for_again(
    store: objects.ObjectStore, faulty: FaultyService
) -> None:
    faulty.first(1, "cut")
    assert store.get("there") == b"0123456789" * 100
    faulty.always("cut")
    with pytest.raises(TemporaryProblemError, match="读到一半连接被中断"):
        store.get("there")


def test_changed_bytes_are_not_given_out_under_a_hash(
    store: objects.ObjectStore, faulty: FaultyService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "store", lambda: store)
    digest = objects.put_content(b"the record")
    faulty.always("change")
    with pytest.raises(EnvironmentProblemError, match=f"归档文件 {digest} 的内容与其指纹不符"):
        objects.get_content(digest)
    faulty.always("")
    assert objects.get_content(digest) == b"the record"


def test_put_whose_answer_was_lost_is_found_done(store: objects.ObjectStore, faulty: FaultyService) -> None:
    """The repetition meets our own object, by the condition of the put: the bytes are the same."""
    faulty.first(1, "lost", "PUT")
    store.put("key", b"data", once=True)
    assert [m for m, _ in faulty.seen] == ["HEAD", "PUT", "PUT", "GET"]
    faulty.always("lost")
    with pytest.raises(TemporaryProblemError):
        store.put("other", b"data")
    faulty.always("")
    store.put("other", b"data", once=True)


def test_put_at_the_same_time_as_another_is_tried_again(
    store: objects.ObjectStore, faulty: FaultyService
) -> None:
    faulty.first(1, "409 ConditionalRequestConflict", "PUT")
    store.put("key", b"data", once=True)
    assert store.get("key") == b"data"
    faulty.fault = lambda m, p: "409 ConditionalRequestConflict" if m == "PUT" else ""
    with pytest.raises(TemporaryProblemError, match="同一对象正由他处写入"):
        store.put("second", b"data", once=True)
    with pytest.raises(EnvironmentProblemError, match="不得改写"):
        store.put("key", b"other", once=True)


def test_bucket_that_is_not_there_is_not_an_object_that_is_not_there(upstream: str, impatient: None) -> None:
    for work in (ACTS[act][0] for act in ACTS):
        with pytest.raises(EnvironmentProblemError, match="存储桶不存在"):
            work(objects.open_store("s3://nowhere", upstream))
    with pytest.raises(UnknownError, match="没有名为“key”的对象"):
        objects.open_store("s3://gov/empty", upstream).get("key")


def _closed_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@pytest.mark.parametrize("host", ["127.0.0.1", "no-such-host.invalid"])
def test_service_out_of_reach_is_told_without_its_secrets(impatient: None, host: str) -> None:
    there = objects.open_store("s3://gov", f"http://user:geheim@{host}:{_closed_port()}")
    with pytest.raises(TemporaryProblemError, match="连接不上，请检查服务是否在运行、地址与域名解析") as told:
        there.get("key")
    assert "geheim" not in told.value.message
    assert f"（http://{host}:" in told.value.message


@pytest.mark.parametrize(
    ("location", "endpoint", "said"),
    [
        ("s3://gov", "no address", "服务地址无效"),
        ("s3://a b", "http://127.0.0.1:1", "名称不合 S3 的规定"),
        ("s3:///x", "http://127.0.0.1:1", "名称不合 S3 的规定"),
    ],
)
def test_wrong_settings_are_told(impatient: None, location: str, endpoint: str, said: str) -> None:
    with pytest.raises(EnvironmentProblemError, match=said):
        objects.open_store(location, endpoint).get("key")


def test_missing_credentials_are_told(
    impatient: None, upstream: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(EnvironmentProblemError, match="没有访问凭据，请设置 AWS_ACCESS_KEY_ID"):
        objects.open_store("s3://gov", upstream).get("key")


def test_service_that_speaks_no_s3_is_told(store: objects.ObjectStore, faulty: FaultyService) -> None:
    faulty.always("200")  # some page
    with pytest.raises(EnvironmentProblemError, match=r"列出“t”下的对象于 .*应答不是 S3 协议"):
        list(store.list("t"))


@pytest.fixture(scope="module")
def nanio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service that checks signatures and knows no conditional put."""
    folder = tmp_path_factory.mktemp("nanio")
    (folder / "gov").mkdir()
    port = _closed_port()
    server = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "nanio",
            "serve",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--data-dir",
            str(folder),
        ],
        env={
            **os.environ,
            "NANIO_ACCESS_KEY": KEYS["AWS_ACCESS_KEY_ID"],
            "NANIO_SECRET_KEY": KEYS["AWS_SECRET_ACCESS_KEY"],
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for _ in range(200):
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    server.kill()
    server.wait()


def test_service_that_checks_signatures(nanio: str, impatient: None, monkeypatch: pytest.MonkeyPatch) -> None:
    there = objects.open_store("s3://gov/在", nanio)
    there.put("收件/甲.xlsx", b"one", once=True)
    with pytest.raises(EnvironmentProblemError, match="不得改写"):
        there.put("收件/甲.xlsx", b"two", once=True)
    assert there.get("收件/甲.xlsx") == b"one"
    assert there.head("收件/甲.xlsx", 2) == b"on"
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-one")
    with pytest.raises(EnvironmentProblemError, match=r"请核对 AWS_SECRET_ACCESS_KEY|没有权限") as told:
        s3.S3Store("gov", "在", nanio).get("收件/甲.xlsx")
    assert "wrong-one" not in told.value.message
