"""How a rank and a grade follow from a total, in Chinese."""

from __future__ import annotations

from decimal import Decimal

from ipgov.evaluation.wording import plain
from ipgov.policy.scoring import Grade, Quota, Scoring

_TIES = {
    "min": "同分同名次，其后名次空出",
    "max": "同分同取较后名次",
    "dense": "同分同名次，其后名次不空",
}
_ROUNDING = {"down": "只舍不入", "half_up": "四舍五入", "up": "只入不舍"}
_EDGE = {"all_in": "边缘同分者均进入", "all_out": "边缘同分者均不进入"}


def rank_words(scoring: Scoring, rank: int, ranked: int) -> str:
    """Say how the rank was given; ``ranked``: how many have one."""
    r = scoring.rounding
    order = "由高到低" if r.first == "highest" else "由低到高"
    on = "舍入后的总分" if r.rank_on == "rounded" else "舍入前的总分"
    return f"按{on}{order}，在 {ranked} 个有总分的对象中列第 {rank}（{_TIES[r.ties]}）"


def grade_words(scoring: Scoring, grade: str, total: Decimal, *, vetoed: bool = False) -> str:
    """Say which limits the total keeps and which it misses; what is behind a veto stands in the reasons."""
    place = [g.name for g in scoring.grades].index(grade)
    own, parts = scoring.grades[place], []
    for better in scoring.grades[:place]:
        if not reaches(better, total):
            parts.append(f"不符合“{better.name}”的{_limit(better)}")
        elif vetoed:
            parts.append(f"符合“{better.name}”的{_limit(better) or '条件'}，因否决不予适用")
        elif better.quota:
            parts.append(
                f"符合“{better.name}”的{_limit(better) or '条件'}，但未进入名额（{_quota(better.quota)}）"
            )
    if limit := _limit(own):
        parts.append(f"符合“{own.name}”的{limit}")
    if own.quota:
        parts.append(f"在名额之内（{_quota(own.quota)}）")
    if not limit and not own.quota:
        parts.append(f"其余为“{own.name}”")
    return f"总分 {total}：" + "，".join(parts)


def reaches(grade: Grade, total: Decimal) -> bool:
    """Tell whether a total keeps a grade's limits."""
    return (
        (grade.floor is None or total >= grade.floor)
        and (grade.ceiling is None or total <= grade.ceiling)
        and (grade.below is None or total < grade.below)
    )


def _limit(grade: Grade) -> str:
    parts = [
        f"不低于 {plain(grade.floor)} 分" if grade.floor is not None else "",
        f"不高于 {plain(grade.ceiling)} 分" if grade.ceiling is not None else "",
        f"低于 {plain(grade.below)} 分" if grade.below is not None else "",
    ]
    said = "、".join(p for p in parts if p)
    return f"分数线（{said}）" if said else ""


def _quota(quota: Quota) -> str:
    who = "本组" if quota.within == "group" else "全体"
    with_better = "，连同更高等级" if quota.counted == "from_first" else ""
    return (
        f"{who}参评者的 {plain(quota.share * 100)}%{with_better}，{_ROUNDING[quota.rounding]}，"
        f"{_EDGE[quota.tie_at_edge]}"
    )
