package host_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"registrar/engine"
	"registrar/internal/wasmtest"
	"registrar/scripts"
	"registrar/scripts/host"
)

// Package sandbox tests the reasons of rejections.
func TestUploadStoresNoRejectedModule(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{})
	for _, name := range []string{
		"bad-signature", "bad-import", "bad-import-type", "bad-import-module", "bad-env-abort", "as-default-abort",
		"bad-start", "bad-no-memory", "bad-imported-memory", "bad-imported-table", "bad-imported-global",
		"bad-shared-memory", "bad-memory-size", "bad-table-size", "bad-no-step", "bad-truncated", "bad-text",
		"fail-initialize", "fail-initialize-reason", "hostile/initialize-endless", "hostile/initialize-trap",
	} {
		_, _, err := b.host.Upload(t.Context(), name, wasmtest.Wasm(t, name), "")
		if _, ok := errors.AsType[*scripts.RejectedError](err); !ok {
			t.Errorf("%s: got %v, want a rejection", name, err)
		}
	}
	if modules, err := b.store.Modules(t.Context()); err != nil || len(modules) != 0 {
		t.Errorf("%d modules are stored, %v", len(modules), err)
	}
}

func TestUploadTwice(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{})
	first, added, err := b.host.Upload(t.Context(), "one", wasmtest.Wasm(t, "prefix-id"), "")
	if err != nil || !added {
		t.Fatal(added, err)
	}
	second, added, err := b.host.Upload(t.Context(), "two", wasmtest.Wasm(t, "prefix-id"), "")
	if err != nil || added || second.Name != first.Name || !second.CreatedAt.Equal(first.CreatedAt) {
		t.Errorf("got %+v, %v, %v; want what was stored first: %+v", second, added, err, first)
	}
	for _, name := range []string{"", "-a", "A", "a/b", strings.Repeat("a", 65)} {
		if _, _, err := b.host.Upload(t.Context(), name, wasmtest.Wasm(t, "prefix-id"), ""); err == nil {
			t.Errorf("the name %q is accepted", name)
		}
	}
}

// What is signed is the module, so a server that takes only signed ones packs no script.
func TestPackNeedsNoSignature(t *testing.T) {
	t.Parallel()
	const script = "export function set_max_age() {}\n"
	wantRejection := func(err error, want string) {
		t.Helper()
		if rejected, ok := errors.AsType[*scripts.RejectedError](err); !ok ||
			!strings.Contains(rejected.Error(), want) {
			t.Errorf("got %v, want a rejection with %q", err, want)
		}
	}
	b := newBench(t, engine.Options{})
	if _, err := b.host.Pack(t.Context(), "age", ".js", []byte(script)); err != nil {
		t.Error(err)
	}
	_, err := b.host.Pack(t.Context(), "../age", ".js", []byte(script))
	wantRejection(err, "a script's name must match")
	signed := newBench(t, engine.Options{}, func(c *host.Config) {
		c.SigningKeys = []host.SigningKey{newSigner(t).key()}
		c.Signature = func(context.Context, string) (string, error) { return "", nil }
	})
	_, err = signed.host.Pack(t.Context(), "age", ".js", []byte(script))
	wantRejection(err, "run registrar script pack age.js -o age.wasm, sign age.wasm with minisign, and push it")
}
