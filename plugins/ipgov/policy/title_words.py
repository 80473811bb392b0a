"""What a programme calls what it confers and takes away. ``policies/titles.yaml``.

取消称号 (functional platforms) and 取消资格 (industry centres) are different words of different documents.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pydantic import Field

from ipgov.core.errors import UnknownError
from ipgov.core.settings import settings
from ipgov.policy.blocks import Block
from ipgov.policy.store import governs, read_policy

FILE = "titles.yaml"


class TitleWords(Block):
    """The words of one programme: what it confers (``noun``) and on what, and what each event is called.

    ``title``: 国家级产业知识产权运营中心; ``body``: 中心; ``category``, ``host``: heads of columns of a list.
    """

    title: str
    body: str
    category: str
    host: str
    noun: str
    recognised: str
    cancelled: str
    restored: str
    renamed: str = "更名"

    def event(self, event: str) -> str:
        """Return what an event is called."""
        return str(getattr(self, event))


class TitleFile(Block):
    """The whole file."""

    programmes: dict[str, TitleWords] = Field(min_length=1)


def title_words(programme: str) -> TitleWords:
    """Return the words of a programme; UnknownError where the file has none for it."""
    known = _read(settings().policies / FILE).programmes
    programme = governs(programme)
    if programme not in known:
        raise UnknownError(f"{FILE} 没有“{programme}”的称号用词；现有：{'、'.join(known)}")
    return known[programme]


@cache
def _read(path: Path) -> TitleFile:
    return read_policy(TitleFile, path, FILE)
