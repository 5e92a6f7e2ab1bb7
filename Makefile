# Two commands do everything: `make demo` and `make test`. Both may be run again at any time: what is done
# already is recorded by stamp files in .venv and skipped.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip -q --disable-pip-version-check
# Compiling every module of every library at once takes a minute; Python compiles what it imports anyway.
INSTALL := $(PIP) install --no-compile -c constraints.txt
TORCH  := $(shell grep '^torch==' constraints.txt)

# Judged collections (beir/NAME) and training files (train/NAME.jsonl.gz) for the benchmarks.
DATA ?= data

# Where `make train` works: the extra files, the teacher, the stages, and the model in $(TRAINING)/reranker.
TRAINING   ?= build/training
TRAIN_DATA = --data $(DATA)/train --data $(TRAINING)/extra --data $(TRAINING)

QUESTION ?= Who did Atlas hold up above the Earth in 1962?

# How many candidates the pictures' evaluations look at.
DEPTHS ?= 5,10,20,50

export PIP_NO_INPUT := 1

.DEFAULT_GOAL := help
.PHONY: help venv demo test test-all test-long lint format build audit known-values clean reference images train

help: ## Show this list.
	@echo "Targets:"
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  %-16s %s\n", $$1, $$2 }'

venv: $(VENV)/.installed ## Create .venv and install ragcli with the pinned versions.

demo: $(VENV)/.installed ## Ingest the bundled corpus and answer a question with and without reranking.
	@echo "==> Making sure that the local models are here"
	@$(BIN)/ragcli models prepare
	@echo "==> Ingesting corpora/homonyms"
	@$(BIN)/ragcli ingest corpora/homonyms
	@echo "==> Asking, once in each order: $(QUESTION)"
	@$(BIN)/ragcli ask "$(QUESTION)" --compare

# A worker for each core, with one thread each: the threads of two workers would wait for each other.
test: lint ## Lint, check the types and run all tests.
	@echo "==> Checking the types"
	@$(BIN)/mypy --strict
	@echo "==> Making sure that the local models are here"
	@$(BIN)/ragcli models prepare
	@echo "==> Running the tests"
	@OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile

test-all: test test-long ## Run the tests that take minutes as well.

test-long: $(VENV)/.installed-dev ## Run the tests that take minutes, and only those.
	@echo "==> Running the long tests"
	@$(BIN)/pytest -m long

lint: $(VENV)/.installed-dev ## Check style and formatting.
	@echo "==> Checking style and formatting"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: $(VENV)/.installed-dev ## Format the code and mend what ruff can mend.
	@echo "==> Formatting"
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

build: $(VENV)/.installed-dev ## Build the wheel and the source archive into dist/.
	@echo "==> Building dist/"
	@$(BIN)/python -m build --outdir dist

audit: ## Look the pinned dependencies up in the Python advisory database.
	@echo "==> Looking for known vulnerabilities in constraints.txt"
	@$(PYTHON) -m venv build/audit
	@build/audit/bin/python -m pip -q --disable-pip-version-check install pip-audit
	@# Strict: a package that could not be looked up is not one without vulnerabilities.
	@build/audit/bin/pip-audit --strict --no-deps --disable-pip -r constraints.txt

known-values: $(VENV)/.installed ## Write anew what `ragcli doctor` expects of the encoders, after replacing one.
	@echo "==> Scoring the known pair"
	@$(BIN)/python -c 'from ragcli.doctor.known_values import write; write()'

# The prior of the shipped model, as bench/prior.py chose it (bench/reranker-log.md).
PRIOR = --prior 12 --words 20 --headings 0.4

train: $(TRAINING)/third-stage ## Train the shipped cross-encoder anew from the files in DATA, on Debian 12 (hours).
	@echo "==> Taking the mean of the last two stages, measuring and calibrating it"
	@rm -rf $(TRAINING)/mean
	@$(BIN)/python recipes/mean_weights.py $(TRAINING)/second-stage $< --out $(TRAINING)/mean
	@$(BIN)/python recipes/finish_model.py $(TRAINING)/mean --recipe recipes/third_stage.toml $(TRAIN_DATA) --work $<.work $(PRIOR) --out $(TRAINING)/reranker

