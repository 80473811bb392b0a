"""What an issued grade does beside the letter: an event of the title's life, documents to be proposed."""

from __future__ import annotations

from pydantic import Field

from ipgov.policy.blocks import Block


class CaseMaterial(Block):
    """Where the text of a case stands (2024-1155#43): fields of the form, and inputs told as its figures."""

    headline: str
    situation: str
    practice: str
    results: str
    lessons: str
    figures: tuple[str, ...] = ()

    @property
    def texts(self) -> dict[str, str]:
        """Return the fields of text by what they are for."""
        names = ("headline", "situation", "practice", "results", "lessons")
        return {name: getattr(self, name) for name in names}


class GradeEffect(Block):
    """What follows where a body is given a grade (2024-1155#42–#44).

    ``event``: of the lifecycle, recorded with the issue. ``undone_by``: the event that takes it back where a
    correction gives another grade; without it the new grade's own event is enough. ``papers``: kinds of
    ``policies/papers.yaml`` that are to be proposed about the bodies of that grade, from ``case``.
    """

    grade: str
    event: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    undone_by: str = Field(default="", pattern=r"^([a-z][a-z0-9_]*)?$")
    papers: tuple[str, ...] = ()
    case: CaseMaterial | None = None
