"""Workbooks that nobody would send, by the thousand, each made from its number alone.

    python tests/intake/fuzzing.py 0 200000        # cases 0 to 199,999, two processes; `make fuzz`
    python tests/intake/fuzzing.py 4711 --keep X   # one case, its file kept as X

A case starts from a sound workbook and is damaged in its bytes, in its parts, or in what its cells say. A
child process reads it, bounded in memory and time, so that a crash or a hang of the reader is seen and named,
and the next case is still tried. Whatever is accepted is held against what another reader sees in the same
cells.
"""

from __future__ import annotations

import argparse
import faulthandler
import io
import json
import os
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import IO, Any

from intake_workbooks import PERIOD, PROGRAMME, filled, parts_of, unit_of_kind
from ipgov.intake.reading import Expected, Reading, read_submission
from ipgov.policy import store

SECONDS = int(
    os.environ.get("FUZZ_SECONDS", "20")
)  # for one file, on a machine with other work; a hang never ends
MEGABYTES = 1_500  # of address space beyond what the process has when it starts
SENDERS = Path(__file__).resolve().parents[1] / "fixtures" / "workbooks" / "senders"
FORMATS = ("xlsx", "xlsx", "xlsx", "ods", "xls")
KIND, UNIT = "trading", "FP01"
_told: IO[str] | None = None

NUMBERS = (
    "-1",
    "0",
    "1e308",
    "-1e-320",
    "NaN",
    "Infinity",
    "1e999",
    "9" * 400,
    "0x1F",
    "1_000",
    "٣",
    "²",
    "１",
)
TEXTS = (
    *(
        "",
        " ",
        "\u200b",
        "\u00a0",
        "１２．５％",
        "1,234.5万元",
        "1,2,3",
        "12.5.6",
        "一百",
        "=1+1",
        "=HYPERLINK(0)",
    ),
    *(
        "#REF!",
        "#N/A",
        "TRUE",
        "是",
        "否",
        "2025年2月30日",
        "2025.13.1",
        "0000-00-00",
        "9999-12-31",
        "-",
        "é",
    ),
    *(
        "120（含子公司）",
        "1.2E3",
        "98.5%",
        "985‰",
        "￥12",
        "12元",
        "十二万元",
        "A" * 40_000,
        "\u202e12",
        "𠮷",
    ),
    *("\ufffe", "<x>", "&amp;"),
)
ATTRIBUTES = (
    *(
        "",
        "0",
        "-1",
        "1048577",
        "9" * 20,
        "A0",
        "XFE1",
        "ZZZZ9",
        "A1:XFD1048576",
        "A1",
        "D9",
        "e",
        "b",
        "str",
        "s",
    ),
    *("n", "d", "inlineStr", "1", "true", "v_F01", "../../etc", "float", "percentage", "date", "\u2028"),
)


@cache
def _rules() -> Any:
    return store.governing(PROGRAMME, int(PERIOD))


@cache
def _unit() -> Any:
    return unit_of_kind(KIND, UNIT)


@cache
def _sound(ending: str) -> bytes:
    if ending == "xlsx":
        parts = parts_of(filled(_rules(), _unit()))
        core = "docProps/core.xml"  # names the moment of making, and a case is the same at any time
        parts[core] = re.sub(rb"\d{4}-\d\d-\d\dT[\d:]+Z", b"2000-01-01T00:00:00Z", parts[core])
        return _packed(parts, random.Random(0))  # noqa: S311
    return (SENDERS / f"plain.{ending}").read_bytes()


def case(number: int) -> tuple[str, bytes]:
    """Return the file name and the bytes of a case; the same number always gives the same."""
    chance = random.Random(number)  # noqa: S311 - repeatable, not secret
    ending = chance.choice(FORMATS)
    data = _sound(ending)
    if ending == "xls" or chance.random() < 0.15:
        return f"{number}.{ending}", _damaged(data, chance)
    return f"{number}.{ending}", _repacked(data, ending, chance)


