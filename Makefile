# `make` lists the targets. `make run` and `make test` do everything on a machine that has CPython >= 3.11 and Rust.
SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

VENV := .venv
PY := $(VENV)/bin/python
export PYO3_PYTHON := $(abspath $(PY))
# Nothing below reads or needs the caller's virtual environment.
unexport VIRTUAL_ENV CONDA_PREFIX PYTHONPATH PYTHONHOME

COMMANDS ?= 100000
SEED ?= 1
KILLS ?= 5
SEEDS ?= 100
SECONDS ?= 30
MINUTES ?= 2
MAX_RATIO ?= 1.0
PREEMPTIONS ?= 4
THOUSANDS ?= 2000
SHARED ?= $(or $(AEROMATCH_SHARED),../shared)

RUST_SOURCES = $(shell find crates benchmarks/abi -path '*/target' -prune -o -type f \( -name '*.rs' -o -name Cargo.toml \) -print 2>/dev/null) Cargo.toml $(wildcard Cargo.lock rust-toolchain.toml)

.PHONY: help
help: ## list these targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 22

# ---- environment and build: stamps, so that a second run has nothing to do

$(VENV)/.installed: constraints.txt tools/find-pythons
	@command -v cargo >/dev/null || { echo "AeroMatch is built with Rust, and there is no cargo on PATH: see https://rustup.rs" >&2; exit 1; }
	@python=$$(tools/find-pythons --first); echo "environment: $(VENV) from $$python"; \
	rm -rf $(VENV); "$$python" -m venv $(VENV) || { rm -rf $(VENV); echo "this Python cannot make environments (Debian: apt install python3-venv)" >&2; exit 1; }
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps -r constraints.txt
	@touch $@

$(VENV)/.built: $(VENV)/.installed pyproject.toml $(RUST_SOURCES)
	PIP_QUIET=2 $(VENV)/bin/maturin develop --release --locked --quiet
	@touch $@

.PHONY: build
build: $(VENV)/.built dashboard ## make .venv, build the release extension into it, and the dashboard where there is Node

.PHONY: run
run: build ## build, then serve a market that trades by itself; make run DEMO_SECONDS=30 ends by itself
	@$(VENV)/bin/aeromatch serve --demo $(if $(DEMO_SECONDS),--seconds $(DEMO_SECONDS))

# ---- the dashboard: its page goes into the package; nothing else needs Node

PAGE := src/aeromatch/server/static/index.html
PAGE_SOURCES = $(shell find dashboard -path dashboard/node_modules -prune -o -type f -print)
HAS_NODE = command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null

dashboard/node_modules/.installed: dashboard/package-lock.json
	cd dashboard && npm ci --silent
	@touch $@

$(PAGE): dashboard/node_modules/.installed $(PAGE_SOURCES)
	cd dashboard && npm run --silent build -- --logLevel warn
	@touch $@

# Node without its registry is like no Node; sources that do not compile are an error.
.PHONY: dashboard
dashboard: ## build the dashboard's page (Node 20 or newer)
	@if ! { $(HAS_NODE); }; then \
		echo "the dashboard's page is not built, since there is no Node 20 or newer; everything else works"; \
	elif ! $(MAKE) --silent dashboard/node_modules/.installed; then \
		echo "the dashboard's page is not built, since npm could not install what it needs; everything else works"; \
	else $(MAKE) --silent $(PAGE); fi

.PHONY: dashboard-test
dashboard-test: dashboard/node_modules/.installed ## types and unit tests of the dashboard (Node 20 or newer)
	cd dashboard && npm run --silent check && npm run --silent test

.PHONY: screenshots
screenshots: build ## pictures of the dashboard for the docs, of a demo that traded for MINUTES (needs chromium): make screenshots MINUTES=2
	@$(PY) -m pip install --quiet --disable-pip-version-check -r tests/browser/requirements.txt
	@$(PY) tools/screenshots.py --minutes $(MINUTES)

# ---- tests

.PHONY: test
test: build lint test-rust test-python ## everything CI checks: lint, types, stubs, every test in both languages

.PHONY: lint
lint: build ## ruff, mypy --strict, stubtest, rustfmt, clippy
	$(VENV)/bin/ruff check --quiet
	$(VENV)/bin/ruff format --check --quiet
	$(VENV)/bin/mypy
	$(PY) -m mypy.stubtest aeromatch._core --mypy-config-file pyproject.toml
	cargo fmt --all --check
	cargo fmt --manifest-path crates/engine/fuzz/Cargo.toml --check
	cargo clippy --locked --workspace --all-targets --quiet -- -D warnings

.PHONY: test-rust
test-rust: $(VENV)/.installed ## every Rust test
	cargo test --locked --workspace --quiet
	@$(LOOM)
	@tools/tsan

# A build of its own: other atomics, other flags. Of the crates that have the structures, and of the flawed copies that it must catch.
LOOM = RUSTFLAGS="--cfg loom" cargo test --locked --quiet --profile models --target-dir target/loom \
	-p aeromatch-engine -p aeromatch-runtime -p aeromatch-lab --test 'loom_*'

.PHONY: loom
loom: ## the lock-free structures in every interleaving, with more forced switches than `make test`: make loom PREEMPTIONS=4
	LOOM_MAX_PREEMPTIONS=$(PREEMPTIONS) $(LOOM)

