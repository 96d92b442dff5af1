# `make chat` and `make test` do it all; `make setup` does the installing alone.
PYTHON ?= python3
# Where pip should look for torch besides its usual index, for example a wheel index with CPU builds (see README).
TORCH_INDEX ?=
PIP = .venv/bin/pip install --disable-pip-version-check -q -c constraints.txt $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))

.PHONY: chat setup test lint eval words docs clean

chat: .venv/.installed
	.venv/bin/python app.py

setup: .venv/.installed

test: .venv/.installed-dev
	.venv/bin/python -m pytest

lint: .venv/.installed-dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

eval: .venv/.installed-dev
	.venv/bin/python -m eval

# What the page says anew, into each of its catalogues.
words: .venv/.installed-dev
	mkdir -p build
	.venv/bin/pybabel -q extract -F pyproject.toml -k noted -k Told -k ngettext:1,2 --no-location --sort-output -o build/page.pot .
	for file in rag/present/catalogues/*.po; do .venv/bin/pybabel -q update -N --ignore-obsolete --ignore-pot-creation-date -w 116 \
	  -l $$(basename $$file .po) -i build/page.pot -o $$file; done

# The site, in build/site; any warning fails.
docs: .venv/.installed-docs
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --strict

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed, this is " + sys.version.split()[0])'
	$(PYTHON) -m venv .venv

.venv/.installed: .venv/bin/python pyproject.toml constraints.txt
	$(PIP) -e .
	touch $@

.venv/.installed-dev: .venv/.installed
	$(PIP) -e '.[dev]'
	touch $@

.venv/.installed-docs: .venv/.installed
	$(PIP) -e '.[docs]'
	touch $@

clean:
	rm -rf .venv
