"""What is to be looked at on which day: obligations by what may change them, and the days they wait for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ipgov.followup.events import Obligation
from ipgov.followup.facts import Facts, PeriodKey
from ipgov.followup.openings import Source


@dataclass
class Index:
    """Obligations by what may change them."""

    by_source: dict[tuple[str, str], set[str]] = field(default_factory=dict)  # duty, subject
    by_period: dict[PeriodKey, set[str]] = field(default_factory=dict)
    resting: dict[str, set[str]] = field(default_factory=dict)  # on one that is a whole, or came before
    depths: dict[str, int] = field(default_factory=dict)
    generations: dict[str, int] = field(default_factory=dict)  # how often a base was opened

    def add(self, o: Obligation) -> None:
        """Enter an obligation; what it rests on must stand here already."""
        base, subject = base_of(o.key), base_of(o.subject)
        self.by_source.setdefault((o.rule.duty.code, subject), set()).add(o.key)
        if o.period is not None and o.unit is not None:
            self.by_period.setdefault((o.rule.duty.collected_in, o.period, o.unit), set()).add(o.key)
        for other in o.rests_on:
            self.resting.setdefault(other, set()).add(o.key)
        self.depths[o.key] = max((self.depths.get(other, 0) + 1 for other in o.rests_on), default=0)
        self.generations[base] = self.generations.get(base, 0) + 1

    def newest(self, base: str) -> str | None:
        """Return the key of the newest obligation of a base; None: it was never opened."""
        number = self.generations.get(base, 0)
        return None if number == 0 else key_of(base, number)


def index_of(obligations: Mapping[str, Obligation]) -> Index:
    """Return the index of all of them."""
    index = Index()

    def add(o: Obligation) -> None:
        if o.key not in index.depths:
            for other in o.rests_on:  # first: how deep it stands is counted from there
                if other in obligations:
                    add(obligations[other])
            index.add(o)

    for o in obligations.values():
        add(o)
    return index


def base_of(key: str) -> str:
    """Return a key without the number of its opening anew."""
    return key.partition("#")[0]


def key_of(base: str, number: int) -> str:
    """Return the key of the ``number``-th obligation of a base."""
    return base if number == 1 else f"{base}#{number}"


def series_of(subject: str) -> str:
    """Return the subject of the case of which a milestone that comes again and again is a part."""
    return subject.partition("~")[0]


def next_of(base: str) -> str:
    """Return the base of the next one in a series: after ``…/2030`` comes ``…/2030~2``."""
    series, number = series_of(base), base.partition("~")[2]
    return f"{series}~{int(number or 1) + 1}"


class Agenda:
    """Which obligations and sources are to be looked at on which day."""

    def __init__(self, found: list[Source], first: dt.date):
        self._keys: dict[dt.date, set[str]] = {}
        self._sources: dict[dt.date, list[Source]] = {}
        for source in found:
            days = {d for d in source.looked_at if d > first and d >= source.begins}
            for day in days | ({first} if source.begins <= first else {source.begins}):
                self._sources.setdefault(day, []).append(source)

    def wake(self, day: dt.date, keys: Iterable[str]) -> None:
        """Have obligations looked at on a day."""
        self._keys.setdefault(day, set()).update(keys)

    def on(self, day: dt.date, facts: Facts, index: Index) -> tuple[set[str], list[Source]]:
        """Return the keys and the sources to look at; a day is asked for once."""
        awake = self._keys.pop(day, set()) | facts.keys_with_news.get(day, set())
        for period in facts.periods_with_news.get(day, ()):
            awake |= index.by_period.get(period, set())
        return awake, self._sources.get(day, [])
