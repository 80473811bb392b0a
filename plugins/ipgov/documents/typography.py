"""Chinese typesetting that every layout needs: full-width punctuation, widths in ems."""

from __future__ import annotations

import re
import unicodedata

# Punctuation of Chinese text is full-width (GB/T 15834), however it was typed; written as escapes on purpose.
_FULL_WIDTH = {
    ",": "\uff0c", ":": "\uff1a", ";": "\uff1b", "(": "\uff08", ")": "\uff09", "?": "\uff1f", "!": "\uff01",
}  # fmt: skip
_NARROW_PUNCTUATION = re.compile(r"(?<![0-9A-Za-z])[,:;?!()]|[,:;?!()](?![0-9A-Za-z])")


def full_width(text: str) -> str:
    """Return wording of our own with full-width punctuation; between Latin letters or digits it stays narrow.

    Never applied to what others wrote: a name stands as it was given.
    """
    return _NARROW_PUNCTUATION.sub(lambda found: _FULL_WIDTH[found[0]], text)


def width_ems(text: str) -> float:
    """Return the width of ``text`` in ems: half an em for narrow characters, one for all others."""
    return sum(
        0.0
        if unicodedata.combining(c) or unicodedata.category(c) == "Cf"
        else 1.0
        if unicodedata.east_asian_width(c) in "WFA"
        else 0.5
        for c in text
    )
