"""What every part of a rule version has in common: strictness and the clause that it stands under."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

Positive = Annotated[Decimal, Field(gt=0)]
NotNegative = Annotated[Decimal, Field(ge=0)]
# which units a rule looks at
Within = Literal["all", "group"]

ClauseId = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d+#\d{2}$")]


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


ClauseIds = Annotated[tuple[ClauseId, ...], BeforeValidator(_as_list)]


class Block(BaseModel):
    """A block of policy. ``clause``: the published requirement; ``operator``: why it is our own choice.

    A block under neither inherits from the nearest enclosing block; the loader refuses a value under none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    clause: ClauseIds = ()
    operator: str = ""

    @property
    def basis(self) -> str:
        """Return what the block itself stands under: clause ids, or ``operator``, or nothing."""
        return "、".join(self.clause) or ("operator" if self.operator else "")
