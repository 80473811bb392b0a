"""Loading duties: all of ``policies/duties/``, the one that governs on a day, the one frozen by hash."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache

from pydantic import ValidationError

from ipgov.core import objects
from ipgov.core.errors import GovernanceError, Problem, RefusedError, UnknownError
from ipgov.core.fingerprint import canonical_json, sha256_hex
from ipgov.policy.duties import Duty, DutyFile, Ladder
from ipgov.policy.files import PolicyFile
from ipgov.policy.files import files as policy_files
from ipgov.policy.shapes import shape_problems
from ipgov.policy.store import basis_problems, read_yaml

_IDENTITY = ("document", "note")  # what names the file needs no clause: it is no rule value


@dataclass(frozen=True)
class DutyRule:
    """A duty with its ladder: the whole rule under which an obligation lives to its end."""

    duty: Duty
    ladder: Ladder | None
    document: str  # id of the governing document
    source: str  # the file, as people read it

    @cached_property
    def content(self) -> bytes:
        """Return the rule as canonical JSON: what is frozen."""
        return canonical_json(
            {
                "document": self.document,
                "duty": self.duty.model_dump(),
                "ladder": None if self.ladder is None else self.ladder.model_dump(),
            }
        )

    @cached_property
    def sha256(self) -> str:
        """Return the hash under which the rule is frozen."""
        return sha256_hex(self.content)

    @property
    def clause(self) -> str:
        """Return the clause ids that the duty stands under, or ``operator``."""
        return self.duty.basis


@dataclass(frozen=True)
class DutyBook:
    """Every duty that is entered; a code may stand in it several times, each time with a later effect."""

    rules: tuple[DutyRule, ...]

    @cached_property
    def codes(self) -> tuple[str, ...]:
        """Return the codes in the order of the files."""
        return tuple(dict.fromkeys(r.duty.code for r in self.rules))

    def entries(self, code: str) -> tuple[DutyRule, ...]:
        """Return every entry of a duty in order of effect; UnknownError names those that exist."""
        if code not in self._entries:
            raise UnknownError(f"没有代码为“{code}”的职责；现有：{'、'.join(self.codes) or '无'}")
        return self._entries[code]

    def following(self, code: str) -> tuple[DutyRule, ...]:
        """Return the entries that come after a duty."""
        return self._following.get(code, ())

    def governing(self, code: str, on: dt.date) -> DutyRule | None:
        """Return the newest entry that has taken effect by a day; None: none has, or the duty has ended."""
        newest = next((r for r in reversed(self.entries(code)) if r.duty.effective <= on), None)
        return None if newest is None or (newest.duty.ends and on > newest.duty.ends) else newest

    def opened_by(self, programme: str, kind: str, on: dt.date) -> DutyRule:
        """Return the rule that an occurrence of a kind opens on a day.

        Raises UnknownError for a kind that no duty of the programme names, RefusedError where its duty is not
        in effect on that day.
        """
        named = {
            k.code: (k, rule)
            for rule in self.rules
            if rule.duty.programme == programme
            for k in rule.duty.opened_by.occurrences or ()
        }
        if kind not in named:
            listed = "、".join(f"{c}（{k.name}）" for c, (k, _) in named.items()) or "无"
            raise UnknownError(f"“{programme}”没有名为“{kind}”的事项类别；现有：{listed}")
        duty = named[kind][1].duty
        rule = self.governing(duty.code, on)
        if rule is None:
            raise RefusedError(f"{on} 尚无（或已不再有）“{duty.name}”的规定，不能登记当日发生的事项")
        return rule

    @cached_property
    def _entries(self) -> dict[str, tuple[DutyRule, ...]]:
        ordered = sorted(self.rules, key=lambda r: r.duty.effective)
        return {code: tuple(r for r in ordered if r.duty.code == code) for code in self.codes}

    @cached_property
    def _following(self) -> dict[str, tuple[DutyRule, ...]]:
        after = {r.duty.opened_by.after for r in self.rules}
        return {
            c: tuple(r for r in self.rules if r.duty.opened_by.after == c) for c in after if c is not None
        }


def parse_duties(data: bytes, name: str) -> tuple[DutyFile, tuple[DutyRule, ...]]:
    """Read one file of ``policies/duties/``; GovernanceError with every problem found in it."""
    raw = read_yaml(data, name)
    if not isinstance(raw, dict):
        raise GovernanceError(f"{name}：职责文件须为键值结构")
    problems = basis_problems({k: v for k, v in raw.items() if k not in _IDENTITY}, name)
    try:
        file = DutyFile.model_validate(raw)
    except ValidationError as error:
        problems += shape_problems(error, name)
    else:
        ladders = {ladder.code: ladder for ladder in file.ladders}
        for duty in file.duties:
            if duty.ladder is not None and duty.ladder not in ladders:
                expected = f"本文件 ladders 中的代码（{'、'.join(ladders) or '无'}）"
                problems.append(
                    Problem(
                        "policy_ladder", f"duties[{duty.code}].ladder “{duty.ladder}”不存在", expected, name
                    )
                )
    if problems:
        raise GovernanceError(f"{name} 有 {len(problems)} 处问题", tuple(problems))
    rules = (
        DutyRule(d, None if d.ladder is None else ladders[d.ladder], file.document, name) for d in file.duties
    )
    return file, tuple(rules)


def book(files: Iterable[tuple[str, bytes]]) -> DutyBook:
    """Read several files (name, bytes) into one book."""
    return DutyBook(tuple(rule for name, data in files for rule in parse_duties(data, name)[1]))


def duties() -> DutyBook:
    """Return every duty of ``policies/duties/``, read once per process and folder."""
    return _duties(policy_files("duties"))


@cache
def _duties(read: tuple[PolicyFile, ...]) -> DutyBook:
    return book((file.source, file.data) for file in read)


@lru_cache(maxsize=512)
def frozen_duty(sha256: str) -> DutyRule:
    """Read the rule that was frozen under this hash."""
    raw = json.loads(objects.get_content(sha256))
    ladder = raw["ladder"]
    return DutyRule(
        Duty.model_validate(raw["duty"]),
        None if ladder is None else Ladder.model_validate(ladder),
        raw["document"],
        f"职责 {sha256[:12]}（已冻结）",
    )
