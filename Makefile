# Each target does its own set-up: Python 3.10 or newer, git and make are enough.
#   make run    start the hub and a small web server in it, and show its output
#   make test   all tests but the long ones      make check  style, types, imports
#   make crash  kill -9 at hundreds of points    make realworld  Vite, uvicorn --reload, http.server
#   make bench  figures, as ratios               make docs   build the site into site/
#   make load   many clients, floods, bursts: figures with their aims
#   make upgrade  the daemon replaced 50 times under 50 writers
#   make soak   half an hour of everything at once: nothing may grow
#   make fuzz   what nobody sends on purpose, against everything that reads
#   make agents the MCP conformance suite, the official clients and real agents (needs npm)

PYTHON = python3
VENV = .venv
BIN = $(VENV)/bin
# The tests wait for processes more than they compute; the files that one worker runs share daemons.
JOBS = 4
# Compiled files are written even where the environment says otherwise: hundreds of daemons and calls are started.
PYTEST = env -u PYTHONDONTWRITEBYTECODE PYTHONWARNDEFAULTENCODING=1 $(BIN)/python -m pytest
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: run test check bench docs crash load soak fuzz upgrade realworld agents clean

run: $(VENV)/stamp-run
	@echo "Starting a web server for docs/ in the hub. Ctrl-C leaves it running; then try"
	@echo "  $(BIN)/persistproc list | logs demo | restart demo | stop demo"
	@$(BIN)/persistproc run --name demo --on-exit detach -- $(BIN)/python -m http.server 0 --bind 127.0.0.1 --directory docs

test: $(VENV)/stamp-dev
	$(PYTEST) -m "not realworld and not agents" -p xdist --numprocesses $(JOBS) --dist loadfile $(ARGS)

check: $(VENV)/stamp-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(PYTEST) -q tests/meta tests/docs

crash: $(VENV)/stamp-dev
	$(BIN)/python -m tests.crash $(ARGS)
	TESTS_FULL=1 $(PYTEST) tests/races

load: $(VENV)/stamp-dev
	$(BIN)/python -m tests.load $(ARGS)

soak: $(VENV)/stamp-dev
	$(BIN)/python -m tests.load.soak $(ARGS)

# Atheris has wheels for some Pythons on Linux; where it has none, what is guided by coverage is left out and says so.
fuzz: $(VENV)/stamp-dev
	-$(INSTALL) --only-binary :all: --no-deps atheris
	$(BIN)/python -m tests.fuzz $(ARGS)
	$(BIN)/python -m tests.fuzz.guided

upgrade: $(VENV)/stamp-dev
	$(BIN)/python -m tests.upgrade $(ARGS)

realworld: $(VENV)/stamp-dev
	$(PYTEST) tests/realworld $(ARGS)

agents: $(VENV)/stamp-agents
	$(PYTEST) tests/agents $(ARGS)

bench: $(VENV)/stamp-dev
	$(BIN)/python -m tests.benchmarks $(ARGS)

docs: $(VENV)/stamp-docs
	$(BIN)/python -m tests.docs.generate
	PYTHONPATH=. $(BIN)/mkdocs build --quiet --strict --config-file .ci/mkdocs.yml
	@echo "built site/index.html"

clean:
	rm -rf $(VENV) tests/agents/node_modules site build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/stamp-run: pyproject.toml .ci/venv
	@.ci/venv "$(PYTHON)" $(VENV)
	$(INSTALL) --editable .
	@touch $@

$(VENV)/stamp-dev: $(VENV)/stamp-run
	$(INSTALL) --group dev
	@touch $@

# Node comes from npm as well: the conformance suite needs a newer one than many systems have.
$(VENV)/stamp-agents: $(VENV)/stamp-dev tests/agents/package.json
	$(INSTALL) --group agents
	npm install --prefix tests/agents --no-package-lock --no-audit --no-fund --loglevel=error
	@touch $@

$(VENV)/stamp-docs: $(VENV)/stamp-dev
	$(INSTALL) --group docs
	@touch $@
