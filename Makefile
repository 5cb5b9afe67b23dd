# `make demo` and `make test` need only Python and make: they build their own .venv first.

PYTHON ?=
WORKERS ?= 2
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

USABLE := import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))
# JAX for Python 3.12 and later compiles in two thirds of the time of the last one for 3.11.
TRY := $(or $(PYTHON),python3.13 python3.12 python3 python3.11)

.DEFAULT_GOAL := help
.PHONY: help venv demo test lint validate docs format accuracy trust latency benchmark release-check clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' Makefile

venv: $(READY)  ## set up .venv (every other target does it too)

# The stamp is written last, so an interrupted set-up is repeated. Candidates are run, not looked
# up, because a name can exist and not work (version managers, Debian without venv).
$(READY): pyproject.toml
	@if ! $(BIN)/python -c 'import pip; $(USABLE)' 2>/dev/null; then \
	    found=; \
	    for python in $(TRY); do \
	        if "$$python" -c '$(USABLE)' 2>/dev/null; then found="$$python"; break; fi; \
	    done; \
	    if [ -z "$$found" ]; then \
	        echo "hfluxno needs Python 3.11 or newer with its venv module, and none of these is: $(TRY); install one (Debian and Ubuntu: also python3-venv) or name it, as in make PYTHON=/path/to/python3.12." >&2; \
	        exit 1; \
	    fi; \
	    echo "Making $(VENV) with $$("$$found" --version)"; \
	    "$$found" -m venv --clear $(VENV); \
	fi
	@echo "Installing hfluxno and its tools into $(VENV); the first time takes a few minutes"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(READY)  ## infer and forecast the example
	$(BIN)/hfluxno demo $(ARGS)

test: lint  ## linter, types, import contracts and all tests
	JAX_PLATFORMS=cpu $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

lint: $(READY)  ## the checks that run no test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --num-workers $(WORKERS)
	$(BIN)/lint-imports --no-logo

validate: $(READY)  ## the long comparisons with exact solutions
	JAX_PLATFORMS=cpu $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m validation $(ARGS)

docs: $(READY)  ## the site, strictly, with its gallery, in site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build $(ARGS)

format: $(READY)  ## format, and mend what the linter can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

accuracy: $(READY)  ## the accuracy table of the docs
	$(BIN)/python -m benchmarks.accuracy $(ARGS)

latency: $(READY)  ## what a user waits for, cold and warm
	$(BIN)/python benchmarks/latency.py $(ARGS)

trust: $(READY)  ## what a status is worth: the trust table of the docs
	$(BIN)/python -m benchmarks.trust $(ARGS)

benchmark: $(READY)  ## speed, side by side with peers
	$(BIN)/python benchmarks/speed.py $(ARGS)

release-check: $(READY)  ## wheel and sdist in fresh environments of every Python there is
	$(BIN)/python .ci/release_check.py $(ARGS)

clean:  ## remove .venv and all caches
	rm -rf $(VENV) site dist .cache .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find src tests benchmarks -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true
