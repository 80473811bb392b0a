"""What an evaluation over several years takes from what its bodies sent in for each of them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ipgov.policy.blocks import Block

Combine = Literal["sum", "mean", "last", "growth"]


class YearlyInput(Block):
    """One number put together from a field of the yearly workbooks; indicators name it by ``code``.

    ``combine``: ``sum`` and ``mean`` of the years that have a value; ``last``: the period's last year;
    ``growth``: (last / earliest - 1) x 100 in percent, of the earliest year with a value, which must be
    positive, and the period's last. ``fewer``: what it is where a year of the period has no value (recognised
    later, exempted by a decision): put together from the years there are (``used``), or ``missing``.
    ``decimals``: kept, half-up.
    """

    code: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")
    label: str
    unit: str = ""
    field: str
    combine: Combine
    decimals: Annotated[int, Field(ge=0, le=6)] = 0
    fewer: Literal["used", "missing"] = "used"


class Yearly(Block):
    """The yearly workbooks that a longer period builds on (2024-1155#41: three self-evaluations).

    ``programme``: whose periods they are; of each year counts what counts there.
    """

    programme: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    inputs: tuple[YearlyInput, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _once(self) -> Yearly:
        if len({i.code for i in self.inputs}) < len(self.inputs):
            raise ValueError("yearly.inputs 的 code 重复")
        return self
