"""What a programme calls what it confers and takes away. ``policies/titles.yaml``, ``titles/*.yaml``.

A programme that is added (a province's own centres) brings a file of its own, so that no other is touched.
取消称号 (functional platforms) and 取消资格 (industry centres) are different words of different documents.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pydantic import Field

from ipgov.core.errors import GovernanceError, UnknownError
from ipgov.core.settings import settings
from ipgov.policy.blocks import Block
from ipgov.policy.store import governs, read_policy

FILE = "titles.yaml"


class Office(Block):
    """Who signs the letters of a programme and whom to ask, where that is not the installation's own."""

    issuer: str
    contact: str


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
    office: Office | None = None

    def event(self, event: str) -> str:
        """Return what an event is called."""
        return str(getattr(self, event))


class TitleFile(Block):
    """The whole file."""

    programmes: dict[str, TitleWords] = Field(min_length=1)


def title_words(programme: str) -> TitleWords:
    """Return the words of a programme; UnknownError where the file has none for it."""
    known = _known()
    programme = governs(programme)
    if programme not in known:
        raise UnknownError(f"{FILE} 没有“{programme}”的称号用词；现有：{'、'.join(known)}")
    return known[programme]


def own_office(programme: str) -> Office | None:
    """Return the office that a programme names as its own; None: it is the installation's."""
    words = _known().get(governs(programme))
    return None if words is None else words.office


def _known() -> Mapping[str, TitleWords]:
    policies = settings().policies
    return _read((policies / FILE, *sorted((policies / "titles").glob("*.yaml"))))


@cache
def _read(paths: tuple[Path, ...]) -> Mapping[str, TitleWords]:
    """Return the words by programme; GovernanceError where two files name the same."""
    found: dict[str, TitleWords] = {}
    for path in paths:
        name = path.name if path.name == FILE else f"titles/{path.name}"
        for programme, words in read_policy(TitleFile, path, name).programmes.items():
            if programme in found:
                raise GovernanceError(f"policies/{name}：“{programme}”的称号用词已在另一文件登记")
            found[programme] = words
    return found
