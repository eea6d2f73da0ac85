.PHONY: help build up demo demo-down pictures test test-image fuzz chaos chaos-init faults bench soak

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

build: ## build the image of MAAS itself (MAAS_VERSION=, MAAS_PACKAGE_VERSION=)
	scripts/build

up: ## build and start MAAS itself; makes .env if there is none
	scripts/up

demo: ## build and start everything on this machine, with a stand-in for MAAS itself
	demo/images
	demo/up

demo-down: ## remove the demo with its volumes
	demo/down

pictures: ## take the pictures of the demo's status page in docs/
	demo/pictures

test: ## lint, types, unit, integration and image tests
	tests/run

test-image: ## the image itself and the stack, of one version and those before it (MAAS_VERSION=), with MAAS_SOURCE=ppa of MAAS's own packages
	tests/run tests/image/test_image.py tests/image/test_versions.py tests/image/test_stack.py

fuzz: ## bad input for every parser and socket, each 100000 cases (CASES=) or 600 s (SECONDS=), SEED=, 3 hours
	FUZZ_CASES=$(or $(CASES),100000) FUZZ_SECONDS=$(or $(SECONDS),600) FUZZ_SEED=$(SEED) tests/run tests/fuzz

chaos: ## random faults on a stack of its own, and an oracle after each (DURATION=600 seconds, SEED=; FAULTS= as printed by a run)
	tests/chaos/run $(and $(DURATION),--duration=$(DURATION)) $(and $(SEED),--seed=$(SEED)) --faults='$(FAULTS)'

chaos-init: ## kill maas-init at 200 random moments (RUNS=, SEED=), 20 minutes
	CHAOS_RUNS=$(or $(RUNS),200) CHAOS_SEED=$(SEED) tests/run -s tests/image/test_init_chaos.py

faults: ## each fault that health must see, with outages of the database of 10 minutes, 35 minutes
	OUTAGE_SECONDS=$(or $(OUTAGE),600) tests/run -s tests/image/test_health_faults.py

bench: ## measure PID 1 beside stock supervisord and s6, maas-init, the health check, a start, 20 minutes
	bench/run

soak: ## half an hour (MINUTES=) with a fault a minute: memory, descriptors, CPU, latency; writes docs/soak.svg
	bench/run --only soak --plot docs/soak.svg $(and $(MINUTES),--minutes=$(MINUTES))
