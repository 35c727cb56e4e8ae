# make test and make lint install what they need on Debian and Ubuntu.

# The JSON library must behave the same with and without the standard library's experiment.
export GOEXPERIMENT = nojsonv2

# Built from source by the Go that is here.
GOLANGCI = github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.9.0

# Tests are not vetted, which make lint does. Paths are left out of what is compiled, so that tests, releases and other
# clones share Go's build cache.
TEST_FLAGS = -trimpath -vet=off

# Packages without goroutines and locks, which the race detector would only slow.
UNRACED = ./scripts/metering ./scripts/wasmbin

# Packages with the race detector; the others drive the plain binary, or compile modules by themselves. Those that take
# longest start first.
RACED = ./store ./scripts/host ./server ./scripts/sandbox ./internal/app \
	$(shell go list ./... | grep -vE '/internal/(archtest|cli|e2e)|/sdk|/scripts/(metering|wasmbin)$$')

.PHONY: build test test-race test-plain test-e2e test-bench test-sdk test-mysql test-cluster test-differential \
	test-cache lint fuzz bench bench-growth bench-lists bench-go benchstat testdata testdata-check javascript \
	javascript-check install

# VERSION=1.2.3 is what the program then calls itself.
VERSION =
build:
	CGO_ENABLED=0 go build -trimpath -ldflags='-s -w -X registrar/internal/version.release=$(VERSION)' -o registrar .

# Two stages run beside each other, the longest first: the tests of either wait for processes and time-outs, and leave
# the processors idle meanwhile.
test: install
	@+$(MAKE) --no-print-directory -j2 test-race test-e2e test-sdk test-bench test-plain

# One package more at a time than there are processors, for the same reason.
PACKAGES_AT_ONCE = $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1)))

# SQLite, which is C translated to Go, is not looked at for races: each connection is one goroutine's, as what calls it
# shows, and every test would take longer. Nor are the packages that decode and rewrite modules, which take most of the
# time of loading one.
RACE_FLAGS = -race -gcflags=github.com/ncruces/go-sqlite3-wasm/v6=-race=false \
	$(patsubst ./%,-gcflags=registrar/%=-race=false,$(UNRACED))

# Tests of one registration after the other through Go's modules of 2 and 3 MB, which take long to load.
LARGE_MODULES = ^TestGoPolicy$$|^TestRandomNumbersAreNeverTheSame$$

# CI=1: without MariaDB, MySQL or Galera the tests fail, where they would else skip.
test-race:
	@CI=1 CGO_ENABLED=1 .ci/stage test-race go test $(TEST_FLAGS) $(RACE_FLAGS) -p $(PACKAGES_AT_ONCE) \
		-skip '$(LARGE_MODULES)' $(RACED)

# The stages without the race detector do without cgo, as the released program does, and share what is compiled.
test-plain test-e2e test-bench test-sdk test-mysql test-cluster: export CGO_ENABLED = 0

# Without the race detector: how often the hot paths allocate, since it allocates itself, and what it only slows.
test-plain:
	@CI=1 .ci/stage "test-plain allocations" go test $(TEST_FLAGS) -run '^TestAllocations|$(LARGE_MODULES)' \
		./engine ./server ./store ./scripts/host
	@CI=1 .ci/stage "test-plain modules" go test $(TEST_FLAGS) $(UNRACED)

test-e2e:
	@CI=1 .ci/stage test-e2e go test $(TEST_FLAGS) -timeout 20m -skip '^TestCluster' \
		./internal/e2e ./internal/cli ./internal/archtest

test-bench:
	@CI=1 .ci/stage test-bench go -C bench test $(TEST_FLAGS) -timeout 20m ./...

test-sdk:
	@CI=1 .ci/stage "test-sdk go" go test $(TEST_FLAGS) ./sdk/...
	@.ci/stage "test-sdk wat" $(MAKE) -s -C testdata/wasm check-wat
	@.ci/stage "test-sdk rust" $(MAKE) -s -C sdk/rust test
	@.ci/stage "test-sdk assemblyscript" $(MAKE) -s -C sdk/assemblyscript test

# Whatever else runs on MariaDB, on MySQL.
test-mysql: install
	@CI=1 REGISTRAR_TEST_DATABASE=mysql .ci/stage "test-mysql packages" \
		go test $(TEST_FLAGS) -timeout 20m -skip '^TestMariaDB$$' ./store/... ./server/... ./internal/token
	@CI=1 REGISTRAR_TEST_DATABASE=mysql .ci/stage "test-mysql e2e" \
		go test $(TEST_FLAGS) -timeout 20m -skip '^TestCluster' ./internal/e2e

# Three Galera nodes behind HAProxy lose their writer FAILOVERS times while clients register.
FAILOVERS = 6
test-cluster: install
	@CI=1 REGISTRAR_TEST_ROUNDS=$(FAILOVERS) .ci/stage test-cluster \
		go test $(TEST_FLAGS) -count=1 -v -timeout 30m -run '^TestCluster' ./internal/e2e

