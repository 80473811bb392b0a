"""Make the pictures of the documents from a running demo's real pages and documents.

``.venv/bin/python docs/pictures/make.py --state FOLDER --port PORT [--round ID]``, while ``make demo
STATE=FOLDER PORT=PORT`` runs; ``--round``: an approval of the year that is still open, else the newest. Needs
Chromium, LibreOffice and poppler (``chromium``, ``soffice``, ``pdftoppm``, ``pdftotext``) and Pillow: for the
pictures alone, nothing of the project or its tests uses them. Pages are read as the account reviewer1, by
the console's own addresses.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PROGRAMME, PERIOD = "functional_platform", "2025"
LIMIT = 150_000  # bytes of a picture
WIDTH = 1200
NOTICE = "绩效评价结果的通知"
# name: (address under /governance/, pixels from the top, pixels of height)
PAGES = {
    "overview": ("", 0, 760),
    "cycle": (f"cycle/{PROGRAMME}/{PERIOD}", 0, 1200),
    "quality": (f"quality/{PROGRAMME}/{PERIOD}", 0, 1050),
    "collection": (f"collection/{PROGRAMME}/{PERIOD}?as_of=2026-04-15", 0, 1000),
    "duties": ("duties", 0, 900),
    "publicity": ("publicities", 0, 620),
    "unit": (f"unit/{PROGRAMME}/{PERIOD}/FP01", 0, 1200),
}


def main() -> None:
    """Make every picture anew."""
    options = _options()
    from ipgov.launcher import accounts
    from ipgov.launcher.api import ApiClient

    password = accounts.read_passwords(options.state)["reviewer1"]
    client = ApiClient(f"http://127.0.0.1:{options.port}", "reviewer1", password)
    cycle = client.download(f"/governance/cycle/{PROGRAMME}/{PERIOD}").decode()
    rounds = sorted({int(n) for n in re.findall(r"/round/(\d+)", cycle)})
    first = next(n for n in rounds if f"/rating-list/{n}" in _page(client, f"round/{n}"))
    shown = options.round or rounds[-1]
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        for name, (address, top, height) in {**PAGES, "round": (f"round/{shown}", 0, 1100)}.items():
            _keep(name, _screenshot(_page(client, address), at), top, height)
        data = client.download(f"/governance/rating-list/{first}")
        listed = _pdf(data, "list.xlsx", at)
        _keep("rating-list", _paper(listed, _page_with("评审意见", listed, at), 110, at), 0, 660)
        _keep("charts", _paper(client.download(f"/governance/rating-charts/{first}"), 1, 80, at), 0, 1300)
        told = next(row for row in cycle.split("<tr>") if NOTICE in row and "/pdf" in row)
        notice = client.download(re.findall(r'href="([^"]+/document/\d+/pdf)"', told)[0])
        _keep("notice", _paper(notice, 1, 75, at), 0, 1300)


def _page(client: Any, address: str) -> str:
    """Return a page with its style sheet in it: a file that a browser can show without an account."""
    page = client.download(f"/governance/{address}").decode()
    style = client.download("/governance/static/console.css").decode()
    return re.sub(r"<link[^>]+console\.css[^>]*>", lambda _: f"<style>{style}</style>", page)


def _screenshot(page: str, at: Path) -> bytes:
    (at / "page.html").write_text(page, encoding="utf-8")
    picture = at / "page.png"
    flags = [
        "--headless",
        "--no-sandbox",
        "--hide-scrollbars",
        "--disable-gpu",
        "--lang=zh-CN",
        f"--window-size={WIDTH},2400",
    ]
    command = ["chromium", *flags, f"--screenshot={picture}", f"file://{at}/page.html"]
    subprocess.run(
        command, check=True, capture_output=True, timeout=120, env={**os.environ, "LANGUAGE": "zh_CN"}
    )
    return picture.read_bytes()


def _pdf(data: bytes, name: str, at: Path) -> bytes:
    (at / name).write_bytes(data)
    command = ["soffice", "--headless", "--convert-to", "pdf", "--outdir", str(at), str(at / name)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return (at / name).with_suffix(".pdf").read_bytes()


def _page_with(words: str, data: bytes, at: Path) -> int:
    """Return the number of the first page on which words stand."""
    (at / "paper.pdf").write_bytes(data)
    command = ["pdftotext", "-layout", str(at / "paper.pdf"), "-"]
    text = subprocess.run(command, check=True, capture_output=True, timeout=120).stdout.decode()
    return next(n for n, page in enumerate(text.split("\f"), start=1) if words in page)


def _paper(data: bytes, page: int, dpi: int, at: Path) -> bytes:
    (at / "paper.pdf").write_bytes(data)
    command = [
        "pdftoppm",
        "-png",
        "-singlefile",
        "-f",
        str(page),
        "-r",
        str(dpi),
        str(at / "paper.pdf"),
        str(at / "paper"),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return (at / "paper.png").read_bytes()


def _keep(name: str, data: bytes, top: int, height: int) -> None:
    """Crop to what is shown, without the empty foot, and store with as many colours as fit the limit."""
    from PIL import Image, ImageChops

    picture = Image.open(io.BytesIO(data)).convert("RGB")
    picture = picture.crop((0, top, picture.width, min(picture.height, top + height)))
    empty = Image.new("RGB", picture.size, picture.getpixel((picture.width - 1, picture.height - 1)))
    box = ImageChops.difference(picture, empty).getbbox() or (0, 0, picture.width, picture.height)
    picture = picture.crop((0, 0, picture.width, min(picture.height, box[3] + 16)))
    for colours in (128, 64, 32, 16, 8):
        stored = io.BytesIO()
        picture.quantize(colours, dither=Image.Dither.NONE).save(stored, "PNG", optimize=True)
        if len(stored.getvalue()) < LIMIT:
            break
    (HERE / f"{name}.png").write_bytes(stored.getvalue())
    print(f"{name}.png {picture.size} {len(stored.getvalue())} bytes, {colours} colours")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--round", type=int)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
