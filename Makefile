# Thin verbs; each one's work is done by a program that can be called without make.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
# of its own: torchvision beside a CPU build of torch fails on import, and takes torch.onnx with it
EASYOCR := .make/easyocr-venv
# of its own: the systems that Zorky is measured against bring eighty packages
BENCH := .make/bench-venv
# makes an environment see the packages of the main one, behind its own
BEHIND = print("import site; site.addsitedir(%r)" % sysconfig.get_path("purelib"))
PACKAGES := gen/python models server clients/python
PROJECTS := $(PACKAGES:%=%/pyproject.toml)

.PHONY: help demo test test-slow test-easyocr bench check gen check-gen release-contract train-quick clean
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .make/venv ## set up, start a server, read examples/, write demo/
	$(BIN)/python examples/demo.py

test: .make/venv ## set up and run the tests that need Python alone; more run when Node or torch are there
	$(BIN)/pytest -q -m "not easyocr and not slow"

test-slow: .make/training ## run the tests that take minutes: people correct, a model learns and is swapped in
	$(BIN)/pytest -q -m slow

test-easyocr: .make/easyocr ## run the tests that need EasyOCR's networks, in an environment of their own
	$(EASYOCR)/bin/python -m pytest -q -m easyocr training/tests

bench: .make/bench $(if $(FULL),.make/easyocr-networks) ## measure against other systems, write docs/performance.md; FULL=1: for longer
	$(BENCH)/bin/python benchmarks/bench.py $(if $(FULL),--full)

check: .make/venv .make/node .make/training ## format, lint, types, imports, contract
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	node_modules/.bin/buf lint
	node_modules/.bin/buf breaking --against proto/released.binpb
	$(MAKE) --no-print-directory check-gen

gen: .make/venv ## regenerate gen/ from proto/
	$(BIN)/python gen/generate.py

check-gen: .make/venv ## fail when gen/ differs from proto/
	$(BIN)/python gen/generate.py --check

release-contract: .make/node ## keep the contract as it is now as the last released one
	node_modules/.bin/buf build --exclude-source-info -o proto/released.binpb

train-quick: .make/training ## train a recogniser on 40,000 lines; resumes where it stopped
	$(BIN)/zorky-train recognizer --quick

clean: ## remove what setup made
	rm -rf $(VENV) .make node_modules

.make/venv: constraints.txt $(PROJECTS)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Zorky needs Python 3.11 or later: make PYTHON=python3.12 …")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt hatchling editables
	$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt --no-build-isolation \
	  -e gen/python -e models -e 'server[cpu,otel,postgres,s3]' -e clients/python -r requirements-dev.txt
	mkdir -p .make && touch $@

.make/training: .make/venv training/pyproject.toml
	$(BIN)/python -c 'import torch' 2>/dev/null || $(BIN)/pip install -q --disable-pip-version-check torch==2.13.0
	$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt --no-build-isolation -e training
	touch $@

.make/easyocr: .make/training
	$(BIN)/python -m venv $(EASYOCR)
	$(BIN)/python -c 'import sysconfig; $(BEHIND)' \
	  > $$($(EASYOCR)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/zorky.pth
	$(EASYOCR)/bin/pip install -q --disable-pip-version-check -c constraints.txt easyocr
	touch $@

.make/easyocr-networks: .make/easyocr benchmarks/export_easyocr.py
	rm -rf $@
	$(EASYOCR)/bin/python benchmarks/export_easyocr.py $@

.make/bench: .make/venv benchmarks/requirements.txt training/pyproject.toml
	$(BIN)/python -m venv $(BENCH)
	$(BIN)/python -c 'import sysconfig; $(BEHIND)' \
	  > $$($(BENCH)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/zorky.pth
	$(BENCH)/bin/pip install -q --disable-pip-version-check -c constraints.txt -r benchmarks/requirements.txt
	$(BENCH)/bin/pip install -q --disable-pip-version-check --no-build-isolation --no-deps -e training
	mkdir -p .make && touch $@

.make/node: package.json
	npm install --silent --no-audit --no-fund --no-package-lock
	mkdir -p .make && touch $@
