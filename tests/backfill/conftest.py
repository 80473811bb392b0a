"""One stack for all tests of a file: the start costs more than any of them, and the days go one way only."""

from __future__ import annotations

import datetime as dt
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from cached_settings import forget

_HERE = Path(__file__).resolve().parent
for _folder in (_HERE, _HERE.parent / "procedures", _HERE.parent / "centres"):
    sys.path.append(str(_folder))  # the folder is a package
from years_stack import Runs, YearsStack  # noqa: E402


@pytest.fixture(scope="module")
def stack() -> Iterator[YearsStack]:
    """The installation; this process works with its database, its object store and its holidays, too."""
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(prefix="ipg") as folder:
        for name in [n for n in os.environ if n.startswith("IPGOV_")]:
            patch.delenv(name)
        forget()
        stack = YearsStack.start(Path(folder) / "state")
        for name, value in stack.settings().items():
            patch.setenv(name, value)
        forget()
        yield stack
        forget()
        stack.stop()
    forget()


@pytest.fixture(scope="module")
def nation(stack: YearsStack):
    """2023 was issued here, 2024 published elsewhere and imported, 2025 stands before the reviewers."""
    from ipgov.core.database import transaction
    from ipgov.procedures import published_history
    from ipgov.simulation import nation as synthetic
    from ipgov.simulation import published
    from played_nation import PROGRAMME, Nation

    with transaction() as connection:
        synthetic.register(connection)
    nation = Nation(stack.state / "objects")
    nation.year(2023)
    nation.collect(2024)
    known_at = nation.at(dt.date(2025, 6, 1))
    form = published_history.blank(PROGRAMME, "2024", known_at)
    filled = published.filled(form, published.source(2024), published.results(2024))
    published_history.import_file("2024.xlsx", filled, "经办甲", known_at)
    nation.collect(2025)
    nation.open_round = nation.evaluate(2025)["round_id"]
    return nation


@pytest.fixture(scope="module")
def runs(stack: YearsStack, nation) -> Runs:
    return Runs(stack.client("operator1"))
