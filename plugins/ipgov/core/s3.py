"""A bucket of any S3 service: every wait and every repetition is bounded, every failure is told."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ipgov.core.errors import EnvironmentProblemError, TemporaryProblemError, UnknownError
from ipgov.core.object_keys import ObjectInfo, check_key, check_prefix, missing, refuse_other_content
from ipgov.core.s3_errors import code, explain, place
from ipgov.core.settings import settings

_BROKEN_OFF = ("ReadTimeoutError", "ResponseStreamingError", "IncompleteReadError", "FlexibleChecksumError")
_LONGEST_PAUSE = 5.0


@contextmanager
def _told(doing: str, where: str) -> Iterator[None]:
    """Turn what botocore raises into the project's errors."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    try:
        yield
    except (BotoCoreError, ClientError, ResponseParserError) as error:
        raise explain(error, doing, where) from error
    except RecursionError as error:  # botocore asks in circles where every answer sends it elsewhere
        raise explain(error, doing, where) from None


def _refuse_redirect(response: Any, operation: Any, **_: Any) -> None:
    """Tell of a bucket that lies elsewhere: botocore asks that place for its place, again and again."""
    from botocore.exceptions import ClientError

    if response is not None and response[0].status_code == 301:
        raise ClientError(response[1], operation.name)


