"""Tells moto when an object came: the one thing of an S3 service that no request can say."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def clock(bucket: str) -> Iterator[str]:
    """Listen for ``{"key": …, "at": seconds}``; yields the address. moto runs in this process."""
    from moto.core import DEFAULT_ACCOUNT_ID
    from moto.s3.models import s3_backends

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

        def do_POST(self) -> None:
            told = json.loads(self.rfile.read(int(self.headers["content-length"])))
            key = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets[bucket].keys[told["key"]]
            key.last_modified = dt.datetime.fromtimestamp(told["at"], dt.UTC).replace(tzinfo=None)
            self.send_response(204)
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
