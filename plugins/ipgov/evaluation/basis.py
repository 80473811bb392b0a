"""Under which clause a rule of the scoring stands: its own, or that of the nearest enclosing block."""

from __future__ import annotations

from ipgov.policy.blocks import Block
from ipgov.policy.scoring import Indicator, Scoring

_OPERATOR = "operator"


def own_basis(block: Block) -> str:
    """Return what a block itself stands under: clause ids, then ``operator`` where it says so; or nothing."""
    return "、".join((*block.clause, *([_OPERATOR] if block.operator else [])))


def basis_of(scoring: Scoring, *blocks: Block | None) -> str:
    """Return the basis of the innermost of ``blocks`` (given outermost first).

    A block under neither a clause nor ``operator`` inherits from the one before it, at last from the scoring.
    """
    for block in (*reversed(blocks), scoring):
        if block is not None and own_basis(block):
            return own_basis(block)
    return ""


def indicator_basis(scoring: Scoring, indicator: Indicator) -> str:
    """Return the basis of an indicator's normalisation, the innermost block of an indicator."""
    return basis_of(scoring, indicator, indicator.normalisation)


def in_chinese(basis: str) -> str:
    """Return a basis as a reader sees it: ``2023-156#22、运行方自定``."""
    return basis.replace(_OPERATOR, "运行方自定")
