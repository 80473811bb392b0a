"""What a field of today's form was in an earlier template: its code then, whether it means the same."""

from __future__ import annotations

from ipgov.policy.rules import Form, FormField
from ipgov.policy.units import power_between


def field_then(field: FormField, template: Form, kind: str) -> FormField | None:
    """Return the field of a template that a body of this kind filled in for today's; None: it was not asked.

    A field that cannot be turned into today's (``difference``) counts as not asked; the policy check proves
    that of the templates that are still accepted there is none.
    """
    code = field.earlier.get(template.version, field.code)
    then = template.fields_for(kind).get(code) if code else None
    return then if then is not None and not difference(then, field) else None


def difference(then: FormField, field: FormField) -> str:
    """Say (Chinese) why a field's values are not today's; empty: they are, but perhaps for a power of ten."""
    if then.type != field.type:
        return f"类型由 {then.type} 改为 {field.type}"
    if power_between(then.unit, field.unit) is None:
        return f"计量单位由“{then.unit}”改为“{field.unit}”，不能换算"
    if gone := [c for c in then.choices if c not in field.choices]:
        return f"选项“{'”“'.join(gone)}”已不在可选项内"
    return ""


def sheet_of(template: Form, code: str) -> str:
    """Return the name of a template's sheet that holds a field; empty where none does."""
    return next((s.name for s in template.sheets if any(f.code == code for f in s.fields)), "")
