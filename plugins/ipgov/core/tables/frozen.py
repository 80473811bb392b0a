"""The frozen data of a cycle: what an evaluation is made of."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Date, Integer, Numeric, UniqueConstraint

from ipgov.core.tables.shape import MODES, fact, one_of, refers, words

snapshot = fact(
    "snapshot",
    words("programme"),
    words("period"),
    words("mode"),
    Column("as_of", Date, nullable=False),
    words("fingerprint"),
    words("rule_sha256"),
    words("values_sha256"),  # Parquet: unit, indicator, value, group, rater, source
    UniqueConstraint("programme", "period", "mode", "fingerprint"),
    one_of("mode", *MODES),
)

# Who was to be evaluated, with what; a unit without a submission stands here too.
snapshot_unit = fact(
    "snapshot_unit",
    refers("snapshot_id", "snapshot.id"),
    words("unit"),
    words("name"),
    words("kind"),
    words("province"),
    words("route"),
    words("host_code"),
    words("operator_code"),
    words("state"),
    refers("submission_id", "submission.id", null=True),
    # accepted_late: within the time allowed for late ones; late: after it, so not evaluated
    # the last three: accepted, but not by the province that audits it, or without the copy to it
    CheckConstraint(
        "state IN ('accepted', 'accepted_late', 'late', 'returned', 'missing', 'exempt',"
        " 'not_forwarded', 'returned_by_province', 'not_copied')",
        name="state_of_body",
    ),
    UniqueConstraint("snapshot_id", "unit"),
)

snapshot_value = fact(
    "snapshot_value",
    refers("snapshot_id", "snapshot.id"),
    words("unit"),
    words("field"),
    Column("value", Numeric, nullable=True),
    words("text_value", null=True),
    refers("submitted_value_id", "submitted_value.id"),
    UniqueConstraint("snapshot_id", "unit", "field"),
)

# Of a period of several years: which yearly workbook of a body counted in each of them, or why none did.
snapshot_year = fact(
    "snapshot_year",
    refers("snapshot_id", "snapshot.id"),
    words("unit"),
    words("period"),
    words("state"),  # as in snapshot_unit; exempt: nothing was owed in that year
    refers("submission_id", "submission.id", null=True),
    UniqueConstraint("snapshot_id", "unit", "period"),
)

# What was put together from those workbooks (policy: yearly.inputs); null: there was not enough.
snapshot_yearly_value = fact(
    "snapshot_yearly_value",
    refers("snapshot_id", "snapshot.id"),
    words("unit"),
    words("field"),
    Column("value", Numeric, nullable=True),
    Column("years", Integer, nullable=False),  # that had a value
    UniqueConstraint("snapshot_id", "unit", "field"),
)

# What became of every score that was asked for; the scored ones stand in the Parquet file too.
snapshot_rating = fact(
    "snapshot_rating",
    refers("snapshot_id", "snapshot.id"),
    refers("panel_id", "panel.id"),
    words("unit"),
    words("indicator"),
    words("expert"),
    words("rater"),  # what the results call the expert
    Column("last_round", Integer, nullable=False),  # in which the body and indicator were asked about
    words("state"),
    words("reason"),
    refers("score_id", "expert_score.id", null=True),
    one_of("state", "scored", "abstained", "recused", "missing"),
    CheckConstraint("(state = 'scored') = (score_id IS NOT NULL)", name="scored"),
    UniqueConstraint("snapshot_id", "unit", "indicator", "expert"),
)

# The attachments that a frozen body's workbook lists, each with the file that then stood for it (null: none).
snapshot_attachment = fact(
    "snapshot_attachment",
    refers("snapshot_id", "snapshot.id"),
    words("unit"),
    refers("listed_attachment_id", "listed_attachment.id"),
    refers("attachment_id", "attachment.id", null=True),
    UniqueConstraint("snapshot_id", "listed_attachment_id"),
)
