"""Which runs of the yearly evaluation Airflow gives a deadline, by its own way of making runs; prints JSON.

A program of its own, like in_process.py. Called by test_runs_in_process.py.
"""

from __future__ import annotations

import json
import warnings

warnings.simplefilter("ignore")

import pendulum  # noqa: E402
from airflow.dag_processing.bundles.manager import DagBundlesManager  # noqa: E402
from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db  # noqa: E402
from airflow.models.deadline import Deadline  # noqa: E402
from airflow.models.serialized_dag import SerializedDagModel  # noqa: E402
from airflow.utils.session import create_session  # noqa: E402
from airflow.utils.state import DagRunState  # noqa: E402
from airflow.utils.types import DagRunTriggeredByType, DagRunType  # noqa: E402
from ipgov.core.settings import settings  # noqa: E402
from sqlalchemy import select  # noqa: E402

DAG_ID, YEAR, TIMEZONE = "platform_performance", 2030, "Asia/Shanghai"


def main() -> None:
    bag = DagBag(str(settings().root / "dags" / f"{DAG_ID}.py"))
    came: dict[str, list[str]] = {}
    with create_session() as session:
        DagBundlesManager().sync_bundles_to_db(session=session)
        sync_bag_to_db(bag, "dags-folder", None, session=session)
        dag = SerializedDagModel.get_dag(DAG_ID, session=session)
        for run_type in (DagRunType.SCHEDULED, DagRunType.BACKFILL_JOB):
            year = YEAR + len(came)
            begin = pendulum.datetime(year, 1, 1, tz=TIMEZONE)
            run = dag.create_dagrun(
                run_id=f"{run_type.value}__{year}",
                logical_date=begin,
                data_interval=(begin, begin.add(years=1)),
                run_after=pendulum.datetime(year + 1, 4, 10, 9, tz=TIMEZONE),
                run_type=run_type,
                triggered_by=DagRunTriggeredByType.TEST,
                state=DagRunState.QUEUED,
                session=session,
            )
            session.flush()
            rows = session.scalars(select(Deadline).where(Deadline.dagrun_id == run.id)).all()
            came[run_type.value] = [
                pendulum.instance(d.deadline_time).in_timezone(TIMEZONE).isoformat() for d in rows
            ]
        session.rollback()
    print(json.dumps(came))


if __name__ == "__main__":
    main()
