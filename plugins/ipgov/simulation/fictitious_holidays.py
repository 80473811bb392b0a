"""Holidays of a simulation: those of the policies and one fictitious notice, in the state folder alone.

The notice is entered on a day of the story, so that a provisional due day is seen to be confirmed.
"""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path

from ipgov.calendars import working_days
from ipgov.core.settings import settings
from ipgov.policy.holidays import CalendarFile, HolidayNotice, read_calendars
from ipgov.policy.store import read_yaml

_FILE = Path(__file__).with_name("fictitious_holidays.yaml")
FOLDER = "calendars"


@cache
def notice() -> HolidayNotice:
    """Return the fictitious notice."""
    found = CalendarFile.model_validate(read_yaml(_FILE.read_bytes(), _FILE.name)).notice
    assert found is not None  # noqa: S101 - the file is this project's own
    return found


def supply(state: Path) -> Path:
    """Lay the days of a simulation into its state folder and return their folder (``IPGOV_CALENDARS``).

    What the policies hold is copied anew each time. A year whose real days are known gets no fictitious ones.
    """
    source, folder = settings().policies / "calendars", state / FOLDER
    made = folder.with_name(f"{FOLDER}.new")
    shutil.rmtree(made, ignore_errors=True)
    shutil.copytree(source, made)
    if not working_days.announced(notice().year, read_calendars(source)):
        shutil.copyfile(_FILE, made / f"虚构-{notice().year}.yaml")
    read_calendars(made)
    shutil.rmtree(folder, ignore_errors=True)
    made.rename(folder)
    return folder
