"""How fast notices become .docx, .html and PDF, beside the renderers alone given what is to be printed.

    .venv/bin/python benchmarks/bench_documents.py [COUNT]          # default 500

Whole: from the document model: every character looked up in the fonts, the layout's data made, all formats
rendered. Alone: Typst's compiler, and Jinja2 with zipfile, called directly with data made before. Both make
the same bytes; they run in turn, and the ratio of medians counts. The target is half the renderers' own rate.
"""

from __future__ import annotations

import io
import json
import os
import statistics
import sys
import time
import zipfile
from collections.abc import Callable
from datetime import date
from typing import Any

from ipgov.documents import docx, fonts, html, layout, pdf
from ipgov.documents.model import Attachment, Heading, OfficialDocument

TURNS = 3
FORMATS = {".docx + .pdf": ("docx", "pdf"), ".docx + .html + .pdf": ("docx", "html", "pdf")}


def notice(n: int) -> OfficialDocument:
    """Return the result notice of a made-up body: a page of text and a table of 21 indicators."""
    name = f"第{n}号虚构知识产权运营服务平台"
    rows = tuple((str(i), f"第{i}项指标", f"{n % 97}.{i:02d}", "85.35") for i in range(1, 22))
    return OfficialDocument(
        kind="result_to_unit",
        form="letter",
        issuer="国家知识产权局",
        number=f"国知平评函〔2026〕{n}号",
        title="关于功能性国家知识产权运营服务平台2025年度绩效评价结果的通知",
        title_terms=(name,),
        recipients=(name,),
        paragraphs=(
            f"按照有关要求，我局组织开展了2025年度绩效评价。现将{name}评价结果通知如下。",
            Heading(level=1, text="一、评价结果"),
            f"{name}本年度绩效评价总分为85.{n % 100:02d}分，列第{n}名，等级为“良好”，通过本年度绩效评价。",
            Heading(level=1, text="二、各维度得分"),
            *(f"{i}.第{i}维度：85.{i}{n % 10}分（权重25%）。" for i in range(1, 5)),
            "特此通知。",
        ),
        attachments=(
            Attachment(title=f"{name}各指标得分", columns=("序号", "指标", "指标值", "得分"), rows=rows),
        ),
        signature_date=date(2026, 4, 20),
        copies_to=("虚构省知识产权局",),
        seal_code="ABCD-1234-5678",
        trace=f"{n:064x}",
        banner="模拟数据，仅供演示，不具有任何效力",
    )


def whole(document: OfficialDocument, formats: tuple[str, ...]) -> list[bytes]:
    """Return a document's files as the register makes them."""
    fonts.require_glyphs(document.texts(), document.title)
    what, layouts, installed = layout.printed(document), layout.layouts(), fonts.font_files()
    made = {
        "docx": lambda: docx.render(what, layouts),
        "html": lambda: html.render(what, layouts),
        "pdf": lambda: pdf.render(what, layouts, installed),
    }
    return [made[f]() for f in formats]


def renderers(document: OfficialDocument) -> dict[str, Callable[[], bytes]]:
    """Return the renderers themselves with all that a document needs made before; they alone are timed."""
    what, layouts = layout.printed(document), layout.layouts()
    compiler, calls = _recorded(what, layouts)
    parts = {n.removeprefix("docx/"): t for n, t in layouts.items() if n.startswith("docx/")}
    templates = layout.environment(tuple((n, t) for n, t in parts.items() if n.endswith(".j2")))
    names = sorted((n for n in parts if not n.endswith("_macros.j2")), key=lambda n: (n[0] != "[", n))
    values: dict[str, Any] = {"d": what, "m": docx._measures(what)}
    page = layout.environment(((html.LAYOUT, layouts[html.LAYOUT]),)).get_template(html.LAYOUT)

    def package() -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as file:
            for name in names:
                text = templates.get_template(name).render(values) if name.endswith(".j2") else parts[name]
                member = zipfile.ZipInfo(name.removesuffix(".j2"), (1980, 1, 1, 0, 0, 0))
                member.create_system = 0
                file.writestr(member, text.encode())
        return buffer.getvalue()

    return {
        "docx": package,
        "html": lambda: page.render(d=what).encode(),
        "pdf": lambda: compiler.compile_with_warnings(**calls)[0],
    }


def _recorded(what: dict[str, Any], layouts: layout.Layouts) -> tuple[Any, dict[str, Any]]:
    """Return Typst's compiler and the arguments with which it makes this document."""
    compiler, calls = None, {}

    class Recorder:
        def __init__(self, inner: Any):
            self.inner = inner

        def compile_with_warnings(self, **arguments: Any) -> Any:
            calls.update(arguments)
            return b"", []

    real = pdf._compiler
    found = real(fonts.font_files(), os.getpid())
    compiler = found[0]
    pdf._compiler = lambda *_: (Recorder(compiler), *found[1:])  # type: ignore[assignment]
    try:
        pdf.render(what, layouts, fonts.font_files())
    finally:
        pdf._compiler = real
    return compiler, calls


def timed(work: Callable[[], Any]) -> float:
    """Return the seconds that some work takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def main() -> None:
    """Measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    documents = [notice(n) for n in range(1, count + 1)]
    alone = [renderers(d) for d in documents]
    for label, formats in FORMATS.items():
        for document, only in zip(documents[:3], alone, strict=False):
            assert whole(document, formats) == [only[f]() for f in formats]
        seconds: dict[str, list[float]] = {"whole": [], "alone": []}
        for _ in range(TURNS):
            seconds["alone"].append(timed(lambda f=formats: [[a[x]() for x in f] for a in alone]))
            seconds["whole"].append(timed(lambda f=formats: [whole(d, f) for d in documents]))
        rates = {k: count / statistics.median(v) for k, v in seconds.items()}
        print(
            json.dumps(
                {
                    "case": label,
                    "notices": count,
                    "whole_per_second": round(rates["whole"], 1),
                    "renderers_alone_per_second": round(rates["alone"], 1),
                    "ratio": round(rates["whole"] / rates["alone"], 3),
                    "target": "at least 0.5",
                },
                ensure_ascii=False,
            )
        )


if __name__ == "__main__":
    main()
