"""The register of the governing documents (``policies/documents.yaml``)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ipgov.core.errors import GovernanceError, Problem, UnknownError
from ipgov.core.settings import settings
from ipgov.policy.shapes import shape_problems
from ipgov.policy.store import read_yaml

FILE = "policies/documents.yaml"
_NUMBER = re.compile(r"\S+〔(\d{4})〕(\d+)号")


class Document(BaseModel):
    """A governing document. ``short_title`` is what ``clauses.csv`` calls it.

    ``effective_note`` says how the day of effect is known where the document itself does not say it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str  # year and serial of the number: 2023-156
    number: str
    title: str
    short_title: str
    note: str = ""
    issuer: str
    issued: dt.date
    effective: dt.date
    effective_note: str = ""
    repealed: dt.date | None
    recipients: tuple[str, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Document:
        number = _NUMBER.fullmatch(self.number)
        if number is None or "-".join(number.groups()) != self.id:
            raise ValueError(f"编号 {self.id} 与文号“{self.number}”不符")
        if self.effective < self.issued:
            raise ValueError(f"{self.id} 的施行日期早于印发日期")
        if self.repealed is not None and self.repealed <= self.effective:
            raise ValueError(f"{self.id} 的废止日期不晚于施行日期")
        return self

    def in_force(self, on: dt.date) -> bool:
        """Tell whether the document has effect on a day."""
        return self.effective <= on and (self.repealed is None or on < self.repealed)


class _Register(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    documents: tuple[Document, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _unique(self) -> _Register:
        ids = [d.id for d in self.documents]
        if doubled := sorted({i for i in ids if ids.count(i) > 1}):
            raise ValueError(f"文件重复登记：{'、'.join(doubled)}")
        return self


def read_documents(path: Path) -> dict[str, Document]:
    """Read a register; GovernanceError with every problem found in it."""
    try:
        register = _Register.model_validate(read_yaml(path.read_bytes(), FILE))
    except OSError as error:
        raise GovernanceError(f"文件登记簿 {path} 无法读取：{error.strerror}") from None
    except ValidationError as error:
        problems: list[Problem] = shape_problems(error, FILE)
        raise GovernanceError(f"{FILE} 有 {len(problems)} 处问题", tuple(problems)) from None
    return {d.id: d for d in register.documents}


def documents() -> Mapping[str, Document]:
    """Return every governing document by its short id (``2023-156``)."""
    return _documents(settings().policies / "documents.yaml")


@cache
def _documents(path: Path) -> Mapping[str, Document]:
    return read_documents(path)


def document(document_id: str) -> Document:
    """Return a governing document; UnknownError names those that are registered."""
    try:
        return documents()[document_id]
    except KeyError:
        raise UnknownError(f"没有登记文件“{document_id}”；已登记：{'、'.join(documents())}") from None
