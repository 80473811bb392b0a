"""A folder and an S3 bucket keep the same promises."""

from __future__ import annotations

import datetime as dt
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from ipgov.core import objects
from ipgov.core.errors import EnvironmentProblemError, UnknownError
from ipgov.core.fingerprint import sha256_hex
from ipgov.core.objects import LocalStore, ObjectStore, S3Store, open_store


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    import boto3
    from moto import mock_aws

    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="gov")
        yield "gov"


@pytest.fixture(params=["local", "s3", "s3 with a prefix"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "local":
        return open_store(str(tmp_path / "objects"))
    bucket = request.getfixturevalue("bucket")
    return open_store(f"s3://{bucket}/a/b" if "prefix" in request.param else f"s3://{bucket}")


def test_location_says_which_store(bucket: str, tmp_path: Path) -> None:
    assert isinstance(open_store(str(tmp_path)), LocalStore)
    with_prefix = open_store(f"s3://{bucket}/one/two/")
    assert isinstance(with_prefix, S3Store)
    assert (with_prefix.bucket, with_prefix.prefix) == ("gov", "one/two/")
    bare = open_store(f"s3://{bucket}")
    assert isinstance(bare, S3Store)
    assert bare.prefix == ""


def test_what_is_put_is_got(store: ObjectStore) -> None:
    before = dt.datetime.now(dt.UTC)
    store.put("收件/2024/甲 表.xlsx", b"one")
    assert store.get("收件/2024/甲 表.xlsx") == b"one"
    assert store.exists("收件/2024/甲 表.xlsx")
    info = store.info("收件/2024/甲 表.xlsx")
    assert (info.key, info.size) == ("收件/2024/甲 表.xlsx", 3)
    assert abs(info.modified - before) < dt.timedelta(minutes=1)
    store.put("收件/2024/甲 表.xlsx", b"other")
    assert store.get("收件/2024/甲 表.xlsx") == b"other"
    store.put("empty", b"")
    assert store.get("empty") == b""


def test_missing_object_is_named(store: ObjectStore) -> None:
    store.put("a/b", b"x")
    for key in ("a", "a/b/c", "b"):
        assert not store.exists(key)
        for ask in (store.get, store.info):
            with pytest.raises(UnknownError, match=f"没有名为“{key}”的对象"):
                ask(key)


def test_once_keeps_the_first_content(store: ObjectStore) -> None:
    store.put("seal", b"first", once=True)
    store.put("seal", b"first", once=True)
    with pytest.raises(EnvironmentProblemError, match="“seal”已存在且内容不同：一次写入的对象不得改写"):
        store.put("seal", b"second", once=True)
    assert store.get("seal") == b"first"


def test_of_many_writers_at_once_one_wins(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    refused: list[str] = []
    start = threading.Barrier(8)

    def write(number: int) -> None:
        start.wait()
        try:
            store.put("one", b"%d" % number * 100_000, once=True)
        except EnvironmentProblemError as error:
            refused.append(error.message)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(refused) == 7
    assert len(set(store.get("one"))) == 1
    assert len(store.get("one")) == 100_000
    assert [p.name for p in tmp_path.iterdir()] == ["one"]


def test_s3_writer_that_comes_between_is_noticed(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The look before does not see the other's write; the conditional put does."""
    store = open_store(f"s3://{bucket}")
    store.put("one", b"theirs")
    monkeypatch.setattr(store, "exists", lambda key: False)
    store.put("one", b"theirs", once=True)
    with pytest.raises(EnvironmentProblemError, match="不得改写"):
        store.put("one", b"mine", once=True)
    assert store.get("one") == b"theirs"


def test_list_is_sorted_and_cut_at_the_prefix(store: ObjectStore) -> None:
    keys = ["inbox/a/1", "inbox/a/10", "inbox/a/2", "inbox/ab", "inbox/乙/1", "inbox/a.txt", "outbox/a"]
    for key in keys:
        store.put(key, b"x" * len(key))
    assert [i.key for i in store.list("")] == sorted(keys)
    assert [i.key for i in store.list("inbox/a/")] == ["inbox/a/1", "inbox/a/10", "inbox/a/2"]
    assert [i.key for i in store.list("inbox/a")] == sorted(k for k in keys if k.startswith("inbox/a"))
    assert list(store.list("no/such/")) == []
    assert [i.size for i in store.list("outbox/")] == [8]


def test_more_objects_than_one_page(bucket: str) -> None:
    store = open_store(f"s3://{bucket}")
    for n in range(1_005):
        store.put(f"many/{n:04d}", b"")
    assert [i.key for i in store.list("many/")] == [f"many/{n:04d}" for n in range(1_005)]


def test_folder_marks_of_s3_tools_are_no_objects(bucket: str) -> None:
    import boto3

    boto3.client("s3").put_object(Bucket=bucket, Key="inbox/", Body=b"")
    store = open_store(f"s3://{bucket}")
    store.put("inbox/a", b"")
    assert [i.key for i in store.list("inbox/")] == ["inbox/a"]


@pytest.mark.parametrize(
    "key", ["", "/etc/passwd", "../x", "a/../../x", "a/..", "./a", "a//b", "a/", "a\0b", "a/.ipgov-put-x"]
)
def test_key_that_leads_elsewhere_is_refused(store: ObjectStore, key: str) -> None:
    for ask in (store.get, store.info, store.exists, lambda k: store.put(k, b"x")):
        with pytest.raises(UnknownError, match="无效：须为以“/”分隔的相对路径"):
            ask(key)


@pytest.mark.parametrize("prefix", ["../", "/etc/", "a/../../", "..", "a//"])
def test_prefix_that_leads_elsewhere_is_refused(store: ObjectStore, prefix: str) -> None:
    if prefix == "..":  # the beginning of a name such as ..a
        assert list(store.list(prefix)) == []
        return
    with pytest.raises(UnknownError, match="无效"):
        list(store.list(prefix))


def test_half_written_local_object_is_never_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = LocalStore(tmp_path)
    store.put("a", b"old")

    def disk_full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", disk_full)
    for once, key in ((False, "a"), (True, "b")):
        with pytest.raises(EnvironmentProblemError, match=f"对象“{key}”无法写入 .*No space left"):
            store.put(key, b"new", once=once)
    assert store.get("a") == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_unfinished_file_of_a_killed_writer_is_not_listed(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.put("in/a", b"")
    (tmp_path / "in" / ".ipgov-put-xyz").write_bytes(b"half")
    assert [i.key for i in store.list("")] == ["in/a"]


def test_folder_in_the_place_of_an_object_is_told(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.put("a/b", b"x")
    for key in ("a", "a/b/c"):
        with pytest.raises(EnvironmentProblemError, match=f"对象“{key}”无法写入"):
            store.put(key, b"y")


class TestContent:
    """Content is known by its hash and proved against it."""

    def test_kept_once_under_its_hash(self, database: Path) -> None:
        before = {i.key for i in objects.store().list("")}  # the rules that a database begins with
        digest = objects.put_content(b"data")
        assert digest == sha256_hex(b"data") == objects.put_content(b"data")
        assert objects.get_content(digest) == b"data"
        assert {i.key for i in objects.store().list("")} - before == {f"content/{digest[:2]}/{digest}"}

    def test_changed_content_is_not_given_out(self, database: Path) -> None:
        digest = objects.put_content(b"data")
        (database / "objects" / objects.content_key(digest)).write_bytes(b"dat4")
        with pytest.raises(EnvironmentProblemError, match=f"归档文件 {digest} 的内容与其指纹不符"):
            objects.get_content(digest)
        with pytest.raises(EnvironmentProblemError, match="不得改写"):
            objects.put_content(b"data")

    def test_missing_content_is_named(self, database: Path) -> None:
        with pytest.raises(UnknownError, match="没有名为“content/00/0000"):
            objects.get_content("0" * 64)

    def test_name_that_is_no_hash_leads_nowhere(self, database: Path) -> None:
        with pytest.raises(UnknownError):
            objects.get_content("../../../etc/passwd")
