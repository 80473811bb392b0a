"""Running rules with Great Expectations on PostgreSQL; the library is imported at use, and kept quiet."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ipgov.core.errors import EnvironmentProblemError, GovernanceError
from ipgov.quality.session import Connect
from ipgov.quality.suite import Rule

# Not an address: every connection comes from our own creator. Its form satisfies the library's check.
_NO_ADDRESS = "postgresql+psycopg://ipgov@localhost/ipgov"
PASSED_OR_NOT = {"result_format": "BOOLEAN_ONLY"}
INDEX_QUERIES = {
    "result_format": "COMPLETE",
    "unexpected_index_column_names": ["row_key"],
    "partial_unexpected_count": 0,
    "include_unexpected_rows": False,
}


@dataclass(frozen=True)
class Answer:
    """What Great Expectations answered of a rule; ``result`` is empty under PASSED_OR_NOT."""

    passed: bool
    result: Mapping[str, Any]


def _great_expectations() -> Any:
    """Import the library without its analytics, progress bars and hundreds of log lines."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    os.environ.setdefault("TQDM_DISABLE", "1")
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    import great_expectations

    # the library sets this one back to INFO by itself
    logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.WARNING)

    return great_expectations


def run(rules: Iterable[Rule], connect: Connect, result_format: Mapping[str, Any]) -> dict[str, Answer]:
    """Run rules as one checkpoint and return the answer to each, by rule id.

    Raises GovernanceError for an expectation that the library does not accept, and EnvironmentProblemError
    where it could not answer: an expectation that raised inside neither passed nor failed.
    """
    gx = _great_expectations()
    by_id = {r.rule: r for r in rules}
    if not by_id:
        return {}
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    source = context.data_sources.add_postgres(
        "ipgov", connection_string=_NO_ADDRESS, create_temp_table=False, kwargs={"creator": connect}
    )
    definitions = []
    for view in dict.fromkeys(r.view for r in by_id.values()):
        batch = source.add_table_asset(view, table_name=view).add_batch_definition_whole_table("snapshot")
        suite = context.suites.add(_suite(gx, view, [r for r in by_id.values() if r.view == view]))
        definitions.append(
            context.validation_definitions.add(gx.ValidationDefinition(name=view, data=batch, suite=suite))
        )
    checkpoint = context.checkpoints.add(
        gx.Checkpoint(name="gate", validation_definitions=definitions, result_format=dict(result_format))
    )
    answers: dict[str, Answer] = {}
    for validation in checkpoint.run().run_results.values():
        for result in validation.results:
            rule = result.expectation_config.meta["rule"]
            _refuse_exceptions(rule, result.exception_info)
            answers[rule] = Answer(result.success, result.result or {})
    if missing := by_id.keys() - answers.keys():
        raise EnvironmentProblemError(f"数据质量规则 {'、'.join(sorted(missing))} 没有得到检查结果")
    return answers


def _suite(gx: Any, view: str, rules: list[Rule]) -> Any:
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    suite = gx.ExpectationSuite(name=view)
    for rule in rules:
        try:
            expectation = ExpectationConfiguration(**rule.configuration()).to_domain_obj()
        except Exception as error:  # of many kinds, for a type or an argument that the library does not know
            raise GovernanceError(f"数据质量规则 {rule.rule} 无法使用（{rule.type}）：{error}") from error
        suite.add_expectation(expectation)
    return suite


def _refuse_exceptions(rule: str, info: Mapping[str, Any] | None) -> None:
    """``info`` is one record, or one per metric."""
    records = [info, *info.values()] if info else []
    for record in records:
        if isinstance(record, Mapping) and record.get("raised_exception"):
            raise EnvironmentProblemError(f"数据质量规则 {rule} 无法检查：{record.get('exception_message')}")
