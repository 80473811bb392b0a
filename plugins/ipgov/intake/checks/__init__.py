"""The checks of a submission: one function, one file; the order is that of the report.

What fails in ``FILE`` or ``IDENTITY`` ends the reading with exactly that; everything after is found at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ipgov.core.errors import Problem
from ipgov.intake.checks.attachment_count import attachment_count
from ipgov.intake.checks.attachment_fields import attachment_fields
from ipgov.intake.checks.attachment_kind import attachment_kind
from ipgov.intake.checks.attachment_name import attachment_name
from ipgov.intake.checks.attachment_names_differ import attachment_names_differ
from ipgov.intake.checks.decimals import decimals
from ipgov.intake.checks.form_is_known import form_is_known
from ipgov.intake.checks.form_version_accepted import form_version_accepted
from ipgov.intake.checks.has_attachment_list import has_attachment_list
from ipgov.intake.checks.has_every_field import has_every_field
from ipgov.intake.checks.has_every_sheet import has_every_sheet
from ipgov.intake.checks.has_identity import has_identity
from ipgov.intake.checks.is_a_workbook import is_a_workbook
from ipgov.intake.checks.name_follows_rule import name_follows_rule
from ipgov.intake.checks.no_unknown_field import no_unknown_field
from ipgov.intake.checks.period_matches import period_matches
from ipgov.intake.checks.programme_matches import programme_matches
from ipgov.intake.checks.required_attachment import required_attachment
from ipgov.intake.checks.required_value_present import required_value_present
from ipgov.intake.checks.unit_matches import unit_matches
from ipgov.intake.checks.value_has_type import value_has_type
from ipgov.intake.checks.value_in_range import value_in_range
from ipgov.intake.submitted import Answer, Submitted

WholeCheck = Callable[[Submitted], Iterator[Problem]]
FieldCheck = Callable[[Submitted, Answer], Problem | None]

# is there anything to read, and does it say what it is
FILE: tuple[WholeCheck, ...] = (is_a_workbook, has_identity)

# is it the right thing, sent by the right one, for the right time
IDENTITY: tuple[WholeCheck, ...] = (form_is_known, programme_matches, period_matches, unit_matches)

# is it whole
FORM: tuple[WholeCheck, ...] = (form_version_accepted, has_every_sheet, no_unknown_field)

# are the attachments listed so that they can be found and understood
ATTACHMENTS: tuple[WholeCheck, ...] = (
    has_attachment_list,
    attachment_name,
    attachment_names_differ,
    attachment_kind,
    attachment_fields,
    attachment_count,
    required_attachment,
)

# is each answer there, and possible at all
FIELD: tuple[FieldCheck, ...] = (
    has_every_field,
    required_value_present,
    value_has_type,
    value_in_range,
    decimals,
    name_follows_rule,
)
