# `make help` lists what there is.
SHELL := /bin/bash
.DEFAULT_GOAL := help
GO ?= go
TOOL := $(GO) tool -modfile=tools/lint.mod
LDFLAGS := -s -w

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

.PHONY: demo
demo: ## start everything on this machine with embedded real parts; Ctrl-C stops it
	@tools/setup demo
	@echo "Compiling (about two minutes the first time) ..."
	@$(MAKE) --no-print-directory build demo-build
	@exec ./bin/demo --die-with-parent

.PHONY: demo-programme
demo-programme: ## live the demo's programme through in a few minutes: who is told what, what comes back, who is rung; fails when it is not as foreseen
	@tools/setup demo
	@$(MAKE) --no-print-directory build demo-build
	@exec ./bin/demo programme

.PHONY: demo-build
demo-build:
	@$(GO) build -o bin/demo ./cmd/demo

.PHONY: demo-reset
demo-reset: ## remove the demo's data (.demo/)
	@rm -rf "$${OFFRAMP_DEMO_DIR:-.demo}" && echo "Removed the demo's data."

.PHONY: build
build: ## build the production binary into bin/
	@$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/offramp ./cmd/offramp

.PHONY: release
release: ## build bin/release/: the program for each system, reproducibly, with SHA256SUMS; customers verify archives with it
	@GO=$(GO) tools/release bin/release

.PHONY: test
test: ## run all tests: unit, PostgreSQL, S3, whole server, browser
	@tools/setup test
	$(GO) test -timeout 15m ./...

.PHONY: check
check: fresh lint vulnerable test ## what CI runs

.PHONY: lint
lint: ## vet and lint
	$(GO) vet ./...
	$(TOOL) golangci-lint run --timeout 15m ./...

.PHONY: vulnerable
vulnerable: ## look for known weaknesses of what we build on: vuln.go.dev, else the copy that GOVULNDB names
	@tools/vulnerable

.PHONY: sbom
sbom: build ## write the binary's bill of materials (CycloneDX) to bin/offramp.cdx.json
	@$(GO) run ./tools/sbom bin/offramp > bin/offramp.cdx.json && echo "Wrote bin/offramp.cdx.json."

.PHONY: generate
generate: ## make the generated files again: pages, references
	$(GO) tool templ generate -log-level error
	$(GO) run ./tools/reference
	$(GO) tool gofumpt -w cmd internal migration auth export portal static deploy tools

.PHONY: fresh
fresh: ## fail when a generated file or a format is stale
	@tools/fresh

.PHONY: bench
bench: ## measure: each figure beside its ceiling from the same run
	@tools/setup bench
	@$(MAKE) --no-print-directory build
	$(GO) run ./tools/bench

.PHONY: soak
soak: ## break everything around the product, twice for SOAK_FOR (default 5m): judge every export, then every refund; log in soak.log
	@tools/setup test
	@$(MAKE) --no-print-directory build
	@$(GO) build -o bin/soak ./tools/soak
	@$(GO) build -o bin/soak-refund ./tools/soak/refund
	$(GO) test -tags soak -run 5GiB -timeout 15m ./export/source
	./bin/soak -for $${SOAK_FOR:-5m} -log soak.log
	./bin/soak-refund -for $${SOAK_FOR:-5m} -log soak.log

.PHONY: fuzz
fuzz: ## fuzz each parser, and each part of a request, for a bounded time
	for f in FuzzBind$$ FuzzBindMySQL; do $(GO) test -run '^$$' -fuzz "$$f" -fuzztime 20s ./export/source || exit 1; done
	for f in FuzzJSONRows FuzzLinkHeader FuzzBindPath; do $(GO) test -run '^$$' -fuzz "$$f" -fuzztime 20s ./export/source/http || exit 1; done
	for f in FuzzVerify FuzzScriptString; do $(GO) test -run '^$$' -fuzz "$$f" -fuzztime 20s ./export/archive || exit 1; done
	$(GO) test -run '^$$' -fuzz FuzzReadProgramme -fuzztime 20s ./migration
	$(GO) test -run '^$$' -fuzz FuzzScrub -fuzztime 20s ./internal/logging
	$(GO) test -run '^$$' -fuzz FuzzCheck -fuzztime 20s ./migration/refund/payout/account
	$(GO) test -run '^$$' -fuzz FuzzCheck -fuzztime 20s ./migration/refund/payout/bankfile
	for f in FuzzCamt FuzzCSV; do $(GO) test -run '^$$' -fuzz "$$f" -fuzztime 20s ./migration/refund/payout/bankresult || exit 1; done
	$(GO) test -run '^$$' -fuzz FuzzReadEvent -fuzztime 20s ./migration/refund/payout/stripe
	for f in FuzzQuery FuzzPath FuzzHeader FuzzCookie FuzzJSONField; do $(GO) test -run '^$$' -parallel 1 -fuzz "$$f" -fuzztime 20s ./portal || exit 1; done
