# Every verb is a thin wrapper; the first one lists them. Needs make and Python 3.11 or newer,
# nothing else: what a verb uses is installed into .venv from the hashed lock files.

PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install
# ARGS is passed on, for instance: make test ARGS="-k money", make lock ARGS=--upgrade

.DEFAULT_GOAL := help
.PHONY: help demo test fmt check bench bench-quick load sim kill mutants prove lock clean

help: ## list these verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/.installed ## a running shop with a falling price (PORT=8080); Ctrl-C stops it
	$(BIN)/hothour demo $(if $(PORT),--port $(PORT)) $(ARGS)

test: check ## what check does, then the whole suite on a real PostgreSQL
	$(BIN)/python -m pytest -n 2 --dist loadfile --max-worker-restart 0 $(ARGS)

fmt: .venv/.installed-dev ## format the code and mend what the linter can mend
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

check: .venv/.installed-dev ## format, lint, types and layers, nothing changed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/.installed-dev ## the figures of docs/, measured on this machine
	$(BIN)/python -m loadtests.bench $(ARGS)

bench-quick: .venv/.installed-dev ## the ratios that matter most, against the stored ones (3 minutes)
	$(BIN)/python -m loadtests.bench --quick --against loadtests/bench/ratios.json $(ARGS) \
		commit losers fanout

load: .venv/.installed-dev ## a flash sale with Locust, against a server of its own (docs/load.md)
	$(BIN)/python -m loadtests.scenarios $(ARGS)

sim: .venv/.installed-dev ## the engine under every fault, simulated (ARGS="--seeds 0-99999")
	$(BIN)/hothour simulate $(ARGS)

kill: .venv/.installed-dev ## real processes and a real PostgreSQL, killed under load
	$(BIN)/python -m tests.e2e.kills $(if $(ARGS),$(ARGS),--application 40 --postgres 20 --stale 20 \
		--proxy 20 --away 1 --disk 1 --descriptors 1 --commits 1000)

mutants: .venv/.installed-dev ## hand-made bugs: each must be caught
	$(BIN)/python -m tests.mutants $(ARGS)

prove: .venv/.installed-dev ## everything that shows the promises hold, at length (hours)
	$(BIN)/hothour simulate --seeds 0-199999
	$(BIN)/hothour simulate --world standard --seeds 0-4999
	$(BIN)/python -m tests.mutants
	$(BIN)/python -m tests.e2e.kills --application 500 --postgres 200 --stale 200 --proxy 100 \
		--away 3 --disk 3 --descriptors 3 --commits 1000
	$(BIN)/python -m tests.hostile.schema_cases --cases 100000 --seed 1
	$(BIN)/python -m tests.hostile.live_fuzz --messages 100000 --seed 1
	$(BIN)/python -m tests.hostile.probes --as-shipped
	$(BIN)/python -m tests.hostile.timing --pairs 1500

lock: .venv/.installed-dev ## write the lock files anew from pyproject.toml (ARGS=--upgrade)
	$(LOCK) pyproject.toml -o requirements.lock
	$(LOCK) --group build -c requirements.lock -o requirements-build.lock
	$(LOCK) pyproject.toml --group dev --group bench --group peers \
		-c requirements.lock -c requirements-build.lock -o requirements-dev.lock

clean: ## remove .venv, caches and build output; .hothour (the demo's data) stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage* build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

LOCK = UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --quiet --universal \
	--python-version 3.11 --generate-hashes --no-emit-index-url $(ARGS)

# --- what the verbs stand on ---------------------------------------------------------------------
# The stamps spare a second run the installation. The package itself is installed in place.

.venv/.installed: requirements-build.lock requirements.lock pyproject.toml | $(BIN)/pip
	@echo "Installing HotHour into .venv ..."
	@$(PIP) --require-hashes -r requirements-build.lock -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.installed-dev: requirements-dev.lock pyproject.toml | $(BIN)/pip
	@echo "Installing HotHour and its tools into .venv ..."
	@$(PIP) --require-hashes -r requirements-dev.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@ .venv/.installed

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "HotHour needs Python 3.11 or newer, and $(PYTHON) is not: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make virtual environments; on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@$(PYTHON) -m venv .venv
