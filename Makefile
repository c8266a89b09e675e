# Everything a person does here. `make run` needs nothing but Python 3.11 or newer and make.

PY := .venv/bin/python
SOURCES := manage.py platform accounts generation billing storage webhooks deploy tests

SHEET := platform/console/static/console/app.css
CSS := .venv/bin/tailwindcss -i platform/console/assets/app.css --minify

# What `check --deploy` looks at is production, so it gets production's settings: random secrets.
PRODUCTION = $$($(PY) -c 'import base64, os; \
	new = lambda: base64.urlsafe_b64encode(os.urandom(32)).decode(); \
	print("PICTOR_OPERATOR_NAME=Example PICTOR_OPERATOR_PLACE=Example", \
	"PICTOR_OPERATOR_CONTACT=example@pictor.example", \
	f"ALLOWED_HOSTS=pictor.example SECRET_KEY={new()}{new()} PICTOR_KEY_PEPPER={new()}", \
	f"PICTOR_OBJECT_KEY_SECRET={new()} PICTOR_LEDGER_KEY={new()} PICTOR_ENCRYPTION_KEYS={new()}", \
	f"S3_ACCESS_KEY_ID={new()} S3_SECRET_ACCESS_KEY={new()}")')

.DEFAULT_GOAL := help
.PHONY: help run test thorough quick coverage check audit bench chaos clients live payments-live drills seed fmt lint types layers schema lock wheel \
	css css-check screenshots landing venv venv-dev

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Where Python may not write bytecode, every process would compile what it imports of this.
COMPILE = $(PY) -m compileall -q $(filter-out manage.py tests,$(SOURCES))
# pytest keeps what it makes of the tests where Python may write bytecode.
PYTEST = PYTHONDONTWRITEBYTECODE= $(PY) -m pytest -n 3 --dist loadfile

run: venv ## start one complete Pictor here (PORT=8000 PICTOR_DATA=.pictor; CARDS=1: paid by test cards)
	@$(COMPILE)
	@exec env PICTOR_STOP_WITH_PARENT=1 $(if $(CARDS),PICTOR_CARDS=1) $(PY) manage.py run

test: venv-dev ## run the tests, against real servers of their own, three files at a time
	@$(COMPILE)
	@$(PYTEST) -m 'not long'

thorough: venv-dev ## the rest of the tests: kills, starts and thieves that take minutes
	@$(COMPILE)
	@$(PYTEST) -m long

quick: venv-dev ## rules, some services and one flow through all parts, in about a minute
	@$(COMPILE)
	@$(PYTEST) -q -m 'quick and not thorough'

coverage: venv-dev ## the tests, measured: 95 % overall, 100 % in billing (slow: not in CI)
	@$(PY) -m coverage erase
	@$(PY) -m coverage run -m pytest -q --ignore=tests/faults/test_process_death.py \
		--deselect tests/flows/test_many_at_once.py::test_five_hundred_waiters_need_less_than_thirty_threads
	@$(PY) -m coverage combine -q
	@$(PY) -m coverage report --fail-under=95
	@$(PY) -m coverage report --include='billing/*' --fail-under=100

check: venv-dev ## all but the tests: format, lint, types, layers, migrations, deployment, audit
	$(PY) -m ruff format --check $(SOURCES)
	$(PY) -m ruff check $(SOURCES)
	$(PY) -m mypy
	.venv/bin/lint-imports
	$(PY) -m pytest -q tests/upgrades/test_new_migrations.py
	@echo '$(PY) manage.py makemigrations --check --dry-run'
	@env $(PRODUCTION) $(PY) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	@echo '$(PY) manage.py check --deploy --fail-level WARNING'
	@env $(PRODUCTION) $(PY) manage.py check --deploy --fail-level WARNING
	@$(MAKE) --no-print-directory css-check
	.ci/audit

audit: venv-dev ## known vulnerabilities of requirements-c2pa.lock; says so where nobody can tell
	@.ci/audit

bench: venv-dev ## measure the running system; BASE=<commit>: what a request costs, beside it
	@$(PY) -m tests.bench$(if $(BASE),.compare $(BASE))

chaos: venv-dev ## kill everything under load and count what was lost (SEED=N SECONDS=120)
	@$(PY) -m tests.chaos $(if $(SEED),--seed $(SEED)) $(if $(SECONDS),--seconds $(SECONDS))

clients: venv-dev ## other people's clients, also a generated one, and a linter, against their own stack
	@$(PY) -m tests.clients.run

live: venv-dev ## buy one small picture by PICTOR_LIVE_KEY (KIND=gemini; tests/live.py); never in CI
	@$(PY) -m tests.live $(KIND)

payments-live: venv-dev ## a payment at Stripe itself by PICTOR_STRIPE_SECRET_KEY=sk_test_…; never in CI
	@$(PY) -m tests.payments_live

drills: venv-dev ## what production survives, under load, and the tests of deploy/: half an hour
	@PICTOR_DRILLS=1 $(PY) -m pytest -q tests/deploy
	@$(PY) -m tests.drills

seed: venv ## seed the running default: contracts, prices, sandbox channel, demo tenant
	@$(PY) manage.py seed

fmt: venv-dev ## format, and mend what ruff can mend
	@$(PY) -m ruff format $(SOURCES)
	@$(PY) -m ruff check --fix $(SOURCES)

schema: venv-dev ## write down what all migrations make: tables, and the ledger's rules
	@PICTOR_WRITE_SCHEMA=1 $(PY) -m pytest -q tests/upgrades/test_new_schema.py

css: venv-dev ## build the console's style sheet (commit what comes out)
	@$(CSS) -o $(SHEET)

css-check: venv-dev ## the committed style sheet is what its source and the templates make
	@$(CSS) -o .app.css.new
	@cmp .app.css.new $(SHEET) || { echo 'Run make css and commit $(SHEET).' >&2; exit 1; }
	@rm -f .app.css.new

screenshots: venv-dev ## every page, light, dark and on a phone, as pictures in .screenshots/
	@PICTOR_SCREENSHOTS=.screenshots $(PY) -m pytest -n 2 --dist loadfile -q \
		$$(grep -rlE 'import .*\b(keep|SHOWN)\b|console\.visits' tests/console --include='test_*.py')
	@PICTOR_SCREENSHOTS=.screenshots PYTHONPATH=.:platform $(PY) -m tests.console.gallery

landing: venv-dev ## make the landing page's call again: its image and its answer
	@PYTHONPATH=.:platform $(PY) -m tests.landing

lint: venv-dev ## ruff
	@$(PY) -m ruff check $(SOURCES)

types: venv-dev ## mypy, strict
	@$(PY) -m mypy

layers: venv-dev ## which package may import which
	@.venv/bin/lint-imports

LOCK = $(PY) -m uv pip compile --quiet --universal --generate-hashes --no-emit-index-url \
	--custom-compile-command 'make lock'

wheel: venv ## what a release installs: dist/pictor-VERSION-py3-none-any.whl
	@$(PY) -m uv build --quiet --wheel --no-build-isolation -o dist

lock: venv ## make the lock files again from pyproject.toml
	@$(LOCK) pyproject.toml -o requirements.lock
	@$(LOCK) pyproject.toml --extra c2pa -o requirements-c2pa.lock
	@$(LOCK) pyproject.toml --extra run --group checkout -o requirements-run.lock
	@$(LOCK) pyproject.toml --extra run --extra c2pa --group checkout --group dev -o requirements-dev.lock
	@echo uv | $(LOCK) - -o requirements-uv.lock

venv:
	@.ci/venv run

venv-dev:
	@.ci/venv dev
