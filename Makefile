# Needs Python 3.11 or newer, and nothing else: Node.js and every other tool come as pinned Python packages into .venv.

MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
TESTS ?=
WORKERS ?= 2

# One thread per process: numerical libraries that each take every core get in one another's way.
export OMP_NUM_THREADS := 1

ASSETS := src/porchlight/web/static/dist/manifest.json
ASSET_SOURCES := $(shell find hatch_build.py frontend src/porchlight/web/templates \
	-name node_modules -prune -o -type f -print 2>/dev/null)

##@ Use
run: $(VENV)/.runtime $(ASSETS) ## Set everything up and serve Porchlight with a demo brokerage
	@exec $(BIN)/porchlight serve --demo

build: $(VENV)/.runtime ## Build a wheel, the web assets in it, into dist/
	@$(PIP) wheel --no-deps --no-build-isolation --wheel-dir dist .
	@ls dist/*.whl

##@ Develop
test: $(VENV)/.dev $(ASSETS) ## Run the tests; TESTS=tests/kit picks some, WORKERS=0 runs them one by one
	$(BIN)/python -m pytest --numprocesses=$(WORKERS) --dist=loadfile $(TESTS)

check: $(VENV)/.dev ## Lint, formatting, types, layers, and that the migrations make the tables of the models
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/porchlight db check

format: $(VENV)/.dev ## Put the code into the form that `check` asks for
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

benchmarks: $(VENV)/.benchmarks ## Install what benchmarks/ measures the engines against

assets: $(VENV)/.runtime $(ASSETS) ## Build the web assets, where their sources changed

LOCK := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --fork-strategy fewest \
	--generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock'

lock: $(VENV)/.dev ## Pin the newest releases that pyproject.toml and requirements/*.in allow, with their hashes
	$(LOCK) requirements/build.in --output-file requirements/build.txt
	$(LOCK) pyproject.toml --constraint requirements/build.txt --output-file requirements/runtime.txt
	$(LOCK) requirements/dev.in --output-file requirements/dev.txt
	$(LOCK) requirements/benchmarks.in --output-file requirements/benchmarks.txt

clean: ## Remove what the other targets made; data in PORCHLIGHT_HOME stays
	rm -rf $(VENV) $(dir $(ASSETS)) frontend/node_modules dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

help: ## Show this
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run build test check format benchmarks assets lock clean help

$(VENV)/.made:
	@for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
		if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			echo "Making $(VENV) with $$("$$python" --version) ..."; \
			"$$python" -m venv $(VENV) && touch $@ && exit 0; \
			echo "$$python cannot make a virtual environment; Debian has that part in the package python3-venv." >&2; \
			exit 1; \
		fi; \
	done; \
	echo "Porchlight needs Python 3.11 or newer, and none is on the PATH. Install one, or name it:" >&2; \
	echo "  make run PYTHON=/path/to/python3" >&2; \
	exit 1

$(VENV)/.runtime: $(VENV)/.made pyproject.toml requirements/build.txt requirements/runtime.txt
	@echo "Installing the pinned packages, about half a minute ..."
	@$(PIP) install --require-hashes --requirement requirements/build.txt --requirement requirements/runtime.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements/dev.txt
	@echo "Installing the tools for tests and checks ..."
	@$(PIP) install --require-hashes --requirement requirements/dev.txt
	@touch $@

$(VENV)/.benchmarks: $(VENV)/.dev requirements/benchmarks.txt
	@$(PIP) install --require-hashes --requirement requirements/benchmarks.txt
	@touch $@

$(ASSETS): $(ASSET_SOURCES) | $(VENV)/.runtime
	@$(BIN)/python hatch_build.py && touch $@