def _damaged(data: bytes, chance: random.Random) -> bytes:
    """Change bytes anywhere, a few times."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 8, 64))):
        at = chance.randrange(len(changed) or 1)
        match chance.randrange(6):
            case 0:
                changed[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                changed[at : at + 4] = chance.choice(
                    (b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff", b"\0\0\0\x80")
                )
            case 2:
                del changed[at : at + chance.randrange(1, 600)]
            case 3:
                changed[at:at] = changed[at : at + chance.randrange(1, 600)]
            case 4:
                changed[at:at] = chance.randbytes(chance.randrange(1, 64))
            case 5:
                del changed[at:]
    return bytes(changed)


def _repacked(data: bytes, ending: str, chance: random.Random) -> bytes:
    """Change what stands inside one or more parts, and pack them anew."""
    parts = parts_of(data)
    names = [n for n in parts if n.endswith((".xml", ".rels"))]
    likely = [n for n in names if re.search(r"sheet\d|sharedStrings|workbook\.xml$|content\.xml", n)]
    if chance.random() < 0.5:
        for name in likely:
            parts[name] = _answers(parts[name], chance)
    for _ in range(chance.choice((0, 0, 1, 1, 2, 5))):
        name = chance.choice(likely or names) if chance.random() < 0.8 else chance.choice(names)
        change = chance.choice((_contents, _contents, _attribute, _attribute, _element, _damaged))
        parts[name] = change(parts[name], chance)
    if chance.random() < 0.1:
        parts.pop(chance.choice(names), None)
    return _packed(parts, chance)


def _packed(parts: dict[str, bytes], chance: random.Random) -> bytes:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w") as archive:
        for name, part in parts.items():
            stored = name == "mimetype" or chance.random() < 0.05
            member = zipfile.ZipInfo(name)  # of 1980
            archive.writestr(member, part, zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED)
    return output.getvalue()


def _one(pattern: str, part: bytes, chance: random.Random) -> re.Match[bytes] | None:
    found = list(re.finditer(pattern.encode(), part, re.S))
    return chance.choice(found) if found else None


def _escaped(text: str) -> bytes:
    return text.replace("&", "&amp;").replace("<", "&lt;").encode("utf-8", "surrogatepass")


def _contents(part: bytes, chance: random.Random) -> bytes:
    """Let a cell, or a shared text, say something else."""
    if found := _one(r">([^<>]{1,80})<", part, chance):
        words = chance.choice(TEXTS if chance.random() < 0.6 else NUMBERS)
        return part[: found.start(1)] + _escaped(words) + part[found.end(1) :]
    return part


def _answers(part: bytes, chance: random.Random) -> bytes:
    """Put something else into some of the cells that a body fills in (the form's column D), in any type."""

    def other(cell: re.Match[bytes]) -> bytes:
        if chance.random() < 0.85:
            return cell.group()
        place = cell[1]
        match chance.randrange(4):
            case 0:
                return b"<c %s><v>%s</v></c>" % (place, _escaped(chance.choice(NUMBERS)))
            case 1:
                return b'<c %s t="inlineStr"><is><t>%s</t></is></c>' % (place, _escaped(chance.choice(TEXTS)))
            case 2:
                kind = chance.choice((b"b", b"e", b"str", b"d", b"s"))
                return b'<c %s t="%s"><v>%s</v></c>' % (place, kind, _escaped(chance.choice(NUMBERS + TEXTS)))
        return b"<c %s><f>1+1</f></c>" % place

    return re.sub(rb'<c (r="D[0-9]+")[^>]*?(?:/>|>.*?</c>)', other, part, flags=re.S)


def _attribute(part: bytes, chance: random.Random) -> bytes:
    """Change an attribute: an address, a type, a style, a count, a name."""
    found = _one(r'\s[A-Za-z:-]+="([^"]*)"', part, chance)
    if not found:
        return part
    words = chance.choice(ATTRIBUTES)
    return part[: found.start(1)] + _escaped(words).replace(b'"', b"&quot;") + part[found.end(1) :]


def _element(part: bytes, chance: random.Random) -> bytes:
    """Remove, double, move or empty an element."""
    found = _one(r"<([A-Za-z:-]+)(?:\s[^<>]*)?(?:/>|>[^<>]*</\1>)", part, chance)
    if not found:
        return part
    whole = found.group()
    match chance.randrange(4):
        case 0:
            return part[: found.start()] + part[found.end() :]
        case 1:
            return part[: found.end()] + whole * chance.choice((1, 2, 500)) + part[found.end() :]
        case 2:
            rest = part[: found.start()] + part[found.end() :]
            at = rest.rfind(b"<", 0, chance.randrange(len(rest) or 1) + 1)
            return rest[: max(at, 0)] + whole + rest[max(at, 0) :]
    return part[: found.start()] + b"<f>1/0</f>" + whole + part[found.end() :]


def _tell(**what: Any) -> None:
    """Say something to the parent, if there is one."""
    if _told is not None:
        print(json.dumps(what), file=_told, flush=True)


def read(name: str, data: bytes) -> Reading:
    """Read a case as intake does."""
    return read_submission(data, name, Expected(PROGRAMME, PERIOD, _unit()), _rules())


def verdict(name: str, data: bytes) -> str:
    """Return what became of a case; AssertionError where that is wrong."""
    reading = read(name, data)
    assert reading.outcome in ("accepted", "returned", "refused"), reading.outcome
    if reading.outcome != "accepted":
        assert reading.problems, "没有接受，也没有说明原因"
        assert all(p.found and p.expected and p.file == name for p in reading.problems), reading.problems
        return reading.outcome
    assert not reading.problems
    asked = {c for c, f in _rules().rules.form.fields_for(KIND).items() if f.required}
    assert asked <= {v.field for v in reading.values if v.value is not None or v.text_value is not None}
    _tell(accepted=name)  # from here on it is the other reader's fault
    return f"accepted, {_agrees(reading, name, data)}"


def _agrees(reading: Reading, name: str, data: bytes) -> str:
    """Hold every value that was accepted against the cell as another reader sees it."""
    try:
        others = _by_openpyxl(data) if name.endswith("xlsx") else _by_calamine(data)
    except BaseException as error:  # of any kind, a panic too: the other reader is less lenient
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        return f"the other reader: {type(error).__name__}"
    for value in reading.values:
        try:
            other = others(value.sheet, value.cell)
        except (KeyError, IndexError):
            return "the other reader sees no such cell"
        if isinstance(other, (int, float)) and not isinstance(other, bool) and value.value is not None:
            same = Decimal(repr(float(other)))
            assert value.value in (same, 100 * same), (value, other)  # 0.985 as a percentage is 98.5
        elif isinstance(other, str) and name.endswith("xlsx"):
            assert _plain(value.raw) == _plain(other), (value, other)
        elif isinstance(other, str) and other and not _DAY.fullmatch(value.raw):
            # it shows what stands in elements that it does not know, and a day's words instead of the day
            assert _plain(value.raw) in _plain(other), (value, other)
    return "agreed"


_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def _plain(text: str) -> str:
    return "".join(text.split())


def _by_openpyxl(data: bytes) -> Callable[[str, str], Any]:
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(data), data_only=True)
    return lambda sheet, cell: book[sheet][cell].value


