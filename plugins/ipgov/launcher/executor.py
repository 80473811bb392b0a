"""The executor of one machine: Airflow's own, ending with the first worker that it loses."""

from __future__ import annotations

import os

from airflow.executors.local_executor import LocalExecutor

LOST = 70  # exit code


class SupervisedLocalExecutor(LocalExecutor):
    """Ends the scheduler where one of its workers was killed; the supervisor starts both anew.

    A worker that is killed while it waits keeps the lock of the queue from which all of them take their
    tasks: no task would ever start again, and Airflow only forks another that waits for the same lock. One
    that is killed at work leaves a task that nobody watches.
    """

    def _check_workers(self) -> None:
        lost = [pid for pid, worker in self.workers.items() if not worker.is_alive()]
        if lost:
            self.log.error("Worker lost, ending for a new start", pids=lost)
            os._exit(LOST)  # an orderly end would wait for the queue
        super()._check_workers()
