"""Thousands of damaged workbooks: no crash, no hang, memory bounded, nothing wrongly accepted."""

from __future__ import annotations

from collections import Counter

import fuzzing
import pytest

CASES = 3_000  # here; `make fuzz` tries many more, and other ones


def test_whatever_is_sent_is_read_or_refused_with_a_reason() -> None:
    came: Counter[str] = Counter()
    for half, failures, _ in fuzzing.in_two(0, CASES):
        assert failures == []
        came += half
    assert came.total() == CASES
    # worth trying: some of each kind, and most of what is accepted was held against another reader
    assert came["refused"] > 100
    assert came["returned"] > 100
    assert came["accepted, agreed"] > 100


def test_a_case_is_the_same_whenever_it_is_made() -> None:
    assert [fuzzing.case(n) for n in range(40)] == [fuzzing.case(n) for n in range(40)]


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        ("raise RuntimeError('broken')", "RuntimeError"),
        ("import os; os.abort()", "ended with"),
        ("import time; time.sleep(60)", "ended with"),
        ("bytearray(8 * 2**30)", "memory"),
    ],
)
def test_the_harness_sees_what_it_looks_for(harm: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that raises, crashes, hangs or takes all memory is found out."""
    monkeypatch.setenv("FUZZ_HARM", harm)
    monkeypatch.setenv("FUZZ_SECONDS", "3")
    _, failures, _ = fuzzing.run(0, 1)
    assert told in "".join(failures)
