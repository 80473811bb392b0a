"""S3 services on the loopback for tests: moto's, and a proxy before it that fails as it is told to."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEYS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing-secret",
    "AWS_DEFAULT_REGION": "us-east-1",
}
_HOP = {"connection", "transfer-encoding", "keep-alive", "content-length"}


@contextmanager
def moto_service(bucket: str = "gov") -> Iterator[str]:
    """A real server that speaks S3; yields its address. The bucket is there."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    boto3.client(
        "s3",
        endpoint_url=address,
        aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        region_name=KEYS["AWS_DEFAULT_REGION"],
    ).create_bucket(Bucket=bucket)
    try:
        yield address
    finally:
        server.stop()


class FaultyService:
    """Stands before an S3 service. ``fault(method, path)`` names what goes wrong with a request; "" nothing.

    silent: no answer; drop: the connection is closed without one; cut: half of the answer's body; change: one
    byte of the body is another; a number, or a number and a code: that answer of the protocol, which never
    reached the service; lost: the request takes effect, its answer is lost.
    """

    def __init__(self, upstream: str):
        self.upstream = upstream.removeprefix("http://")
        self.fault: Callable[[str, str], str] = lambda method, path: ""
        self.seen: list[tuple[str, str]] = []
        self.closing = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args: Any) -> None:
                pass

            def _any(self) -> None:
                outer._answer(self)

            do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = _any  # noqa: N815

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def stop(self) -> None:
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()

    def always(self, fault: str) -> None:
        self.fault = lambda method, path: fault

    def first(self, times: int, fault: str, method: str = "") -> None:
        """Let the next ``times`` requests (of a method) fail, those after them not."""
        left = [times]

        def choose(of: str, path: str) -> str:
            if method in ("", of) and left[0] > 0:
                left[0] -= 1
                return fault
            return ""

        self.fault = choose

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        self.seen.append((request.command, request.path))
        fault = self.fault(request.command, request.path)
        if fault == "silent":
            self.closing.wait(30)
        if fault in ("silent", "drop"):
            request.close_connection = True
            return
        data = self._body(request)
        if fault and fault[0].isdigit():
            status, _, code = fault.partition(" ")
            self._send(request, int(status), {"Content-Type": "application/xml"}, _error(code))
            return
        status_, headers, body = self._forward(request, data)
        if fault == "lost":
            request.close_connection = True
            return
        if fault == "change" and body:
            body = body[:-1] + bytes([body[-1] ^ 1])
            headers = {k: v for k, v in headers.items() if "checksum" not in k.lower()}
        self._send(request, status_, headers, body, cut=fault == "cut")

    def _body(self, request: BaseHTTPRequestHandler) -> bytes:
        if request.headers.get("transfer-encoding", "") == "chunked":
            parts = []
            while size := int(request.rfile.readline().split(b";")[0], 16):
                parts.append(request.rfile.read(size))
                request.rfile.readline()
            while request.rfile.readline().strip():
                pass
            return b"".join(parts)
        return request.rfile.read(int(request.headers.get("content-length") or 0))

    def _forward(self, request: BaseHTTPRequestHandler, data: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(self.upstream, timeout=20)
        skipped = _HOP | {"expect", "host"}
        headers = {k: v for k, v in request.headers.items() if k.lower() not in skipped}
        connection.request(request.command, request.path, data, headers | {"Host": self.upstream})
        answer = connection.getresponse()
        body = answer.read()
        named = {k: v for k, v in answer.getheaders() if k.lower() not in _HOP}
        if request.command == "HEAD":
            named["Content-Length"] = answer.getheader("Content-Length") or "0"
        connection.close()
        return answer.status, named, body

    def _send(
        self,
        request: BaseHTTPRequestHandler,
        status: int,
        headers: dict[str, str],
        body: bytes,
        cut: bool = False,
    ) -> None:
        request.send_response_only(status)
        for name, value in headers.items():
            request.send_header(name, value)
        if request.command != "HEAD":
            request.send_header("Content-Length", str(len(body)))
        elif "Content-Length" not in headers:
            request.send_header("Content-Length", "0")
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(body[: len(body) // 2] if cut else body)
        if cut:
            request.wfile.flush()
            time.sleep(0.05)
            request.close_connection = True


def _error(code: str) -> bytes:
    if not code:
        return b"<html>upstream is unwell</html>"
    return f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>no</Message></Error>".encode()
