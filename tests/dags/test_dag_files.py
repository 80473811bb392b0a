"""Every DAG file imports fast, says who, what and why in Chinese, and is wired as the procedure it runs."""

import subprocess
import sys
from pathlib import Path

import pytest

DAGS = Path(__file__).resolve().parents[2] / "dags"
HEAVY = {"pandas", "great_expectations", "duckdb", "typst", "docx", "xlsxwriter", "boto3", "pyarrow", "lxml"}
EXPECTED = {
    "cycle_calendar": ["list_due", "open_cycle", "list_audits", "send_audits"],
    "submission_intake": ["list_new", "receive", "send"],
    "platform_performance": [
        *("freeze", "check", "evaluate", "compare", "rating_list", "open_round", "start_approval"),
    ],
    "industry_centre_self_evaluation": [
        *("freeze", "check", "evaluate", "compare", "rating_list", "open_round", "start_approval"),
    ],
    "industry_centre": [
        *("freeze", "check", "evaluate", "compare", "rating_list", "open_round", "start_approval"),
    ],
    "industry_centre_recognition": [
        *("catch_up", "freeze", "check", "evaluate", "compare", "recognition_list", "open_round"),
        "start_approval",
    ],
    "center_publicity": ["propose_notices", "advance", "propose_recognitions"],
    "rectification_followup": ["advance", "open_cases", "write_papers", "check_runs", "send"],
    "period_followup": ["advance", "open_cases", "write_papers", "propose_papers", "send"],
    "nightly_seal": ["seal", "verify"],
    "operations_watch": ["watch"],
    "backup": ["create", "clean"],
    "approval_and_issue": ["present", "audit", "sign", "numbers", "issue", "send"],
    "present_rounds": ["list_open", "start_approval"],
    "dispatch": ["send"],
    "province_export": ["export", "send"],
    "correction": ["prepare", "start_approval"],
}


@pytest.fixture(scope="module")
def dags():
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(str(DAGS))
    assert not bag.import_errors
    return bag.dags


def test_every_dag_is_expected_and_the_other_way_round(dags):
    assert {i: [t.task_id for t in d.topological_sort()] for i, d in dags.items()} == EXPECTED


@pytest.mark.parametrize("dag_id", EXPECTED)
def test_airflow_can_store_it(dags, dag_id):
    from airflow.serialization.serialized_objects import DagSerialization

    assert DagSerialization.to_dict(dags[dag_id])["dag"]["dag_id"] == dag_id


@pytest.mark.parametrize("dag_id", EXPECTED)
def test_a_dag_tells_people_what_it_is(dags, dag_id):
    dag = dags[dag_id]
    assert any("\u4e00" <= c <= "\u9fff" for c in dag.dag_display_name)
    assert dag.doc_md
    assert dag.description
    assert dag.tags
    for task in dag.tasks:
        assert task.owner == "运行组", task.task_id
        assert any("\u4e00" <= c <= "\u9fff" for c in task.task_display_name), task.task_id


@pytest.mark.parametrize("dag_id", EXPECTED)
def test_every_task_is_retried(dags, dag_id):
    for task in dags[dag_id].tasks:
        assert task.retries >= 1, task.task_id


@pytest.mark.parametrize("dag_id", EXPECTED)
def test_every_task_but_a_persons_has_a_time_limit(dags, dag_id):
    from ipgov.wiring.approval_step import ApprovalStep

    for task in dags[dag_id].tasks:
        assert bool(task.execution_timeout) is not isinstance(task, ApprovalStep), task.task_id


@pytest.mark.parametrize("dag_id", EXPECTED)
def test_nothing_past_starts_by_itself(dags, dag_id):
    assert dags[dag_id].catchup is False


def test_only_peoples_answers_wait_and_none_defaults_to_approval(dags):
    from ipgov.wiring.approval_step import ApprovalStep

    asking = [t for d in dags.values() for t in d.tasks if isinstance(t, ApprovalStep)]
    assert [t.task_id for t in asking] == ["audit", "sign"]
    for task in asking:
        assert task.defaults is None
        assert task.execution_timeout is None


def test_parsing_and_plugin_import_nothing_heavy():
    code = (
        "import sys, runpy;"
        f"[runpy.run_path(str(p)) for p in __import__('pathlib').Path({str(DAGS)!r}).glob('*.py')];"
        "import importlib.util as u;"
        f"s = u.spec_from_file_location('p', {str(DAGS.parent / 'plugins' / 'governance_plugin.py')!r});"
        "s.loader.exec_module(u.module_from_spec(s));"
        "print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    )
    base = (
        "import sys; import airflow.sdk, airflow.timetables.base, airflow.providers.standard.operators.hitl;"
    )
    base += "import airflow.providers.standard.operators.trigger_dagrun, airflow.plugins_manager;"
    base += "print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    run = lambda c: set(  # noqa: E731
        subprocess.run([sys.executable, "-c", c], capture_output=True, text=True, check=True).stdout.split()
    )
    assert not (run(code) - run(base)) & HEAVY


def test_ds_is_used_nowhere():
    for file in DAGS.glob("*.py"):
        assert "{{ ds" not in file.read_text(encoding="utf-8"), file.name
