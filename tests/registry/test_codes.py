"""The vectors of the standards, and every way in which a code is written wrongly."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ipgov.core.errors import UnknownError
from ipgov.registry import codes

USCC_VALID = ["91110000600037341L", "91110000101623741K"]
PATENTS_NEW = [
    "201710601862.3",
    "202410000001.X",
    "202310123456.6",
    "202220999999.5",
    "201930000007.7",
    "202180012345.7",
]
PATENTS_OLD = ["97101765.4", "95115608.X"]
first_17 = st.tuples(
    st.text(codes.USCC_ALPHABET, min_size=2, max_size=2),
    st.text("0123456789", min_size=6, max_size=6),
    st.text(codes.USCC_ALPHABET, min_size=8, max_size=8),
)


@pytest.mark.parametrize("code", USCC_VALID)
def test_a_valid_credit_code_has_no_problem(code: str) -> None:
    assert codes.uscc_problem(code) is None


def test_a_failing_check_character_says_which_was_expected() -> None:
    assert codes.uscc_form_problem("91310115MA1H8R7C6D") is None
    problem = codes.uscc_problem("91310115MA1H8R7C6D")
    assert problem is not None
    assert "第 18 位" in problem or "第 17 位" in problem
    assert "应为" in problem


def test_a_real_companys_failing_code_is_well_formed() -> None:
    assert codes.uscc_form_problem("91350211M0000XUF46") is None
    assert codes.uscc_check_problem("91350211M0000XUF46") is not None


def test_the_check_character_of_a_sum_without_remainder_is_0() -> None:
    # 17 zeros but for a 1 at the place of weight 1 and 30: 1 + 30 = 31.
    first = "1" + "0" * 14 + "10"
    assert sum(int(c) * 3**i for i, c in enumerate(first)) % 31 == 0
    assert codes.uscc_check_character(first) == "0"


@pytest.mark.parametrize("department", ["A", "N", "Y"])
def test_the_registering_department_may_be_a_letter(department: str) -> None:
    first = department + "1110000" + "600037341"
    assert codes.uscc_problem(first + codes.uscc_check_character(first)) is None


@given(first_17, st.data())
def test_every_single_wrong_character_of_a_code_is_found(
    parts: tuple[str, str, str], data: st.DataObject
) -> None:
    head = "".join(parts)
    head += codes.organisation_code_check_character(head[8:])
    code = head + codes.uscc_check_character(head)
    assert codes.uscc_problem(code) is None
    place = data.draw(st.integers(0, 17))
    alphabet = "0123456789" if 2 <= place <= 7 else codes.USCC_ALPHABET
    other = data.draw(st.sampled_from([c for c in alphabet if c != code[place]]))
    assert codes.uscc_problem(code[:place] + other + code[place + 1 :]) is not None


@pytest.mark.parametrize(
    ("code", "place"),
    [
        ("9111000060003734", "有 16 位，应为 18 位"),
        ("91110000600037341L0", "有 19 位，应为 18 位"),
        ("91110000600037341l", "第 18 位为“l”，应为数字或大写字母（不含 I、O、S、V、Z）"),
        ("9111000O600037341L", "第 8 位为“O”，应为数字"),
        ("91A10000600037341L", "第 3 位为“A”，应为数字"),
        ("I1110000600037341L", "第 1 位为“I”，应为数字或大写字母"),
        ("9111000060003734ZL", "第 17 位为“Z”"),
        ("9111000060003734L", "有 17 位，应为 18 位"),
        ("", "有 0 位，应为 18 位"),
    ],
)
def test_a_malformed_code_is_told_by_its_place(code: str, place: str) -> None:
    problem = codes.uscc_form_problem(code)
    assert problem is not None
    assert place in problem
    assert codes.uscc_problem(code) == problem


def test_the_inner_organisation_code_is_checked_too() -> None:
    first = "91110000" + "600037342"  # 600037341 is right
    problem = codes.uscc_problem(first + codes.uscc_check_character(first))
    assert problem is not None
    assert "第 17 位）为“2”，按 GB 11714 应为“1”" in problem


@pytest.mark.parametrize(
    ("first", "check"),
    [
        ("60003734", "1"),
        ("10162374", "1"),
        ("00000000", "0"),  # no remainder: 11 is written 0
        ("00000008", "6"),  # 8 x 2 = 16, 16 % 11 = 5, 11 - 5 = 6
        ("A0000000", "3"),  # 10 x 3 = 30, 30 % 11 = 8, 11 - 8 = 3
    ],
)
def test_organisation_code_check_characters(first: str, check: str) -> None:
    assert codes.organisation_code_check_character(first) == check


def test_an_organisation_code_may_end_in_x() -> None:
    # 3 x 4 = 12, 12 % 11 = 1, 11 - 1 = 10
    assert codes.organisation_code_check_character("40000000") == "X"


@pytest.mark.parametrize("number", PATENTS_NEW + PATENTS_OLD + ["ZL202310123456.6", "ZL97101765.4"])
def test_a_valid_patent_number_has_no_problem(number: str) -> None:
    assert codes.patent_number_problem(number) is None


@pytest.mark.parametrize("number", PATENTS_NEW + PATENTS_OLD)
def test_every_other_check_character_of_a_patent_number_is_told(number: str) -> None:
    for character in set("0123456789X") - {number[-1]}:
        problem = codes.patent_number_problem(number[:-1] + character)
        assert problem is not None
        assert f"校验码为“{character}”，按 ZC 0006 应为“{number[-1]}”" in problem


@pytest.mark.parametrize(
    "number",
    [
        "2017106018623",  # no point
        "2017106018621.3",  # 13 digits
        "200210601862.3",  # 12 digits only since 2003
        "201740601862.3",  # kind 4
        "201710601862.x",
        "04101765.4",  # 8 digits only until 2003
        "84101765.4",  # the law is of 1985
        "CN201710601862.3",
        "201710601862.3\n",
        "\uff12\uff1001710601862.3",  # full-width digits
        "",
    ],
)
def test_a_malformed_patent_number_says_the_form(number: str) -> None:
    problem = codes.patent_number_problem(number)
    assert problem is not None
    assert "格式不符：应为 4 位年份" in problem


def test_provinces_are_those_of_the_standard_and_one_of_our_own() -> None:
    standard = [c for c, p in codes.PROVINCES.items() if p.in_standard]
    by_region = ("11-15", "21-23", "31-37", "41-46", "50-54", "61-65", "71-71", "81-82")
    expected = [n for r in by_region for n in range(int(r[:2]), int(r[3:]) + 1)]
    assert standard == [str(n) for n in expected]
    assert len(standard) == 34
    (own,) = (p for p in codes.PROVINCES.values() if not p.in_standard)
    assert own.name == "新疆生产建设兵团"
    assert "运行方自定" in own.basis
    assert all(p.basis == "GB/T 2260" for p in codes.PROVINCES.values() if p.in_standard)
    assert len({p.name for p in codes.PROVINCES.values()}) == 35


def test_separately_planned_cities() -> None:
    assert {c: p.short for c, p in codes.SEPARATELY_PLANNED_CITIES.items()} == {
        "210200": "大连",
        "330200": "宁波",
        "350200": "厦门",
        "370200": "青岛",
        "440300": "深圳",
    }


def test_province_names() -> None:
    assert codes.province_name("11") == "北京市"
    assert codes.province_name("65") == "新疆维吾尔自治区"


@pytest.mark.parametrize("code", ["99", "1", "110000", "北京", ""])
def test_an_unknown_province_names_the_code_and_what_exists(code: str) -> None:
    with pytest.raises(
        UnknownError, match=re.escape(f"没有代码为“{code}”的省级地区；现有：11 北京、12 天津")
    ):
        codes.province_name(code)
