"""One thing has one fingerprint; what has no canonical form has none."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ipgov.core.fingerprint import canonical_json, fingerprint, sha256_hex, short_code


class Word(StrEnum):
    ONE = "one"


class Number(IntEnum):
    ONE = 1


class Amount(Enum):
    HALF = Decimal("0.50")
    FLOAT = 0.25


def test_known_text_and_hash() -> None:
    value = {"乙": [1, None, True], "a": Decimal("1.50"), "d": dt.date(2024, 4, 1)}
    text = '{"a":"1.50","d":"2024-04-01","乙":[1,null,true]}'
    assert canonical_json(value) == text.encode()
    assert fingerprint(value) == sha256_hex(text.encode())
    assert sha256_hex(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_order_of_keys_and_kind_of_sequence_do_not_matter() -> None:
    assert fingerprint({"a": 1, "b": (1, 2)}) == fingerprint({"b": [1, 2], "a": 1})
    assert fingerprint([1, 2]) != fingerprint([2, 1])


def test_moment_is_the_same_in_every_time_zone() -> None:
    utc = dt.datetime(2024, 1, 1, 0, 0, tzinfo=dt.UTC)
    assert fingerprint(utc) == fingerprint(utc.astimezone(ZoneInfo("Asia/Shanghai")))


def test_decimal_counts_as_written_without_exponent() -> None:
    """Equal numbers of another scale are shown otherwise, so they are bound otherwise."""
    assert canonical_json(Decimal("1.0")) == b'"1.0"'
    assert canonical_json(Decimal("1.0")) != canonical_json(Decimal("1.00"))
    assert canonical_json(Decimal("1E+2")) == canonical_json(Decimal("100")) == b'"100"'
    assert canonical_json(Decimal("1E-7")) == b'"0.0000001"'


def test_members_of_an_enumeration_count_as_their_values() -> None:
    assert canonical_json([Word.ONE, Number.ONE, Amount.HALF]) == b'["one",1,"0.50"]'
    assert canonical_json({Word.ONE: 1}) == b'{"one":1}'


@pytest.mark.parametrize(
    "value",
    [
        0.5,
        float("nan"),
        [{"a": (1, 0.5)}],
        Amount.FLOAT,
        Decimal("NaN"),
        Decimal("Infinity"),
        dt.datetime(2024, 1, 1),  # noqa: DTZ001
        dt.time(1),
        {1, 2},
        b"bytes",
        pytest.param(object(), id="object"),
        {1: "a", "1": "b"},
    ],
    ids=repr,
)
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        canonical_json(value)


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("ab一"), inner),
)


@given(plain)
def test_plain_data_comes_back_and_the_text_is_stable(value: object) -> None:
    text = canonical_json(value)
    assert json.loads(text) == value
    assert canonical_json(json.loads(text)) == text


def test_short_code() -> None:
    assert short_code("0123456789abcdef" * 4) == "0123-4567-89AB"
