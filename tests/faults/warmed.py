"""Imported once by the process from which the trials are forked: all that acts import, nothing opened."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "procedures"))
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")

import acts  # noqa: F401
import boundaries  # noqa: F401
import duckdb  # noqa: F401
import great_expectations  # noqa: F401
import ipgov.documents.sheets  # noqa: F401
import lxml.etree  # noqa: F401
import openpyxl  # noqa: F401
import psycopg  # noqa: F401
import pyarrow.parquet  # noqa: F401
import python_calamine  # noqa: F401
import typst  # noqa: F401
import xlsxwriter  # noqa: F401
from ipgov.policy import store
from ipgov.procedures import (  # noqa: F401
    approval,
    correction,
    cycles,
    evaluation_cycle,
    extensions,
    nightly_seal,
    submission_intake,
)

for programme in store.programmes():
    store.versions(programme)
store.clauses()
