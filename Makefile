# Figbox: `make run` is all a newcomer needs; each target does only what is missing.
# PYTHON: any Python >= 3.11, to make the virtual environment with. ARGS: passed on by the targets that say so.
# PLATFORMS, with REGISTRY and TAG: for which processors images are built by buildx, and where they are pushed.
# ENVIRONMENT: one of runner-image/environments, or `all`: whose image is built, or whose lock is made.

PYTHON ?= python3
ARGS ?=
# Only what make's command line says: many a shell has a variable of that name.
ifneq ($(origin ENVIRONMENT),command line)
ENVIRONMENT :=
endif
ifneq ($(origin PLATFORMS),command line)
PLATFORMS :=
endif
VENV := .venv/bin
BOOTSTRAP := $(PYTHON) -m bootstrap
COMPILE := $(VENV)/python -m piptools compile --quiet --generate-hashes --strip-extras --allow-unsafe \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options
ENVIRONMENT_LISTS = $(addprefix runner-image/environments/,\
	$(if $(filter-out all,$(ENVIRONMENT)),$(ENVIRONMENT).in,$(notdir $(wildcard runner-image/environments/*.in))))

.DEFAULT_GOAL := help
.PHONY: help install engine image images run test test-all test-hosts check fuzz bench lock gvisor install-service cluster cluster-down cluster-test doctor release clean

help: ## List the targets (the default)
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: ## Make the virtual environment from the hash-locked requirements
	@$(BOOTSTRAP) venv

engine: ## Make sure that a container engine responds; start one only where none does
	@$(BOOTSTRAP) engine

image: ## Build the runner image if anything in it changed; with ENVIRONMENT=science, that environment's image as well
	@$(BOOTSTRAP) $(ARGS) $(if $(ENVIRONMENT),--environment $(ENVIRONMENT)) venv engine image

images: ## Build the runner's image and the gateway's; with PLATFORMS=linux/amd64,linux/arm64 for these, by buildx
ifeq ($(PLATFORMS),)
	@$(BOOTSTRAP) $(ARGS) venv engine image gateway-image
else
	@$(BOOTSTRAP) $(ARGS) "--platforms=$(PLATFORMS)" "--registry=$(REGISTRY)" "--tag=$(TAG)" venv platform-images
endif

run: ## Set up whatever is missing and start the gateway on 127.0.0.1:5150 (HOST, PORT)
	@exec $(BOOTSTRAP) run

test: ## Run the tests that every change must pass (ARGS="-k name" is passed to pytest)
	@$(BOOTSTRAP) test $(ARGS)

test-all: ## Run all tests (ARGS="-k name" is passed to pytest)
	@$(BOOTSTRAP) test-all $(ARGS)

test-hosts: ## As root: run Figbox as a service in a virtual machine (ARGS="service limits" names phases; up to hours)
	@$(BOOTSTRAP) --dev venv engine image
	$(VENV)/python -m tests.hosts.vm $(ARGS)

check: ## Lint, and check formatting, types and the direction of imports
	@$(BOOTSTRAP) --dev venv
	$(VENV)/python -m ruff check .
	$(VENV)/python -m ruff format --check .
	$(VENV)/python -m mypy
	$(VENV)/lint-imports --no-logo

fuzz: ## Fuzz each parser of hostile bytes for a minute (ARGS="edge --seconds 3600")
	@$(BOOTSTRAP) --dev venv
	$(VENV)/python -m tests.fuzz $(ARGS)

bench: ## Run the benchmarks on this machine (ARGS is passed to them)
	@$(BOOTSTRAP) --dev venv engine image
	$(VENV)/python -m benchmarks $(ARGS)

lock: ## Resolve all dependencies again, or those of one ENVIRONMENT, and write the locks (takes minutes)
	@$(BOOTSTRAP) --dev venv
ifeq ($(filter-out all,$(ENVIRONMENT)),)
	$(COMPILE) --output-file runner-image/requirements.txt runner-image/requirements.in
	$(COMPILE) --output-file runner-image/snapshot/compiler.txt runner-image/snapshot/compiler.in
	$(COMPILE) --output-file suite-image/suite.txt suite-image/suite.in
	$(COMPILE) --output-file requirements/gateway.txt requirements/gateway.in
	$(COMPILE) --constraint requirements/gateway.txt --output-file requirements/client.txt requirements/client.in
	$(COMPILE) --constraint requirements/client.txt --constraint requirements/gateway.txt \
		--constraint runner-image/requirements.txt --output-file requirements/ci.txt requirements/ci.in
	$(COMPILE) --output-file requirements/dev.txt requirements/dev.in
endif
	for file in $(ENVIRONMENT_LISTS); do $(COMPILE) --output-file "$${file%.in}.txt" "$$file" || exit; done

gvisor: ## Install gVisor and register it with the engine, if the set-up started the engine
	@$(BOOTSTRAP) gvisor

install-service: ## As root, on a host with systemd: install gateway and launcher as its services (docs/service.md)
	@$(BOOTSTRAP) venv engine image install-service

cluster: ## As root: N=3 nodes on this machine as a Docker Swarm, behind HAProxy (CPUS=0.5 each, PORT, TLS=1, REDIS=1)
	@$(BOOTSTRAP) venv engine image gateway-image
	@$(PYTHON) -m bootstrap.cluster up $(if $(N),--nodes $(N)) $(if $(CPUS),--cpus $(CPUS)) $(if $(PORT),--port $(PORT)) \
		$(if $(TLS),--tls) $(if $(REDIS),--redis)

cluster-down: ## End the cluster; nothing of it stays
	@$(PYTHON) -m bootstrap.cluster down

cluster-test: ## As root: kill, cut and update nodes of such a Swarm under load, and print what clients got (ARGS="cut drained")
	@$(BOOTSTRAP) --dev venv engine image gateway-image
	$(VENV)/python -m tests.cluster.faults $(ARGS)

doctor: ## Inspect this host and say what is missing, with remedies; changes nothing (ARGS=--json)
	@$(BOOTSTRAP) $(ARGS) doctor

release: ## Build all files of a release from its tag into FOLDER (docs/releasing.md; ARGS=--try without a tag)
	@$(BOOTSTRAP) --dev venv engine
	$(VENV)/python -m tools.release $(ARGS) $(or $(FOLDER),$(error say FOLDER=a-new-folder))

clean: ## Remove everything made here, but not .env or the engine
	@$(BOOTSTRAP) clean