reference: $(VENV)/.installed ## Write docs/reference anew, after a command or a setting changed.
	@echo "==> Writing docs/reference"
	@$(BIN)/python docs/make_reference.py

images: export RAGCLI_STORE_PATH := build/pictures
images: $(VENV)/.installed ## Draw the README's pictures anew from real answers and evaluations (minutes).
	@echo "==> Making sure that the local models are here"
	@$(BIN)/ragcli models prepare
	@echo "==> Evaluating on corpora/homonyms"
	@mkdir -p build
	@$(BIN)/ragcli ingest corpora/homonyms
	@$(BIN)/ragcli eval corpora/homonyms/questions.jsonl --depths $(DEPTHS) --report build/homonyms.json
	@echo "==> Evaluating on corpora/handbook"
	@$(BIN)/ragcli ingest corpora/handbook --collection handbook
	@$(BIN)/ragcli eval corpora/handbook-questions.jsonl --collection handbook --depths $(DEPTHS) --report build/handbook.json
	@echo "==> Drawing docs/images"
	@$(BIN)/python docs/make_images.py "$(QUESTION)" build/homonyms.json build/handbook.json

clean: ## Remove .venv, caches and build output (an index in .ragcli stays: `ragcli reset` removes that).
	@echo "==> Removing .venv, caches and build output"
	@rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find ragcli tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.created:
	@echo "==> Creating $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "ragcli needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	@$(PYTHON) -m venv $(VENV)
	@touch $@

# torch goes first and alone: pinned before anything else may ask for another build of it.
$(VENV)/.torch: $(VENV)/.created constraints.txt
	@echo "==> Installing $(TORCH) (the largest download)"
	@$(INSTALL) "$(TORCH)"
	@touch $@

$(VENV)/.installed: $(VENV)/.torch pyproject.toml
	@echo "==> Installing ragcli and its dependencies"
	@$(INSTALL) -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "==> Installing the tools for development"
	@$(INSTALL) -e '.[dev]'
	@touch $@

$(TRAINING)/extra: $(VENV)/.installed-dev
	@echo "==> Making the extra training files"
	@$(BIN)/python recipes/debian_pairs.py --out $@.partial
	@$(BIN)/python recipes/manual_pairs.py --out $@.partial
	@$(BIN)/python recipes/cloze_pairs.py --data $(DATA)/train --data $@.partial --out $@.partial
	@mv $@.partial $@

# Two runs that see their questions in another order. Killed, each goes on where it was.
$(TRAINING)/first-%: | $(TRAINING)/extra
	@echo "==> Training the first stage with seed $*"
	@sed 's/^seed = .*/seed = $*/' recipes/first_stage.toml > $(TRAINING)/first-$*.toml
	@$(BIN)/ragcli train --recipe $(TRAINING)/first-$*.toml $(TRAIN_DATA) --out $@ --compile --resume

$(TRAINING)/first-stage: $(TRAINING)/first-7 $(TRAINING)/first-8
	@echo "==> Taking the mean of both runs"
	@$(BIN)/python recipes/mean_weights.py $^ --out $@

$(TRAINING)/%-stage:
	@echo "==> Training the $* stage"
	@$(BIN)/python bench/larger.py $(TRAINING)
	@sed 's|^base = .*|base = "$<"|' recipes/$*_stage.toml > $(TRAINING)/$*_stage.toml
	@$(BIN)/ragcli train --recipe $(TRAINING)/$*_stage.toml $(TRAIN_DATA) --out $@ --compile --resume

$(TRAINING)/second-stage: $(TRAINING)/first-stage
$(TRAINING)/third-stage: $(TRAINING)/second-stage

# The benchmarks, `make bench` and the rest.
include bench/Makefile
