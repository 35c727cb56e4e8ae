package hostfuncs

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"registrar/engine"
)

// A guest calls host functions on the memory of a module, as a script does.
type guest struct {
	t    *testing.T
	m    memory
	call *Call
}

func newGuest(t *testing.T, step string) *guest {
	t.Helper()
	ctx := t.Context()
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCloseOnContextDone(true))
	t.Cleanup(func() { rt.Close(context.Background()) })
	if err := Instantiate(ctx, rt); err != nil {
		t.Fatal(err)
	}
	wasm, err := os.ReadFile("../testdata/wasm/accept-all.wasm")
	if err != nil {
		t.Fatal(err)
	}
	module, err := rt.InstantiateWithConfig(ctx, wasm, wazero.NewModuleConfig().WithName(""))
	if err != nil {
		t.Fatal(err)
	}
	g := &guest{t: t, m: memory{Memory: module.Memory()}}
	g.call = &Call{
		Step: step, Script: "test", Mode: "enforce",
		Now:          time.UnixMilli(1_700_000_000_123),
		Base:         func() error { return nil },
		ClientExists: func(_ context.Context, id string) (bool, error) { return id == "taken", nil },
		Entropy:      NewEntropy(bytes.NewReader(make([]byte, 2*MaxEntropy))),
		Log:          &Log{},
	}
	if step != "" {
		g.call.Registration = registration(t)
	}
	return g
}

