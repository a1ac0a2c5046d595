# Every target works on a fresh clone: what it needs is installed into .venv first.
# Options for pytest: make test ARGS="-k journal -x"

BIN := .venv/bin
ARGS ?=
WORKERS ?= auto
CODE := agentcli tests benchmarks scripts
FULLY_COVERED := agentcli/sandbox/*,agentcli/journal/*,agentcli/engine/effect.py,agentcli/engine/effects.py

.DEFAULT_GOAL := help
.PHONY: help install demo test coverage check bench format clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

install: .venv/.installed ## make .venv and install everything into it

.venv/.installed: pyproject.toml uv.lock scripts/setup.sh
	@scripts/setup.sh

demo: install ## an embedded model answers a question about a file, and the run is shown
	@scripts/demo.sh

test: install ## all tests, those with the embedded model and the built wheel included
	@scripts/pull_test_model.sh
	$(BIN)/pytest -n $(WORKERS) --dist loadfile $(if $(COVERAGE),--cov --cov-fail-under=90) $(ARGS)
	$(if $(COVERAGE),@$(BIN)/coverage report --include='$(FULLY_COVERED)' --fail-under=100)

coverage: ## the same, with the branch coverage that the house demands
	@$(MAKE) --no-print-directory test COVERAGE=1

check: install ## format, lint, types, import contracts, house rules, lock file, built wheel
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports --cache-dir .import_linter_cache
	$(BIN)/uv lock --check --quiet
	$(BIN)/pytest -q tests/unit/test_house.py tests/e2e/test_wheel.py

bench: install ## measure the embedded models and the program's own speed
	$(BIN)/python -m benchmarks $(ARGS)

format: install ## put code and the index of decisions in order
	$(BIN)/ruff format $(CODE)
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/python scripts/index_decisions.py

clean: ## remove everything that make made (pulled models stay)
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage .coverage.*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
