"""The executor of one machine: Airflow's own, ending with the first worker that it loses."""

from __future__ import annotations

import importlib
import os

from airflow.executors.local_executor import LocalExecutor

LOST = 70  # exit code
# What nearly every task imports, a good half second each time; no thread, no connection comes of it. Great
# Expectations, which one task of a year needs, is not among them: 160 MB.
SHARED = (
    "ipgov.wiring.evaluation_tasks",
    "ipgov.procedures.evaluation_cycle",
    "ipgov.procedures.follow_up_papers",
    "ipgov.procedures.submission_intake",
    "ipgov.procedures.approval",
)


class SupervisedLocalExecutor(LocalExecutor):
    """Starts tasks fast, and ends the scheduler where one of its workers was killed.

    A worker is a fork of the scheduler and a task one of its worker: what is imported before is there. So a
    task takes the code with which the scheduler was started.

    The supervisor starts an ended scheduler anew. A worker that is killed while it waits keeps the lock of
    the queue from which all of them take their tasks: no task would ever start again, and Airflow only forks
    another that waits for the same lock. One that is killed at work leaves a task that nobody watches.
    """

    def start(self) -> None:
        """Start the workers, with what their tasks share already imported."""
        for name in SHARED:
            try:
                importlib.import_module(name)
            except Exception:  # told by the tasks that need it
                self.log.exception("Not imported beforehand", module=name)
        super().start()

    def _check_workers(self) -> None:
        lost = [pid for pid, worker in self.workers.items() if not worker.is_alive()]
        if lost:
            self.log.error("Worker lost, ending for a new start", pids=lost)
            os._exit(LOST)  # an orderly end would wait for the queue
        super()._check_workers()
