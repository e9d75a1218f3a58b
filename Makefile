# Everything a developer or a user of a checkout does. CI calls the same targets: what passes here passes there.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

TARGET ?= $(shell rustc -vV | sed -n 's/^host: //p')
# Only here and not in .cargo/config.toml: proc-macros cannot be linked static.
# The parts of libc that nobody needs, and the tables to unwind a stack, are left out where libc is one that it was tried
# with: src/sys/lean.rs, lean.ld.
LEAN_FLAGS := --cfg lean_libc -C link-arg=-Wl,-T,src/sys/lean.ld,--no-eh-frame-hdr
LEAN ?= $(if $(filter glibc-2.36,$(shell getconf GNU_LIBC_VERSION 2>/dev/null | tr ' ' -)),$(if $(findstring -gnu,$(TARGET)),$(LEAN_FLAGS)))
STATIC := RUSTFLAGS="-C target-feature=+crt-static -C relocation-model=static -C link-arg=-Wl,--icf=all $(LEAN)"
OUT := target/$(TARGET)/release
SIZE_LIMIT ?= 3000000
SUPERVISOR ?= 4.3.0
SUPERLANCE ?= 2.0.0
DEPENDENT_STARTUP ?= 1.4.0
# Clients of Supervisor that people use, for tests/compat/clients.rs; setuptools for those that ask it for pkg_resources.
CLIENTS ?= supervisor_checks==0.8.1 supervisor-logging==0.0.9 supervisor-wildcards==0.1.3 \
  supervisor-serialrestart==0.1.1 mr.laforge==0.9 nagios-check-supervisord==2.2.1 'setuptools<81'
T ?= 60
BENCH ?= all --quick

# What the tests need to know. REQUIRE_DOCKER=1, REQUIRE_COMPAT=1, REQUIRE_K8S=1, REQUIRE_BROWSER=1 and
# REQUIRE_TMUX=1 turn "skipped" into "failed".
export MAINSTAY_BIN := $(CURDIR)/dist/mainstay
export PUPPET_BIN := $(CURDIR)/$(OUT)/puppet
export SUPERVISOR_VENV := $(CURDIR)/.venv
REQUIRE_DOCKER ?=
REQUIRE_COMPAT ?=
REQUIRE_K8S ?=
REQUIRE_BROWSER ?=
REQUIRE_TMUX ?=
export REQUIRE_DOCKER REQUIRE_COMPAT REQUIRE_TMUX

.PHONY: help run build image test check unit it sim compat differential container k8s-check compose-check size bench fuzz clean
.PHONY: browser puppet venv busybox

help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z0-9_-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## Build, then run the embedded example; Ctrl-C stops it
	@exec dist/mainstay run --example

build: ## Static release binary at dist/mainstay
	$(STATIC) cargo build --release --target $(TARGET) --bin mainstay
	@mkdir -p dist
	@cmp -s $(OUT)/mainstay dist/mainstay || install -m 755 $(OUT)/mainstay dist/mainstay

image: build ## Container image `mainstay`: FROM scratch, the binary alone
	docker build -t mainstay -f docker/Dockerfile .

test: build unit sim it compat browser differential container k8s-check compose-check ## All tests

check: ## Format, lints, unit tests, layering: run it before each commit
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo test --lib
	cargo test --test it layering

unit: puppet ## Tests beside the code, those of the harness, and a few seconds of fuzzing
	cargo test --lib
	cargo test -p harness
	cargo test --test fuzz

sim: ## The engine under simulated time; SEED=n replays, SIM_RUNS=n
	cargo test --test sim

it: build puppet busybox ## The binary driven from outside, PID namespaces included (those need root)
	RUST_TEST_THREADS=8 cargo test --test it

compat: build puppet busybox venv ## The same tests against Supervisor, then against us
	UNDER_TEST=theirs RUST_TEST_THREADS=8 cargo test --test compat
	UNDER_TEST=ours RUST_TEST_THREADS=8 cargo test --test compat

