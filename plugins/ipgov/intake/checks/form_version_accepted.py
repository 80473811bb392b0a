"""The template's version is one that this period still accepts."""

from collections.abc import Iterator

from ipgov.core.errors import Problem
from ipgov.intake.submitted import Submitted


def form_version_accepted(submitted: Submitted) -> Iterator[Problem]:
    """Find a known template whose version the period's rules no longer, or not yet, accept."""
    template, form = submitted.template, submitted.form
    if template is not None and template.id == form.id and template.version not in form.accepts:
        accepted = "、".join(f"第 {v} 版" for v in sorted(form.accepts))
        yield submitted.problem(
            "form_version_accepted",
            f"使用了第 {template.version} 版表",
            f"{submitted.expected.period} 年度使用{accepted}表；请在所附更正工作簿上核对、补填",
        )
