package host_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"registrar/engine"
	"registrar/internal/wasmtest"
	"registrar/scripts"
	"registrar/scripts/configschema"
	"registrar/scripts/host"
	"registrar/scripts/wasmbin"
)

const (
	brandSchema = `{"required":["brands"],"additionalProperties":false,` +
		`"properties":{"brands":{"type":"array","items":{"type":"string"}}}}`
	goodConfig = `{"brands":["Claude"]}`
)

// misfits are configurations that do not fit brandSchema, with the reasons. Values hold "hush".
var misfits = map[string][]string{
	``:                   {"config: /brands: required"},
	`{}`:                 {"config: /brands: required"},
	`{"brand":["hush"]}`: {"config: /brand: unknown member: did you mean brands?", "config: /brands: required"},
	`{"brands":"hush"}`:  {"config: /brands: must be array, not string"},
}

// scriptWithSchema uploads a fixture that carries a schema.
func (b *bench) scriptWithSchema(name, schema string) scripts.Script {
	b.t.Helper()
	m, _, err := b.host.Upload(b.t.Context(), name, wasmtest.WithConfigSchema(b.t, name, schema), "")
	if err != nil {
		b.t.Fatal(err)
	}
	return scripts.Script{Name: name, Module: m.Digest}
}

// Every way to name a configuration leads to the same check.
func TestConfigIsCheckedAgainstTheSchema(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{})
	s := b.scriptWithSchema("prefix-id", brandSchema)
	request, err := engine.ParseRequest([]byte(minimal))
	if err != nil {
		t.Fatal(err)
	}
	caller := &engine.Caller{Auth: engine.AuthNone}
	doors := map[string]func(ctx context.Context, list []scripts.Script) error{
		"deploy": func(ctx context.Context, list []scripts.Script) error {
			_, err := b.host.Deploy(ctx, scripts.Deployment{Scripts: list}, nil)
			return err
		},
		"dry run": func(ctx context.Context, list []scripts.Script) error {
			_, err := b.host.DryRun(ctx, b.engine, request, caller, list)
			return err
		},
		"replay": func(ctx context.Context, list []scripts.Script) error {
			_, err := b.host.Replay(ctx, b.engine, b.store, list, 1, func(int, int) {})
			return err
		},
	}
	for _, mode := range []scripts.Mode{scripts.ModeEnforce, scripts.ModeShadow} {
		s.Mode = mode
		for door, call := range doors {
			for config, want := range misfits {
				s.Config = nil
				if config != "" {
					s.Config = jsontext.Value(config)
				}
				checkReasons(t, door+" of "+config, call(t.Context(), []scripts.Script{s}), "script prefix-id: ", want)
			}
			s.Config = jsontext.Value(goodConfig)
			if err := call(t.Context(), []scripts.Script{s}); err != nil {
				t.Errorf("%s of %s: %v", door, goodConfig, err)
			}
		}
	}
	if strings.Contains(b.log.String(), "hush") {
		t.Error("the log shows a value of a configuration")
	}
}

func checkReasons(t *testing.T, what string, err error, prefix string, want []string) {
	t.Helper()
	rejected, ok := errors.AsType[*scripts.RejectedError](err)
	if !ok {
		t.Errorf("%s: got %v, want a rejection", what, err)
		return
	}
	prefixed := make([]string, len(want))
	for i, reason := range want {
		prefixed[i] = prefix + reason
	}
	if diff := cmp.Diff(prefixed, rejected.Reasons); diff != "" {
		t.Errorf("%s: reasons (-want +got):\n%s", what, diff)
	}
}

