# Everything a person or a machine does with this tree. `make help` lists it.
# Only the standard shell is needed; the virtual environment in .venv belongs to make.

.DEFAULT_GOAL := help
.PHONY: help run test check bench assets screenshots lock run-setup dev-setup

# Tests start Python 500 times: it keeps what it has compiled, wherever that was switched off.
unexport PYTHONDONTWRITEBYTECODE

PY := .venv/bin/python
COMPILE := .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' Makefile

run: run-setup ## install what is needed, then the demo on http://127.0.0.1:8000
	@exec $(PY) -m parlour demo $(ARGS)

test: dev-setup ## the whole test suite, on PostgreSQL too if it is there; ARGS="tests/db -k writer" for a part
	@$(PY) -m tests.everywhere $(ARGS)

check: dev-setup ## lint, format, types, import rules, templates, the contract of the API, built assets
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy --strict src tests tools
	@.venv/bin/lint-imports --no-logo
	@$(PY) -m tools.lint_templates
	@$(PY) -m tools.openapi check
	@$(PY) -m tools.assets check

assets: run-setup ## rebuild CSS and JavaScript into src/parlour/static/dist (needs Node)
	@$(PY) -m tools.assets build

bench: dev-setup ## measure; ARGS= goes to the harness
	@$(PY) -m bench $(ARGS)

screenshots: dev-setup ## take the README's pictures anew from the demo (needs Chromium)
	@$(PY) -m tools.screenshots

lock: dev-setup ## lock what the *.in files ask for; ARGS="--upgrade" or ARGS="--upgrade-package NAME"
	@$(COMPILE) $(ARGS) pyproject.toml requirements/run.in --output-file requirements/run.txt
	@$(COMPILE) $(ARGS) --constraint requirements/run.txt pyproject.toml requirements/run.in \
		requirements/dev.in --output-file requirements/dev.txt
	@$(COMPILE) $(ARGS) requirements/zenpy.in --output-file requirements/zenpy.txt

run-setup:
	@sh tools/setup.sh run

dev-setup:
	@sh tools/setup.sh dev
