"""A rule version: everything that the documents, or the operator, say of one programme from a day on."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ipgov.policy.audits import ProvinceAudit
from ipgov.policy.blocks import Block
from ipgov.policy.grade_effects import GradeEffect
from ipgov.policy.periods import Budget as Budget
from ipgov.policy.periods import CycleCalendar as CycleCalendar
from ipgov.policy.periods import YearDay as YearDay
from ipgov.policy.recognition import Recognition
from ipgov.policy.scoring import Scoring
from ipgov.policy.sensitivity import RuleChecks, SensitivityRules
from ipgov.policy.yearly import Yearly, YearlyInput

FieldType = Literal["amount", "count", "number", "percent", "date", "yes_no", "choice", "text"]
MediaType = Literal["application/pdf", "image/png", "image/jpeg", "image/tiff"]


class Kind(Block):
    """A kind of titled body.

    ``count``: how many there were on the day that the subject names (a checkable fact); ``route``: through
    whom all of the kind report. Neither is stated where the documents state none: then a body's own route
    counts.
    """

    code: str
    name: str
    count: int | None = None
    route: Literal["province", "direct"] | None = None


class Subject(Block):
    """Whom the programme governs."""

    title: str  # the title conferred, in Chinese
    kinds: tuple[Kind, ...] = Field(min_length=1)
    counted_on: dt.date | None = None
    total: Annotated[int, Field(ge=1)] | None = None  # of all kinds on that day
    full_years_before_evaluation: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _counted_whole(self) -> Subject:
        stated = [self.counted_on is None, self.total is None, *(k.count is None for k in self.kinds)]
        if any(stated) and not all(stated):
            raise ValueError("counted_on、total 与各类 count 须一并写明，或都不写")
        return self


class FormField(Block):
    """One cell that a body fills in: label, unit, type and what is possible at all.

    ``minimum`` and ``maximum`` limit numbers, ``earliest`` and ``latest`` days (included; a day of a year
    counts from the period's). ``earlier`` says by form version what code the field had in an earlier
    template, null that it was not there (not named: the same code). ``always_asked``: a file on an earlier
    template without it is returned, to be completed on the current form.
    """

    code: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")
    label: str
    unit: str = ""
    type: FieldType
    required: bool = True
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    earliest: dt.date | YearDay | None = None
    latest: dt.date | YearDay | None = None
    decimals: Annotated[int, Field(ge=0, le=6)] = 0
    choices: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()  # empty: every kind
    help: str = ""
    earlier: dict[int, str | None] = Field(default_factory=dict)
    always_asked: bool = False


class FormSheet(Block):
    """A sheet of the form: its name and its fields in order."""

    name: str
    fields: tuple[FormField, ...] = Field(min_length=1)


class AttachmentKind(Block):
    """A kind of file that is sent beside the workbook: a sealed scan of it, evidence for some of its values.

    ``fields`` are those that it may prove (none: it stands for the workbook as a whole). ``missing`` says
    what becomes of a workbook while a required one is not there: it is ``told`` in the receipt and found by
    the quality rules, or the workbook is ``returned``.
    """

    code: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    name: str
    required: bool = False
    missing: Literal["told", "returned"] = "told"
    maximum: Annotated[int, Field(ge=1)] | None = None  # how many of the kind; None: as many as fit
    fields: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()  # of bodies; empty: every kind
    help: str = ""


class Attachments(Block):
    """The files that come beside the workbook, listed on a sheet of it.

    ``complete_within`` counts from the due day (or the extended one): a body whose required attachments are
    all there by then is complete in time.
    """

    sheet: str
    kinds: tuple[AttachmentKind, ...] = Field(min_length=1)
    media_types: tuple[MediaType, ...] = Field(min_length=1)
    max_bytes: Annotated[int, Field(ge=1)]  # of one
    max_total_bytes: Annotated[int, Field(ge=1)]  # of all that a body sends for a period and are in force
    max_count: Annotated[int, Field(ge=1, le=200)]
    complete_within: Budget

    def name_of(self, code: str) -> str:
        """Return the name of a kind of attachment; the code itself where it is none."""
        return {k.code: k.name for k in self.kinds}.get(code, code)

    def kinds_for(self, kind: str) -> dict[str, AttachmentKind]:
        """Return, by code, what is asked of a body of this kind."""
        return {k.code: k for k in self.kinds if not k.kinds or kind in k.kinds}


class Form(Block):
    """The workbook that a body fills in, and what comes beside it."""

    id: str
    version: int
    accepts: tuple[int, ...]  # template versions still accepted
    title: str
    sheets: tuple[FormSheet, ...] = Field(min_length=1)
    attachments: Attachments | None = None

    @property
    def fields(self) -> dict[str, FormField]:
        """Return every field by its code."""
        return {f.code: f for s in self.sheets for f in s.fields}

    def fields_for(self, kind: str) -> dict[str, FormField]:
        """Return the fields that a body of this kind fills in."""
        return {c: f for c, f in self.fields.items() if not f.kinds or kind in f.kinds}


class ApprovalStep(Block):
    """One step of the chain: who, how many, and what they may answer. One person never fills two steps.

    The steps are those that the approval DAG asks for: 审核 (audit), then 签发 (sign).
    """

    step: Literal["audit", "sign"]
    name: str
    role: str
    quorum: Annotated[int, Field(ge=1)] = 1
    answers: tuple[Literal["approve", "return", "reject"], ...] = ("approve", "return")


class Approval(Block):
    """The chain of approval before anything takes effect."""

    steps: tuple[ApprovalStep, ...] = Field(min_length=1)


class NotSubmitted(Block):
    """What a body without an accepted workbook gets."""

    result: Literal["not_evaluated", "failed"]


class Outcome(Block):
    """What a history of results means for the title; proposed, never done, before approval.

    ``missing_year``: whether a year that was not evaluated ``breaks`` a run of failed years or is
    ``passed_over`` (it neither fails nor passes).
    """

    outcome: str
    name: str
    failed_in_a_row: Annotated[int, Field(ge=1)]
    missing_year: Literal["breaks", "passed_over"]
    event: Literal["cancelled"] | None = None


class Notice(Block):
    """A document that the issue makes: kind, template, number series, who gets it.

    ``entered``: the office numbers the series in a register of its own, and a person enters each number.
    """

    kind: str
    template: str
    to: Literal["reviewers", "unit", "province", "sender"]
    series: str = ""  # empty: not numbered
    entered: bool = False
    channels: tuple[Literal["outbox", "mail", "folder", "publication"], ...] = ("outbox",)
    copies_to: tuple[str, ...] = ()


class Corrections(Block):
    """Whom the correction of an issued result writes to.

    ``rank_alone``: whether a body whose score, grade and title stay and whose rank alone moved, because
    another body's result was corrected, gets a correcting ``letter`` or ``none``. A version that says nothing
    sends it: what the earlier letter says of the rank is no longer right.
    """

    rank_alone: Literal["letter", "none"]


class Quality(Block):
    """The suite of expectations (``expectations/<suite>.json``) that the frozen data must pass."""

    suite: str


class Issuer(Block):
    """In whose name the documents are issued."""

    name: str


class PanelSize(Block):
    """How many experts sit on a panel. ``minimum`` leaves enough of them where one is recused."""

    minimum: Annotated[int, Field(ge=1)]
    maximum: Annotated[int, Field(ge=1)]


class Spread(Block):
    """How far the scores of one body and indicator may lie apart, in points of 100, before they stand out.

    ``range``: highest less lowest; ``standard_deviation``: of the sample. Beyond ``limit`` the scores are
    shown (``flag``) or given again (``rescore``), in at most ``rounds`` rounds; the last round stands.
    """

    measure: Literal["range", "standard_deviation"]
    limit: Annotated[Decimal, Field(gt=0, le=100)]
    outcome: Literal["flag", "rescore"]
    rounds: Annotated[int, Field(ge=2, le=9)] = 2


class ExpertPanel(Block):
    """Who scores the indicators of method ``expert_mean``, and how their scores come together.

    ``time``: from the day a round is formed on to the last day on which scores are taken. ``recused_by``: an
    expert whose organisation is this of a body (or carries it on, or is carried on by it) does not score the
    body, nor does one with a declared recusal. ``names``: whether results show the experts' names or number
    them. ``second``: what becomes of another workbook after one that was taken in the same round.
    """

    size: PanelSize
    decimals: Annotated[int, Field(ge=0, le=6)]  # that a score may have
    time: Budget
    recused_by: tuple[Literal["host", "operator"], ...] = Field(min_length=1)
    spread: Spread | None = None
    names: Literal["shown", "numbered"]
    second: Literal["replaces", "refused"] = "replaces"


class ScoringRules(Block):
    """The least that can be evaluated: what the version is called, and its scoring.

    ``sensitivity``: what is varied to see how firm ranks and grades are; ``rule_checks``: thresholds of the
    checks of the rule on data.
    """

    programme: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    version: str
    effective: dt.date
    status: Literal["in_force", "draft"]
    title: str
    note: str = ""
    scoring: Scoring
    sensitivity: SensitivityRules | None = None
    rule_checks: RuleChecks | None = None


Procedure = Literal["performance_evaluation", "self_evaluation", "comprehensive_evaluation", "recognition"]


class RuleVersion(ScoringRules):
    """A programme's rules, whole, from ``effective`` on until the next version.

    ``procedure``: by which procedure its periods are run (a DAG file each). ``governs``: the programme whose
    title the bodies hold, where that is another one: the yearly self-evaluation of the industry centres is a
    programme of its own about bodies of ``industry_centre``. ``yearly``: what a period of several years takes
    from the yearly workbooks; ``grade_effects``: what follows from a grade beside the letter.
    """

    procedure: Procedure = "performance_evaluation"
    governs: str = Field(default="", pattern=r"^([a-z][a-z0-9_]*)?$")
    subject: Subject
    cycle: CycleCalendar
    form: Form
    yearly: Yearly | None = None
    quality: Quality
    province_audit: ProvinceAudit | None = None
    recognition: Recognition | None = None
    panel: ExpertPanel | None = None
    not_submitted: NotSubmitted
    outcomes: tuple[Outcome, ...]
    grade_effects: tuple[GradeEffect, ...] = ()
    approval: Approval
    issuer: Issuer
    notices: tuple[Notice, ...]
    correction: Corrections | None = None

    @model_validator(mode="after")
    def _recognises_by_its_own_rules(self) -> RuleVersion:
        if (self.procedure == "recognition") != (self.recognition is not None):
            raise ValueError("procedure 为 recognition 的写明 recognition，其他的不写")
        return self

    @model_validator(mode="after")
    def _groups_are_the_kinds(self) -> RuleVersion:
        if not self.scoring.groups:
            filled = self.scoring.model_copy(update={"groups": tuple(self.kinds)})
            object.__setattr__(self, "scoring", filled)  # still being made; frozen once validated
        return self

    @property
    def title_programme(self) -> str:
        """Return the programme whose title the bodies hold."""
        return self.governs or self.programme

    def titled_too_late(self, titled_on: dt.date | None, year: int) -> bool:
        """Tell whether a body was recognised too late to be evaluated for a year.

        One recognised after the year has nothing to report for it, whatever the rules require.
        """
        required = self.subject.full_years_before_evaluation
        last = dt.date(year - required + 1, 1, 1) if required else dt.date(year, 12, 31)
        return titled_on is not None and titled_on > last

    def asks(self, titled_on: dt.date | None, year: int) -> bool:
        """Tell whether the period that ends with ``year`` is one of a body recognised on that day.

        It may be one of those alone whose own count of years is full (2024-1155#36).
        """
        return self.cycle.ends_for(titled_on, year) and not self.titled_too_late(titled_on, year)

    @property
    def period_name(self) -> str:
        """Return what its forms call a period."""
        return "评价年度" if self.recognition is None else "申报年度"

    @property
    def kinds(self) -> dict[str, Kind]:
        """Return the kinds by code."""
        return {k.code: k for k in self.subject.kinds}

    @property
    def yearly_inputs(self) -> dict[str, YearlyInput]:
        """Return by code what is put together from the yearly workbooks."""
        return {i.code: i for i in self.yearly.inputs} if self.yearly else {}

    @property
    def inputs(self) -> frozenset[str]:
        """Return every input that indicators may name: the form's fields, and what the years give."""
        return frozenset((*self.form.fields, *self.yearly_inputs))

    @property
    def input_labels(self) -> dict[str, str]:
        """Return what every input is called, by code."""
        fields = {code: f.label for code, f in self.form.fields.items()}
        return fields | {code: i.label for code, i in self.yearly_inputs.items()}

    @property
    def attachment_notice(self) -> Notice:
        """Return how senders are told of attachments, and of files that were refused unread.

        A version without such a notice answers as it sends correction workbooks.
        """
        return {n.kind: n for n in self.notices}.get("attachment") or self.notice("correction").model_copy(
            update={"kind": "attachment", "template": "attachment"}
        )

    @property
    def writes_for_rank_alone(self) -> bool:
        """Tell whether a correction writes to a body of which nothing but its rank changed."""
        return self.correction is None or self.correction.rank_alone == "letter"

    def notice(self, kind: str) -> Notice:
        """Return the notice of that kind; KeyError where the version has none."""
        return {n.kind: n for n in self.notices}[kind]