.PHONY: tsan
tsan: ## the lock-free structures under ThreadSanitizer: make tsan THOUSANDS=2000
	@AEROMATCH_STRESS=$(THOUSANDS) tools/tsan

.PHONY: test-python
test-python: build ## every Python test
	$(PY) -m pytest -q --ignore=tests/clients --ignore=tests/browser

# What needs programs of others stands apart: `make test` passes without them.
.PHONY: test-clients
test-clients: build ## the server with Chromium, Node, Prometheus, go tool pprof and a trader in Go; installs what it needs, CI=true skips nothing
	@MAKE="$(MAKE)" tools/test-clients $(PY)

.PHONY: fuzz
fuzz: build ## engine against reference model: make fuzz COMMANDS=1000000 SEED=1
	@$(PY) -m tests.model.fuzz --commands $(COMMANDS) --seed $(SEED)
	@$(PY) -m tests.model.exchange_fuzz --commands $$(($(COMMANDS) / 4)) --seed $(SEED)

.PHONY: kill
kill: build ## kill a real process under load and compare what it acknowledged: make kill KILLS=200 SEED=1
	@$(PY) -m tests.crash.kill --kills $(KILLS) --seed $(SEED)
	@$(PY) -m tests.crash.kill_sharded --kills $(KILLS) --seed $(SEED)

.PHONY: kill-server
kill-server: build ## kill the server under load through every gateway, and compare what it acknowledged: make kill-server KILLS=200 SEED=1
	@$(PY) -m tests.crash.kill_server --kills $(KILLS) --seed $(SEED)

.PHONY: flood
flood: build ## garbage of every kind at every door while a good client trades on each: latencies beside the quiet ones
	@$(PY) -m tests.server.flood

.PHONY: simulate
simulate: ## crash the journal on a simulated disk: make simulate SEEDS=10000 SEED=1
	@cargo run --locked --quiet --release -p aeromatch-runtime --bin simulate -- $(SEEDS) $(SEED)

CARGO_FUZZ := build/tools/bin/cargo-fuzz
FUZZ_TARGETS = $(basename $(notdir $(wildcard crates/engine/fuzz/fuzz_targets/*.rs)))

$(CARGO_FUZZ):
	cargo install --locked --quiet --root build/tools cargo-fuzz --version 0.13.2

.PHONY: fuzz-targets
fuzz-targets: build $(CARGO_FUZZ) ## coverage-guided fuzzing of every decoder and parser: make fuzz-targets SECONDS=60
	@for target in $(FUZZ_TARGETS); do \
		echo "fuzzing $$target for $(SECONDS) s"; \
		(cd crates/engine && RUSTC_BOOTSTRAP=1 "$(abspath $(CARGO_FUZZ))" run $$target -- \
			-max_total_time=$(SECONDS) -max_len=4096 -verbosity=0 -print_final_stats=1); \
	done
	@$(PY) -m tests.replay.fuzz_parsers --seconds $(SECONDS) --seed $(SEED)

.PHONY: fuzz-decoders
fuzz-decoders: build ## what reads the bytes of clients, SECONDS for each gateway's: make fuzz-decoders SECONDS=60 SEED=1
	@$(PY) -m tests.gateways.fuzz_decoders --seconds $(SECONDS) --seed $(SEED)
	@AEROMATCH_FUZZ_SECONDS=$(SECONDS) AEROMATCH_FUZZ_SEED=$(SEED) cargo test --locked --quiet -p aeromatch-runtime \
		--test untrusted_frames -- --nocapture

.PHONY: coverage
coverage: build ## which lines of the engine the tests run: a table by file (needs the compiler's llvm-cov)
	@tools/coverage $(abspath $(PY))

.PHONY: wheel
wheel: build ## build the wheel and try it in an empty environment of every CPython >= 3.11 found
	@tools/check-wheel

# ---- measurements

.PHONY: bench
bench: build ## time the engine, the NumPy batch and single calls over every flow
	@$(VENV)/bin/aeromatch bench

.PHONY: bench-structures
bench-structures: ## time the lock-free structures against mutexes and crossbeam's queues
	@cargo bench --locked --quiet -p aeromatch-runtime --bench structures

.PHONY: abi
abi: ## build benchmarks/abi for this CPU and print the library's path
	@RUSTFLAGS="$(RUSTFLAGS) -C target-cpu=native -C no-vectorize-slp" cargo build --locked --quiet --release -p aeromatch-abi --target-dir target/native
	@echo "$(abspath target/native/release/libaeromatch_abi.so)"

.PHONY: bench-check
bench-check: ## the engine against the yardstick on recorded flows; fails above MAX_RATIO
	@if [ -f "$(SHARED)/bench/run.sh" ]; then \
		library=$$($(MAKE) abi) && MAX_RATIO=$(MAX_RATIO) bash "$(SHARED)/bench/run.sh" "$$library"; \
	else echo "no yardstick here: $(SHARED)/bench/run.sh is absent, nothing was measured"; fi

.PHONY: clean
clean: ## remove the environment and everything built
	rm -rf $(VENV) target build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis src/aeromatch/*.so
	rm -rf dashboard/node_modules src/aeromatch/server/static
	find . -name __pycache__ -prune -exec rm -rf {} +
