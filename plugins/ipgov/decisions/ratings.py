"""What became of every score that was asked for: given, refrained from, recused, or not come in."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import groupby
from typing import Literal

from sqlalchemy import Connection, select, text

from ipgov.core import tables
from ipgov.decisions.experts import experts
from ipgov.decisions.panel_plans import Pair, rules_of_panel, scored_indicators
from ipgov.decisions.recusal import expert_recusals
from ipgov.policy.methods import ExpertMean
from ipgov.policy.rules import RuleVersion, Spread
from ipgov.registry.platforms import Unit

State = Literal["scored", "abstained", "recused", "missing"]
STATES: Mapping[State, str] = {
    "scored": "已评",
    "abstained": "弃评",
    "recused": "回避",
    "missing": "未交回",
}
_SHOWN_DECIMALS = 2


@dataclass(frozen=True)
class Rating:
    """One expert's score of a body and indicator, or why there is none.

    ``round``: in which it was given (of a missing one: the panel's last); ``last_round``: of this body and
    indicator. ``rater``: what results call the expert. ``source``: hash of the workbook, sheet, cell.
    """

    panel_id: int
    panel: int
    round: int
    last_round: int
    unit: str
    indicator: str
    expert: str
    rater: str
    state: State
    score: Decimal | None
    reason: str
    score_id: int | None
    source: str
    comment: str = ""

    @property
    def key(self) -> dict[str, object]:
        """Return what of it decides a snapshot's content."""
        names = (
            "panel",
            "round",
            "unit",
            "indicator",
            "expert",
            "rater",
            "state",
            "score",
            "reason",
            "source",
        )
        return {n: getattr(self, n) for n in names}


# Of each member and round the newest workbook that came in time, whole; of the rounds the newest in which the
# member scored this or refrained from it. A round that a member did not answer leaves the answer before.
_STANDING = text("""
WITH round AS (
    SELECT DISTINCT ON (number, round) id, number, round, due_on FROM panel
    WHERE programme = :programme AND period = :period AND known_at <= :known_at
    ORDER BY number, round, revision DESC
), returned AS (
    SELECT DISTINCT ON (sheet.panel_id, sheet.expert) sheet.panel_id, sheet.expert, r.id, r.sha256
    FROM scoring_return AS r JOIN scoring_sheet AS sheet ON sheet.id = r.sheet_id
    JOIN round ON round.id = sheet.panel_id
    WHERE r.outcome = 'accepted' AND r.known_at <= :known_at
      AND CAST(r.received_at AT TIME ZONE 'Asia/Shanghai' AS date) <= round.due_on
    ORDER BY sheet.panel_id, sheet.expert, r.received_at DESC, r.id DESC
)
SELECT DISTINCT ON (a.indicator, a.unit, a.expert)
    round.id AS panel_id, round.number AS panel, round.round, a.unit, a.indicator, a.expert, m.place,
    max(round.round) OVER (PARTITION BY a.unit, a.indicator) AS last_round,
    s.id AS score_id, s.score, s.abstained, s.comment,
    returned.sha256 || '#' || s.sheet || '!' || s.cell AS source
FROM round JOIN panel_assignment AS a ON a.panel_id = round.id
JOIN panel_member AS m ON m.panel_id = round.id AND m.expert = a.expert
LEFT JOIN returned ON returned.panel_id = round.id AND returned.expert = a.expert
LEFT JOIN expert_score AS s
    ON s.return_id = returned.id AND s.unit = a.unit AND s.indicator = a.indicator
ORDER BY a.indicator, a.unit, a.expert, (s.id IS NOT NULL) DESC, round.round DESC
""")


def standing(
    connection: Connection,
    programme: str,
    period: str,
    rules: RuleVersion,
    units: Collection[Unit],
    on: dt.date,
    known_at: dt.datetime,
) -> list[Rating]:
    """Return every score asked for by the panels of a period, by indicator, unit and place on the panel.

    A recusal, computed as of ``on`` or declared by ``known_at``, voids a score given before. Empty where the
    rules have no panel.
    """
    if rules.panel is None:
        return []
    rows = connection.execute(
        _STANDING, {"programme": programme, "period": period, "known_at": known_at}
    ).all()
    people = experts(connection, known_at, (r.expert for r in rows))
    rule = rules_of_panel(rules)
    recused = expert_recusals(connection, programme, people.values(), units, rule.recused_by, on, known_at)
    found = []
    for r in sorted(rows, key=lambda r: (r.indicator, r.unit, r.place)):
        name = f"（{people[r.expert].name}）" if rule.names == "shown" else ""
        state, reason = _state(recused.get((r.expert, r.unit)), r.score, r.abstained)
        counts = state == "scored"
        found.append(
            Rating(
                r.panel_id,
                r.panel,
                r.round,
                r.last_round,
                r.unit,
                r.indicator,
                r.expert,
                f"专家{r.place}{name}",
                state,
                r.score if counts else None,
                reason,
                r.score_id if counts else None,
                r.source if counts else "",
                (r.comment or "") if counts else "",
            )
        )
    return found


def frozen(connection: Connection, snapshot_id: int, units: Collection[str] | None = None) -> list[Rating]:
    """Return the scores asked for as a snapshot froze them, of all bodies or some, in that order."""
    own, score, panel = tables.snapshot_rating, tables.expert_score, tables.panel
    query = (
        select(
            own.c.panel_id,
            panel.c.number.label("panel"),
            panel.c.round,
            own.c.last_round,
            own.c.unit,
            own.c.indicator,
            own.c.expert,
            own.c.rater,
            own.c.state,
            score.c.score,
            own.c.reason,
            own.c.score_id,
            (tables.scoring_return.c.sha256 + "#" + score.c.sheet + "!" + score.c.cell).label("source"),
            score.c.comment,
        )
        .join(panel, panel.c.id == own.c.panel_id)
        .join(score, score.c.id == own.c.score_id, isouter=True)
        .join(tables.scoring_return, tables.scoring_return.c.id == score.c.return_id, isouter=True)
        .where(own.c.snapshot_id == snapshot_id)
        .order_by(own.c.id)
    )
    if units is not None:
        query = query.where(own.c.unit.in_(units))
    return [
        Rating(**{**row, "source": row["source"] or "", "comment": row["comment"] or ""})
        for row in connection.execute(query).mappings()
    ]


def _state(recused: str | None, score: Decimal | None, abstained: str | None) -> tuple[State, str]:
    if recused is not None:
        return "recused", recused
    if abstained is not None:
        return "abstained", abstained
    return ("missing", "") if score is None else ("scored", "")


@dataclass(frozen=True)
class Judged:
    """What the scores of a body and indicator amount to.

    ``short``: fewer scores than the rule needs. ``spread`` in points of 100, rounded for reading; ``wide``:
    beyond the limit, judged exactly.
    """

    unit: str
    indicator: str
    panel: int
    last_round: int
    ratings: tuple[Rating, ...]
    needed: int
    spread: Decimal | None
    wide: bool

    @property
    def scores(self) -> list[Decimal]:
        """Return the scores given."""
        return [r.score for r in self.ratings if r.score is not None]

    @property
    def short(self) -> bool:
        """Tell whether there are too few scores."""
        return len(self.scores) < self.needed

    @property
    def pair(self) -> Pair:
        """Return unit and indicator."""
        return self.unit, self.indicator


def judge(ratings: Iterable[Rating], rules: RuleVersion) -> list[Judged]:
    """Return what the scores (as ``standing`` gives them) of each body and indicator amount to."""
    rule = rules_of_panel(rules).spread
    indicators = scored_indicators(rules)
    judged = []
    for (indicator, unit), group in groupby(ratings, key=lambda r: (r.indicator, r.unit)):
        own = tuple(group)
        method = indicators[indicator].normalisation
        assert isinstance(method, ExpertMean)  # noqa: S101
        width = Fraction(method.scale.maximum) - Fraction(method.scale.minimum)
        points = [Fraction(r.score) * 100 / width for r in own if r.score is not None]
        wide = rule is not None and exceeds(points, rule)
        shown = spread(points, rule) if rule is not None else None
        judged.append(
            Judged(unit, indicator, own[0].panel, own[0].last_round, own, method.minimum_raters, shown, wide)
        )
    return judged


def exceeds(points: Sequence[Fraction], rule: Spread) -> bool:
    """Tell exactly whether scores lie further apart than the rule's limit; fewer than two never do."""
    if len(points) < 2:
        return False
    limit = Fraction(rule.limit)
    return _range(points) > limit if rule.measure == "range" else _variance(points) > limit**2


def spread(points: Sequence[Fraction], rule: Spread) -> Decimal | None:
    """Return how far scores lie apart, to two decimals for reading (half up); None for fewer than two."""
    if len(points) < 2:
        return None
    scale = 10**_SHOWN_DECIMALS
    if rule.measure == "range":
        hundredths = math.floor(_range(points) * scale + Fraction(1, 2))
    else:
        # the square root of four times the variance, one binary digit finer, decides the rounding
        hundredths = (math.isqrt(math.floor(_variance(points) * (2 * scale) ** 2)) + 1) // 2
    return Decimal(hundredths).scaleb(-_SHOWN_DECIMALS)


def _range(points: Sequence[Fraction]) -> Fraction:
    return max(points) - min(points)


def _variance(points: Sequence[Fraction]) -> Fraction:
    """Return the variance of a sample (over n - 1)."""
    mean = sum(points, Fraction(0)) / len(points)
    return sum(((p - mean) ** 2 for p in points), Fraction(0)) / (len(points) - 1)


def spread_text(judged: Judged, rule: Spread) -> str:
    """Say how far the scores of a body and indicator lie apart and what the rule makes of it."""
    word = {"range": "极差", "standard_deviation": "标准差"}[rule.measure]
    said = f"评分{word} {judged.spread} 分（百分制）"
    if not judged.wide:
        return f"{said}，未超过限值 {rule.limit:f} 分"
    more = rule.outcome == "rescore" and judged.last_round < rule.rounds
    return f"{said}，超过限值 {rule.limit:f} 分" + ("，须再次评分" if more else "")
