"""What the tasks of one machine share: imported before their process is forked, and nothing but code."""

from __future__ import annotations

import json
import subprocess
import sys

PROGRAM = """
import functools, importlib, json, sys, threading, warnings
warnings.simplefilter("ignore")
from ipgov.launcher.executor import SHARED
for name in SHARED:
    importlib.import_module(name)
filled = [
    f"{name}.{key}"
    for name, module in list(sys.modules.items()) if name.startswith("ipgov.")
    for key, value in vars(module).items()
    if isinstance(value, functools._lru_cache_wrapper) and value.__module__.startswith("ipgov.")
    and value.cache_info().currsize
]
heavy = {"pandas", "great_expectations", "typst", "docx", "xlsxwriter", "boto3"} & set(sys.modules)
print(json.dumps([sorted(set(filled)), sorted(heavy), threading.active_count()]))
"""


def test_what_tasks_share_holds_no_state() -> None:
    """A fork of a thread's lock, of a connection or of rules read long ago would be every task's."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [[], [], 1]
