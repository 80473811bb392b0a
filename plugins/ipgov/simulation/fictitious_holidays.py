"""Holidays of a simulation: those of the policies and two fictitious notices, in the state folder alone.

Each is entered on a day of the story, so that a provisional due day is seen to be confirmed.
"""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path

from ipgov.calendars import working_days
from ipgov.core.settings import settings
from ipgov.policy.holidays import CalendarFile, HolidayNotice, read_calendars
from ipgov.policy.store import read_yaml

_HERE = Path(__file__).parent
_FILES = (_HERE / "fictitious_holidays.yaml", _HERE / "fictitious_holidays_2028.yaml")
FOLDER = "calendars"


@cache
def notices() -> dict[Path, HolidayNotice]:
    """Return the fictitious notices by their files, in order of their years."""
    return {file: _read(file) for file in _FILES}


def notice() -> HolidayNotice:
    """Return the first fictitious notice: the one that moves a due day of the story."""
    return notices()[_FILES[0]]


def _read(file: Path) -> HolidayNotice:
    found = CalendarFile.model_validate(read_yaml(file.read_bytes(), file.name)).notice
    assert found is not None  # noqa: S101 - the files are this project's own
    return found


def supply(state: Path) -> Path:
    """Lay the days of a simulation into its state folder and return their folder (``IPGOV_CALENDARS``).

    What the policies hold is copied anew each time. A year whose real days are known gets no fictitious ones.
    """
    source, folder = settings().policies / "calendars", state / FOLDER
    made = folder.with_name(f"{FOLDER}.new")
    shutil.rmtree(made, ignore_errors=True)
    shutil.copytree(source, made)
    entered = read_calendars(source)
    for file, fictitious in notices().items():
        if not working_days.announced(fictitious.year, entered):
            shutil.copyfile(file, made / f"虚构-{fictitious.year}.yaml")
    read_calendars(made)
    shutil.rmtree(folder, ignore_errors=True)
    made.rename(folder)
    return folder
