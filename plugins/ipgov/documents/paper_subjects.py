"""What the documents of ``policies/papers.yaml`` are about: one model per kind.

What a drafter gives is checked before a template sees it: no unknown field, no empty text, nothing that
cannot be true together or on the day of the document. A field is a name in the template.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from ipgov.documents.model import FilledText

Texts = Annotated[tuple[FilledText, ...], Field(min_length=1)]
Count = Annotated[int, Field(ge=0)]


def _whole_sentence(text: str) -> str:
    """Return the text without its own full stop: the template sets one."""
    return text.rstrip("。")


Sentence = Annotated[FilledText, AfterValidator(_whole_sentence)]
Sentences = Annotated[tuple[Sentence, ...], Field(min_length=1)]


class Subject(BaseModel):
    """What a document is about; a field of it is a name in its template."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def check(self) -> None:
        """Refuse what cannot be true together."""

    def problem_on(self, day: dt.date) -> str:
        """Say why a document about this cannot bear that day; empty where it can."""
        return ""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        self.check()
        return self

    def names(self) -> dict[str, Any]:
        """Return the fields by name, as the template uses them."""
        return {name: getattr(self, name) for name in type(self).model_fields}


class Body(Subject):
    """A body of a list: its category (类别 or 所属产业), host (依托单位 or 建设主体), who recommended it."""

    name: FilledText
    category: FilledText
    host: FilledText
    operating: FilledText
    recommended_by: FilledText
    unit: FilledText | None = None  # its code, where it is registered


Bodies = Annotated[tuple[Body, ...], Field(min_length=1)]


class Outsider(Subject):
    """Somebody whom the registry does not know, addressed by name."""

    name: FilledText


class Given(Subject):
    """What a drafter hands in: what the document says, and the codes of the parties that policy asks for."""

    content: dict[str, Any]
    parties: dict[str, tuple[FilledText | Outsider, ...]] = {}


class Objection(Subject):
    """An objection that came in within the time of a public notice, and what was found."""

    name: FilledText  # of the body that it is about
    received_on: dt.date
    summary: Sentence
    finding: Sentence
    upheld: bool


class PublicNotice(Subject):
    """拟认定名单公示 (2024-1155#32). ``ends_on``: the last day on which an objection may come in.

    Days that are not given are reckoned on the day of issue (``running``): approval takes its time.
    """

    bodies: Bodies
    starts_on: dt.date | None = None
    ends_on: dt.date | None = None
    working_days: Annotated[int, Field(ge=1)] | None = None
    provisional: bool = False  # days were looked at whose holidays are not announced
    telephone: FilledText
    address: FilledText
    email: FilledText

    def check(self) -> None:
        """Refuse an end before the beginning, or without one, and days without their number."""
        if self.ends_on is not None and self.starts_on is None:
            raise ValueError("写明公示截止日的，须写明起始日")
        if (self.ends_on is None) != (self.working_days is None):
            raise ValueError("公示的截止日与工作日数须同时写明；均不写的，印发时按规定推算")
        if self.ends_on is not None and self.starts_on is not None and self.ends_on < self.starts_on:
            raise ValueError("公示的截止日早于起始日")

    def problem_on(self, day: dt.date) -> str:
        """Refuse a notice of a time that has begun before."""
        return "公示的起始日早于印发之日" if self.starts_on is not None and self.starts_on < day else ""

    def running(self, starts_on: dt.date, ends_on: dt.date, working_days: int, *, provisional: bool) -> Self:
        """Return the notice with its days written out."""
        return self.model_copy(
            update={
                "starts_on": starts_on,
                "ends_on": ends_on,
                "working_days": working_days,
                "provisional": provisional,
            }
        )


