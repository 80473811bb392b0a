"""Making a document again, with the workbooks beside it, and blank forms: from the record, as known then."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, select

from ipgov.core import objects
from ipgov.core.database import is_simulation, reading
from ipgov.core.errors import UnknownError
from ipgov.core.tables import blank_form, submission
from ipgov.documents import register
from ipgov.documents.model import SIMULATION_BANNER
from ipgov.documents.register import Rebuilt
from ipgov.followup import case_problems, cases
from ipgov.intake import attachments, correction, forms, inbox
from ipgov.intake import reading as reader
from ipgov.policy import store
from ipgov.procedures import case_papers, province_exports
from ipgov.registry.platforms import unit as registered_unit

_CASE = re.compile(r"case:(?P<case>\d+)/(?P<kind>.+)")


def rebuild(number_or_id: str) -> Rebuilt:
    """Make a document's files again and compare them with the archive; raises as ``register.rebuild``."""
    with reading() as connection:
        return register.rebuild(connection, number_or_id, lambda row: _beside(connection, row))


def _beside(connection: Connection, row: RowMapping) -> Mapping[str, bytes]:
    """Return the workbooks that went out with a document, by format."""
    if row["kind"] == "correction":
        return _correction(connection, row)
    if row["kind"] == province_exports.KIND:
        book = province_exports.again(row)
        return {} if book is None else {"xlsx": book}
    of_case = _CASE.fullmatch(row["key"])
    if of_case is None:
        return {}
    case = cases.get(connection, int(of_case["case"]), row["known_at"])
    if of_case["kind"] != case.rules.notice.kind:
        return {}
    # the list of problems ends with its notice: none was added since
    problems = case_problems.of_case(connection, case.obligation_id)
    return {"xlsx": case_papers.form(connection, case, problems)}


def _correction(connection: Connection, row: RowMapping) -> Mapping[str, bytes]:
    """Return the correction workbook: the file that came is read again, by the rules of that time."""
    sent = _answered(connection, row)
    if sent is None:
        return {}
    place = inbox.parse_key(sent["object_key"])
    if isinstance(place, str):
        return {}
    rules = store.frozen(sent["rule_sha256"])
    of_unit = row["programme"], row["period"], row["unit"]
    unit = registered_unit(connection, row["programme"], row["unit"], row["issued_on"], row["known_at"])
    kept = attachments.kept_names(connection, *of_unit, row["known_at"])
    expected = reader.Expected(row["programme"], row["period"], unit, kept)
    got = reader.read_submission(objects.get_content(sent["sha256"]), place.filename, expected, rules)
    banner = SIMULATION_BANNER if is_simulation(connection) else ""
    return {
        "xlsx": correction.correction_workbook(
            rules.rules, rules.sha256, row["period"], unit, got, banner=banner
        )
    }


def _answered(connection: Connection, row: RowMapping) -> RowMapping | None:
    """Return the submission that a correction notice answers."""
    answer = register.file_sha256(connection, row["id"], "xlsx")
    query = select(submission).where(
        submission.c.programme == row["programme"],
        submission.c.period == row["period"],
        submission.c.unit == row["unit"],
        submission.c.known_at == row["known_at"],
        submission.c.answer_sha256 == answer,
    )
    # of several with the same answer any gives it again
    return connection.execute(query.order_by(submission.c.id)).mappings().first()


@dataclass(frozen=True)
class RebuiltForm:
    """A blank form drawn again: whether the archived bytes, and those in the folder, are the same.

    ``in_folder`` None: it lies there no more. ``changed`` names what is not as it was when it was drawn.
    """

    object_key: str
    unit: str
    identical: bool
    in_folder: bool | None
    changed: tuple[str, ...]


def rebuild_forms(programme: str, period: str, unit: str | None = None) -> list[RebuiltForm]:
    """Draw a period's blank forms again and compare every byte with what was laid out.

    Raises UnknownError where none was laid out, EnvironmentProblemError where archived content no longer
    matches its hash.
    """
    query = select(blank_form).where(blank_form.c.programme == programme, blank_form.c.period == period)
    if unit is not None:
        query = query.where(blank_form.c.unit == unit)
    with reading() as connection:
        rows = connection.execute(query.order_by(blank_form.c.unit)).mappings().all()
        if not rows:
            whose = f"“{unit}”" if unit else ""
            raise UnknownError(f"“{programme}”{period} 年度没有登记发出的空白报送表{whose}")
        return [_form_again(connection, row) for row in rows]


def _form_again(connection: Connection, row: RowMapping) -> RebuiltForm:
    rules = store.frozen(row["rule_sha256"])
    unit = registered_unit(connection, row["programme"], row["unit"], row["as_of"], row["known_at"])
    again = forms.blank(rules.rules, rules.sha256, row["period"], unit, banner=row["banner"])
    identical = again == objects.get_content(row["sha256"])
    there = objects.store()
    lies = there.exists(row["object_key"])
    in_folder = there.get(row["object_key"]) == again if lies else None
    changed = register.changed_since(row["renderer"], ("xlsx",))
    return RebuiltForm(row["object_key"], row["unit"], identical, in_folder, tuple(changed))
