"""Evidence says which values it proves, and proves only such as it can."""

from collections.abc import Iterator

from ipgov.core.errors import Problem
from ipgov.intake.attachment_list import FIELDS, SEPARATOR, provable
from ipgov.intake.submitted import Submitted


def attachment_fields(submitted: Submitted) -> Iterator[Problem]:
    """Find a field that is none of those that the kind may prove, and evidence for nothing."""
    unit, form = submitted.expected.unit, submitted.form
    if unit is None:
        return
    for row in submitted.listed.rows:
        if row.kind is None:
            continue
        labels = [form.fields[c].label for c in provable(form, row.kind, unit.kind)]
        if row.wrong_fields:
            found = f"“{'”“'.join(row.wrong_fields)}”不是“{row.kind.name}”可以佐证的栏目"
        elif labels and not row.fields:
            found = f"没有写明“{row.name}”佐证哪个栏目"
        else:
            continue
        listed = f"下列栏目，多个以“{SEPARATOR}”隔开：{'、'.join(labels)}"
        expected = listed if labels else "此类附件不对应单个栏目，此格留空"
        yield submitted.list_problem("attachment_fields", found, expected, row, FIELDS)