// registration returns a registration, as steps see it.
func registration(t *testing.T) (r *engine.Registration) {
	t.Helper()
	e, err := engine.New(engine.Config{Options: engine.Options{SecretLifetime: time.Hour}})
	if err != nil {
		t.Fatal(err)
	}
	request, err := engine.ParseRequest([]byte(`{"redirect_uris":["https://app.example/cb"],"x":1}`))
	if err != nil {
		t.Fatal(err)
	}
	builtin := func(_ *engine.Registration, s engine.Steps) (engine.Steps, func()) { return s, func() {} }
	r, err = e.Preview(t.Context(), request, &engine.Caller{Auth: engine.AuthNone}, builtin)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// run calls a function with garbage in the upper half of each 32-bit slot, as compiled code does.
func (g *guest) run(name string, args ...uint64) (result int64, err error) {
	g.t.Helper()
	for _, f := range Functions() {
		if f.Name != name {
			continue
		}
		stack := make([]uint64, max(len(f.Params), 1))
		for i, a := range args[:min(len(args), len(f.Params))] {
			stack[i] = a
			if f.Params[i] == i32 {
				stack[i] = a&math.MaxUint32 | 0xdead_beef<<32
			}
		}
		defer func() {
			if r := recover(); r != nil {
				err = r.(error)
			}
		}()
		g.m.function, g.m.call = name, g.call
		f.call(g.call.With(g.t.Context()), g.m, stack)
		if len(f.Results) == 1 && f.Results[0] == i64 {
			return int64(stack[0]), nil
		}
		return int64(api.DecodeI32(stack[0])), nil
	}
	g.t.Fatalf("function %s not found", name)
	return 0, nil
}

func (g *guest) must(want int64, name string, args ...uint64) {
	g.t.Helper()
	got, err := g.run(name, args...)
	if err != nil || got != want {
		g.t.Errorf("%s%v: got %d, %v; want %d", name, args, got, err, want)
	}
}

func (g *guest) traps(reason, name string, args ...uint64) {
	g.t.Helper()
	_, err := g.run(name, args...)
	if trap, ok := errors.AsType[*TrapError](err); !ok || !strings.Contains(trap.Error(), reason) {
		g.t.Errorf("%s%v: got %v, want a trap with %q", name, args, err, reason)
	}
}

func (g *guest) write(at uint32, s string) { g.m.Write(at, []byte(s)) }

func (g *guest) read(at, n uint32) string {
	b, _ := g.m.Read(at, n)
	return string(b)
}

// Reading functions return the length of the value, and write it only if it fits.
func TestReadingFunctions(t *testing.T) {
	g := newGuest(t, "set_scopes")
	g.call.Config = []byte(`{"a":1}`)
	for name, want := range map[string]string{
		"read_context": `{"operation":"register","step":"set_scopes","mode":"enforce"}`,
		"read_request": `{"redirect_uris":["https://app.example/cb"],"x":1}`,
		"read_caller":  `{"auth":"none"}`,
		"read_config":  `{"a":1}`,
	} {
		n := int64(len(want))
		g.write(64, strings.Repeat("#", 200))
		g.must(n, name, 64, uint64(n-1))
		if got := g.read(64, 1); got != "#" {
			t.Errorf("%s wrote into too small a buffer", name)
		}
		g.must(n, name, 64, uint64(n))
		if got := g.read(64, uint32(n)+1); got != want+"#" {
			t.Errorf("%s wrote %q, want %q", name, got, want)
		}
		g.must(n, name, 0, 0)
		g.traps("outside the memory", name, uint64(g.m.Size()), 1)
		g.traps("outside the memory", name, 1, math.MaxUint32)
	}
	g.must(-1, "read_statement", 0, 0)
	g.call.Registration.Statement = []byte(`{"iss":"a"}`)
	g.must(11, "read_statement", 64, 100)
	n, err := g.run("read_client", 64, 4096)
	client := g.read(64, uint32(n))
	if err != nil || !strings.Contains(client, g.call.Registration.Client.ID) || strings.Contains(client, "secret\"") {
		t.Errorf("read_client: got %s, %v; want the client without its secret", client, err)
	}
}

func TestFunctionsOutsideTheirStep(t *testing.T) {
	initializing := newGuest(t, "")
	for _, f := range registrarFunctions() {
		args := make([]uint64, len(f.Params))
		switch f.Name {
		case "fail":
			if _, err := initializing.run(f.Name, args...); !errors.As(err, new(*FailError)) {
				t.Errorf("fail during initialization: got %v, want a *FailError", err)
			}
		case "log", "random", "now":
			if _, err := initializing.run(f.Name, args...); err != nil {
				t.Errorf("%s during initialization: %v", f.Name, err)
			}
		default:
			initializing.traps("during initialization", f.Name, args...)
		}
	}
	g := newGuest(t, "set_scopes")
	g.traps("it works only in add_client_id", "set_client_id", 0, 1)
	g.traps("it works only in generate_secret and add_client_secret", "set_client_secret", 0, 32, 0)
	if _, err := g.run("now"); err != nil {
		t.Error(err)
	}
}

func TestSetClientID(t *testing.T) {
	g := newGuest(t, engine.StepAddClientID)
	g.write(0, "my-id")
	g.must(0, "set_client_id", 0, 5)
	if got := g.call.Registration.Client.ID; got != "my-id" {
		t.Errorf("got the client ID %q, want my-id", got)
	}
	g.write(0, "https://app.example/")
	g.traps("begins like a URL", "set_client_id", 0, 20)
	g.traps("at most 255", "set_client_id", 0, 256)
	g.traps("1 to 255", "set_client_id", 0, 0)
}

func TestSetClientSecret(t *testing.T) {
	g := newGuest(t, engine.StepGenerateSecret)
	g.write(0, strings.Repeat("s", 32))
	r := g.call.Registration
	second := r.Now.Truncate(time.Second)
	for in, want := range map[int64]time.Time{0: second.Add(time.Hour), -1: {}, 60: second.Add(time.Minute),
		maxExpiresIn: second.Add(maxExpiresIn * time.Second)} {
		g.must(0, "set_client_secret", 0, 32, uint64(in))
		if got := r.Client.Secret.ExpiresAt; !got.Equal(want) {
			t.Errorf("expires_in %d: got %v, want %v", in, got, want)
		}
	}
	g.traps("expires_in is -2", "set_client_secret", 0, 32, uint64(math.MaxUint64-1))
	g.traps("expires_in is", "set_client_secret", 0, 32, maxExpiresIn+1)
	g.traps("31 characters", "set_client_secret", 0, 31, 0)
	g.traps("at most 255", "set_client_secret", 0, 256, 0)
}

func TestItems(t *testing.T) {
	g := newGuest(t, "set_scopes")
	g.write(0, "key")
	g.must(-1, "get_item", 0, 3, 64, 10)
	g.write(16, "value")
	g.must(0, "set_item", 0, 3, 16, 5)
	g.must(5, "get_item", 0, 3, 64, 10)
	if got := g.read(64, 5); got != "value" {
		t.Errorf("got the item %q, want value", got)
	}
	g.traps("outside the memory", "get_item", 0, 3, uint64(g.m.Size()), 1)
	g.traps("at most 255", "set_item", 0, 256, 16, 5)
	g.traps("at most 4096", "set_item", 0, 3, 16, 4097)
	for i := range MaxItems - 1 {
		g.call.Registration.SetItem(fmt.Sprint(i), "")
	}
	g.traps("64 items already", "set_item", 0, 2, 16, 5)
	g.must(0, "set_item", 0, 3, 16, 4) // replaces an item
}

func TestCallBase(t *testing.T) {
	g := newGuest(t, "set_scopes")
	g.must(0, "call_base")
	g.traps("twice", "call_base")

	g = newGuest(t, "set_scopes")
	g.call.Base = func() error { return engine.RefuseAs(engine.InvalidRedirectURI, "no") }
	g.must(1, "call_base")
	if got := g.call.Refusal(); got.Code != engine.InvalidRedirectURI || got.Description != "no" {
		t.Errorf("got the refusal %v, want the base's", got)
	}
	g.write(0, "invalid_client_metadatamine")
	g.must(0, "refuse", 0, 23, 23, 4)
	if got := g.call.Refusal(); got.Code != engine.InvalidClientMetadata || got.Description != "mine" {
		t.Errorf("got the refusal %v, want the script's", got)
	}

	g = newGuest(t, "set_scopes")
	cause := errors.New("the disk is gone")
	g.call.Base = func() error { return cause }
	if _, err := g.run("call_base"); !errors.Is(err, cause) {
		t.Errorf("got %v, want the base's failure", err)
	}
}

func TestClientExists(t *testing.T) {
	g := newGuest(t, "set_scopes")
	g.write(0, "taken!")
	g.must(1, "client_exists", 0, 5)
	g.must(0, "client_exists", 0, 6)
	g.traps("at most 255", "client_exists", 0, 256)
}

func TestEntropyRunsDry(t *testing.T) {
	g := newGuest(t, "set_scopes")
	g.must(0, "random", 0, MaxEntropy-16)
	g.must(errnoSuccess, "random_get", 0, 16)
	g.traps("1 random bytes are asked for, but only 0", "random", 0, 1)
	g.traps("1 random bytes are asked for, but only 0", "random_get", 0, 1)
	g.must(errnoFAULT, "random_get", uint64(g.m.Size()), 1)
}

func TestLog(t *testing.T) {
	g := newGuest(t, "set_scopes")
	g.write(0, "a \xff line")
	if _, err := g.run("log", 9, 0, 8); err != nil {
		t.Fatal(err)
	}
	want := Line{Script: "test", Step: "set_scopes", Level: LevelError, Text: "a \uFFFD line"}
	if got := g.call.Log.Lines(); len(got) != 1 || got[0] != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if _, err := g.run("log", 1, 0, MaxLogBytes); err != nil || g.call.Log.Dropped() != 1 {
		t.Errorf("got %v and %d dropped lines, want 1", err, g.call.Log.Dropped())
	}
	g.traps("outside the memory", "log", 1, uint64(g.m.Size()), 1)
}

func TestClocks(t *testing.T) {
	g := newGuest(t, "set_scopes")
	g.must(1_700_000_000_123, "now")
	read := func(clock uint64) int64 {
		t.Helper()
		g.must(errnoSuccess, "clock_time_get", clock, 0, 512)
		v, _ := g.m.ReadUint64Le(512)
		return int64(v)
	}
	if got := read(clockRealtime); got != 1_700_000_000_123_000_000 || read(clockRealtime) != got {
		t.Errorf("got the real time %d, want Call.Now twice", got)
	}
	first := read(clockMonotonic)
	if second := read(clockMonotonic); second != first+1 {
		t.Errorf("the monotonic clock went from %d to %d, want 1 ns more", first, second)
	}
	g.must(errnoINVAL, "clock_time_get", 2, 0, 512)
	g.must(errnoFAULT, "clock_time_get", 0, 0, uint64(g.m.Size()))

	// poll_oneoff advances the monotonic clock.
	subscription := make([]byte, subscriptionSize)
	binary.LittleEndian.PutUint64(subscription, 7)
	binary.LittleEndian.PutUint32(subscription[16:], clockMonotonic)
	binary.LittleEndian.PutUint64(subscription[24:], uint64(time.Hour))
	g.m.Write(1024, subscription)
	before := read(clockMonotonic)
	g.must(errnoSuccess, "poll_oneoff", 1024, 2048, 1, 512)
	if n, _ := g.m.ReadUint32Le(512); n != 1 || g.read(2048, 1) != "\x07" {
		t.Errorf("got %d events with userdata %q, want 1 with 7", n, g.read(2048, 8))
	}
	if after := read(clockMonotonic); after != before+int64(time.Hour)+1 {
		t.Errorf("after an hour's sleep the clock went from %d to %d, want an hour and 1 ns more", before, after)
	}
	g.must(errnoINVAL, "poll_oneoff", 1024, 2048, 0, 512)
	g.must(errnoFAULT, "poll_oneoff", 1024, uint64(g.m.Size()), 1, 512)
}

func TestFileDescriptors(t *testing.T) {
	g := newGuest(t, "set_scopes")
	vector := func(at, n uint32) {
		g.m.WriteUint32Le(256, at)
		g.m.WriteUint32Le(260, n)
	}
	g.write(0, "one\ntwo\nthr")
	vector(0, 11)
	g.must(errnoSuccess, "fd_write", 1, 256, 1, 512)
	if n, _ := g.m.ReadUint32Le(512); n != 11 {
		t.Errorf("got %d written bytes, want 11", n)
	}
	g.write(0, "ee")
	vector(0, 2)
	g.must(errnoSuccess, "fd_write", 1, 256, 1, 512)
	g.must(errnoSuccess, "fd_write", 2, 256, 1, 512)
	g.call.Finish()
	var got []string
	for _, line := range g.call.Log.Lines() {
		got = append(got, fmt.Sprint(line.Level, line.Text))
	}
	if want := "1one 1two 1three 2ee"; strings.Join(got, " ") != want {
		t.Errorf("got the lines %q, want %q", got, want)
	}
	vector(0, g.m.Size())
	g.must(errnoSuccess, "fd_write", 1, 256, 1, 512)
	vector(1, g.m.Size())
	g.must(errnoFAULT, "fd_write", 1, 256, 1, 512)
	g.must(errnoINVAL, "fd_write", 1, 256, maxVectors+1, 512)
	g.must(errnoBADF, "fd_write", 3, 256, 1, 512)
	for name, errno := range map[string]int64{"fd_close": errnoSuccess, "fd_fdstat_set_flags": errnoSuccess,
		"fd_prestat_get":      errnoBADF,
		"fd_prestat_dir_name": errnoBADF, "fd_read": errnoBADF, "fd_seek": errnoSPIPE, "fd_fdstat_get": errnoSuccess} {
		g.must(errno, name, 1, 600)
		g.must(errnoBADF, name, 0, 600)
		g.must(errnoBADF, name, 3, 600)
	}
}

func TestTheRestOfWASI(t *testing.T) {
	g := newGuest(t, "set_scopes")
	for _, f := range wasiFunctions() {
		if f.Stub {
			g.must(errnoNOSYS, f.Name, make([]uint64, len(f.Params))...)
		}
	}
	g.m.WriteUint32Le(512, 9)
	g.must(errnoSuccess, "args_sizes_get", 512, 516)
	if n, _ := g.m.ReadUint32Le(512); n != 0 {
		t.Errorf("got %d arguments, want none", n)
	}
	g.must(errnoSuccess, "args_get", 0, 0)
	g.must(errnoSuccess, "environ_get", 0, 0)
	g.must(errnoFAULT, "environ_sizes_get", uint64(g.m.Size()), 0)
	g.must(errnoSuccess, "sched_yield")
	_, err := g.run("proc_exit", 3)
	if exit, ok := errors.AsType[*ExitError](err); !ok || exit.Code != 3 {
		t.Errorf("proc_exit: got %v, want exit code 3", err)
	}
}

// The WASI functions have the names and the types of wazero's.
func TestEveryWASIFunctionHasItsType(t *testing.T) {
	theirs := wasiOfWazero(t)
	for _, f := range wasiFunctions() {
		want, ok := theirs[f.Name]
		if !ok {
			t.Errorf("%s is not a function of preview 1", f.Name)
			continue
		}
		if got := fmt.Sprint(f.Params, f.Results); got != want {
			t.Errorf("%s has the type %s, want %s", f.Name, got, want)
		}
		delete(theirs, f.Name)
	}
	for name := range theirs {
		t.Errorf("%s is missing", name)
	}
}
