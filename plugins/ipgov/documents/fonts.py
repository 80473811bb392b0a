"""Font files of the renderers: the site's own first, then the shipped open ones; never the system's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ipgov.core.errors import EnvironmentProblemError, GovernanceError, Problem
from ipgov.core.fingerprint import sha256_hex
from ipgov.core.settings import settings

SERIF, SANS = "Noto Serif SC", "Noto Sans SC"

# What GB/T 9704-2012 asks for, by the family names under which those fonts are sold; then what replaces them.
_FACES: Mapping[str, tuple[tuple[str, ...], str]] = {
    "mark": (("FZXiaoBiaoSong-B05S", "FZXiaoBiaoSong-B05", "方正小标宋简体"), SERIF),
    "title": (("FZXiaoBiaoSong-B05S", "FZXiaoBiaoSong-B05", "方正小标宋简体"), SERIF),
    "body": (("FangSong_GB2312", "仿宋_GB2312", "FangSong", "仿宋"), SERIF),
    "heading": (("SimHei", "黑体"), SANS),
    "kai": (("KaiTi_GB2312", "楷体_GB2312", "KaiTi", "楷体"), SERIF),
    "number": (("SimSun", "宋体"), SERIF),
}
# 小标宋 is heavier than a regular serif: its replacement is drawn with an outline, in points.
_OUTLINES = {"mark": 0.9, "title": 0.4}

# These have no glyph of their own and need none. Selectors of a variant are not among them: where a font does
# not have that variant, the page would show another shape than the name has.
_INVISIBLE = {0x00AD, 0x2060, 0xFEFF, *range(0x200B, 0x2010)}


@dataclass(frozen=True)
class FontFile:
    """A font file, the families in it and its hash."""

    path: Path
    families: tuple[str, ...]
    sha256: str


def font_folders() -> tuple[Path, ...]:
    """Return the folders of font files, the site's own first; EnvironmentProblemError where it is missing."""
    import pylopdf_fonts_zh_cn as shipped

    folder = settings().fonts
    if folder is not None and not folder.is_dir():
        raise EnvironmentProblemError(f"字体文件夹 {folder} 不存在：请检查 IPGOV_FONTS")
    return (*((folder,) if folder is not None else ()), shipped.serif_path().parent)


def font_paths() -> tuple[Path, ...]:
    """Return the font files in the order in which they are searched.

    Raises EnvironmentProblemError where a folder is missing or holds no font.
    """
    paths: list[Path] = []
    for folder in font_folders():
        found = sorted(f for f in folder.rglob("*") if f.suffix.lower() in (".otf", ".ttf", ".ttc", ".otc"))
        if not found:
            raise EnvironmentProblemError(f"字体文件夹 {folder} 中没有字体文件（.otf、.ttf、.ttc）")
        paths += found
    return tuple(paths)


def _members(path: Path) -> Sequence[Any]:
    """Return the fonts of a file; EnvironmentProblemError where it is none."""
    from fontTools.ttLib import TTCollection, TTFont, TTLibError

    try:
        with path.open("rb") as f:
            collection = f.read(4) == b"ttcf"
        return list(TTCollection(path, lazy=True).fonts) if collection else [TTFont(path, lazy=True)]
    except (OSError, TTLibError) as error:
        raise EnvironmentProblemError(f"字体文件 {path} 无法读取：{error}") from None


@cache
def _font_file(path: Path, size: int, changed: int) -> FontFile:
    families: dict[str, None] = {}
    for font in _members(path):
        for record in font["name"].names:
            if record.nameID in (1, 16):
                families[record.toUnicode()] = None
    return FontFile(path, tuple(families), sha256_hex(path.read_bytes()))


@cache
def _characters(file: FontFile) -> frozenset[int]:
    return frozenset(
        code
        for font in _members(file.path)
        for code, glyph in font.getBestCmap().items()
        if glyph != ".notdef"
    )


