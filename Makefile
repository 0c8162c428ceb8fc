# make reproduce   reproduce the failure and check every fix
# make test        run the tests
# The virtual environment is made by the first of them, and again when pyproject.toml changes.
# For a lock instead of the newest versions in range: make test CONSTRAINTS=constraints.txt

VENV   := .venv
PYTHON := $(VENV)/bin/python
PIP    := $(PYTHON) -m pip --disable-pip-version-check
CONSTRAINTS :=
ARGS   :=

.DEFAULT_GOAL := help
.PHONY: help reproduce matrix load test lint constraints clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

reproduce: $(VENV)/run.stamp  ## reproduce the failure and check every fix (options: ARGS="--cold")
	@$(PYTHON) -m harness reproduce $(ARGS)

matrix: $(VENV)/run.stamp  ## every scenario on every topology (options: ARGS="-t sticky")
	@$(PYTHON) -m harness matrix $(ARGS)

load: $(VENV)/run.stamp  ## topologies under load, side by side (options: ARGS="single s3 --users 20")
	@$(PYTHON) -m harness load $(or $(ARGS),single baseline sticky s3-redis)

test: $(VENV)/dev.stamp  ## run the tests in parallel (options: ARGS="-k nginx")
	@$(PYTHON) -m pytest -n auto $(ARGS)

lint: $(VENV)/dev.stamp  ## ruff, its formatter, mypy
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m mypy

.PHONY: docker

docker: $(VENV)/dev.stamp  ## the same in containers: build the images, check every fix (options: ARGS="-n 4")
	@$(PYTHON) -m harness reproduce --runtime docker $(ARGS)

.PHONY: killed repeated together stressed endurance

killed: $(VENV)/dev.stamp  ## kill runs at random moments: nothing is left (options: ARGS="--times 5")
	@$(PYTHON) -m tests.endurance killed $(ARGS)

repeated: $(VENV)/dev.stamp  ## runs in a row: the same verdicts (options: ARGS="--times 5")
	@$(PYTHON) -m tests.endurance repeated $(ARGS)

together: $(VENV)/dev.stamp  ## runs at the same time: the same verdicts (options: ARGS="--number 2")
	@$(PYTHON) -m tests.endurance together $(ARGS)

stressed: $(VENV)/dev.stamp  ## a run on a busy machine: the same verdicts (options: ARGS="--burners 8")
	@$(PYTHON) -m tests.endurance stressed $(ARGS)

endurance: $(VENV)/dev.stamp  ## these four, one after another (options: ARGS="--times 5")
	@failed=0; for what in killed repeated together stressed; do \
	  $(PYTHON) -m tests.endurance $$what $(ARGS) || failed=1; \
	done; exit $$failed

constraints: $(VENV)/dev.stamp  ## lock what is installed here, for CI
	@$(PIP) freeze --exclude-editable | sort -f > constraints.txt

clean:  ## remove the virtual environment, results, caches, and what is ours on the Docker engine
	@if [ -x $(PYTHON) ]; then $(PYTHON) -m harness.runtimes.docker.clean; fi
	rm -rf $(VENV) results build *.egg-info .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/run.stamp: pyproject.toml $(PYTHON)
	@echo "installing the project and the parts it runs (once; some 190 MB to download)"
	@$(PIP) install --progress-bar on $(CONSTRAINTS:%=-c %) -e .
	@touch $@

$(VENV)/dev.stamp: pyproject.toml $(PYTHON)
	@echo "installing the project with what its tests need (once; some 370 MB to download: the frameworks of the guides are among it)"
	@$(PIP) install --progress-bar on $(CONSTRAINTS:%=-c %) -e '.[dev]'
	@touch $@ $(VENV)/run.stamp

# The newest Python that is at least 3.11, whatever it is called here.
$(PYTHON):
	@for python in python3.14 python3.13 python3.12 python3.11 python3 python; do \
	  if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "making $(VENV) with $$($$python --version)"; \
	    $$python -m venv $(VENV) && exit 0; \
	    rm -rf $(VENV); \
	    echo "make: $$python cannot make a virtual environment; on Debian: apt-get install python3-venv" >&2; \
	    exit 2; \
	  fi; \
	done; \
	echo "make: no Python 3.11 or later on PATH; on Debian 12 or later: apt-get install python3 python3-venv" >&2; \
	exit 2
