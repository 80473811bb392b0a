"""The list of attachments is there, once, with its headings."""

from collections.abc import Iterator

from ipgov.core.errors import Problem
from ipgov.intake.submitted import Submitted


def has_attachment_list(submitted: Submitted) -> Iterator[Problem]:
    """Find a workbook whose list of attachments cannot be read."""
    if submitted.listed.lost:
        expected = "保留空白表所附的附件清单及其表头，没有附件时留空"
        yield submitted.list_problem("has_attachment_list", submitted.listed.lost, expected)
