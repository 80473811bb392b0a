"""Cases: what a rectification asks for, who judges it, and what its end means. ``policies/cases/*.yaml``.

A case with an ``inquiry`` has no rectification: a finding is told to the body, its statement is heard, people
judge whether it holds (2024-1155#46, #47).

One file per programme. Rules of a case that change are entered again under their code with a later
``effective``; the newest entry in effect on the day a case opens governs it to its end.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from ipgov.core.errors import UnknownError
from ipgov.core.fingerprint import canonical_json
from ipgov.core.objects import get_content
from ipgov.core.settings import settings
from ipgov.policy.blocks import Block, NotNegative, Positive
from ipgov.policy.files import PolicyFile
from ipgov.policy.files import files as policy_files
from ipgov.policy.rules import Budget, MediaType, Notice
from ipgov.policy.store import read_policy, read_yaml, validated

_CODE = r"^[a-z][a-z0-9_]*$"
ProblemKind = Literal[
    "not_submitted", "veto", "deduction", "missing", "indicator", "quality", "waiver", "entered"
]
# kinds of problems in the order in which a list of them is written
PROBLEM_NAMES: dict[str, str] = {
    "not_submitted": "未按要求报送",
    "veto": "否决事项",
    "deduction": "扣分事项",
    "missing": "数据缺报",
    "indicator": "得分偏低",
    "quality": "数据质量",
    "waiver": "豁免事项",
    "entered": "另行认定",
}


class Problems(Block):
    """What of an evaluation is a problem: an indicator's score below a line, findings of a severity.

    ``entered``: people enter the problems before the notice goes out (no evaluation opened the case).
    """

    entered: bool = False
    below: NotNegative | None = None  # of the score of an indicator; None: no score is a problem of its own
    severities: tuple[Literal["critical", "warning", "info"], ...] = ("critical", "warning")
    waived: bool = True  # findings that were waived are listed, as waived


class Plan(Block):
    """The plan of rectification. ``milestone``: the duty of which it is the report."""

    required: bool
    milestone: str | None = None


class Progress(Block):
    """Reports on progress. ``milestone``: the duty with their interval; ``minimum``: before acceptance."""

    milestone: str | None = None
    minimum: Annotated[int, Field(ge=0)] = 0


class Evidence(Block):
    """Files that prove what was done."""

    required: bool
    media_types: tuple[MediaType, ...] = Field(min_length=1)
    max_bytes: Annotated[int, Field(ge=1)]
    max_count: Annotated[int, Field(ge=1, le=500)]


class MoreTime(Block):
    """More time, by a recorded decision: by whom, how often, how far beyond the first due day."""

    role: str
    times: Annotated[int, Field(ge=0)]
    maximum: Budget


class Reevaluation(Block):
    """The evaluation after a rectification: what counts as passed.

    ``by`` findings: what was found of each problem; every one of the kinds ``every`` is solved, and of all
    at least ``share``. ``by`` result: the newest issued result of a later period of the body has passed.
    ``after``: the end of the period of rectification, or its acceptance (which may come earlier).
    """

    duty: str | None = None  # the office's own duty that it meets
    by: Literal["findings", "result"]
    after: Literal["period", "acceptance"]
    every: tuple[ProblemKind, ...] = ()
    share: Positive | None = None

    @model_validator(mode="after")
    def _whole(self) -> Reevaluation:
        if (self.share is not None) != (self.by == "findings"):
            raise ValueError("share 只在 by: findings 时写明，且须写明")
        if self.share is not None and self.share > 1:
            raise ValueError("share 是比例，不超过 1")
        return self


class Criterion(Block):
    """One way in which a test is met."""

    code: str = Field(pattern=_CODE)
    name: str


class Test(Block):
    """What must be established for a finding to hold (严重、后果严重): at least one of its criteria."""

    __test__ = False  # no test of ours, whatever pytest thinks of the name

    code: str = Field(pattern=_CODE)
    name: str
    any_of: tuple[Criterion, ...] = Field(min_length=1)


class Inquiry(Block):
    """A case without rectification: finding → told to the body → statement → judgement → approval.

    ``finder``: the role that records a finding. ``reply``: how long the body may answer, from the day it is
    told on; nothing is established before it has answered or that time is over. ``apart``: who found it does
    not judge it. ``tests``: all of them must be met.
    """

    finder: str
    reply: Budget
    apart: bool
    tests: tuple[Test, ...] = ()

    @model_validator(mode="after")
    def _codes_once(self) -> Inquiry:
        codes = [c.code for test in self.tests for c in test.any_of]
        if twice := sorted({c for c in codes if codes.count(c) > 1}):
            raise ValueError(f"tests 的 code 重复：{'、'.join(twice)}")
        return self

    @property
    def criteria(self) -> dict[str, str]:
        """Return the names of all criteria by code."""
        return {c.code: c.name for test in self.tests for c in test.any_of}

    def unmet(self, given: Collection[str]) -> list[Test]:
        """Return the tests of which no criterion is among those given."""
        return [test for test in self.tests if not any(c.code in given for c in test.any_of)]


class Ending(Block):
    """What a case comes to, once approved: its name, the notice, and what happens to the title.

    A title ends only where a published clause says so: ``event`` needs a ``clause`` of its own. ``opens``:
    occurrences of the body that its issue records; each opens its duty (an order to put something right).
    """

    outcome: str = Field(pattern=_CODE)
    name: str
    meaning: str  # the sentence of the notice that says what follows
    event: str | None = Field(default=None, pattern=_CODE)  # of the title's life, one that ends it
    returns: str | None = Field(default=None, pattern=_CODE)  # of it, one that ends the rectification alone
    opens: tuple[str, ...] = ()
    notice: Notice

    @model_validator(mode="after")
    def _a_title_ends_by_a_clause(self) -> Ending:
        if self.event is not None and not self.clause:
            raise ValueError("称号只能依文件的规定取消：event 须写明 clause")
        return self


class CaseRules(Block):
    """One kind of case: the duty whose obligation it is, what it asks for, how it is judged and ends."""

    code: str = Field(pattern=_CODE)
    programme: str = Field(pattern=_CODE)
    effective: dt.date
    name: str
    duty: str = Field(pattern=_CODE)
    opening: str  # the sentence of the notice that says why
    notice: Notice
    copy_to_province: bool = False
    problems: Problems
    plan: Plan = Plan(required=False)
    progress: Progress = Progress()
    evidence: Evidence
    judge: str  # the role that accepts, rejects and proposes
    early_acceptance: bool = False  # before the period of rectification has ended
    extension: MoreTime | None = None
    reevaluation: Reevaluation | None = None
    inquiry: Inquiry | None = None
    passed: Ending  # of an inquiry: it does not hold
    failed: Ending

    @model_validator(mode="after")
    def _rectification_or_inquiry(self) -> CaseRules:
        own = ("plan", "progress", "early_acceptance", "extension")
        if self.inquiry is None and (lacking := [n for n in own if n not in self.model_fields_set]):
            raise ValueError(f"整改案件须写明：{'、'.join(lacking)}")
        if self.inquiry is None and self.extension is None:
            raise ValueError("整改案件须写明 extension")
        # what was frozen names every field; what an inquiry has no use for must be as if it were not there
        asked = self.plan.required or self.plan.milestone or self.progress.milestone or self.progress.minimum
        if self.inquiry is not None and (
            asked or self.early_acceptance or self.extension or self.reevaluation
        ):
            raise ValueError("不经整改的案件（inquiry）没有方案、进展、提前验收、延期、再评价")
        if self.inquiry is not None and not (self.problems.entered and self.evidence.required):
            raise ValueError(
                "不经整改的案件（inquiry）须写明 problems: {entered: true}、evidence: {required: true}"
            )
        return self

    @model_validator(mode="after")
    def _one_name_each(self) -> CaseRules:
        if self.passed.outcome == self.failed.outcome:
            raise ValueError("passed 与 failed 的 outcome 须不同")
        if self.passed.event is not None:
            raise ValueError("整改通过、认定不成立的，不得取消称号")
        return self

    @property
    def endings(self) -> dict[str, Ending]:
        """Return the endings by outcome."""
        return {e.outcome: e for e in (self.passed, self.failed)}

    def frozen(self) -> bytes:
        """Return the canonical bytes under which a case keeps these rules to its end."""
        return canonical_json(self.model_dump(mode="json"))


class CaseFile(Block):
    """A file of ``policies/cases/``."""

    programme: str = Field(pattern=_CODE)
    note: str = ""
    cases: tuple[CaseRules, ...] = Field(min_length=1)


def files() -> list[Path]:
    """Return the files of this installation."""
    return sorted((settings().policies / "cases").glob("*.yaml"))


def load(path: Path) -> CaseFile:
    """Read one file; GovernanceError with every problem, EnvironmentProblemError where it cannot be read."""
    return read_policy(CaseFile, path, path.name)


@cache
def _every(read: tuple[PolicyFile, ...]) -> tuple[CaseRules, ...]:
    names = [file.source.rpartition("/")[2] for file in read]
    loaded = (validated(CaseFile, read_yaml(f.data, n), n) for f, n in zip(read, names, strict=True))
    return tuple(case for file in loaded for case in file.cases)


def every() -> tuple[CaseRules, ...]:
    """Return the rules of every kind of case, older versions too."""
    return _every(policy_files("cases"))


def inquiries(programme: str) -> dict[str, CaseRules]:
    """Return the newest rules of each kind of inquiry of a programme, by their duty."""
    ours = sorted((c for c in every() if c.programme == programme and c.inquiry), key=lambda c: c.effective)
    return {c.duty: c for c in ours}


def governing(programme: str, duty: str, on: dt.date) -> CaseRules | None:
    """Return the rules of the cases of a duty that are in effect on a day; None: the duty is no case."""
    ours = [c for c in every() if (c.programme, c.duty) == (programme, duty) and c.effective <= on]
    return max(ours, key=lambda c: c.effective, default=None)


@cache
def frozen(sha256: str) -> CaseRules:
    """Return the rules that a case froze; UnknownError where they are not in the object store."""
    try:
        return CaseRules.model_validate_json(get_content(sha256))
    except ValidationError as error:
        raise UnknownError(f"冻结的整改规则 {sha256[:12]} 无法读取：{error.error_count()} 处不符") from None
