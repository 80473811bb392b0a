"""A bucket from which documents are published."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from ipgov.core.s3 import S3Store
from ipgov.core.settings import settings
from ipgov.documents.channels import MEDIA_TYPES, ChannelDownError, Letter, put_all, refuse_leaving
from ipgov.documents.channels.loopback import is_loopback


class Publication:
    """``IPGOV_PUBLICATION``; an object is written once, with its media type, under the recipient's key."""

    def __init__(self, simulation: bool):
        place, endpoint = settings().publication, settings().publication_endpoint
        if not place.startswith("s3://"):
            raise ChannelDownError("没有发布的存储桶：请设置 IPGOV_PUBLICATION=s3://存储桶[/前缀]")
        if simulation and not is_loopback(urlsplit(endpoint or "").hostname or ""):
            raise refuse_leaving(f"发布的存储桶 {place}")
        bucket, _, prefix = place.removeprefix("s3://").partition("/")
        self.store = S3Store(bucket, prefix, endpoint)

    def deliver(self, letter: Letter, begun: Callable[[str], None]) -> str:
        """See Channel."""
        return put_all(
            lambda key, file: self.store.put(key, file.data, once=True, media_type=MEDIA_TYPES[file.format]),
            letter,
        )

    def close(self) -> None:
        """See Channel."""
