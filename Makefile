VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.installed
DEVELOP := $(VENV)/.installed-dev
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile -q --durations=30

# The first of these that runs and is Python 3.11 or 3.12; PYTHON=... overrides it.
PYTHON ?= $(shell for p in python3.11 python3.12 python3; do \
  $$p -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' 2>/dev/null \
  && echo $$p && break; done)

.PHONY: demo quickstart benchmark test test-all lint clean

# Three talking videos of drawn speakers by the system that comes with the package: two minutes.
demo: $(RUNTIME)
	$(BIN)/cemnet demo --out demo

# Data, training, evaluation and talking videos from nothing; a second run resumes or does nothing.
quickstart: $(RUNTIME)
	$(BIN)/cemnet quickstart --out quickstart --data data_cache

# All systems over three seeds on the synthetic benchmark: hours; a second run resumes.
benchmark: $(RUNTIME)
	$(BIN)/cemnet benchmark --out benchmark --data data_cache

# What a change needs to know within minutes; `make test-all` also trains, kills and compiles at length,
# and with all of XLA's optimizations, as users' programs are: without them half the CPU time compiles.
test: $(DEVELOP)
	XLA_FLAGS="$(XLA_FLAGS) --xla_backend_optimization_level=0" $(PYTEST) -m 'not slow'

test-all: $(DEVELOP)
	$(PYTEST) --no-loadscope-reorder

lint: $(DEVELOP)
	$(BIN)/ruff check .

# Removes everything that make made, the trained quickstart and the built data included.
clean:
	rm -rf $(VENV) demo quickstart benchmark data_cache build .jax_cache .pytest_cache .ruff_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUNTIME): requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or 3.12 is needed: make PYTHON=/path/to/python3.12" >&2; exit 2; }
	test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --disable-pip-version-check -r requirements.txt
	$(BIN)/pip install -q --disable-pip-version-check --no-deps -e .
	touch $@

# torch only serves parity tests, which are skipped without it, so a failure to get it is no error.
$(DEVELOP): $(RUNTIME)
	$(BIN)/pip install -q --disable-pip-version-check -e '.[dev]' -c requirements.txt
	$(BIN)/pip install -q --disable-pip-version-check 'torch==2.13.0' \
	  || echo "torch was not installed: the tests that compare with it will be skipped"
	touch $@
