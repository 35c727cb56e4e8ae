# make test and make lint install what they need on Debian and Ubuntu.

# The JSON library must behave the same with and without the standard library's experiment.
export GOEXPERIMENT = nojsonv2

STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2

# Packages with the race detector; internal/e2e drives the plain binary.
RACED = ./engine/... ./hostfuncs/... ./scripts/... ./server/... ./store/... \
	$(addprefix ./internal/,app/... discovery/... fetch/... keyset/... metrics/... token/...)

.PHONY: build test test-race test-allocs test-e2e lint fuzz bench bench-growth bench-go testdata testdata-check install

# VERSION=1.2.3 is what the program then calls itself.
VERSION =
build:
	CGO_ENABLED=0 go build -trimpath -ldflags='-s -w -X registrar/internal/version.release=$(VERSION)' -o registrar .

test: install test-race test-allocs test-e2e
	$(MAKE) -C testdata/wasm check-wat
	$(MAKE) -C sdk/rust test
	$(MAKE) -C sdk/assemblyscript test

# CI=1: without a MySQL or MariaDB server the tests fail, where they would else skip.
test-race:
	CI=1 CGO_ENABLED=1 go test -race $(RACED)

# How often the hot paths allocate, without the race detector, which allocates itself.
test-allocs:
	go test -run '^TestAllocations' ./engine ./store ./scripts/host

test-e2e:
	CI=1 go test -timeout 20m ./internal/archtest ./internal/cli ./internal/e2e ./internal/scriptcase ./internal/wasmtest/... ./sdk/...
	CI=1 go -C bench test -timeout 20m ./...

lint:
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "run gofmt on: $$unformatted"; exit 1; }
	go vet ./...
	go -C bench vet ./...
	go run $(STATICCHECK) ./...
	go -C bench run $(STATICCHECK) ./...

# Each fuzzer for FUZZTIME.
FUZZTIME = 60s
fuzz:
	.ci/fuzz FuzzRegister ./engine $(FUZZTIME)
	.ci/fuzz FuzzSoftwareStatement ./engine $(FUZZTIME)
	.ci/fuzz FuzzRedirectURIs ./engine $(FUZZTIME)
	.ci/fuzz FuzzDecode ./scripts/wasmbin $(FUZZTIME)
	.ci/fuzz FuzzRewrite ./scripts/metering $(FUZZTIME)
	.ci/fuzz FuzzAuthorization ./server $(FUZZTIME)

# bench is a module of its own. The paths in its flags are relative to this folder, not to bench.

# The whole table, against other servers; needs a machine that does nothing else. BENCH holds flags, such as
# BENCH='--only sqlite --rounds 3'; BENCH='--markdown docs/performance.md' puts the figures where they are read.
bench: install
	go -C bench run . $(BENCH)

# What growth costs; needs half an hour, and 25 GB of a disk. GROWTH holds flags, such as GROWTH='--axis clients'.
bench-growth: install
	go -C bench run . growth $(GROWTH)

# Each part for itself: decoding, steps, scripts by language, response, store.
bench-go:
	go test -run '^$$' -bench . $(RACED)

# Rebuild the WebAssembly fixtures; compare them with what is committed. Both install the compilers.
testdata:
	$(MAKE) -C testdata/wasm install
	$(MAKE) -C testdata/wasm all
testdata-check:
	$(MAKE) -C testdata/wasm install
	$(MAKE) -C testdata/wasm check

install:
	./.ci/install

# As TestNothingLeaks, for SOAK registrations.
SOAK = 100000
.PHONY: soak
soak:
	REGISTRAR_TEST_SOAK=$(SOAK) go test -run TestNothingLeaks -v -timeout 2h ./scripts/host
