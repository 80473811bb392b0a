"""Font files of the renderers: the site's own first, then the shipped open ones; never the system's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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

# These have no glyph of their own and need none.
_INVISIBLE = {0x00AD, 0x2060, 0xFEFF, *range(0x200B, 0x2010), *range(0xFE00, 0xFE10)}


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


@cache
def _font_file(path: Path) -> FontFile:
    from fontTools.ttLib import TTCollection, TTFont

    data = path.read_bytes()
    members = TTCollection(path).fonts if data[:4] == b"ttcf" else [TTFont(path, lazy=True)]
    families: dict[str, None] = {}
    for font in members:
        for record in font["name"].names:
            if record.nameID in (1, 16):
                families[record.toUnicode()] = None
    return FontFile(path, tuple(families), sha256_hex(data))


@cache
def _characters(path: Path) -> frozenset[int]:
    from fontTools.ttLib import TTCollection, TTFont

    with path.open("rb") as f:
        collection = f.read(4) == b"ttcf"
    members = TTCollection(path).fonts if collection else [TTFont(path, lazy=True)]
    return frozenset(code for font in members for code in font.getBestCmap())


def font_files() -> tuple[FontFile, ...]:
    """Return the font files in their order of search, with families and hashes."""
    return tuple(_font_file(p) for p in font_paths())


def faces(known: Iterable[str]) -> dict[str, Any]:
    """Return for each face of the layout its families in order, and the outline of a replacement in points.

    ``known`` are the families that the renderer found in the font files.
    """
    there = set(known)
    chosen = {}
    for face, (wanted, replacement) in _FACES.items():
        own = [family for family in wanted if family in there][:1]
        rest = [replacement, *(f for f in (SERIF, SANS) if f != replacement)]
        outline = 0.0 if own else _OUTLINES.get(face, 0.0)
        chosen[face] = {"families": own + rest, "stroke": outline}
    return chosen


def missing_characters(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the characters that no font file has a glyph for, in order of first use."""
    used: dict[str, None] = {c: None for text in texts for c in text}
    for path in font_paths():
        there = _characters(path)
        used = {c: None for c in used if ord(c) not in there and ord(c) not in _INVISIBLE}
        if not used:
            break
    return tuple(used)


def require_glyphs(texts: Iterable[str], document: str) -> None:
    """Refuse a document that would print an empty box; GovernanceError names every missing character."""
    texts = tuple(texts)
    missing = missing_characters(texts)
    if not missing:
        return
    problems = tuple(
        Problem(
            "glyph_missing",
            f"字体缺少字符“{c}”（U+{ord(c):04X}），用于“{next(t for t in texts if c in t)[:40]}”",
            "在 IPGOV_FONTS 文件夹中放入含有此字的字体，或更正文字",
            file=document,
        )
        for c in missing
    )
    listed = "、".join(f"“{c}”（U+{ord(c):04X}）" for c in missing)
    raise GovernanceError(
        f"《{document}》不能生成 PDF：现有字体缺少字符 {listed}；"
        "请在 IPGOV_FONTS 文件夹中放入含有这些字的字体",
        problems,
    )