class S3Store:
    """A bucket of any S3 service.

    Raises, beside what ObjectStore says, TemporaryProblemError where the service is slow, overloaded or out
    of reach, and EnvironmentProblemError where the installation has to be put right.
    """

    def __init__(self, bucket: str, prefix: str, endpoint: str | None):
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError

        self.bucket, self.prefix = bucket, prefix.strip("/") + "/" if prefix.strip("/") else ""
        self.where = place(bucket, endpoint)
        self._attempts = settings().s3_attempts
        self._seen = False  # whether the bucket ever answered for one of its objects
        config = Config(
            connect_timeout=settings().s3_connect_timeout,
            read_timeout=settings().s3_read_timeout,
            retries={"mode": "standard", "total_max_attempts": self._attempts},
            tcp_keepalive=True,
        )
        try:
            self.client: Any = boto3.Session().client("s3", endpoint_url=endpoint, config=config)
        except (BotoCoreError, ValueError) as error:
            raise explain(error, "连接对象库", self.where) from error
        self.client.meta.events.register_first("needs-retry.s3", _refuse_redirect)

    def _key(self, key: str) -> str:
        return self.prefix + check_key(key)

    def put(self, key: str, data: bytes, *, once: bool = False, media_type: str = "") -> None:
        """See ObjectStore. Services without conditional put are read first.

        ``media_type`` is what a browser is told that it gets.
        """
        more = {"ContentType": media_type} if media_type else {}
        self._key(key)
        if not once:
            with _told(f"写入对象“{key}”到", self.where):
                self.client.put_object(Bucket=self.bucket, Key=self._key(key), Body=data, **more)
            self._seen = True
            return None
        if self.exists(key):
            return refuse_other_content(key, self.get(key), data)
        for attempt in range(self._attempts):
            if self._put_first(key, data, more):
                return None
            with suppress(UnknownError):  # the other writer is not done, or failed
                return refuse_other_content(key, self.get(key), data)
            _pause(attempt)
        raise TemporaryProblemError(f"写入对象“{key}”到 {self.where} 未成：同一对象正由他处写入；可稍后重试")

    def _put_first(self, key: str, data: bytes, more: dict[str, str]) -> bool:
        """Put an object where there is none; return False where another writer was or is there."""
        from botocore.exceptions import ClientError

        with _told(f"写入对象“{key}”到", self.where):
            try:
                self.client.put_object(
                    Bucket=self.bucket, Key=self._key(key), Body=data, IfNoneMatch="*", **more
                )
            except ClientError as error:
                taken = ("PreconditionFailed", "ConditionalRequestConflict", "OperationAborted", "412", "409")
                if code(error) not in taken:
                    raise
                return False
        self._seen = True
        return True

    def get(self, key: str) -> bytes:
        """See ObjectStore. An answer that is broken off is asked for again, never given out short."""
        return self._read(key, {})

    def head(self, key: str, count: int) -> bytes:
        """See ObjectStore."""
        return self._read(key, {"Range": f"bytes=0-{count - 1}"})[:count]

    def _read(self, key: str, more: dict[str, str]) -> bytes:
        from botocore.exceptions import BotoCoreError

        attempt = 0
        with _told(f"读取对象“{key}”自", self.where):
            while True:
                try:
                    return self._read_once(key, more)
                except BotoCoreError as error:  # the client repeats requests, not the reading of an answer
                    attempt += 1
                    if type(error).__name__ not in _BROKEN_OFF or attempt >= self._attempts:
                        raise
                    _pause(attempt)

    def _read_once(self, key: str, more: dict[str, str]) -> bytes:
        from botocore.exceptions import ClientError

        try:
            answer = self.client.get_object(Bucket=self.bucket, Key=self._key(key), **more)
        except ClientError as error:
            if code(error) in ("InvalidRange", "416"):  # an empty object has no first byte
                return b""
            if code(error) in ("NoSuchKey", "404"):
                raise missing(key) from None
            raise
        body: bytes = answer["Body"].read()
        self._seen = True
        return body

    def put_file(self, key: str, path: Path) -> None:
        """Store a file that may be larger than the memory."""
        with path.open("rb") as file, _told(f"写入对象“{key}”到", self.where):
            self.client.upload_fileobj(file, self.bucket, self._key(key))

    def get_file(self, key: str, path: Path) -> None:
        """Write an object that may be larger than the memory into a file; UnknownError as ``get``."""
        self.info(key)
        with path.open("wb") as file, _told(f"读取对象“{key}”自", self.where):
            self.client.download_fileobj(self.bucket, self._key(key), file)

    def exists(self, key: str) -> bool:
        """See ObjectStore."""
        check_key(key)
        try:
            self.info(key)
        except UnknownError:
            return False
        return True

    def info(self, key: str) -> ObjectInfo:
        """See ObjectStore."""
        from botocore.exceptions import ClientError

        with _told(f"查看对象“{key}”于", self.where):
            try:
                head = self.client.head_object(Bucket=self.bucket, Key=self._key(key))
            except ClientError as error:
                if code(error) not in ("NoSuchKey", "404"):
                    raise
                if not self._seen:  # the answer has no body: it may be the bucket that is missing
                    self._find_bucket()
                raise missing(key) from None
        self._seen = True
        return ObjectInfo(key, head["ContentLength"], head["LastModified"].astimezone(dt.UTC))

    def _find_bucket(self) -> None:
        """Raise botocore's ClientError, with the code that says so, where there is no such bucket."""
        from botocore.exceptions import ClientError

        try:
            self.client.head_bucket(Bucket=self.bucket)
        except ClientError as error:
            if code(error) == "404":
                error.response["Error"]["Code"] = "NoSuchBucket"
            if code(error) != "403":  # some may read objects and not look at the bucket
                raise
        self._seen = True

    def ensure_bucket(self) -> None:
        """Create the bucket where it is missing; raises as every other act."""
        from botocore.exceptions import ClientError

        with _told("查看存储桶", self.where):
            try:
                self._find_bucket()
                return
            except ClientError as error:
                if code(error) != "NoSuchBucket":
                    raise
        with _told("建立存储桶", self.where):
            self.client.create_bucket(Bucket=self.bucket)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """See ObjectStore. S3 lists in the order of UTF-8 bytes, as sorted() does for these keys."""
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=self.prefix + check_prefix(prefix)
        )
        for page in self._pages(iter(pages), prefix):
            for item in page.get("Contents", ()):
                if item["Key"].endswith("/"):  # the mark by which some tools make a folder
                    continue
                yield ObjectInfo(
                    item["Key"][len(self.prefix) :], item["Size"], item["LastModified"].astimezone(dt.UTC)
                )

    def _pages(self, pages: Iterator[Any], prefix: str) -> Iterator[Any]:
        while True:
            with _told(f"列出“{prefix}”下的对象于", self.where):
                page = next(pages, None)
            if page is None:
                return
            if "Name" not in page and "KeyCount" not in page:  # some page of a proxy is no empty bucket
                raise EnvironmentProblemError(
                    f"列出“{prefix}”下的对象于 {self.where} 未成：应答不是 S3 协议，请核对服务地址"
                )
            self._seen = True
            yield page


def _pause(attempt: int) -> None:
    time.sleep(min(0.1 * 2**attempt, _LONGEST_PAUSE))
