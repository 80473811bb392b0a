"""Every table of the system of record, in the order in which data takes its way through them.

All of them are append-only: the database refuses UPDATE, DELETE and TRUNCATE (sql/migrations). A correction
is a new row that names what it supersedes. "Current" is a view (sql/views) or a query with a day.

Common columns: ``id`` (order of writing; the seals count on it), ``known_at`` (when the fact became known to
the office: what a question "as known at T" filters on) and ``recorded_at`` (the database's own clock).
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    MetaData,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.schema import SchemaItem

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _fact(name: str, *items: SchemaItem) -> Table:
    return Table(
        name,
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        *items,
        Column("known_at", DateTime(timezone=True), nullable=False),
        Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    )


def _text(name: str, *, null: bool = False) -> Column[str]:
    return Column(name, Text, nullable=null)


def _refers(name: str, target: str, *, null: bool = False) -> Column[int]:
    return Column(name, BigInteger, ForeignKey(target), nullable=null)


def _one_of(column: str, *values: str) -> CheckConstraint:
    listed = ", ".join(f"'{v}'" for v in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def _bound_to_round() -> ForeignKeyConstraint:
    """No decision and no issue of anything but exactly what the round put before the reviewers."""
    return ForeignKeyConstraint(["round_id", "fingerprint"], ["review_round.id", "review_round.fingerprint"])


MODES = ("live", "recalculate", "what_if")

# --- core -----------------------------------------------------------------------------------------------

database_identity = _fact(
    "database_identity",
    _text("kind"),
    _text("note"),
    _one_of("kind", "production", "simulation"),
    # one row for ever: what a database is cannot be changed later
    Index("uq_database_identity_one", text("(true)"), unique=True),
)

# A step's result under the fingerprint of its inputs; a second run with the same inputs finds it here.
step_run = _fact(
    "step_run",
    _text("programme"),
    _text("period"),
    _text("step"),
    _text("mode"),
    _text("fingerprint"),
    Column("result", JSONB, nullable=False),
    UniqueConstraint("programme", "period", "step", "mode", "fingerprint"),
    _one_of("mode", *MODES),
)

# The chain over everything added since the last seal; the manifest lies write-once in the object store.
seal = _fact(
    "seal",
    Column("sequence", BigInteger, nullable=False, unique=True),
    _text("occasion"),
    _text("subject"),
    _text("manifest_sha256"),
    _text("previous_chain_sha256"),
    _text("chain_sha256"),
    Column("row_count", BigInteger, nullable=False),
    _one_of("occasion", "freeze", "approval", "issue", "nightly", "manual"),
)

# A clock was fast for a time and was put right: records up to ``wrong_until`` may lie ahead of the clock.
clock_correction = _fact(
    "clock_correction",
    Column("wrong_until", DateTime(timezone=True), nullable=False),
    _text("accepted_by"),
    _text("reason"),
)

# --- policy ---------------------------------------------------------------------------------------------

# The exact bytes of every rule version that governed anything (object store, by hash).
rule_version = _fact(
    "rule_version",
    _text("programme"),
    _text("version"),
    _text("sha256"),
    UniqueConstraint("programme", "version", "sha256"),
)

# A cycle is open once its rule version is frozen by hash.
cycle = _fact(
    "cycle",
    _text("programme"),
    _text("period"),
    _refers("rule_version_id", "rule_version.id"),
    Column("opened_on", Date, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("evaluate_on", Date, nullable=False),
    Column("due_provisional", Boolean, nullable=False),
    _text("calendar_version"),
    UniqueConstraint("programme", "period"),
)

# --- registry -------------------------------------------------------------------------------------------

organisation = _fact(
    "organisation",
    _text("code"),  # 统一社会信用代码
    _text("name"),
    _text("province"),  # GB/T 2260, two digits; the operator's own for 新疆生产建设兵团
    Column("central_enterprise", Boolean, nullable=False),
    Column("valid_from", Date, nullable=False),
    _text("source"),
    Column("code_confirmed_by", Text, comment="who confirmed a code whose check character fails"),
    Index("ix_organisation_code", "code"),
)

organisation_succession = _fact(
    "organisation_succession",
    _text("predecessor"),
    _text("successor"),
    _text("kind"),
    Column("effective_on", Date, nullable=False),
    _text("source"),
    _one_of("kind", "renamed", "merged", "split", "restructured"),
)

# A titled body is no legal person (2023-156#25): it names its host unit and its operating unit.
titled_body = _fact(
    "titled_body",
    _text("unit"),
    _text("programme"),
    _text("name"),
    _text("kind"),
    _text("province"),
    _text("route"),
    _text("host_code"),
    _text("operator_code"),
    Column("valid_from", Date, nullable=False),
    _text("source"),
    _one_of("route", "province", "direct"),
    Index("ix_titled_body_programme_unit", "programme", "unit"),
)

title_event = _fact(
    "title_event",
    _text("programme"),
    _text("unit"),
    _text("event"),
    Column("effective_on", Date, nullable=False),
    _text("basis"),  # clause id or operator
    _text("document_number", null=True),
    Column("document_id", BigInteger, nullable=True),
    _text("note"),
    _one_of("event", "recognised", "cancelled", "renamed", "restored"),
    UniqueConstraint("programme", "unit", "event", "effective_on"),
)

# --- intake ---------------------------------------------------------------------------------------------

# One row per object of the inbox that was read (by content and by unit and period), whatever came of it.
submission = _fact(
    "submission",
    _text("object_key"),
    _text("sha256"),
    _text("programme"),
    _text("period"),
    _text("unit", null=True),
    _text("form", null=True),
    Column("form_version", Integer, nullable=True),
    _text("rule_sha256", null=True),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("due_on", Date, nullable=True),
    Column("late", Boolean, nullable=False),  # after the due day and after any extension
    _text("outcome"),
    _refers("supersedes", "submission.id", null=True),
    Column("problems", JSONB, nullable=False),
    _text("answer_sha256"),  # receipt or correction workbook
    _one_of("outcome", "accepted", "returned", "refused"),
    # the same content sent again later counts again: it may take back what came between
    UniqueConstraint("object_key", "sha256", "received_at"),
    Index("ix_submission_programme_period_unit", "programme", "period", "unit"),
)

submitted_value = _fact(
    "submitted_value",
    _refers("submission_id", "submission.id"),
    _text("field"),
    Column("value", Numeric, nullable=True),
    _text("text_value", null=True),
    _text("raw"),
    _text("sheet"),
    _text("cell"),
    Column("transforms", JSONB, nullable=False),
    UniqueConstraint("submission_id", "field"),
)

extension = _fact(
    "extension",
    _text("programme"),
    _text("period"),
    _text("unit"),
    Column("until", Date, nullable=False),
    _text("granted_by"),
    _text("reason"),
)

unclaimed_object = _fact(
    "unclaimed_object",
    _text("object_key"),
    _text("sha256", null=True),  # null: too large to be read, or quarantined, as the reason says
    _text("reason"),
    Column("received_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("object_key", "sha256", "received_at"),
)

# An object of a unit's folder that was not read as its workbook: evidence and sealed scans, and what was
# refused before it could be read (too large, malware). A newer kept one of the same name replaces it.
attachment = _fact(
    "attachment",
    _text("object_key"),
    _text("programme"),
    _text("period"),
    _text("unit"),
    _text("filename"),
    _text("name_key"),  # the name as names are compared
    _text("media_type", null=True),  # by content; null: not one that is known
    Column("bytes", BigInteger, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
    _text("outcome"),
    _text("reason", null=True),
    _text("digest", null=True),  # SHA-256 of what came; null: too large to be read
    _text("sha256", null=True),  # of what is kept; null: not kept, or in quarantine
    _text("scan"),
    _text("scanned_by", null=True),  # the scanner and its version
    _text("scan_detail", null=True),
    _text("rule_sha256"),
    _one_of("outcome", "kept", "refused"),
    _one_of("scan", "clean", "infected", "not_scanned"),
    CheckConstraint("outcome <> 'kept' OR (sha256 IS NOT NULL AND scan <> 'infected')", name="kept"),
    CheckConstraint("outcome <> 'refused' OR reason IS NOT NULL", name="refused"),
    UniqueConstraint("object_key", "digest", "received_at"),
    Index("ix_attachment_programme_period_unit", "programme", "period", "unit"),
)

# A row of a submitted workbook's list of attachments: what is to come under which name, and what it proves.
listed_attachment = _fact(
    "listed_attachment",
    _refers("submission_id", "submission.id"),
    _text("name"),
    _text("name_key"),
    _text("kind"),  # of form.attachments.kinds
    Column("fields", ARRAY(Text), nullable=False),
    _text("note"),
    _text("sheet"),
    _text("cell"),
    UniqueConstraint("submission_id", "name_key"),
)

# --- expert scoring -----------------------------------------------------------------------------------------

# People who score what no figure measures; the newest row of a number counts. An empty list of organisations
# says that there are none (a recusal is computed from them).
expert = _fact(
    "expert",
    _text("number"),
    _text("name"),
    Column("organisations", ARRAY(Text), nullable=False),  # 统一社会信用代码 of every one they belong to
    Column("fields", ARRAY(Text), nullable=False),
    Column("active", Boolean, nullable=False),
    Index("ix_expert_number", "number"),
)

# A recusal that somebody declared, beside the computed ones; the newest row of an expert and unit counts.
expert_recusal = _fact(
    "expert_recusal",
    _text("programme"),
    _text("expert"),
    _text("unit"),
    _text("reason"),
    _text("entered_by"),
    Column("stands", Boolean, nullable=False),  # false: taken back
    Index("ix_expert_recusal_programme_expert_unit", "programme", "expert", "unit"),
)

# One round of scoring of a panel. Changed before anything came in it is a new revision; the newest counts.
panel = _fact(
    "panel",
    _text("programme"),
    _text("period"),
    Column("number", Integer, nullable=False),
    Column("round", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("formed_on", Date, nullable=False),
    Column("due_on", Date, nullable=False),  # scores received later are kept and do not count
    _text("formed_by"),
    _text("basis"),
    _text("rule_sha256"),
    UniqueConstraint("programme", "period", "number", "round", "revision"),
)

panel_member = _fact(
    "panel_member",
    _refers("panel_id", "panel.id"),
    _text("expert"),
    Column("place", Integer, nullable=False),  # the number by which results speak of the member
    _text("role"),
    _one_of("role", "chair", "member"),
    UniqueConstraint("panel_id", "expert"),
    UniqueConstraint("panel_id", "place"),
)

# What each member scores, recused or not.
panel_assignment = _fact(
    "panel_assignment",
    _refers("panel_id", "panel.id"),
    _text("expert"),
    _text("unit"),
    _text("indicator"),
    UniqueConstraint("panel_id", "expert", "unit", "indicator"),
)

# A workbook as it was handed to a member; what comes back is held against it.
scoring_sheet = _fact(
    "scoring_sheet",
    _refers("panel_id", "panel.id"),
    _text("expert"),
    _text("fingerprint"),  # of what is to be scored and of the recusals known then
    _text("sha256"),
    UniqueConstraint("panel_id", "expert", "fingerprint"),
    Index("ix_scoring_sheet_fingerprint", "fingerprint"),
)

# One row per workbook that came back and could be told; the newest accepted one of a member counts, whole.
scoring_return = _fact(
    "scoring_return",
    _refers("sheet_id", "scoring_sheet.id"),
    _text("filename"),
    _text("sha256"),
    Column("received_at", DateTime(timezone=True), nullable=False),
    _text("outcome"),
    Column("problems", JSONB, nullable=False),
    _one_of("outcome", "accepted", "returned"),
    UniqueConstraint("sheet_id", "sha256", "received_at"),
)

expert_score = _fact(
    "expert_score",
    _refers("return_id", "scoring_return.id"),
    _text("unit"),
    _text("indicator"),
    Column("score", Numeric, nullable=True),
    _text("abstained", null=True),  # why there is no score
    _text("comment"),
    _text("sheet"),
    _text("cell"),
    CheckConstraint("(score IS NULL) <> (abstained IS NULL)", name="scored_or_abstained"),
    UniqueConstraint("return_id", "unit", "indicator"),
)

# --- the frozen data of a cycle ---------------------------------------------------------------------------

snapshot = _fact(
    "snapshot",
    _text("programme"),
    _text("period"),
    _text("mode"),
    Column("as_of", Date, nullable=False),
    _text("fingerprint"),
    _text("rule_sha256"),
    _text("values_sha256"),  # Parquet: unit, indicator, value, group, rater, source
    UniqueConstraint("programme", "period", "mode", "fingerprint"),
    _one_of("mode", *MODES),
)

# Who was to be evaluated, with what; a unit without a submission stands here too.
snapshot_unit = _fact(
    "snapshot_unit",
    _refers("snapshot_id", "snapshot.id"),
    _text("unit"),
    _text("name"),
    _text("kind"),
    _text("province"),
    _text("route"),
    _text("host_code"),
    _text("operator_code"),
    _text("state"),
    _refers("submission_id", "submission.id", null=True),
    # accepted_late: within the time allowed for late ones; late: after it, so not evaluated
    _one_of("state", "accepted", "accepted_late", "late", "returned", "missing", "exempt"),
    UniqueConstraint("snapshot_id", "unit"),
)

snapshot_value = _fact(
    "snapshot_value",
    _refers("snapshot_id", "snapshot.id"),
    _text("unit"),
    _text("field"),
    Column("value", Numeric, nullable=True),
    _text("text_value", null=True),
    _refers("submitted_value_id", "submitted_value.id"),
    UniqueConstraint("snapshot_id", "unit", "field"),
)

# What became of every score that was asked for; the scored ones stand in the Parquet file too.
snapshot_rating = _fact(
    "snapshot_rating",
    _refers("snapshot_id", "snapshot.id"),
    _refers("panel_id", "panel.id"),
    _text("unit"),
    _text("indicator"),
    _text("expert"),
    _text("rater"),  # what the results call the expert
    Column("last_round", Integer, nullable=False),  # in which the body and indicator were asked about
    _text("state"),
    _text("reason"),
    _refers("score_id", "expert_score.id", null=True),
    _one_of("state", "scored", "abstained", "recused", "missing"),
    CheckConstraint("(state = 'scored') = (score_id IS NOT NULL)", name="scored"),
    UniqueConstraint("snapshot_id", "unit", "indicator", "expert"),
)

# The attachments that a frozen body's workbook lists, each with the file that then stood for it (null: none).
snapshot_attachment = _fact(
    "snapshot_attachment",
    _refers("snapshot_id", "snapshot.id"),
    _text("unit"),
    _refers("listed_attachment_id", "listed_attachment.id"),
    _refers("attachment_id", "attachment.id", null=True),
    UniqueConstraint("snapshot_id", "listed_attachment_id"),
)

# --- quality ----------------------------------------------------------------------------------------------

# One run of a suite over a snapshot, whatever it found.
quality_check = _fact(
    "quality_check",
    _refers("snapshot_id", "snapshot.id"),
    _text("suite"),
    _text("suite_sha256"),
    Column("passed", Boolean, nullable=False),
    Index("ix_quality_check_snapshot_id", "snapshot_id"),
)

# ``unit`` is a body, or * for every body and the data as a whole; the newest row of a unit and rule counts.
waiver = _fact(
    "waiver",
    _text("programme"),
    _text("period"),
    _text("unit"),
    _text("rule"),
    _text("granted_by"),
    _text("reason"),
    Column("until", Date, nullable=False),
)

finding = _fact(
    "finding",
    _refers("check_id", "quality_check.id"),
    _text("rule"),
    _text("severity"),
    _text("basis"),
    _text("unit", null=True),
    _text("field", null=True),
    _text("message"),
    _text("found", null=True),
    _text("sheet", null=True),
    _text("cell", null=True),
    _refers("submission_id", "submission.id", null=True),
    _refers("waiver_id", "waiver.id", null=True),
    _one_of("severity", "critical", "warning", "info"),
    Index("ix_finding_check_id", "check_id"),
)

# --- evaluation -------------------------------------------------------------------------------------------

result_set = _fact(
    "result_set",
    _refers("snapshot_id", "snapshot.id"),
    _text("programme"),
    _text("period"),
    _text("mode"),
    _text("fingerprint"),
    _text("rule_sha256"),
    _text("engine_version"),
    _text("scores_sha256"),  # Parquet of the explanation rows
    UniqueConstraint("programme", "period", "mode", "fingerprint"),
    _one_of("mode", *MODES),
)

result = _fact(
    "result",
    _refers("result_set_id", "result_set.id"),
    _text("unit"),
    _text("group"),
    Column("total", Numeric, nullable=True),
    Column("rank", Integer, nullable=True),
    Column("group_rank", Integer, nullable=True),
    _text("grade", null=True),
    Column("passed", Boolean, nullable=True, comment="null: not evaluated, neither pass nor fail"),
    Column("reasons", JSONB, nullable=False),  # vetoes, quota edges, exclusions, in Chinese with their basis
    UniqueConstraint("result_set_id", "unit"),
)

score = _fact(
    "score",
    _refers("result_set_id", "result_set.id"),
    _text("unit"),
    _text("node"),  # indicator, dimension or total
    _text("parent", null=True),
    Column("value", Numeric, nullable=True),  # what went in, after denominators
    Column("normalised", Numeric, nullable=True),
    Column("weight", Numeric, nullable=True),
    Column("contribution", Numeric, nullable=True),
    Column("detail", JSONB, nullable=False),
    UniqueConstraint("result_set_id", "unit", "node"),
)

# What a result would mean for a title; nothing happens before approval.
proposed_outcome = _fact(
    "proposed_outcome",
    _refers("result_set_id", "result_set.id"),
    _text("unit"),
    _text("outcome"),
    _text("basis"),
    _text("explanation"),
    Column("evidence", JSONB, nullable=False),  # the results that led to it
    UniqueConstraint("result_set_id", "unit", "outcome"),
)

# --- published before ---------------------------------------------------------------------------------------

# A year's results as somebody published them before this system: one row per import of a filled-in workbook.
# A later one of the same year supersedes the earlier one, whole; the newest counts.
published_source = _fact(
    "published_source",
    _text("programme"),
    _text("period"),
    _text("document_number"),
    Column("published_on", Date, nullable=False),
    _text("publisher"),
    _text("found_at"),
    _text("rule_version", null=True),  # as the published document names it; null: it does not
    _text("filename"),
    _text("sha256"),
    _text("imported_by"),
    _text("reason", null=True),  # why it supersedes
    _refers("supersedes", "published_source.id", null=True),
    UniqueConstraint("supersedes"),
    CheckConstraint("(supersedes IS NULL) = (reason IS NULL)", name="reason"),
    Index("ix_published_source_programme_period", "programme", "period"),
)

published_result = _fact(
    "published_result",
    _refers("source_id", "published_source.id"),
    _text("unit"),
    _text("published_name"),
    Column("total", Numeric, nullable=True),
    Column("rank", Integer, nullable=True),
    _text("grade", null=True),
    Column("passed", Boolean, nullable=True, comment="null: not evaluated, neither pass nor fail"),
    UniqueConstraint("source_id", "unit"),
)

# The change record: a row for every value that an import brought, changed or took back, with its cell.
published_value = _fact(
    "published_value",
    _refers("source_id", "published_source.id"),
    _text("unit"),
    _text("aspect"),
    _text("code"),  # of the indicator; empty for a result
    _text("change"),
    Column("value", Numeric, nullable=True),
    _text("text_value", null=True),
    _text("raw"),
    _text("sheet"),
    _text("cell"),
    Column("transforms", JSONB, nullable=False),
    _refers("supersedes", "published_value.id", null=True),
    _one_of("aspect", "total", "rank", "grade", "passed", "value", "score"),
    _one_of("change", "imported", "changed", "removed"),
    CheckConstraint("(change = 'imported') = (supersedes IS NULL)", name="supersedes"),
    UniqueConstraint("source_id", "unit", "aspect", "code"),
    UniqueConstraint("supersedes"),
)

# --- decisions --------------------------------------------------------------------------------------------

# People of the office and what they may decide; the newest row of a login counts.
officer = _fact(
    "officer",
    _text("login"),
    _text("name"),
    Column("roles", ARRAY(Text), nullable=False),
    _text("organisation_code", null=True),
    Column("active", Boolean, nullable=False),
)

review_round = _fact(
    "review_round",
    _text("programme"),
    _text("period"),
    Column("number", Integer, nullable=False),
    # null: the round is about a case (case_round), not about results
    _refers("result_set_id", "result_set.id", null=True),
    _text("fingerprint"),  # of exactly what is put before the reviewers
    _text("rating_list_sha256"),  # the paper that was put before them
    _text("rule_sha256"),
    UniqueConstraint("programme", "period", "number"),
    UniqueConstraint("programme", "period", "fingerprint"),
    UniqueConstraint("id", "fingerprint"),  # what decisions and issues are bound to
)

# The pages of charts that go to the reviewers with a rating list, which names their hash.
rating_chart = _fact(
    "rating_chart",
    _refers("result_set_id", "result_set.id"),
    _text("rating_list_sha256"),
    _text("charts_sha256"),
    UniqueConstraint("result_set_id", "rating_list_sha256"),
)

# A round that corrects what was issued: what it corrects, the sheet that compares both, why, and who asked.
correction = _fact(
    "correction",
    _refers("round_id", "review_round.id"),
    _refers("corrects_round_id", "review_round.id"),
    _text("comparison_sha256"),
    _text("opened_by"),
    _text("reason"),
    UniqueConstraint("round_id"),
)

# The bodies whose published result a correction changes; of the others what was issued before stands.
correction_unit = _fact(
    "correction_unit",
    _refers("correction_id", "correction.id"),
    _text("unit"),
    UniqueConstraint("correction_id", "unit"),
)

review_mark = _fact(
    "review_mark",
    _refers("round_id", "review_round.id"),
    _text("unit"),
    _text("mark"),
    _text("comment"),
    _text("actor"),
    _text("entry"),
    _text("file_sha256", null=True),
    _one_of("mark", "agree", "question"),
    _one_of("entry", "airflow", "workbook", "console", "cli"),
    UniqueConstraint("round_id", "unit", "actor", "file_sha256"),
)

decision = _fact(
    "decision",
    _refers("round_id", "review_round.id"),
    _text("step"),
    _text("answer"),
    _text("actor"),
    _text("comment"),
    _text("fingerprint"),
    _text("entry"),
    _text("file_sha256", null=True),
    Column("answered_at", DateTime(timezone=True), nullable=False),
    _one_of("answer", "approve", "return", "reject"),
    _one_of("entry", "airflow", "workbook", "console", "cli"),
    UniqueConstraint("round_id", "actor"),  # one person never fills two steps, nor two places of one
    _bound_to_round(),
)

# An answer that did not count, and why: wrong role, same person twice, other fingerprint.
refused_decision = _fact(
    "refused_decision",
    _refers("round_id", "review_round.id"),
    _text("step"),
    _text("answer"),
    _text("actor"),
    _text("comment"),
    _text("fingerprint"),
    _text("entry"),
    _text("file_sha256", null=True),
    Column("answered_at", DateTime(timezone=True), nullable=False),
    _text("reason"),
    UniqueConstraint("round_id", "step", "answer", "actor", "answered_at"),  # one answer is refused once
)

# A rule file that is to govern live periods. ``initial``: it lay there when the database was made.
policy_change = _fact(
    "policy_change",
    _text("origin"),
    _text("programme"),
    _text("version"),
    Column("effective", Date, nullable=False),
    _text("sha256"),
    _text("replaces_sha256", null=True),  # the approved rules that governed its first day until then
    _text("fingerprint"),  # of both hashes
    _text("proposed_by"),
    _text("note"),
    _one_of("origin", "initial", "proposed"),
    UniqueConstraint("id", "fingerprint"),  # what an answer is bound to
    Index("ix_policy_change_programme_version", "programme", "version"),
)

policy_approval = _fact(
    "policy_approval",
    _refers("change_id", "policy_change.id"),
    _text("fingerprint"),
    _text("answer"),
    _text("actor"),
    _text("comment"),
    _one_of("answer", "approve", "reject"),
    UniqueConstraint("change_id"),  # one answer ends a proposal
    ForeignKeyConstraint(["change_id", "fingerprint"], ["policy_change.id", "policy_change.fingerprint"]),
)

# A proposal or an answer that did not count, and why.
refused_policy_act = _fact(
    "refused_policy_act",
    _text("act"),
    _text("programme"),
    _text("version"),
    _text("digest"),  # SHA-256 of the file that was proposed or answered
    _text("actor"),
    _text("comment"),
    _text("reason"),
    _one_of("act", "propose", "approve", "reject"),
)

# --- follow-up --------------------------------------------------------------------------------------------

# Something that happened and opens a duty: a major matter, a finding of a forbidden branch, a public notice.
occurrence = _fact(
    "occurrence",
    _text("programme"),
    _text("party"),  # a body's code, a province's code, or "office"
    _text("kind"),
    _text("subject"),  # tells two of the same kind and party apart
    Column("occurred_on", Date, nullable=False),
    # the day on which whoever owes the duty told of it; null: it became known otherwise, a report is due
    Column("reported_on", Date, nullable=True),
    _text("reported_by"),
    _text("note"),
    _text("evidence_sha256", null=True),
    UniqueConstraint("programme", "party", "kind", "subject"),
)

# Who owes what to whom. The rule that governs it to its end lies in the object store under ``rule_sha256``.
obligation = _fact(
    "obligation",
    _text("key"),  # programme/duty/party/subject: opened once, whoever looks when
    _text("duty"),
    _text("programme"),
    _text("period", null=True),
    _text("unit", null=True),  # the body concerned; null: a province's or the office's own
    _text("owed_by"),
    _text("owed_to"),
    Column("opened_on", Date, nullable=False),
    _text("cause"),  # table:id of the fact that opened it, or the day of the rule
    _text("rule_sha256"),
    _refers("part_of_id", "obligation.id", null=True),
    UniqueConstraint("key"),
    Index("ix_obligation_programme_unit", "programme", "unit"),
)

# The due day as first reckoned and every later one, each with why; the newest counts.
obligation_due = _fact(
    "obligation_due",
    _refers("obligation_id", "obligation.id"),
    Column("due_on", Date, nullable=False),
    Column("provisional", Boolean, nullable=False),
    _text("calendar_version"),
    _text("reason"),
    Column("set_on", Date, nullable=False),
    _one_of("reason", "opened", "calendar", "extension"),
    UniqueConstraint("obligation_id", "set_on", "reason"),
)

# What the daily advance did, once each: a day's events rest on what was known when the day began.
obligation_event = _fact(
    "obligation_event",
    _refers("obligation_id", "obligation.id"),
    Column("day", Date, nullable=False),
    _text("event"),
    _text("step"),  # of the ladder, or what tells two events of the same name apart
    Column("detail", JSONB, nullable=False),
    _one_of("event", "opened", "due_set", "reminded", "overdue", "escalated", "met", "lapsed", "withdrawn"),
    UniqueConstraint("obligation_id", "event", "step"),
)

# What came in for an obligation.
obligation_report = _fact(
    "obligation_report",
    _refers("obligation_id", "obligation.id"),
    Column("received_on", Date, nullable=False),
    _text("reported_by"),
    _text("note"),
    _text("evidence_sha256", null=True),
    UniqueConstraint("obligation_id", "received_on", "reported_by", "note"),
)

# The acceptance that alone can end a rectification: met, or failed for good. The first one counts.
obligation_judgement = _fact(
    "obligation_judgement",
    _refers("obligation_id", "obligation.id"),
    Column("judged_on", Date, nullable=False),
    _text("outcome"),
    _text("judged_by"),
    _text("note"),
    _one_of("outcome", "met", "failed"),
    UniqueConstraint("obligation_id"),
)

# More time, by a recorded decision.
obligation_extension = _fact(
    "obligation_extension",
    _refers("obligation_id", "obligation.id"),
    Column("until", Date, nullable=False),
    _text("granted_by"),
    _text("reason"),
    UniqueConstraint("obligation_id", "until", "granted_by"),
)

# The calendars that due days were reckoned with: the bytes of policies/calendars/ and the package's version.
calendar_edition = _fact(
    "calendar_edition",
    _text("version"),
    _text("content_sha256"),
    UniqueConstraint("version"),
)

# --- cases --------------------------------------------------------------------------------------------------

# An obligation with a record of its own: a rectification. The rules that govern it to its end lie in the
# object store: those of its cases, and the programme's (issuer, chain of approval).
rectification_case = _fact(
    "rectification_case",
    _refers("obligation_id", "obligation.id"),
    _text("case_rules_sha256"),
    _text("rule_sha256"),
    _refers("round_id", "review_round.id", null=True),  # whose issued result its problems come from
    UniqueConstraint("obligation_id"),
)

# What is to be put right: a finding of the evaluation with its cells, or what a person entered.
case_problem = _fact(
    "case_problem",
    _refers("obligation_id", "obligation.id"),
    Column("number", Integer, nullable=False),
    _text("kind"),
    _text("code"),  # of the indicator or the quality rule; empty: none
    _text("name"),
    _text("found"),  # the figure and what is wrong with it, in Chinese
    _text("basis"),
    Column("sources", JSONB, nullable=False),  # file, its SHA-256, sheet, cell, as it was filled in
    _refers("submission_id", "submission.id", null=True),
    _text("entered_by", null=True),  # null: from the evaluation
    _one_of(
        "kind", "not_submitted", "veto", "deduction", "missing", "indicator", "quality", "waiver", "entered"
    ),
    UniqueConstraint("obligation_id", "number"),
)

# What happened in a case, in order; where it stands is what these rows come to.
case_event = _fact(
    "case_event",
    _refers("obligation_id", "obligation.id"),
    Column("sequence", Integer, nullable=False),
    _text("event"),
    Column("day", Date, nullable=False),
    _text("actor"),
    _text("note"),
    Column("detail", JSONB, nullable=False),
    UniqueConstraint("obligation_id", "sequence"),
)

# A file that a body sent in a case: kept, or refused and why.
case_evidence = _fact(
    "case_evidence",
    _refers("obligation_id", "obligation.id"),
    _refers("event_id", "case_event.id", null=True),  # null: refused
    _text("filename"),
    _text("media_type", null=True),
    Column("bytes", BigInteger, nullable=False),
    Column("problems", ARRAY(Integer), nullable=False),  # the numbers that it proves; empty: all
    _text("outcome"),
    _text("reason", null=True),
    _text("digest"),  # SHA-256 of what came
    _text("sha256", null=True),  # of what is kept; null: in quarantine
    _text("scan"),
    _text("scanned_by", null=True),
    _text("scan_detail", null=True),
    _one_of("outcome", "kept", "refused"),
    _one_of("scan", "clean", "infected", "not_scanned"),
    CheckConstraint(
        "(outcome = 'kept') = (event_id IS NOT NULL AND sha256 IS NOT NULL AND reason IS NULL)", name="kept"
    ),
    CheckConstraint("outcome <> 'kept' OR scan <> 'infected'", name="clean"),
    UniqueConstraint("obligation_id", "filename", "digest"),
)

# A round about a case: what it proposes to make of it, and who asked.
case_round = _fact(
    "case_round",
    _refers("round_id", "review_round.id"),
    _refers("obligation_id", "obligation.id"),
    _text("outcome"),
    _text("opened_by"),
    _text("reason"),
    UniqueConstraint("round_id"),
)

# A round about a document that takes back or corrects an earlier one.
paper_round = _fact(
    "paper_round",
    _refers("round_id", "review_round.id"),
    _text("kind"),  # of policies/papers.yaml
    _text("subject_sha256"),  # what it is about, as canonical JSON
    _refers("earlier_id", "document.id"),
    _text("opened_by"),
    _text("reason"),
    UniqueConstraint("round_id"),
)

# What became of an event of an obligation for each who was to hear of it: a document, or why none was made.
obligation_paper = _fact(
    "obligation_paper",
    _refers("event_id", "obligation_event.id"),
    _text("recipient"),
    _text("kind"),
    Column("written_on", Date, nullable=False),
    Column("document_id", BigInteger, ForeignKey("document.id"), nullable=True),
    _text("reason", null=True),
    CheckConstraint("(document_id IS NULL) = (reason IS NOT NULL)", name="document_or_reason"),
    UniqueConstraint("event_id", "recipient"),
)

# --- documents --------------------------------------------------------------------------------------------

document_number = _fact(
    "document_number",
    _text("series"),
    Column("year", Integer, nullable=False),
    Column("serial", Integer, nullable=False),
    _text("reserved_for", null=False),
    UniqueConstraint("series", "year", "serial"),
    UniqueConstraint("reserved_for"),
)

# Of a series that an office keeps in a register of its own: what waits for a number, and who entered which.
awaited_number = _fact(
    "awaited_number",
    _text("reserved_for"),
    _text("series"),
    _text("subject"),  # title and recipient, as the office's register asks for them
    Column("asked_on", Date, nullable=False),
    UniqueConstraint("reserved_for"),
)

entered_number = _fact(
    "entered_number",
    _refers("number_id", "document_number.id"),
    _text("entered_by"),
    UniqueConstraint("number_id"),
)

# The templates that stood when a round was approved: its documents are made with these, whenever they are.
round_templates = _fact(
    "round_templates",
    _refers("round_id", "review_round.id"),
    _text("templates_sha256"),
    UniqueConstraint("round_id"),
)

document = _fact(
    "document",
    _text("key"),  # what it is for: one document per key
    _text("kind"),
    _text("programme"),
    _text("period"),
    _text("unit", null=True),
    _text("recipient"),
    _text("title"),
    _refers("number_id", "document_number.id", null=True),
    _text("number", null=True),
    Column("issued_on", Date, nullable=False),
    _text("seal_code", null=True),
    _refers("round_id", "review_round.id", null=True),
    _text("data_sha256"),  # canonical JSON of the document model
    _text("template_sha256"),
    _text("layout_sha256", null=True),  # the layouts, and what they printed of the model; null: not yet kept
    _text("printed_sha256", null=True),
    _text("renderer"),  # versions and font hashes that made the bytes
    _refers("corrects", "document.id", null=True),
    _refers("withdraws", "document.id", null=True),
    UniqueConstraint("key"),
)

document_file = _fact(
    "document_file",
    _refers("document_id", "document.id"),
    _text("format"),
    _text("filename"),
    _text("sha256"),
    UniqueConstraint("document_id", "format"),
    _one_of("format", "docx", "pdf", "html", "xlsx", "txt"),
)

dispatch = _fact(
    "dispatch",
    _refers("document_id", "document.id"),
    _text("recipient"),
    _text("channel"),
    _text("message_id"),
    UniqueConstraint("document_id", "recipient", "channel"),
    CheckConstraint("channel IN ('outbox', 'mail', 'folder', 'publication')", name="channel_known"),
)

# Written before a message leaves: where no attempt names it, nobody knows whether it arrived.
dispatch_begun = _fact(
    "dispatch_begun",
    _refers("dispatch_id", "dispatch.id"),
    Column("number", Integer, nullable=False),  # of the attempt that is to follow
    _text("target"),  # an address or place, without secrets
    UniqueConstraint("dispatch_id", "number"),  # two senders never let one leave at a time
)

dispatch_attempt = _fact(
    "dispatch_attempt",
    _refers("dispatch_id", "dispatch.id"),
    Column("succeeded", Boolean, nullable=False),
    _text("detail"),
)

# Of an attempt that failed: whether it is tried again by itself.
dispatch_failure = _fact(
    "dispatch_failure",
    _refers("attempt_id", "dispatch_attempt.id"),
    _text("kind"),
    UniqueConstraint("attempt_id"),
    # uncertain: it may have arrived; it is not sent again unless a person says so
    _one_of("kind", "temporary", "permanent", "uncertain"),
)

# What a person decided of a row that is not tried again by itself; it stands in the row's attempts as one.
dispatch_settlement = _fact(
    "dispatch_settlement",
    _refers("attempt_id", "dispatch_attempt.id"),
    _text("answer"),
    _text("settled_by"),
    _text("reason"),
    UniqueConstraint("attempt_id"),
    _one_of("answer", "again", "arrived", "given_up"),
)

# The address to which a recipient (a body's or a province's code) is written; the newest row valid on a day
# counts, and one without an address says that there is none any more.
contact = _fact(
    "contact",
    _text("recipient"),
    _text("name"),
    _text("address", null=True),
    Column("valid_from", Date, nullable=False),
    _text("source"),
    _text("entered_by"),
    Index("ix_contact_recipient", "recipient"),
)

# What took effect: the issue of an approved round, once.
issue = _fact(
    "issue",
    _refers("round_id", "review_round.id"),
    _text("fingerprint"),
    UniqueConstraint("round_id"),
    _bound_to_round(),
)