def _by_calamine(data: bytes) -> Callable[[str, str], Any]:
    import python_calamine
    from ipgov.intake.grid import column_number

    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
    rows = {n: book.get_sheet_by_name(n).to_python(skip_empty_area=False) for n in book.sheet_names}

    def value(sheet: str, cell: str) -> Any:
        found = re.fullmatch(r"([A-Z]+)([0-9]+)", cell)
        assert found
        return rows[sheet][int(found[2]) - 1][column_number(found[1]) - 1]

    return value


def _child(first: int, last: int, step: int) -> None:
    """Try cases one after the other; a line before each tells where a crash or a hang happened."""
    global _told
    _told = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a library prints is not for the parent
    faulthandler.enable()
    for ending in set(FORMATS):
        read(f"warm.{ending}", _sound(ending))
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    limit = used + MEGABYTES * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    for number in range(first, last, step):
        _tell(case=number)
        signal.alarm(SECONDS)  # no handler: a hang inside a library ends the process too
        name, data = case(number)
        begin = time.perf_counter()
        try:
            exec(os.environ.get("FUZZ_HARM", ""))  # noqa: S102 - by it the harness itself is tested
            came = verdict(name, data)
        except MemoryError:
            came = "FAILED: more memory than allowed"
        except Exception as error:
            came = f"FAILED: {type(error).__name__}: {str(error)[:300]}"
        signal.alarm(0)
        _tell(case=number, came=came, s=time.perf_counter() - begin)


def run(first: int, last: int, step: int = 1) -> tuple[Counter[str], list[str], float]:
    """Try cases in child processes; return what came of them, the failures by case, the longest time."""
    came: Counter[str] = Counter()
    failures: list[str] = []
    longest, at = 0.0, first
    while at < last:
        # a pipe that nobody reads would stop the child when it is full
        errors = tempfile.TemporaryFile()  # noqa: SIM115 - read and closed below
        child = subprocess.Popen(
            [sys.executable, __file__, str(at), str(last), "--child", str(step)],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        assert child.stdout
        current, accepted = at, False
        for line in child.stdout:
            told = json.loads(line)
            accepted = "accepted" in told
            current = told.get("case", current)
            if "came" in told:
                came[told["came"] if not told["came"].startswith("FAILED") else "FAILED"] += 1
                longest = max(longest, told["s"])
                if told["came"].startswith("FAILED"):
                    failures.append(f"case {current}: {told['came']}")
        if child.wait() != 0:
            ended = f"ended with {child.returncode}"
            if accepted:
                came[f"accepted, the other reader: {ended}"] += 1
            else:
                came["FAILED"] += 1
                errors.seek(0)
                last_words = errors.read()[-400:].decode(errors="replace")
                failures.append(f"case {current}: the reader's process {ended}: {last_words}")
        errors.close()
        at = current + step
    return came, failures, longest


def in_two(first: int, last: int) -> Iterator[tuple[Counter[str], list[str], float]]:
    """Try cases in two processes at once."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(2) as pool:
        yield from pool.map(lambda start: run(start, last, 2), (first, first + 1))


def main() -> None:
    """Run the cases of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("first", type=int)
    parser.add_argument("last", type=int, nargs="?")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--child", type=int)
    given = parser.parse_args()
    if given.child:
        with suppress(KeyboardInterrupt):
            _child(given.first, given.last, given.child)
        return
    if given.last is None:
        name, data = case(given.first)
        if given.keep:
            given.keep.write_bytes(data)
        print(verdict(name, data))
        for problem in read(name, data).problems:
            print(problem)
        return
    failed = False
    for came, failures, longest in in_two(given.first, given.last):
        for what, count in came.most_common():
            print(f"{count:>9,}  {what}")
        print(f"the longest took {longest:.2f} s")
        print(*failures[:50], sep="\n")
        failed = failed or bool(failures)
    sys.exit(failed)


if __name__ == "__main__":
    main()
