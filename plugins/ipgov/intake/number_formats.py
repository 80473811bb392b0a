"""Number formats: does a cell show a percentage, a date; the codes of .xlsx and .xls are the same."""

from __future__ import annotations

import re

# built-in formats without a code of their own in the file; 27 to 36 and 50 to 58 are the East Asian dates
PERCENTS = frozenset((9, 10))
DATES = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))

_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.I)


def shows_percent(code: str) -> bool:
    """Tell whether a format multiplies by 100 and shows the sign (1 stands for 100%)."""
    return "%" in _LITERAL.sub("", code)


def shows_date(code: str) -> bool:
    """Tell whether a format shows a day or a time of day."""
    first = _LITERAL.sub("", code.split(";")[0]).casefold()
    return first != "general" and any(letter in first for letter in "ymdhs")
