# Python 3.11 or newer and make: nothing else is needed. Each target does its own set-up.

PYTHON ?= $(shell for p in python3.14 python3.13 python3.12 python3.11 python3; do \
	if $$p -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; \
	then echo $$p; break; fi; done)

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check --require-virtualenv
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev

DB ?= ledger.db
# One more than there are processors: the counter's tests wait half of their time.
WORKERS ?= $(shell echo $$(( $$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2) + 1 )))
PYTEST := $(BIN)/python -m pytest
RESOLVE := $(BIN)/uv --quiet pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-annotate --no-header $(LOCK_OPTIONS)
COMPILE := $(RESOLVE) pyproject.toml --all-extras --group build
AUDITOR := $(VENV)/.audit
FUZZER := $(VENV)/.fuzz
SECONDS_EACH ?= 60

.PHONY: docs help demo test check format bench soak fuzz lock audit sbom words clean

help:
	@echo "make demo    a demonstration bank in $(DB), its statements in statements/"
	@echo "make test    the whole suite, on SQLite and on a real PostgreSQL"
	@echo "make check   format, lint, types, layers and what is known to be unsafe"
	@echo "make format  put the code in its format and mend what the linter can"
	@echo "make docs    the pages and pictures that the program itself makes"
	@echo "make bench   the benchmarks, each beside its baseline"
	@echo "make soak    the property tests with many more examples, and the long crash tests"
	@echo "make fuzz    a fuzzer that follows coverage, on each reader for SECONDS_EACH; Linux only"
	@echo "make lock    resolve the requirements anew; LOCK_OPTIONS=--upgrade takes newer releases"
	@echo "make audit   ask whether a fault is known of anything that is installed; needs the network"
	@echo "make sbom    the software bill of materials, CycloneDX JSON, in coopbank.cdx.json"
	@echo "make words   collect the texts to translate and compile the catalogues"
	@echo "make clean   remove $(VENV) and the caches; ledger.db and statements/ stay"

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "coopbank needs Python 3.11 or newer with its venv module; make PYTHON=/path/to/python names one." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# --no-build-isolation: the build backend comes from the lock, like everything else.
$(RUNTIME): requirements.lock pyproject.toml | $(BIN)/python
	$(PIP) install --require-hashes --requirement requirements.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): requirements-dev.lock $(RUNTIME)
	$(PIP) install --require-hashes --requirement requirements-dev.lock
	@touch $@

demo: $(RUNTIME)
	$(BIN)/coopbank --db $(DB) demo

test: $(DEV)
	$(PYTEST) -q -n $(WORKERS) --maxprocesses 8

check: $(DEV)
	@failed=; for tool in "ruff format --check ." "ruff check ." mypy lint-imports \
		"bandit --quiet --recursive coopbank --configfile pyproject.toml"; do \
		$(BIN)/$$tool || failed="$$failed $${tool%% .},"; done; \
		test -z "$$failed" || { echo "make check failed:$${failed%,}" >&2; exit 1; }

format: $(DEV)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(DEV)
	$(BIN)/python -m tests.documents

bench: $(DEV)
	$(BIN)/python -m benchmarks

soak: $(DEV)
	$(PYTEST) -q -n $(WORKERS) --maxprocesses 8 -m "hypothesis or soak" --hypothesis-profile soak --timeout 0
	if test "$$(uname)" = Linux; then $(MAKE) fuzz; fi

# The fuzzer lies in a folder of its own: nothing else is tested with it at hand.
fuzz: $(DEV)
	test -d $(FUZZER) || $(PIP) install --require-hashes --target $(FUZZER) --requirement requirements-fuzz.lock
	PYTHONPATH=$(FUZZER) $(BIN)/python -m tests.attacks.fuzz --seconds $(SECONDS_EACH)

lock: $(DEV)
	$(COMPILE) --output-file requirements.lock
	$(COMPILE) --group dev --constraint requirements.lock --output-file requirements-dev.lock
	$(RESOLVE) --group audit --output-file requirements-audit.lock
	$(RESOLVE) --group fuzz --output-file requirements-fuzz.lock

# The auditor has an environment of its own: what it brings along is no part of what it looks at.
audit: $(RUNTIME)
	test -x $(AUDITOR)/bin/python || $(BIN)/python -m venv $(AUDITOR)
	$(AUDITOR)/bin/python -m pip --quiet --disable-pip-version-check install --require-hashes --requirement requirements-audit.lock
	$(AUDITOR)/bin/pip-audit --disable-pip --require-hashes --requirement requirements.lock

sbom: $(RUNTIME)
	$(BIN)/python .ci/sbom.py requirements.lock > coopbank.cdx.json
	@echo "coopbank.cdx.json"

words: $(DEV)
	$(BIN)/python .ci/words.py

clean:
	rm -rf $(VENV) build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
