# `make` alone lists the targets.
PYTHON ?= python3
# Where to take PyTorch from, if not from where pip takes the rest: a CPU or a CUDA build (README).
TORCH_INDEX ?=
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup run test test-all lint format bench experiments pictures dashboard clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /	/' | expand -t 12

# The stamp is made last: an installation that broke off begins again.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if (3, 11) <= v < (3, 14) else f"musicexp needs Python 3.11, 3.12 or 3.13, and $(PYTHON) is {v[0]}.{v[1]}: name another, as in `make setup PYTHON=python3.12`")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(if $(TORCH_INDEX),$(BIN)/python -m pip install --quiet --constraint constraints.txt --index-url $(TORCH_INDEX) torch)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group dev --editable '.[score]'
	@touch $(READY)

setup: $(READY) ## make .venv with the tested versions, and compile the kernels where there is a compiler
	@$(BIN)/python musicexp/model/native/building.py --quiet

run: setup ## train the default model on real tunes, in about three minutes
	$(BIN)/python -m musicexp run

test: setup ## the fast tests
	$(BIN)/python -m pytest -m 'not slow' -n 2 --dist loadgroup

test-all: setup ## all tests, the slow ones too
	$(BIN)/python -m pytest -n 2 --dist loadgroup

lint: setup ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup ## measure speed, as ratios; writes benchmarks/
	$(BIN)/python benchmarks/training_speed.py
	$(BIN)/python benchmarks/sampling_speed.py
	$(BIN)/python benchmarks/time_to_trigram.py
	$(BIN)/python benchmarks/sharing_cores.py
	$(BIN)/python benchmarks/logging_cost.py
	$(BIN)/python benchmarks/starting.py
	$(BIN)/python benchmarks/reading_speed.py
	$(BIN)/python benchmarks/rendering_speed.py
	$(BIN)/python benchmarks/store_size.py
	$(BIN)/python benchmarks/ppm_speed.py
	$(BIN)/python benchmarks/metrics_speed.py
	$(BIN)/python benchmarks/study_machinery.py

experiments: setup ## answer the source report's questions; goes on where it stopped (full size, the last one, takes evenings)
	$(BIN)/python experiments/report/factorial.py
	$(BIN)/python experiments/report/temperature.py
	$(BIN)/python experiments/report/context.py
	$(BIN)/python experiments/report/depth.py
	$(BIN)/python experiments/report/presets.py

pictures: setup ## make the pictures of docs/ from a real run
	$(BIN)/python docs/make_pictures.py

STUDIES ?= mlruns/optuna.db

dashboard: setup ## show the studies in Optuna's own page, on http://127.0.0.1:8080 (STUDIES=PATH names another database)
	@test -f '$(STUDIES)' || { echo 'there are no studies at $(STUDIES) yet: `python -m musicexp sweep` begins one'; exit 2; }
	@$(BIN)/python -c 'import optuna_dashboard' 2>/dev/null || $(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dashboard]'
	$(BIN)/optuna-dashboard 'sqlite:///$(STUDIES)'

clean: ## remove .venv and what tools left; mlruns/ stays
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
