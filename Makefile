# Needs Python 3.11 or newer and make, nothing else: the rest is installed into .venv.

PYTHON ?= python3
JOBS ?= 4
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
CLIENTS := tests/mcp/real_clients
MERMAID := 11.17.2
SWAGGER_UI := 5.35.0

.PHONY: help run test engines mcp mcp-sdks lint types texts docs screenshots bench clean

help:
	@echo "make run      serve the example app on 127.0.0.1:5000 (PORT=8000 for another port)"
	@echo "make test     run every test (ARGS=\"tests/grants/test_password.py -k name\" for some, JOBS=8 for more at a time)"
	@echo "make mcp-sdks  install MCP's Python SDKs, each generation into a .venv-mcp of its own, for the tests of MCP servers"
	@echo "make engines  test behind poolers, on standbys and on clusters, which it starts (needs their Debian packages)"
	@echo "make mcp      test with clients and servers of the Model Context Protocol, which it installs (needs npm)"
	@echo "make lint     ruff, codespell, and whether the pages that are made from the code are up to date"
	@echo "make types    mypy --strict on the package"
	@echo "make texts    bring the pages' translations up to date, and say what lacks one"
	@echo "make docs     build the documentation's site into build/site (needs npm, for what draws diagrams and shows the endpoints)"
	@echo "make screenshots  take the documentation's pictures of the example app (needs Chromium; PORT=8000 for another port)"
	@echo "make bench    measure, beside a bare view and what others offer (needs wrk and PostgreSQL; 25 minutes)"
	@echo "make clean    remove .venv and everything that was built"

run: $(VENV)/.installed-run
	$(BIN)/python -m example_app

# The tests start hundreds of processes: where bytecode may not be kept, compiling it anew is a quarter of the time.
test: $(VENV)/.installed-dev
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --workers $(JOBS) $(ARGS)

# Two generations of the SDK can't be installed beside each other, nor beside the lowest versions of our dependencies.
mcp-sdks: .venv-mcp1/.installed .venv-mcp2/.installed

.venv-mcp%/.installed: tests/mcp/sdk%.txt pyproject.toml
	$(PYTHON) -m venv .venv-mcp$*
	.venv-mcp$*/bin/python -m pip install --quiet --disable-pip-version-check -r $< -e .
	@touch $@

# Each starts servers of its own: a file's tests stay together.
engines: $(VENV)/.installed-dev
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 2 --dist loadfile tests/engines $(ARGS)

mcp: $(VENV)/.installed-dev mcp-sdks $(CLIENTS)/node/node_modules/.package-lock.json
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 2 --dist loadfile $(CLIENTS) $(ARGS)

# Their scripts aren't needed, nor trusted.
$(CLIENTS)/node/node_modules/.package-lock.json: $(CLIENTS)/node/package-lock.json
	cd $(CLIENTS)/node && npm ci --ignore-scripts --omit-lockfile-registry-resolved --no-audit --no-fund
	touch $@

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell $(wildcard README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md docs)
	$(BIN)/python docs/generate.py --check

types: $(VENV)/.installed-dev
	$(BIN)/mypy --strict flask_oauth_gateway

texts: $(VENV)/.installed-dev
	$(BIN)/python -m tests.pages.catalogs

docs: $(VENV)/.installed-docs build/mermaid/mermaid.min.js build/swagger-ui/swagger-ui-bundle.js
	$(BIN)/sphinx-build -q -n -W --keep-going -j auto -c docs . build/site
	@echo "The site begins at build/site/index.html"

# Of npm's packages only the files that browsers need; what else they list as dependencies isn't needed for these.
build/mermaid/mermaid.min.js: Makefile
	$(call from_npm,mermaid@$(MERMAID),--strip-components=2 package/dist/mermaid.min.js)

build/swagger-ui/swagger-ui-bundle.js: Makefile
	$(call from_npm,swagger-ui-dist@$(SWAGGER_UI),--strip-components=1 package/swagger-ui-bundle.js package/swagger-ui.css)

define from_npm
	@command -v npm >/dev/null || { echo "make docs needs npm (it comes with Node.js): mermaid, which draws the diagrams, and Swagger UI, which shows the endpoints, are taken from there" >&2; exit 1; }
	mkdir -p $(@D)
	cd $(@D) && tar -xzf "$$(npm pack --silent $(1))" $(2)
	rm $(@D)/*.tgz
	touch $@
endef

screenshots: $(VENV)/.installed-dev
	$(BIN)/python -m docs.screenshots

bench: $(VENV)/.installed-dev
	$(PIP) -e ".[bench]"
	$(BIN)/python -m bench $(ARGS)
	$(BIN)/python -m bench.memory $(ARGS)
	$(BIN)/python -m bench.http $(ARGS)

clean:
	rm -rf $(VENV) .venv-mcp1 .venv-mcp2 build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

# Stamps: an installation is done again when pyproject.toml is newer. The test tools include all that
# `make run` needs, and installing less never removes them.
$(VENV)/.installed-dev: pyproject.toml | $(BIN)/python
	$(PIP) -e ".[dev]"
	@touch $@ $(VENV)/.installed-run $(VENV)/.installed-docs

$(VENV)/.installed-docs: pyproject.toml | $(BIN)/python
	$(PIP) -e ".[docs]"
	@touch $@

$(VENV)/.installed-run: pyproject.toml | $(BIN)/python
	$(PIP) -e ".[example]"
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name one: make PYTHON=python3.13 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
