# ipgov on one machine: Python 3.11 and make are all it needs.
#   make demo [WAIT=0] [PORT=8080] [STATE=folder]     make test     make test-distributed     make lint
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo test test-distributed lint bench fuzz faults clauses lifecycles manual lock clean

# Set, it would keep Python from storing compiled modules: every start of Airflow would take three times as long.
unexport PYTHONDONTWRITEBYTECODE

PORT ?= 8080
STATE ?= $(CURDIR)/.state
WAIT ?= 1
BIN := .venv/bin
READY := .venv/.ready

help:
	@sed -n '1,2p' Makefile
	@echo '#   make bench   make fuzz   make faults   make clauses   make lifecycles   make manual   make lock   make clean'

# The exact versions of requirements.lock, as wheels, each checked against its hash.
# --no-deps: the lock is whole, and pip would look for newer ones of what it names with an extra.
$(READY): requirements.lock pyproject.toml
	@python=; for each in python3.11 python3; do \
	  if "$$each" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then python=$$each; break; fi; \
	done; \
	if [[ -z $$python ]]; then \
	  echo '需要 Python 3.11:python3.11 与 python3 都不是 / Python 3.11 is needed, found neither as python3.11 nor as python3' >&2; \
	  exit 2; \
	fi; \
	if [[ ! -x $(BIN)/python ]]; then \
	  echo "正在用 $$("$$python" --version) 建立 .venv,首次约一至两分钟…"; "$$python" -m venv .venv; \
	fi
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

demo: $(READY)
	@$(BIN)/python -m ipgov.launcher.demo --state '$(STATE)' --port $(PORT) $(if $(filter 0 no false,$(WAIT)),--no-wait)

# Two processes: the tests that start a whole Airflow in one, the others in the other and in what is left.
PROCESSES ?= 2
test: $(READY)
	$(BIN)/python -m pytest -n $(PROCESSES) --no-loadscope-reorder $(ARGS)

# The processes of docker-compose.yml on this machine, with Redis, an S3 service, two workers; needs redis-server.
test-distributed: $(READY)
	@command -v redis-server >/dev/null || { \
	  echo '需要 redis-server(apt-get install --no-install-recommends redis-server)/ redis-server is needed' >&2; exit 2; }
	$(BIN)/python -m pytest -m distributed tests/distributed $(ARGS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Polars is what the evaluation engine is measured against; nothing else needs it.
bench: $(READY)
	@$(BIN)/python -c 'import polars' 2>/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  --no-build-isolation --only-binary polars -e '.[bench]'
	@shopt -s nullglob; for file in benchmarks/bench_*.py; do echo "== $$file"; $(BIN)/python "$$file"; done

# Damaged workbooks, many more than the tests try: make fuzz CASES=1000000 FROM=3000
CASES ?= 100000
FROM ?= 3000
fuzz: $(READY)
	PYTHONPATH=tests/intake $(BIN)/python tests/intake/fuzzing.py $(FROM) $$(( $(FROM) + $(CASES) ))

# Processes killed at every step boundary and at random instants (docs/faults.md): make faults COUNT=50 SEED=7
# BOUNDARIES=every|kinds|none INSTANTS=200; hours with every boundary, COUNT=50 alone half an hour.
COUNT ?= 50
SEED ?= $(shell date +%s)
BOUNDARIES ?= every
INSTANTS ?= 200
faults: $(READY)
	$(BIN)/python tests/faults/campaign.py --count $(COUNT) --seed $(SEED) --boundaries $(BOUNDARIES) --instants $(INSTANTS)

# Which published requirements are proved by which tests: runs the tests, then writes the table.
clauses: $(READY)
	PYTHONPATH=tests $(BIN)/python -m pytest -m clause -p clause_table --clauses docs/clauses.md

# The lives of titles as docs/lifecycles.md and its pictures, drawn from policies/lifecycles/.
lifecycles: $(READY)
	$(BIN)/python -m ipgov.policy.lifecycle_page docs

# The commands, the days of a year and the diagram of rooms, as the documents show them.
manual: $(READY)
	$(BIN)/python docs/make.py

# Takes the newest versions that pyproject.toml allows; the image gets the same without the tools of development.
COMPILE = $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
  --no-emit-index-url --no-emit-find-links
lock: $(READY)
	UV_CUSTOM_COMPILE_COMMAND='make lock' $(COMPILE) --upgrade --extra dev -o requirements.lock pyproject.toml
	UV_CUSTOM_COMPILE_COMMAND='make lock' $(COMPILE) --upgrade --constraint requirements.lock --no-annotate \
	  -o requirements-image.lock pyproject.toml

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis reports/out
	find . -name __pycache__ -type d -not -path './.state/*' -prune -exec rm -rf {} +
