"""Codes of organisations, provinces and patents, and what is wrong with one that is written wrongly.

GB 32100-2015 (统一社会信用代码), GB 11714-1997 (组织机构代码), GB/T 2260 (行政区划代码),
ZC 0006-2003 (申请号).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ipgov.core.errors import UnknownError
from ipgov.core.settings import settings
from ipgov.policy.store import read_yaml

# GB 32100-2015: digits and capital letters without I, O, S, V, Z; a character's value is its place.
USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS = tuple(pow(3, i, 31) for i in range(17))
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_PATENT_WEIGHTS = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)

# Since 2003-10-01 four digits of the year and seven of the serial; before, two and five.
_PATENT_NEW = r"(?:200[3-9]|20[1-9]\d)[12389]\d{7}"
_PATENT_OLD = r"(?:8[5-9]|9\d|0[0-3])[12389]\d{5}"
_PATENT = re.compile(rf"(?:ZL)?({_PATENT_NEW}|{_PATENT_OLD})\.([\dX])", re.A)


def uscc_check_character(first: str) -> str:
    """Return the 18th character of a 统一社会信用代码 from its first 17 (GB 32100-2015)."""
    total = sum(USCC_ALPHABET.index(c) * w for c, w in zip(first, _USCC_WEIGHTS, strict=True))
    # The outer "% 31" is for a sum that leaves no remainder: its check character is 0.
    return USCC_ALPHABET[(31 - total % 31) % 31]


def organisation_code_check_character(first: str) -> str:
    """Return the 9th character of an 组织机构代码 from its first 8 (GB 11714: 10 is X, 11 is 0)."""
    # A = 10 … Z = 35: all letters count here, unlike in GB 32100.
    total = sum(int(c, 36) * w for c, w in zip(first, _ORGANISATION_WEIGHTS, strict=True))
    return "0123456789X0"[11 - total % 11]


def patent_check_character(digits: str) -> str:
    """Return the check character of an application number's 12 (before October 2003: 8) digits."""
    total = sum(int(d) * w for d, w in zip(digits, _PATENT_WEIGHTS, strict=False))
    return "0123456789X"[total % 11]


def uscc_form_problem(code: str) -> str | None:
    """Say in Chinese why this cannot be a 统一社会信用代码 at all; None where it has the right form."""
    if len(code) != 18:
        return f"统一社会信用代码“{code}”有 {len(code)} 位，应为 18 位"
    for place, character in enumerate(code, 1):
        # 3–8: the region of the registering office. The first two may be letters, too.
        allowed = "0123456789" if 3 <= place <= 8 else USCC_ALPHABET
        if character not in allowed:
            expected = "数字" if 3 <= place <= 8 else "数字或大写字母（不含 I、O、S、V、Z）"
            return f"统一社会信用代码“{code}”第 {place} 位为“{character}”，应为{expected}"
    return None


def uscc_check_problem(code: str) -> str | None:
    """Say in Chinese which check character of a well-formed code fails; None where both agree.

    Real organisations carry codes that fail: a person confirms such a code, it is not refused outright.
    """
    if (inner := organisation_code_check_character(code[8:16])) != code[16]:
        return (
            f"统一社会信用代码“{code}”中的组织机构代码校验位（第 17 位）为“{code[16]}”，"
            f"按 GB 11714 应为“{inner}”"
        )
    if (check := uscc_check_character(code[:17])) != code[17]:
        return f"统一社会信用代码“{code}”校验位（第 18 位）为“{code[17]}”，按 GB 32100 应为“{check}”"
    return None


def uscc_problem(code: str) -> str | None:
    """Say in Chinese what is wrong with a 统一社会信用代码: form first, then check; None: nothing."""
    return uscc_form_problem(code) or uscc_check_problem(code)


def patent_number_problem(number: str) -> str | None:
    """Say in Chinese what is wrong with an application or (``ZL``) patent number; None: nothing.

    ``202410000001.X`` since 2003-10-01, ``97101765.4`` before.
    """
    match = _PATENT.fullmatch(number)
    if match is None:
        return (
            f"专利（申请）号“{number}”格式不符：应为 4 位年份（2003 年起）、"
            "1 位种类（1、2、3、8、9）、7 位流水号，"
            "或旧号 2 位年份、1 位种类、5 位流水号，后接“.”与 1 位校验码，专利号前加“ZL”"
        )
    digits, given = match.groups()
    if (check := patent_check_character(digits)) != given:
        return f"专利（申请）号“{number}”校验码为“{given}”，按 ZC 0006 应为“{check}”"
    return None


@dataclass(frozen=True)
class Province:
    """A reporting region: code, full and short name, the standard or operator's note it stands under.

    ``office``: what its office for intellectual property is called.
    """

    code: str
    name: str
    short: str
    basis: str
    in_standard: bool
    office: str


@cache
def _regions(policies: Path) -> Mapping[str, Mapping[str, Province]]:
    path = policies / "provinces.yaml"
    raw: dict[str, Any] = read_yaml(path.read_bytes(), path.name)
    return {
        group: {
            e["code"]: Province(
                e["code"],
                e["name"],
                e["short"],
                part.get("standard") or part["operator"],
                "standard" in part,
                e.get("office") or f"{e['name']}{part['office']}",
            )
            for e in part["entries"]
        }
        for group, part in raw.items()
    }


@cache
def _merged(policies: Path, groups: tuple[str, ...]) -> Mapping[str, Province]:
    regions = _regions(policies)
    return {code: province for group in groups for code, province in regions[group].items()}


class _Regions(Mapping[str, Province]):
    """The named groups of ``policies/provinces.yaml``, read on first use."""

    def __init__(self, *groups: str):
        self._groups = groups

    def _all(self) -> Mapping[str, Province]:
        return _merged(settings().policies, self._groups)

    def __getitem__(self, code: str) -> Province:
        return self._all()[code]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


# The two-digit codes of GB/T 2260, and 新疆生产建设兵团 under the operator's own.
PROVINCES: Mapping[str, Province] = _Regions("provinces", "outside_standard")
# 计划单列市, six digits; some documents address them beside the provinces.
SEPARATELY_PLANNED_CITIES: Mapping[str, Province] = _Regions("separately_planned_cities")


def province_name(code: str) -> str:
    """Return a province's full name; UnknownError where the code is none of PROVINCES."""
    return _province(code).name


def province_office(code: str) -> str:
    """Return what a province's office is called; raises as province_name."""
    return _province(code).office


def _province(code: str) -> Province:
    province = PROVINCES.get(code)
    if province is None:
        known = "、".join(f"{p.code} {p.short}" for p in PROVINCES.values())
        raise UnknownError(f"没有代码为“{code}”的省级地区；现有：{known}")
    return province