lint:
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "run gofmt on: $$unformatted"; exit 1; }
	@.ci/stage "lint rules" .ci/rules
	@.ci/stage "lint vet" sh -c 'go vet ./... && go -C bench vet ./...'
	@.ci/stage "lint golangci" go run $(GOLANGCI) run ./...
	@cd bench && ../.ci/stage "lint golangci bench" go run $(GOLANGCI) run --config ../.golangci.yml ./...

# Each fuzzer for FUZZTIME.
FUZZTIME = 60s
fuzz:
	.ci/fuzz FuzzRegister ./engine $(FUZZTIME)
	.ci/fuzz FuzzSoftwareStatement ./engine $(FUZZTIME)
	.ci/fuzz FuzzRedirectURIs ./engine $(FUZZTIME)
	.ci/fuzz FuzzRenewal ./engine $(FUZZTIME)
	.ci/fuzz FuzzReadHeader ./internal/claims $(FUZZTIME)
	.ci/fuzz FuzzVerify ./server/bearer $(FUZZTIME)
	.ci/fuzz FuzzWords ./engine $(FUZZTIME)
	.ci/fuzz FuzzProblem ./internal/displaytext $(FUZZTIME)
	.ci/fuzz FuzzURI ./engine $(FUZZTIME)
	.ci/fuzz FuzzOrigin ./engine $(FUZZTIME)
	.ci/fuzz FuzzPunycode ./engine $(FUZZTIME)
	.ci/fuzz FuzzKeys ./engine $(FUZZTIME)
	.ci/fuzz FuzzDecode ./scripts/wasmbin $(FUZZTIME)
	.ci/fuzz FuzzRewrite ./scripts/metering $(FUZZTIME)
	.ci/fuzz FuzzAuthorization ./server $(FUZZTIME)
	.ci/fuzz FuzzForwardedFor ./server $(FUZZTIME)
	.ci/fuzz FuzzForwarded ./server $(FUZZTIME)

# bench is a module of its own. The paths in its flags are relative to this folder, not to bench.

# Modules that are made up, as the server runs them and as Node.js does. DIFFERENTIAL is how many, SEED the first one.
# Then PATCHES random patches and requests, as the shorter of two ways applies or reads them and as the other does.
DIFFERENTIAL = 20000
SEED = 1
PATCHES = 120000
test-differential:
	REGISTRAR_TEST_DIFFERENTIAL=$(DIFFERENTIAL) REGISTRAR_TEST_SEED=$(SEED) \
		go test -count=1 -v -timeout 2h -run TestDifferential ./scripts/metering
	REGISTRAR_TEST_PATCHES=$(PATCHES) go test -count=1 -timeout 2h -run 'TestPlain(Patches|Requests)$$' ./engine

# The folder of compiled modules, damaged in ROUNDS regions and raced over ROUNDS times.
ROUNDS = 200
test-cache:
	REGISTRAR_TEST_ROUNDS=$(ROUNDS) go test -count=1 -timeout 2h -run 'TestManyFirstLoadsAtOnce|TestDamagedCacheHeals' ./internal/e2e

# The whole table, against other servers; needs a machine that does nothing else, and a network to fetch two of them the
# first time. BENCH holds flags, such as BENCH='--only sqlite --rounds 3'; BENCH='--markdown docs/performance.md' puts
# the figures where they are read.
bench: install
	go -C bench run . $(BENCH)

# What growth costs; needs half an hour, and 25 GB of a disk. GROWTH holds flags, such as GROWTH='--axis clients'.
bench-growth: install
	go -C bench run . growth $(GROWTH)

# Pages of the list of clients in tables of a million; needs 3 GB on the disk for temporary files.
bench-lists: install
	go -C bench run . lists $(LISTS)

# Each part for itself: decoding, steps, scripts by language, response, store.
bench-go:
	go test -run '^$$' -bench . $(RACED) $(UNRACED)

# The same, compared with a commit: make benchstat BASE=HEAD~1 PATTERN=Registration PACKAGES=./engine
BASE = HEAD
PATTERN = .
PACKAGES = ./engine ./store ./scripts/host
benchstat:
	.ci/benchstat $(BASE) '$(PATTERN)' $(PACKAGES)

# Rebuild the WebAssembly fixtures; compare them with what is committed. Both install the compilers.
testdata:
	$(MAKE) -C testdata/wasm install
	$(MAKE) -C testdata/wasm all
testdata-check:
	$(MAKE) -C testdata/wasm install
	$(MAKE) -C testdata/wasm check

# The same for the template of scripts in JavaScript, which is made of Debian's source package of QuickJS.
javascript:
	$(MAKE) -C scripts/javascript/template install
	$(MAKE) -C scripts/javascript/template all
javascript-check:
	@$(MAKE) -s -C scripts/javascript/template install
	@.ci/stage javascript-check $(MAKE) -s -C scripts/javascript/template check

install:
	@.ci/stage install ./.ci/install

# As TestNothingLeaks, for SOAK registrations.
SOAK = 100000
.PHONY: soak
soak:
	REGISTRAR_TEST_SOAK=$(SOAK) go test -run TestNothingLeaks -v -timeout 2h ./scripts/host