class PublicNoticeOutcome(Subject):
    """公示结果 (2024-1155#33): who is recognised now, and what objections came in against whom."""

    notice_title: FilledText
    starts_on: dt.date
    ends_on: dt.date
    bodies: tuple[Body, ...]  # without a valid objection
    listed: Annotated[int, Field(ge=1)]  # bodies that the public notice named
    objections: tuple[Objection, ...] = ()

    def check(self) -> None:
        """Refuse a body that is recognised although an objection against it was upheld (2024-1155#33)."""
        against = {o.name for o in self.objections if o.upheld}
        if both := sorted(against & {b.name for b in self.bodies}):
            raise ValueError(f"{'、'.join(both)}的异议成立，不能列入无异议的名单")
        if len(self.bodies) + len(against) != self.listed:
            raise ValueError(
                f"公示名单为 {self.listed} 家，而列入 {len(self.bodies)} 家、异议成立 {len(against)} 家"
            )
        if late := [o.name for o in self.objections if not self.starts_on <= o.received_on <= self.ends_on]:
            raise ValueError(f"{'、'.join(late)}的异议不在公示期内收到")

    def problem_on(self, day: dt.date) -> str:
        """Refuse an outcome before the time is over (2024-1155#33: 公示期满)."""
        return "公示尚未期满" if day <= self.ends_on else ""


class Recognition(Subject):
    """认定通知 with its list. ``batch``: what is recognised, as the title says it (第一批)."""

    bodies: Bodies
    batch: FilledText | None = None
    recognised_on: dt.date | None = None  # not given: the day of issue

    def check(self) -> None:
        """Demand every body's code, to which the title goes, and each of them once."""
        if without := [b.name for b in self.bodies if b.unit is None]:
            raise ValueError(f"{'、'.join(without)}没有写明单位代码（unit），无从登记称号")
        units = [b.unit or "" for b in self.bodies]
        if twice := sorted({u for u in units if units.count(u) > 1}):
            raise ValueError(f"{'、'.join(twice)}重复列出")

    def problem_on(self, day: dt.date) -> str:
        """Refuse a recognition that took effect before it was told."""
        early = self.recognised_on is not None and self.recognised_on < day
        return "认定生效日早于印发之日" if early else ""

    def on(self, day: dt.date) -> Self:
        """Return the recognition as it is issued on a day."""
        return self.model_copy(update={"recognised_on": self.recognised_on or day})


class Praised(Subject):
    """A body that is praised, and for what."""

    name: FilledText
    category: FilledText
    host: FilledText
    achievement: FilledText


class Praise(Subject):
    """表扬通报 on those graded 优秀 in a triennial evaluation (2024-1155#42, #43)."""

    first_year: int
    last_year: int
    evaluated: Annotated[int, Field(ge=1)]
    bodies: Annotated[tuple[Praised, ...], Field(min_length=1)]

    def check(self) -> None:
        """Refuse more bodies than were evaluated."""
        if len(self.bodies) > self.evaluated:
            raise ValueError(f"表扬 {len(self.bodies)} 家，多于参加评价的 {self.evaluated} 家")
        if self.last_year < self.first_year:
            raise ValueError("评价周期的末年早于首年")


class Figure(Subject):
    """A figure of a case, with its unit: traced to the period and the form that it comes from."""

    name: FilledText
    value: Decimal
    unit: FilledText
    source: FilledText


class PraiseCase(Subject):
    """案例材料: one body's case for publicity (2024-1155#43)."""

    name: FilledText
    category: FilledText
    host: FilledText
    headline: FilledText
    situation: Sentences
    practice: Sentences
    results: Sentences
    lessons: Sentences
    figures: tuple[Figure, ...] = ()


