"""The template was issued by this office."""

from collections.abc import Iterator

from ipgov.core.errors import Problem
from ipgov.intake.submitted import Submitted


def form_is_known(submitted: Submitted) -> Iterator[Problem]:
    """Find a template that was never issued, or that is another programme's form."""
    rows, form = submitted.identity or {}, submitted.form
    if submitted.template is None or submitted.template.id != form.id:
        found = f"表“{rows.get('form')}”第 {rows.get('form_version')} 版从未为本业务下发"
        yield submitted.problem("form_is_known", found, f"表“{form.id}”第 {form.version} 版（{form.title}）")
