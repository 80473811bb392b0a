"""The recipient's folder in this installation's own object store: ``outbox/``."""

from __future__ import annotations

from collections.abc import Callable

from ipgov.core.objects import store
from ipgov.documents.channels import Letter, put_all


class Outbox:
    """Recipients fetch from it; a repetition puts the same bytes, so nothing has to be marked before."""

    def __init__(self, simulation: bool):
        self.simulation = simulation

    def deliver(self, letter: Letter, begun: Callable[[str], None]) -> str:
        """See Channel."""
        return put_all(lambda key, file: store().put(key, file.data, once=True), letter, "outbox/")

    def close(self) -> None:
        """See Channel."""