class Interview(Subject):
    """约谈通知 (2021-22#44): ``at`` is the moment (with its time zone), ``bring`` what to hand in."""

    subject: FilledText
    matters: Sentences
    at: dt.datetime
    place: FilledText
    attendees: Texts
    bring: tuple[Sentence, ...] = ()
    confirm_by: dt.date

    def check(self) -> None:
        """Refuse a moment without a time zone, and a confirmation after the interview."""
        if self.at.tzinfo is None:
            raise ValueError("约谈时间须写明时区，如 2026-05-20T09:30+08:00")
        if self.confirm_by > self.at.date():
            raise ValueError("回复截止日晚于约谈之日")

    def problem_on(self, day: dt.date) -> str:
        """Refuse a day of confirmation that is past."""
        return "回复截止日早于印发之日" if self.confirm_by < day else ""


class Violation(Subject):
    """A violation that a circular names: found how, what was done about it."""

    unit: FilledText
    fact: Sentence
    handling: Sentence


class Circular(Subject):
    """违法违规行为通报 (2021-22#44)."""

    violations: Annotated[tuple[Violation, ...], Field(min_length=1)]
    demands: Sentences


class Earlier(Subject):
    """A document of the register that another one names."""

    title: FilledText
    number: FilledText | None
    issued_on: dt.date


def younger(earlier: Earlier, day: dt.date) -> str:
    """Say (Chinese) that a document is younger than the one that names it; empty: it is not."""
    return "所指文书的印发日期晚于本文" if earlier.issued_on > day else ""


class Withdrawal(Subject):
    """撤回 of an earlier document. ``restored``: what becomes of a title that rested on it."""

    earlier: Earlier
    reason: Sentence
    restored: Sentence | None = None

    def problem_on(self, day: dt.date) -> str:
        """Refuse to name a document that is younger."""
        return younger(self.earlier, day)


class Change(Subject):
    """A passage that is corrected: where it stands, what it said, what it says."""

    place: FilledText
    before: FilledText
    after: FilledText


class DocumentCorrection(Subject):
    """更正 of an earlier document."""

    earlier: Earlier
    reason: Sentence
    changes: Annotated[tuple[Change, ...], Field(min_length=1)]

    def check(self) -> None:
        """Refuse a correction that changes nothing."""
        if same := [c.place for c in self.changes if c.before == c.after]:
            raise ValueError(f"{'、'.join(same)}更正前后相同")

    def problem_on(self, day: dt.date) -> str:
        """Refuse to name a document that is younger."""
        return younger(self.earlier, day)


class Place(Subject):
    """The filings of one place below the locality: this month's and all so far."""

    name: FilledText
    filed: Count
    total: Count
    firms: Count
    patents: Count

    def check(self) -> None:
        """Refuse a month with more than there is in all."""
        if self.filed > self.total:
            raise ValueError(f"{self.name}当月备案数多于累计数")


class MonthlyData(Subject):
    """按月数据函 (2022-985#21): a locality's filings, told to the locality alone."""

    locality: FilledText
    month: Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]
    counted_to: dt.date
    places: Annotated[tuple[Place, ...], Field(min_length=1)]

    def names(self) -> dict[str, Any]:
        """Return the fields, the month as documents write it, and the sums."""
        year, month = map(int, self.month.split("-"))
        sums = {f: sum(getattr(p, f) for p in self.places) for f in ("filed", "total", "firms", "patents")}
        return {**super().names(), "month": f"{year}年{month}月", "sums": sums}

    def problem_on(self, day: dt.date) -> str:
        """Refuse figures of days to come."""
        return "数据的截止日晚于印发之日" if self.counted_to > day else ""


class SelfEvaluationCall(Subject):
    """自评通知 (2024-1155#37): what a centre reports on a year, and until when."""

    year: int
    due_on: dt.date
    audited_by: dt.date
    contents: Sentences
    form_title: FilledText
    provisional: bool = False

    def check(self) -> None:
        """Refuse an audit before the reports are in."""
        if self.audited_by < self.due_on:
            raise ValueError("省级审核报送的期限早于中心提交的期限")

    def problem_on(self, day: dt.date) -> str:
        """Refuse a term that is over."""
        return "提交期限早于印发之日" if self.due_on < day else ""