@cache
def ink(path: Path, index: int, text: str) -> tuple[float, float]:
    """Return how far a text rises above the baseline and sinks below it in a file's font, in ems.

    The outlines themselves are measured: a box around their control points is larger. Characters that the
    font does not have are passed over; EnvironmentProblemError where it has none of them.
    """
    from fontTools.pens.boundsPen import BoundsPen

    font = _members(path)[index]
    names, glyphs = font.getBestCmap(), font.getGlyphSet()
    bounds = []
    for character in text:
        pen = BoundsPen(glyphs)
        if glyph := names.get(ord(character)):
            glyphs[glyph].draw(pen)
        if pen.bounds:
            bounds.append(pen.bounds)
    if not bounds:
        raise EnvironmentProblemError(f"字体 {path.name} 没有“{text}”的字形")
    em = font["head"].unitsPerEm
    return max(b[3] for b in bounds) / em, -min(b[1] for b in bounds) / em


def font_files() -> tuple[FontFile, ...]:
    """Return the font files in their order of search, with families and hashes."""
    found = []
    for path in font_paths():
        status = path.stat()
        found.append(_font_file(path, status.st_size, status.st_mtime_ns))
    return tuple(found)


def recorded_files(recorded: Mapping[str, str]) -> tuple[FontFile, ...]:
    """Return the installed files that were recorded (file name → hash), in their order of search.

    Raises EnvironmentProblemError that names every one that is not installed; others play no part.
    """
    wanted = set(recorded.values())
    there = {f.sha256: f for f in reversed(font_files())}
    if missing := sorted(name for name, sha256 in recorded.items() if sha256 not in there):
        listed = "、".join(f"{name}（SHA-256 {recorded[name]}）" for name in missing)
        raise EnvironmentProblemError(f"缺少当时所用的字体文件：{listed}；请放入 IPGOV_FONTS 文件夹")
    return tuple(f for f in font_files() if f.sha256 in wanted and there[f.sha256] == f)


def faces(known: Iterable[str]) -> dict[str, Any]:
    """Return for each face of the layout its families in order, and the outline of a replacement in points.

    ``known`` are the families that the renderer found in the font files, in their order of search. Every
    other family stands last: a rare character is taken from whichever file has it.
    """
    there = dict.fromkeys(known)
    chosen: dict[str, Any] = {}
    for face, (wanted, replacement) in _FACES.items():
        own = [family for family in wanted if family in there][:1]
        rest = dict.fromkeys((replacement, SERIF, SANS, *there))
        outline = 0.0 if own else _OUTLINES.get(face, 0.0)
        families = own + [f for f in rest if f in there and f not in own]
        chosen[face] = {"families": families, "stroke": outline}
    return chosen


def missing_characters(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the characters that no font file has a glyph for, in order of first use."""
    used: dict[str, None] = {c: None for text in texts for c in text}
    for file in font_files():
        there = _characters(file)
        used = {c: None for c in used if ord(c) not in there and ord(c) not in _INVISIBLE}
        if not used:
            break
    return tuple(used)


def require_glyphs(texts: Iterable[tuple[str, str]], document: str) -> None:
    """Refuse a document that would print an empty box; ``texts`` are (place in the document, text).

    Raises GovernanceError that names every missing character with its code point and every place.
    """
    placed = [(place, text) for place, text in texts if text]
    missing = missing_characters(text for _, text in placed)
    if not missing:
        return
    problems = tuple(
        Problem(
            "glyph_missing",
            f"{place}“{text[:40]}”第 {text.index(c) + 1} 个字符“{c}”（U+{ord(c):04X}）没有字形",
            "在 IPGOV_FONTS 文件夹中放入含有此字的字体，或更正文字",
            file=document,
        )
        for c in missing
        for place, text in placed
        if c in text
    )
    listed = "、".join(
        f"“{c}”（U+{ord(c):04X}，见{'、'.join(dict.fromkeys(p for p, t in placed if c in t))}）"
        for c in missing
    )
    raise GovernanceError(
        f"《{document}》不能生成文书：现有字体缺少字符 {listed}；"
        "请在 IPGOV_FONTS 文件夹中放入含有这些字的字体",
        problems,
    )
