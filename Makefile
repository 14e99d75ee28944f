# Every target that runs something makes its own environment first; nothing but Python >= 3.11, git and make is needed.
PYTHON ?= python3
# Those that this process may use, where the system tells.
CORES ?= $(shell $(PYTHON) -c 'import os; print(len(getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count()))(0)))')
BIN := .venv/bin
STAMP := .venv/.complete

DRAWN := figures/chain_exactness.pdf figures/weak_recovery.pdf figures/time_exponents.pdf  # all would be too many

# One thread a job: Snakemake runs as many jobs as there are cores, and sums do not depend on their number.
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
export MKL_NUM_THREADS := 1

# What a user has set up for other environments does not reach this one.
unexport PIP_USER PIP_TARGET PIP_PREFIX PIP_REQUIRE_VIRTUALENV PYTHONPATH PYTHONHOME
unexport PYTHONDONTWRITEBYTECODE  # compiled modules are kept, or every job would compile them again

.PHONY: help env gpu figures quick target scenarios reproduce test freshness test-slurm reliability bench docs publish check rulegraph lock clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

env: $(STAMP)  ## make .venv from the lock file, when it is missing or stale

gpu: env  ## CuPy and CUDA's libraries into .venv, for a machine with an NVIDIA GPU (driver 580 or later)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-build-isolation -e ".[gpu]"

figures: env  ## every figure of the default configuration, on CORES cores
	$(BIN)/snakemake --cores $(CORES)

quick: env  ## the same figures from a tiny configuration, into figures/quick
	$(BIN)/snakemake --cores $(CORES) --configfile config/quick.yaml

# The overlay is written once and kept: edit config/targets/<name>.yaml and call it again. Some shells export a NAME.
target: env  ## every figure of TARGET="tanh(x1*x2*x3)", a formula of your own; ACTIVATION=, PROTOCOLS=, INPUTS=, MINUTES= and NAME= if you like
	@config=$$($(BIN)/onepass target "$(TARGET)" $(if $(ACTIVATION),--activation "$(ACTIVATION)") \
	    $(foreach name,$(PROTOCOLS),--protocol "$(name)") $(if $(INPUTS),--inputs "$(INPUTS)") \
	    $(if $(MINUTES),--minutes "$(MINUTES)") \
	    $(if $(filter command,$(firstword $(origin NAME))),--name "$(NAME)")) && \
	  $(BIN)/snakemake --cores $(CORES) --configfile "$$config"

scenarios: env  ## every configuration of FILE="scenarios.yaml", one after the other, into folders of their own
	@mkdir -p .cache && $(BIN)/onepass scenarios "$(FILE)" > .cache/scenarios.txt && while read -r config; do \
	  $(BIN)/snakemake --cores $(CORES) --configfile "$$config" || exit 1; done < .cache/scenarios.txt

reproduce: env  ## everything anew, into reproduced/, and its exponents against those of ARCHIVE="data/archive.zip"
	@test -f "$(ARCHIVE)" || { echo 'ARCHIVE is "$(ARCHIVE)"; allowed: a file that snakemake archive has made'; exit 2; }
	@test ! -e reproduced || { echo 'reproduced/ is there; allowed: none, so that everything is computed anew'; exit 2; }
	$(BIN)/snakemake --cores $(CORES) --config data=reproduced/data figures_folder=reproduced/figures
	$(BIN)/onepass reproduce "$(ARCHIVE)" reproduced/data

test: env  ## all tests
	$(BIN)/python -m pytest

freshness: env  ## the table of docs/architecture.md: which module is behind what
	ONEPASS_WRITE_TABLE=1 $(BIN)/python -m pytest -n 0 tests/workflow/test_freshness.py -k table

test-slurm: env  ## the pipeline on a real SLURM of one node, started for it and stopped after it
	tests/install_slurm.sh
	tests/cluster.sh $(BIN)/python -m pytest -n 0 tests/workflow/test_slurm.py

reliability: env  ## the faults again, and the table of docs/reliability.md from them
	rm -rf .cache/reliability && mkdir -p .cache/reliability
	ONEPASS_RELIABILITY="$$PWD/.cache/reliability" $(BIN)/python -m pytest
	tests/install_slurm.sh
	ONEPASS_RELIABILITY="$$PWD/.cache/reliability" tests/cluster.sh $(BIN)/python -m pytest -n 0 tests/workflow/test_slurm.py
	$(BIN)/python tests/helpers/reliability.py .cache/reliability

bench: env  ## speed and memory, as ratios against yardsticks
	$(BIN)/python benchmarks/run.py

docs: env  ## the documentation, into docs/_build/index.html; a warning is an error
	$(BIN)/python -m sphinx --quiet --fail-on-warning docs docs/_build

publish: env  ## the documentation's pictures and tables from a finished run of make figures
	$(BIN)/python docs/publish.py

check: env  ## formatters and linters
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow/rules
	$(BIN)/snakemake --lint
	$(BIN)/lint-imports --no-cache

rulegraph: env  ## draw docs/rulegraph.svg again, after a change of rules; needs dot (graphviz)
	$(BIN)/snakemake --rulegraph dot -- $(DRAWN) | dot -Tsvg > docs/rulegraph.svg

lock: env  ## compile the lock file again after a change of dependencies
	$(BIN)/uv pip compile pyproject.toml --extra dev --extra docs --extra slurm --extra workflow --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --upgrade -o requirements.lock

clean:  ## remove the environment, caches and built documentation; results stay
	rm -rf .venv .pytest_cache .ruff_cache docs/_build

# The stamp comes last: an environment that was interrupted is made again. uv itself comes from the lock file too.
$(STAMP): requirements.lock pyproject.toml
	rm -rf .venv
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "onepass needs Python 3.11 or later, not " + sys.version)'
	$(PYTHON) -m venv .venv
	sed -n '/^uv==/,/^[a-z].*==/{/^uv==/p;/^ *--hash/p;}' requirements.lock > .venv/uv.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r .venv/uv.txt
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	touch $(STAMP)
