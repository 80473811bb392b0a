"""What a programme calls what it confers and takes away. ``policies/titles.yaml``, ``titles/*.yaml``.

A programme that is added (a province's own centres) brings a file of its own, so that no other is touched.
取消称号 (functional platforms) and 取消资格 (industry centres) are different words of different documents.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TypeVar

from pydantic import Field

from ipgov.core.errors import GovernanceError, UnknownError
from ipgov.core.settings import settings
from ipgov.policy.blocks import Block, ClauseIds
from ipgov.policy.store import governs, read_policy

FILE = "titles.yaml"
_W = TypeVar("_W")


class Office(Block):
    """Who signs the letters of a programme and whom to ask, where that is not the installation's own."""

    issuer: str
    contact: str


class TitleWords(Block):
    """The words of one programme: what it confers (``noun``) and on what, and what each event is called.

    ``title``: 国家级产业知识产权运营中心; ``body``: 中心; ``category``, ``host``: heads of columns of a list.
    ``no_legal_person``: under which clause a body is none, and shares neither name nor code with one.
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
    no_legal_person: ClauseIds = ()
    office: Office | None = None

    def event(self, event: str) -> str:
        """Return what an event is called."""
        return str(getattr(self, event))


class DayWords(Block):
    """What the days of a cycle are called; a programme of its own words names those that differ."""

    opens: str = "开启"
    due: str = "报送截止"
    late_until: str = "逾期受理截止"
    evaluate_on: str = "评价日"


class TitleFile(Block):
    """The whole file; ``days``: of each programme whose rules call them otherwise."""

    programmes: dict[str, TitleWords] = Field(min_length=1)
    days: dict[str, DayWords] = Field(default_factory=dict)


def title_words(programme: str) -> TitleWords:
    """Return the words of a programme; UnknownError where the file has none for it."""
    known = _known()
    programme = governs(programme)
    if programme not in known:
        raise UnknownError(f"{FILE} 没有“{programme}”的称号用词；现有：{'、'.join(known)}")
    return known[programme]


def no_legal_persons() -> dict[str, TitleWords]:
    """Return the words of every programme whose bodies are no legal persons."""
    return {programme: words for programme, words in _known().items() if words.no_legal_person}


def day_words(programme: str) -> DayWords:
    """Return what the days of a programme's cycle are called."""
    return _days(_paths()).get(programme, DayWords())


def own_office(programme: str) -> Office | None:
    """Return the office that a programme names as its own; None: it is the installation's."""
    words = _known().get(governs(programme))
    return None if words is None else words.office


def _known() -> Mapping[str, TitleWords]:
    return _read(_paths())


def _paths() -> tuple[Path, ...]:
    policies = settings().policies
    return (policies / FILE, *sorted((policies / "titles").glob("*.yaml")))


@cache
def _read(paths: tuple[Path, ...]) -> Mapping[str, TitleWords]:
    """Return the words by programme; GovernanceError where two files name the same."""
    return _merged(paths, "称号用词", lambda file: file.programmes)


@cache
def _days(paths: tuple[Path, ...]) -> Mapping[str, DayWords]:
    """Return the words of the days by programme; GovernanceError where two files name the same."""
    return _merged(paths, "日期用词", lambda file: file.days)


def _merged(paths: tuple[Path, ...], what: str, of: Callable[[TitleFile], Mapping[str, _W]]) -> dict[str, _W]:
    found: dict[str, _W] = {}
    for path in paths:
        name = path.name if path.name == FILE else f"titles/{path.name}"
        for programme, words in of(read_policy(TitleFile, path, name)).items():
            if programme in found:
                raise GovernanceError(f"policies/{name}：“{programme}”的{what}已在另一文件登记")
            found[programme] = words
    return found