// A stored deployment whose configuration does not fit is not loaded: the one before stays, and where there is none,
// registrations fail.
func TestStoredConfigIsCheckedAgainstTheSchema(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{})
	good := b.scriptWithSchema("prefix-id", brandSchema)
	good.Config = jsontext.Value(goodConfig)
	b.deploy(good)
	bad := good
	bad.Config = jsontext.Value(`{"brand":["hush"]}`)
	b.storeDeployment(bad)
	err := b.host.Load(t.Context())
	checkReasons(t, "load", err, "script prefix-id: ", misfits[`{"brand":["hush"]}`])
	if ready := b.host.Ready(); ready == nil || !strings.Contains(ready.Error(), "/brands: required") {
		t.Errorf("ready: got %v, want the reason", ready)
	}
	if n, _ := b.host.Current(); n != 1 {
		t.Errorf("deployment %d is loaded, want 1", n)
	}
	if _, err := b.register(minimal); err != nil {
		t.Errorf("through the deployment before: %v", err)
	}

	fresh := newBench(t, engine.Options{})
	fresh.scriptWithSchema("prefix-id", brandSchema)
	fresh.storeDeployment(bad)
	other := newHost(t, fresh)
	checkReasons(t, "first load", other.Load(t.Context()), "script prefix-id: ", misfits[`{"brand":["hush"]}`])
	if _, loaded := other.Current(); loaded {
		t.Error("a deployment is loaded")
	}
	fresh.engine, err = engine.New(engine.Config{Store: fresh.store, Overrides: other.Overrides})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fresh.register(minimal); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("a registration without a deployment: got %v, want ErrUnavailable", err)
	}
}

// storeDeployment stores a deployment that no host has checked.
func (b *bench) storeDeployment(list ...scripts.Script) {
	b.t.Helper()
	d := scripts.Deployment{Scripts: list, CreatedAt: time.Now()}
	if _, err := b.store.AddDeployment(b.t.Context(), d, nil); err != nil {
		b.t.Fatal(err)
	}
}

// newHost returns another host on the store of a bench, without a deployment.
func newHost(t *testing.T, b *bench) *host.Host {
	t.Helper()
	h, err := host.New(t.Context(), host.Config{Modules: b.store, Deployments: b.store, Config: boxConfig()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close(context.Background()) })
	return h
}

func TestUploadRefusesSchemas(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{})
	twice := wasmtest.WithConfigSchema(t, "prefix-id", `{}`)
	section := wasmtest.WithConfigSchema(t, "prefix-id", `{}`)[len(wasmtest.Wasm(t, "prefix-id")):]
	for _, tt := range []struct {
		name, want string
		wasm       []byte
	}{
		{"two sections", "2 custom sections registrar.config-schema: one is allowed", slices.Concat(twice, section)},
		{"no JSON", "config schema: it is empty", wasmtest.WithConfigSchema(t, "prefix-id", ``)},
		{"no schema", "config schema: /type: fits none", wasmtest.WithConfigSchema(t, "prefix-id", `{"type":"text"}`)},
		{"a reference", "it refers to https://example.com/: a schema may only refer to itself",
			wasmtest.WithConfigSchema(t, "prefix-id", `{"$ref":"https://example.com/"}`)},
		{"large", "config schema: it has 65549 bytes: at most 65536 are allowed",
			wasmtest.WithConfigSchema(t, "prefix-id", `{"title":"`+strings.Repeat("x", configschema.MaxSize+1)+`"}`)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := wasmbin.Decode(tt.wasm); err != nil {
				t.Fatal(err)
			}
			_, _, err := b.host.Upload(t.Context(), "one", tt.wasm, "")
			if rejected, ok := errors.AsType[*scripts.RejectedError](err); !ok ||
				!strings.Contains(rejected.Error(), tt.want) {
				t.Errorf("got %v, want a rejection with %q", err, tt.want)
			}
		})
	}
	if modules, err := b.store.Modules(t.Context()); err != nil || len(modules) != 0 {
		t.Errorf("%d modules are stored, %v", len(modules), err)
	}
}

func TestConfigSchema(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{})
	for range 2 { // the second upload finds the module stored
		m, _, err := b.host.Upload(t.Context(), "one", wasmtest.WithConfigSchema(t, "prefix-id", brandSchema), "")
		if err != nil || string(m.ConfigSchema) != brandSchema {
			t.Errorf("upload: got %s, %v, want %s", m.ConfigSchema, err, brandSchema)
		}
		got, err := b.host.ConfigSchema(t.Context(), m.Digest)
		if err != nil || string(got) != brandSchema {
			t.Errorf("got %s, %v, want %s", got, err, brandSchema)
		}
	}
	if got, err := b.host.ConfigSchema(t.Context(), b.script("prefix-id").Module); err != nil || got != nil {
		t.Errorf("of a module without: got %s, %v", got, err)
	}
	if _, err := b.host.ConfigSchema(t.Context(), "sha256:00"); !errors.Is(err, scripts.ErrNotFound) {
		t.Errorf("of a missing module: got %v, want ErrNotFound", err)
	}
}
