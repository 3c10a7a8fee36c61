# Thin over the `faultline` command: every target is a verb of .venv/bin/faultline, set up by tools/bootstrap.
#
#   S=slug         the scenario; may be left out while there is one lab
#   REPEAT=n       how often (chaos, verify, bench)
#   BUDGET=60m     time that a long target may take (bench: a number of seconds, such as 300)
#   KIND_NODES=n   nodes of a new cluster (up)
#   PORT=n         port of the dashboard on this machine

.DEFAULT_GOAL := help
SHELL := /bin/sh
FAULTLINE := .venv/bin/faultline
# Each process imports all tests: compiled once is much less.
PYTEST := PYTHONDONTWRITEBYTECODE= .venv/bin/pytest --ignore=tests/e2e
# They keep the cores busy. Property tests try a tenth of what `make test` has them try.
UNIT := $(PYTEST) -m "not integration and not e2e" --numprocesses=2 --hypothesis-profile=check
# Most of what starts servers waits for them, so there are more of these at once than there are cores.
WAITING := --numprocesses=4 --dist=loadfile
CALM := -m calm --numprocesses=3
# Two labs at a time, where what is measured bears it.
BESIDE := .venv/bin/pytest tests/e2e -m "beside and not long" --numprocesses=2 --dist=loadfile --durations=20
# One after the other: labs side by side disturb each other's graded runs.
E2E := .venv/bin/pytest tests/e2e -m "not beside and not long" --durations=20
S ?=
REPEAT ?=
BUDGET ?=
PORT ?=
export KIND_NODES REPEAT BUDGET

.PHONY: help
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9%-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: venv
venv:
	@tools/bootstrap

.PHONY: up doctor down clean
up: venv ## Set everything up: engine, images, cluster, platform (KIND_NODES=3 for three nodes)
	@$(FAULTLINE) up

doctor: venv ## Check the host: findings, what they mean, what to do
	@$(FAULTLINE) doctor

down: venv ## Remove the cluster, leave nothing running
	@$(FAULTLINE) down

clean: venv ## down, and remove images, tools, caches; runs and progress are kept
	@$(FAULTLINE) clean
	@rm -rf .venv

.PHONY: demo apply chaos grade diagnose fix watch hint solution status progress stop delete
demo: venv ## The whole story: set up, break a flawed app, apply the solution, compare
	@$(FAULTLINE) demo

apply: venv ## Deploy a scenario's lab (S=slug)
	@$(FAULTLINE) apply $(S)

chaos: venv ## Run load and faults against a lab (S=slug REPEAT=n)
	@$(FAULTLINE) chaos $(S) $(if $(REPEAT),--repeat $(REPEAT))

grade: venv ## Show the last run's score and every lost point (S=slug)
	@$(FAULTLINE) grade $(S)

diagnose: venv ## Show the causes to choose from before a fix, and what you have claimed (S=slug)
	@$(FAULTLINE) diagnose $(S)

fix: venv ## Send workspace/slug/ into the lab (S=slug)
	@$(FAULTLINE) fix $(S)

watch: venv ## Send workspace/slug/ into the lab on each save, until Ctrl-C (S=slug)
	@$(FAULTLINE) watch $(S)

hint: venv ## Reveal the next hint (S=slug)
	@$(FAULTLINE) hint $(S)

solution: venv ## Show one way that passes; opens after an attempt of your own (S=slug)
	@$(FAULTLINE) solution $(S)

status: venv ## Labs, runs, scores, and the next command
	@$(FAULTLINE) status

progress: venv ## Best scores, attempts, hints, and the scenario to take up next
	@$(FAULTLINE) progress

stop: venv ## End every fault in every lab at once, and the runs under way (S=slug for one lab)
	@$(FAULTLINE) stop $(or $(S),--all)

delete: venv ## Delete a lab; asks. Workspace, progress and reports are kept (S=slug)
	@$(FAULTLINE) delete $(S)

.PHONY: dashboard
dashboard: venv ## Open the dashboard: prints its address, stays until Ctrl-C (PORT=8088)
	@$(FAULTLINE) dashboard $(if $(PORT),--port $(PORT))

.PHONY: verify verify-all
verify: venv ## Prove a scenario: flawed fails, solution passes, wrong fixes fail (S=slug)
	@$(FAULTLINE) verify $(S) $(if $(REPEAT),--repeat $(REPEAT)) $(if $(BUDGET),--budget $(BUDGET))

verify-all: venv ## Prove what is not proven yet of all scenarios, and write docs/verification.md (REPEAT=3 BUDGET=60m)
	@$(FAULTLINE) verify --all $(if $(REPEAT),--repeat $(REPEAT)) $(if $(BUDGET),--budget $(BUDGET))

.PHONY: format check test test-crash test-hog test-nodes static unit integration e2e toxiproxy-server lock
format: venv ## Format the code
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

check: static unit ## Format, lint, types, import layers, lessons, unit tests, charts: under two minutes

test: static up browser network ## The checks, set-up, and all tests but those of test-*: what CI runs
	$(PYTEST) -m "not calm" $(WAITING)
	$(PYTEST) $(CALM)
	$(BESIDE)
	$(E2E)

test-crash: up ## The whole crash matrix: every part killed at every step of a run (half an hour)
	CRASH=all .venv/bin/pytest tests/e2e/test_crash.py

test-hog: up ## Programs that hog this machine, at several strengths, before and during a run (three minutes)
	.venv/bin/pytest tests/e2e/test_red_team.py -k "honest or hog or burns"

test-nodes: ## A node that is lost, on a cluster of three: takes yours down, and leaves none (ten minutes)
	$(MAKE) down
	KIND_NODES=3 $(MAKE) up
	.venv/bin/pytest tests/e2e/test_node_loss.py
	$(MAKE) down

static: venv
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	@$(FAULTLINE) lint

unit: venv ## Unit tests alone
	@$(FAULTLINE) tools helm
	$(UNIT)

integration: venv browser network ## Tests of real servers and a browser, but for those of data stores, which need the images
	@$(FAULTLINE) tools toxiproxy-server
	$(PYTEST) -m "integration and not calm" $(WAITING)
	$(PYTEST) $(CALM)

e2e: up browser ## End-to-end tests on the kind cluster
	$(BESIDE)
	$(E2E) tests/cluster

.PHONY: browser network
browser:
	@tools/browser

network:
	@tools/network

toxiproxy-server: venv
	@$(FAULTLINE) tools toxiproxy-server

lock: venv ## Pin requirements anew from pyproject.toml
	@tools/lock

.PHONY: bench
bench: venv ## Run every bench against its bounds
	@$(FAULTLINE) bench

bench-%: venv ## Run one bench, such as bench-setup, bench-faults, bench-crash
	@$(FAULTLINE) bench $*
