"""The pages of charts that go to the reviewers with a rating list: drawn, and kept by hash."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from sqlalchemy import Connection

from ipgov.core import objects
from ipgov.core.tables import rating_chart
from ipgov.documents import charts
from ipgov.documents.rating_layout import RatingList


def draw(listed: RatingList, banner: str) -> RatingList:
    """Draw the charts of a list, keep them by their hash, and return the list that names it.

    What the reviewers approve is bound to the list's bytes, and so to these charts.
    """
    return replace(listed, charts_sha256=objects.put_content(charts.write(listed, banner)))


def record(
    connection: Connection,
    result_set_id: int,
    rating_list_sha256: str,
    listed: RatingList,
    known_at: dt.datetime,
) -> None:
    """Record which charts go with a list that was written."""
    connection.execute(
        rating_chart.insert().values(
            result_set_id=result_set_id,
            rating_list_sha256=rating_list_sha256,
            charts_sha256=listed.charts_sha256,
            known_at=known_at,
        )
    )
