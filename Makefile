.PHONY: help up demo demo-down test bench

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

up: ## build and start MAAS itself; makes .env if there is none
	scripts/up

demo: ## build and start everything on this machine, with a stand-in for MAAS itself
	demo/images
	demo/up

demo-down: ## remove the demo with its volumes
	demo/down

test: ## lint, types, unit, integration and image tests
	tests/run

bench: ## compare PID 1 with stock supervisord and s6, 5 minutes
	bench/run
