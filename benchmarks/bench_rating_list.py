"""How fast a rating list is written, beside XlsxWriter alone given the same cells.

    .venv/bin/python benchmarks/bench_rating_list.py [COUNT]          # default 3000 bodies

Whole: from the list as data to the bytes of the workbook: every sheet laid out, every text checked,
every value noted for the content hash. Alone: XlsxWriter called directly with the same values in the same
cells under one format, and nothing else. Both run in turn; the ratio of medians counts. The target is three
times the library's own time. The figures are made by the engine on made-up values. The charts are timed once.
"""

from __future__ import annotations

import io
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "documents"))

from ipgov.documents import charts, rating_list
from ipgov.documents.sheets import Book
from rating_samples import whole_list

TURNS = 5
TARGET = 3.0
CHARTED = 300  # bodies whose charts are timed
Cell = tuple[str, int, int, Any]


def cells(listed: rating_list.RatingList) -> list[Cell]:
    """Return every cell that the list writes: sheet, row, column, value (None: a formatted blank)."""
    noted: list[Cell] = []
    put = Book.put

    def note(self: Book, sheet: Any, row: int, column: int, value: Any, style: Any) -> None:
        noted.append((sheet.name, row, column, value if value != "" else None))
        put(self, sheet, row, column, value, style)

    Book.put = note  # type: ignore[method-assign]
    try:
        rating_list.write(listed, "")
    finally:
        Book.put = put  # type: ignore[method-assign]
    return noted


def alone(noted: list[Cell]) -> bytes:
    """Write the cells with nothing but the library."""
    import xlsxwriter

    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    sheets = {name: book.add_worksheet(name) for name in dict.fromkeys(c[0] for c in noted)}
    style = book.add_format({"border": 1, "font_name": "宋体", "font_size": 10})
    for name, row, column, value in noted:
        sheet = sheets[name]
        if value is None:
            sheet.write_blank(row - 1, column - 1, None, style)
        elif isinstance(value, Decimal | int):
            sheet.write_number(row - 1, column - 1, value, style)
        else:
            sheet.write_string(row - 1, column - 1, str(value), style)
    book.close()
    return buffer.getvalue()


def turns(*works: Callable[[], object]) -> Iterator[float]:
    """Yield the median seconds of each work, run in turn."""
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(TURNS):
        for times, work in zip(taken, works, strict=True):
            start = time.perf_counter()
            work()
            times.append(time.perf_counter() - start)
    yield from map(statistics.median, taken)


def main(count: int) -> int:
    """Print both times and their ratio; 1 where the target is missed."""
    listed = whole_list(count, explained=False)
    noted = cells(listed)
    whole, library = turns(lambda: rating_list.write(listed, ""), lambda: alone(noted))
    ratio = whole / library
    print(f"{count} bodies, {len(noted)} cells, {len({c[0] for c in noted})} sheets")
    print(f"  whole list {whole:6.2f} s   XlsxWriter alone {library:6.2f} s   ratio {ratio:.2f} (< {TARGET})")
    few = whole_list(min(count, CHARTED), explained=False)
    start = time.perf_counter()
    charts.write(few, "")
    print(f"  charts of {len(few.rows)} bodies {time.perf_counter() - start:6.2f} s")
    return 0 if ratio < TARGET else 1


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 3000))