browser: build ## The web page in a headless Chromium; screenshots in dist/browser
	@if { [ -x /usr/bin/chromium -a -x /usr/bin/chromedriver ] || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	    && apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium chromium-driver >/dev/null; }; } \
	  && { .venv/bin/python -c 'import selenium' 2>/dev/null \
	    || { python3 -m venv .venv && .venv/bin/pip install --quiet 'selenium>=4.20,<5'; }; }; then \
	  .venv/bin/python tests/browser/run.py dist/mainstay --shots dist/browser; \
	else echo "skipped: Debian's chromium and chromium-driver, or selenium in .venv, cannot be installed"; \
	  test -z "$(REQUIRE_BROWSER)"; fi

differential: venv ## Generated INI files through Supervisor's parser and ours: FILES=10000, SEED=n
	cargo test --test differential -- $(if $(FILES),--files $(FILES)) $(if $(SEED),--seed $(SEED))

container: build puppet busybox ## Real Docker containers; skipped where there is no Docker
	cargo test --test container

k8s-check: ## Manifests against Kubernetes' schemas and against each other
	@if .venv/bin/python -c 'import kubernetes_validate' 2>/dev/null \
	  || { python3 -m venv .venv && .venv/bin/pip install --quiet 'kubernetes-validate>=1.33'; }; then \
	  .venv/bin/python k8s/validate.py; \
	else echo "skipped: kubernetes-validate cannot be installed into .venv"; test -z "$(REQUIRE_K8S)"; fi

compose-check: ## compose.yaml against docker-compose's schema
	@if docker compose version >/dev/null 2>&1; then docker compose -f docker/compose.yaml config --quiet; \
	elif command -v docker-compose >/dev/null; then docker-compose -f docker/compose.yaml config --quiet; \
	else echo "skipped: there is no docker compose"; fi

size: build ## Fail when the binary is over its budget
	@size=$$(stat -c %s dist/mainstay); echo "dist/mainstay: $$size bytes, budget $(SIZE_LIMIT)"; \
	test "$$size" -le $(SIZE_LIMIT)

bench: build ## Side by side with the peers that are installed; BENCH="orphans --quick" for one scenario
	@if [ -x ../shared/bench/bench.py ]; then \
	  OURS=$(CURDIR)/dist/mainstay OURS_INIT='{ours} --' OURS_CTL='{ours} ctl -c {conf} status' \
	    ../shared/bench/bench.py $(BENCH) --out dist/bench; \
	else python3 bench/run.py dist/mainstay; fi

fuzz: ## Each fuzz target for T seconds (T=60); FUZZ=ini for one, SEED=n for a seed
	cargo test --test fuzz -- --seconds $(T) $(if $(SEED),--seed $(SEED)) $(if $(FUZZ),--target $(FUZZ))

clean: ## Remove everything that was built or installed here
	cargo clean
	rm -rf dist .venv

# A child that does as told; static, because it also lives in empty containers.
puppet:
	$(STATIC) cargo build --release --target $(TARGET) -p harness --bin puppet

# Supervisor itself and the clients that people use with it, for the compatibility tests.
venv:
	@if [ -x .venv/bin/supervisord -a -x .venv/bin/crashmail -a -x .venv/bin/supervisord-dependent-startup ] \
	  || { python3 -m venv .venv && .venv/bin/pip install --quiet 'supervisor==$(SUPERVISOR)' superlance==$(SUPERLANCE) \
	  supervisord-dependent-startup==$(DEPENDENT_STARTUP); }; then :; \
	else echo "skipped: supervisor $(SUPERVISOR) cannot be installed into .venv"; test -z "$(REQUIRE_COMPAT)"; fi
	@if [ -x .venv/bin/check_supervisord.py ] || .venv/bin/pip install --quiet $(CLIENTS); then :; \
	else echo "skipped: clients of Supervisor's cannot be installed into .venv"; test -z "$(REQUIRE_COMPAT)"; fi

# A static shell for containers that have nothing else, a look at system calls, and a terminal.
busybox:
	@if command -v busybox >/dev/null && command -v strace >/dev/null && command -v tmux >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends busybox-static strace tmux; \
	else echo "missing: busybox-static, strace or tmux; a few tests are skipped without them"; fi
