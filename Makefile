# Doublelock: everything a person or CI runs. `make help` lists it.
# Needs Python 3.11+, Rust's cargo, Node 20.19+ with npm, and make; the rest is fetched and locked here.

UV_VERSION := 0.13.9
UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
RUN := $(UV) run --no-sync --quiet
WORLD ?= world
CHAT ?=
JOBS ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup demo up test check pytest webtest browser browsertest pages screenshots bench vectors clean

help:  ## This list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.tools/bin/uv:
	python3 -m venv .tools
	.tools/bin/pip install --quiet "uv==$(UV_VERSION)"

MLS_SOURCES := mls/Cargo.toml mls/Cargo.lock mls/pyproject.toml $(wildcard mls/src/*.rs)

# The MLS binding is built by maturin once and again only when its sources change.
.venv/ready: pyproject.toml uv.lock $(MLS_SOURCES) | $(filter .tools/bin/uv,$(UV))
	@echo "Preparing the locked environment (the first time builds the MLS binding: some minutes)"
	$(UV) sync --locked --quiet $(if $(wildcard .venv/ready),--reinstall-package doublelock-mls)
	@touch $@

setup: .venv/ready  ## The locked environment, with the MLS binding

# At a terminal it goes on running after its story, until Ctrl-C; elsewhere it ends by itself.
demo: setup web/build/bundle.json  ## The whole story, then two invites for a browser; CHAT=path replays a raw IRC log
	@[ -t 0 ] && [ -t 1 ] && stay=--keep-running; \
	$(RUN) doublelock demo --new --state $(WORLD) --web web/build $$stay $(if $(CHAT),--chat "$(CHAT)")

up: setup web/build/bundle.json  ## The same deployment, kept running for people to use, in the browser too
	$(RUN) doublelock demo --state $(WORLD) --keep-running --web web/build

test: setup check pytest webtest browsertest  ## Everything that must hold before a change lands

check: setup  ## Style, types, imports
	$(RUN) ruff check src tests bench vectors web/test
	$(RUN) ruff format --check src tests bench vectors web/test
	$(RUN) mypy
	$(RUN) lint-imports

pytest: setup
	$(RUN) pytest -n $(JOBS) --dist loadscope -q

web/node_modules/.ready: web/package-lock.json
	cd web && npm ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

web/build/bundle.json: web/node_modules/.ready web/index.html web/vite.config.ts $(shell find web/src web/public web/scripts -type f)
	cd web && npm run --silent build -- --outDir build --emptyOutDir --logLevel error
	$(RUN) doublelock serve bundle web/build --release 0.1.0

# Debian's Chromium; as root on Debian it is installed, elsewhere it has to be there.
browser:
	@command -v "$${CHROMIUM:-/usr/bin/chromium}" >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
		&& echo "Installing Debian's Chromium for the browser's tests" && apt-get update -qq \
		&& DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; } \
		|| { echo "The browser's tests need Chromium, and it could not be installed: install it, or name one in CHROMIUM." >&2; exit 1; }

webtest: setup web/node_modules/.ready  ## The browser's side: types, style, vectors, MLS soak with Python
	cd web && npm run --silent check && npm run --silent lint && npm run --silent test

# What a machine without Chromium cannot test is said, as with Go.
browsertest: setup web/node_modules/.ready
	@if $(MAKE) --no-print-directory browser; then cd web && npm run --silent e2e; \
		else echo "SKIPPED: the browser's tests, for want of Chromium." >&2; fi

pages: setup browser web/node_modules/.ready  ## The browser client in a real Chromium: alone, axe included, and with a real server
	cd web && npm run --silent pages && npm run --silent e2e

screenshots: browser web/node_modules/.ready  ## The main screens as pictures, in web/dist/screenshots
	cd web && npm run --silent screenshots

bench: setup browser web/node_modules/.ready  ## Every figure beside its ceiling from the same run
	$(RUN) python -m bench

vectors: setup  ## Write our own test vectors again, deterministically
	$(RUN) python -m vectors.make

clean:  ## Remove what was built
	rm -rf .venv .tools mls/target web/node_modules web/build web/dist $(WORLD)
