GO    ?= go
BIN   := bin/hedgehog
BENCH ?= .

.DEFAULT_GOAL := help
.PHONY: help build run test check format vet lint fuzz bench clean

help: ## show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Without npm, or where the page cannot be made, the binary has the page of the last time
# or none; it works as well.
build: ## build bin/hedgehog, with the page where npm is there
	@if command -v npm >/dev/null; then \
	  $(MAKE) --no-print-directory page || echo "the page could not be made: going on without a new one" >&2; \
	else \
	  echo "npm is not there: going on without making the page" >&2; \
	fi
	$(GO) build -trimpath -buildvcs=auto -o $(BIN) ./cmd/hedgehog

# The page is made anew when its sources are newer.
PAGE         := node/web/dist/page/index.html
PAGE_MODULES := node/web/node_modules/.package-lock.json
PAGE_SOURCES := $(shell find node/web/src node/web/public -type f) \
                $(addprefix node/web/,index.html package.json tsconfig.json vite.config.ts)
.PHONY: page page-check
page: $(PAGE) ## make the page that the binary serves (needs npm)
	@:

$(PAGE): $(PAGE_SOURCES) $(PAGE_MODULES)
	npm --prefix node/web run --silent build -- --logLevel warn
	@touch $@

$(PAGE_MODULES): node/web/package.json node/web/package-lock.json
	npm --prefix node/web ci --no-audit --no-fund --loglevel error
	@touch $@

page-check: ## check the types of the page's sources and run their tests, where npm is there
	@if command -v npm >/dev/null; then \
	  $(MAKE) --no-print-directory $(PAGE_MODULES) && npm --prefix node/web run --silent check; \
	else \
	  echo "npm is not there: the page's tests are left out" >&2; \
	fi

.PHONY: screenshots
PICTURES ?= bin/screenshots
screenshots: page ## make pictures of the page's views in PICTURES (bin/screenshots), after AFTER (3m) of trading
	$(GO) test -count=1 -timeout 30m -run '^TestScreenshots$$' ./cmd/hedgehog -screenshots $(abspath $(PICTURES)) -screenshots-after $(or $(AFTER),3m)

run: build ## run one node that trades a symbol on a simulated exchange
	@deploy/local/run.sh

# In the foreground; the other targets of the cluster are for another terminal.
.PHONY: cluster cluster-kill cluster-start cluster-stop failover
cluster: build ## run three nodes that trade on a simulated exchange
	@deploy/local/cluster.sh up

cluster-kill: ## kill -9 node N of make cluster (N=2)
	@deploy/local/cluster.sh kill $(N)

cluster-start: ## start node N of make cluster again (N=2)
	@deploy/local/cluster.sh start $(N)

cluster-stop: ## stop all that make cluster has started
	@deploy/local/cluster.sh stop

failover: build ## measure takeovers: KILLS (20) of followers and of leaders, DRAINS (20)
	@deploy/local/failover.sh

test: ## run the tests
	$(GO) test ./...

check: format vet lint build page-check race end-to-end fuzz simulate faults ## everything that has to hold before a commit

format:
	@files=$$(gofmt -l $$(git ls-files '*.go')); \
	if [ -n "$$files" ]; then echo "not formatted (run gofmt -w): $$files" >&2; exit 1; fi

vet:
	$(GO) vet ./...

lint:
	$(GO) tool staticcheck ./...

.PHONY: race
race: ## run the tests with the race detector, but for the longest end-to-end tests
	$(GO) test -race -short -count=1 ./...

# As make test has run them; what has not changed since is not run again.
.PHONY: end-to-end
end-to-end: ## run the command and whole clusters as processes
	$(GO) test ./cmd/hedgehog

