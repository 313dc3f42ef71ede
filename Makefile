# Headnode. `make help` lists what there is; the first `make run` or `make test` sets everything up.
# Set-up happens in steps, each done again only when what it depends on has changed.

.DEFAULT_GOAL := help
.PHONY: help run quick test test-postgres mutants check format lock bench clean setup setup-dev
.DELETE_ON_ERROR:

PY := .venv/bin/python
# Test processes at once, on two processors. More of them end no sooner: each test only takes longer, and meets its limits.
TEST_PROCESSES ?= 5
# A run starts hundreds of programs: none of them should compile the code anew.
unexport PYTHONDONTWRITEBYTECODE
FRONT_END := $(wildcard package.json package-lock.json) $(shell find static/src static/img static/*.mjs templates -type f 2>/dev/null)
# A virtual environment whose Python has gone is made anew.
ifneq ($(wildcard .venv/.made),)
ifneq ($(shell $(PY) -c 'print(1)' 2>/dev/null),1)
$(shell rm -f .venv/.made .venv/.requirements .venv/.requirements-dev)
endif
endif

help: ## List these commands
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## Start the whole portal on this machine (http://127.0.0.1:8000/); Ctrl-C ends it
	@scripts/system-packages run
	@$(MAKE) --no-print-directory --silent setup
	@exec $(PY) -m portal.embedded

quick: setup-dev ## Run the tests that need no portal, browser or simulator process
	@$(PY) -m pytest -n 3 --dist loadgroup --tb=short -m 'not (portal or browser or simulator or slow)'

test: ## Run every test; installs what they use, where it may (HEADNODE_NO_INSTALL=1: it never does)
	@scripts/system-packages test
	@$(MAKE) --no-print-directory --silent setup-dev
	@scripts/npm test --silent
	@scripts/with-postgres $(PY) -m pytest -n $(TEST_PROCESSES) --dist loadgroup --both-databases --tb=short

test-postgres: setup-dev ## Run the tests that write to a database on a PostgreSQL of their own
	@scripts/with-postgres $(PY) -m pytest -n $(TEST_PROCESSES) --dist loadgroup --ignore tests/jobs/simulator \
	    --ignore tests/jobs/test_events_socket.py tests/accounts tests/jobs tests/sshgateway

mutants: setup-dev ## Break the core on purpose, 100 times, and see whether the tests notice (about 20 minutes)
	@$(PY) scripts/mutants.py --count 100 --seed 1

check: .venv/.requirements-dev node_modules/.made-dev ## Format, lint, types, layers, rings, templates, JavaScript, deployment, migrations
	@$(PY) -m ruff format --check --output-format concise . || { echo "Run: make format"; exit 1; }
	@$(PY) -m ruff check --quiet .
	@$(PY) -m mypy --no-error-summary
	@report=$$(.venv/bin/lint-imports --no-cache 2>&1) || { echo "$$report"; exit 1; }
	@$(PY) scripts/check_import_rings.py
	@$(PY) scripts/check_module_length.py
	@$(PY) -m djlint --lint --quiet templates
	@scripts/npm run --silent lint
	@scripts/npm run --silent types
	@scripts/check-django
	@echo "Checked: format, lint, types, layers, rings, module length, templates, JavaScript, deployment, migrations."

format: .venv/.requirements-dev ## Format the code and fix what can be fixed mechanically
	@$(PY) -m ruff format .
	@$(PY) -m ruff check --fix --quiet .

lock: .venv/.requirements-dev ## Pin again: requirements*.txt from requirements*.in, package-lock.json from package.json
	@for name in requirements requirements-dev requirements-node; do \
	    $(PY) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	        $$name.in -o $$name.txt || exit 1; done
	@npm install --package-lock-only --loglevel=error

bench: setup-dev ## Measure the figures that the README quotes
	@for name in $(patsubst benchmarks/%.py,%,$(wildcard benchmarks/[a-z]*.py)); do \
	    echo "benchmarks.$$name"; $(PY) -m benchmarks.$$name || exit 1; done

clean: ## Remove what set-up and tools made; keeps var/, your data
	@rm -rf .venv node_modules static/dist .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

setup: .venv/.requirements static/dist/.made

setup-dev: setup .venv/.requirements-dev

.venv/.made: scripts/make-venv scripts/find-python
	@scripts/make-venv

.venv/.requirements: requirements.txt .venv/.made
	@scripts/install requirements.txt
	@touch $@

.venv/.requirements-dev: requirements-dev.txt .venv/.requirements
	@scripts/install requirements-dev.txt
	@touch $@

static/dist/.made: $(FRONT_END) scripts/build-front-end .venv/.made
	@scripts/build-front-end

node_modules/.made-dev: package.json package-lock.json scripts/build-front-end .venv/.made
	@scripts/build-front-end --dev