# Every fuzz target for a moment: its seeds and some thousand more. A number of runs, since a
# target whose time ends in the wrong moment is reported as failed.
FUZZTIME ?= 2000x
# Of whole requests to a node, each of which takes as long as a hundred of the others.
FUZZREQUESTS ?= 300x
fuzz: ## fuzz every parser of outside bytes for FUZZTIME (2000x)
	@mkdir -p bin; binary=$$PWD/bin/fuzz.test; cache=$$($(GO) env GOCACHE)/fuzz/hedgehog; log=$$(mktemp); \
	trap 'rm -f "$$binary" "$$log"' EXIT; \
	for dir in $$(git grep -l '^func Fuzz' -- '*_test.go' | xargs -n 1 dirname | sort -u); do \
	  $(GO) test -c -fuzz . -o "$$binary" "./$$dir" || exit 1; \
	  for target in $$(cat "$$dir"/*_test.go | grep -o '^func Fuzz[A-Za-z0-9_]*' | cut -c6-); do \
	    echo "fuzz $$target"; \
	    runs=$(FUZZTIME); test $$target != FuzzRequests || runs=$(FUZZREQUESTS); \
	    (cd "$$dir" && "$$binary" -test.run '^$$' -test.fuzz "^$$target\$$" -test.fuzztime $$runs \
	      -test.fuzzcachedir "$$cache/$$dir") >"$$log" 2>&1 || { cat "$$log"; exit 1; }; \
	  done; \
	done

# Whole clusters on a virtual clock and network; docs/reliability.md.
SEEDS ?= 300
.PHONY: simulate mutants
simulate: ## run clusters in the simulation, of the seeds 1 to SEEDS (300)
	$(GO) test -count=1 -timeout 0 -run '^TestSeeds$$' -v ./node/simulation -seeds $(SEEDS)
	$(GO) test -count=1 -timeout 0 -run '^TestSeeds$$' -v ./node/simulation -busy -seeds $$(($(SEEDS) / 5))

mutants: ## show that the simulation finds deliberate faults in the code
	$(GO) test -count=1 -timeout 0 -run '^TestEveryMutantIsFound$$' -v ./node/simulation -mutants .

# A cluster in network namespaces while faults befall it; it skips without root. The
# same SEED draws the same faults. The run of make check is short and its seed fixed.
MINUTES ?= 30
NODES   ?= 3
SEED    ?= 1
FAULTS   = $(GO) test -count=1 -v -run '^TestSoak$$' ./cmd/hedgehog
.PHONY: soak faults
soak: ## run a cluster under faults for MINUTES (30) with NODES (3 or 5), drawn from SEED (1)
	$(FAULTS) -timeout $$(($(MINUTES) + 15))m -soak $(MINUTES)m -nodes $(NODES) -seed $(SEED)

faults: ## the same for about a minute
	$(FAULTS) -soak 45s

bench: ## measure; BENCH=regexp chooses
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem ./...

# What is built is installed: a user who may write to PREFIX need not be able to build.
PREFIX ?= /usr/local
SHARE   = $(DESTDIR)$(PREFIX)/share
.PHONY: install
install: ## install the program, its manual pages and completions below PREFIX (/usr/local)
	@[ -x $(BIN) ] || { echo "first: make build" >&2; exit 1; }
	install -D -m 755 $(BIN) $(DESTDIR)$(PREFIX)/bin/hedgehog
	$(BIN) man --dir $(SHARE)/man/man1
	install -d $(SHARE)/bash-completion/completions $(SHARE)/zsh/site-functions $(SHARE)/fish/vendor_completions.d
	$(BIN) completion bash > $(SHARE)/bash-completion/completions/hedgehog
	$(BIN) completion zsh > $(SHARE)/zsh/site-functions/_hedgehog
	$(BIN) completion fish > $(SHARE)/fish/vendor_completions.d/hedgehog.fish

clean: ## remove what was built and the data of local runs
	@if deploy/local/cluster.sh running; then echo "the cluster runs; stop it first: make cluster-stop" >&2; exit 1; fi
	rm -rf bin .hedgehog .cluster node/web/dist/page node/web/node_modules
