package host_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"registrar/engine"
	"registrar/scripts"
	"registrar/scripts/host"
)

func (b *bench) replay(last int, list []scripts.Script) scripts.Replay {
	b.t.Helper()
	got, err := b.host.Replay(b.t.Context(), b.engine, b.store, list, last, func(int, int) {})
	if err != nil {
		b.t.Fatal(err)
	}
	return got
}

// registerAll registers clients and returns their IDs, newest first.
func (b *bench) registerAll(bodies ...string) []string {
	b.t.Helper()
	var ids []string
	for _, body := range bodies {
		r, err := b.register(body)
		if err != nil {
			b.t.Fatalf("%s: %v", body, err)
		}
		ids = append([]string{r.Client.ID}, ids...)
	}
	return ids
}

// A replay with the scripts in force changes nothing in clients that they registered, including defaults.
func TestReplayOfScriptsInForceChangesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{DefaultScopes: []string{"openid"}, EchoExtensions: []string{"x_kept"}})
	bodies := []string{
		minimal,
		`{"redirect_uris":["https://app.example/cb"],"token_endpoint_auth_method":"none","client_name":"A",` +
			`"client_name#ja":"B","x_kept":{"a":[1, 2.50]},"x_dropped":1}`,
		`{"grant_types":["client_credentials"],"scope":"a a  b"}`,
		`{"redirect_uris":["com.example.app:/cb","http://127.0.0.1/cb"],"application_type":"native"}`,
		`{"redirect_uris":["https://app.example/cb"],"default_max_age":0,"require_auth_time":false,"contacts":[],` +
			`"request_uris":["https://app.example/r#1"]}`,
		`{"redirect_uris":["https://app.example/cb"],"grant_types":["authorization_code","refresh_token"],` +
			`"refresh_token_usage":"ReUse","require_client_secret":false}`,
		`{"redirect_uris":["https://app.example/cb"],"token_endpoint_auth_method":"private_key_jwt",` +
			`"jwks":{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}}`,
		`{"grant_types":["urn:ietf:params:oauth:grant-type:device_code"],"client_id":"mine","client_secret":"s"}`,
	}
	b.registerAll(bodies...)
	b.deployFixtures("prefix-id", "accept-all", "patch-metadata", "custom-secret")
	b.registerAll(bodies...)
	want := scripts.Replay{Last: 1000, Total: 2 * len(bodies), Same: len(bodies), Changed: len(bodies)}
	got := b.replay(0, nil)
	if diff := cmp.Diff(want, got, ignoreDifferences); diff != "" {
		t.Errorf("want (-) and got (+):\n%s", diff)
	}
	for _, list := range [][]scripts.Script{
		{}, {b.script("accept-all")}, {b.script("prefix-id"), b.script("id-and-secret")},
	} {
		got := b.replay(0, list)
		if got.Same != 2*len(bodies) {
			t.Errorf("%v: got %+v, want all %d the same", list, got, 2*len(bodies))
		}
	}
	if n := b.clients(); n != 2*len(bodies) {
		t.Errorf("%d clients are stored, want %d as before", n, 2*len(bodies))
	}
}

var ignoreDifferences = cmp.FilterPath(func(p cmp.Path) bool { return p.String() == "Differences" }, cmp.Ignore())

func TestReplayCounts(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{})
	ids := b.registerAll(
		`{"redirect_uris":["https://app.example/cb"],"client_name":"patched","contacts":["ops@acme.example"]}`,
		`{"redirect_uris":["https://evil.example/cb"],"client_name":"Evil"}`,
		`{"redirect_uris":["https://app.example/cb"],"client_name":"Editor"}`,
	)
	got := b.replay(0, []scripts.Script{b.script("refuse-redirect-host"), b.script("patch-metadata")})
	want := scripts.Replay{Last: 1000, Total: 3, Same: 1, Changed: 1, Refused: 1, Differences: []scripts.Replayed{
		{ClientID: ids[0],
			Comparison: scripts.Comparison{Was: "registered", Is: "registered", Differences: []scripts.Difference{
				{Member: "client_name", Old: []byte(`"Editor"`), New: []byte(`"patched"`)},
				{Member: "contacts", New: []byte(`["ops@acme.example"]`)},
			}}},
		{ClientID: ids[1],
			Comparison: scripts.Comparison{Was: "registered", Is: "refused", Differences: []scripts.Difference{},
				Error: &scripts.DryRunError{Code: "invalid_redirect_uri",
					Description: "the redirect URI host evil.example is not allowed"}}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want (-) and got (+):\n%s", diff)
	}
	got = b.replay(2, []scripts.Script{b.script("fail-trap")})
	if got.Last != 2 || got.Total != 2 || got.Failed != 2 ||
		!strings.Contains(got.Differences[0].Error.Description, "script fail-trap (sha256:") {
		t.Errorf("got %+v", got)
	}
	fallback := b.script("fail-code")
	fallback.OnFailure = scripts.OnFailureBase
	if got = b.replay(0, []scripts.Script{fallback}); got.Same != 3 {
		t.Errorf("with on_failure base: got %+v, want all the same", got)
	}
	if strings.Contains(b.log.String(), "fail") {
		t.Errorf("the log has a line for each registration:\n%s", b.log)
	}
}

func TestReplayHasCallerAndTimeOfRegistration(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{EchoExtensions: []string{"x_kept"}})
	caller := &engine.Caller{Auth: engine.AuthNone, Subject: "subject-1", IP: netip.MustParseAddr("192.0.2.1")}
	body := `{"redirect_uris":["https://app.example/cb"],"client_name":"A","x_kept":1}`
	before, err := b.registerAs(body, caller)
	if err != nil {
		t.Fatal(err)
	}
	var stored *engine.Client
	for c, err := range b.store.LatestClients(t.Context(), 1) {
		if stored = c; err != nil {
			t.Fatal(err)
		}
	}
	var seen *engine.Registration
	_, err = b.engine.Replay(t.Context(), stored,
		func(r *engine.Registration, base engine.Steps) (engine.Steps, func()) {
			seen = r
			return base, func() {}
		})
	if err != nil {
		t.Fatal(err)
	}
	if seen.Mode != engine.ModeReplay || !seen.Now.Equal(before.Now) ||
		!cmp.Equal(*seen.Caller, *caller, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })) ||
		!strings.Contains(string(seen.Request.Raw), `"x_kept":1`) ||
		strings.Contains(string(seen.Request.Raw), "client_id") {
		t.Errorf("got mode %s at %v for %+v: %s", seen.Mode, seen.Now, seen.Caller, seen.Request.Raw)
	}
}

// In the replay of a client, client_exists reports its own ID as free, even if all others are taken.
func TestReplayFindsItsOwnIDFree(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{})
	b.deployFixtures("taken-then-free")
	b.registerAll(slices.Repeat([]string{minimal}, 10)...)
	if got := b.replay(0, nil); got.Same != 10 {
		t.Errorf("got %+v", got)
	}
}

func TestReplayListsAtMostAHundredDifferences(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{})
	var bodies []string
	for i := range 103 {
		bodies = append(bodies,
			fmt.Sprintf(`{"redirect_uris":["https://app.example/cb"],"client_name":"Client %d"}`, i))
	}
	ids := b.registerAll(bodies...)
	var done, of []int
	got, err := b.host.Replay(t.Context(), b.engine, b.store, []scripts.Script{b.script("patch-metadata")}, 102,
		func(d, o int) {
			done, of = append(done, d), append(of, o)
		})
	if err != nil {
		t.Fatal(err)
	}
	if got.Total != 102 || got.Changed != 102 || len(got.Differences) != 100 || got.Differences[0].ClientID != ids[0] ||
		got.Differences[99].ClientID != ids[99] {
		t.Errorf("got %d of %d changed, %d listed; want 102 of 102, the newest 100 listed",
			got.Changed, got.Total, len(got.Differences))
	}
	if len(done) != 103 || done[0] != 0 || done[102] != 102 || of[0] != 102 || of[102] != 102 {
		t.Errorf("the progress was %v of %v", done, of)
	}
}

func TestReplayRejects(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{})
	for _, c := range []struct {
		last int
		list []scripts.Script
		want string
	}{
		{-1, nil, "last -1: it must be from 1 to 100000"},
		{100_001, nil, "last 100001: it must be from 1 to 100000"},
		{1, []scripts.Script{{Name: "none", Module: "sha256:0"}}, "module sha256:0 not found"},
		{1, []scripts.Script{{Name: "No", Module: "sha256:0"}}, "a script's name must match"},
	} {
		_, err := b.host.Replay(t.Context(), b.engine, b.store, c.list, c.last, func(int, int) {})
		if _, rejected := errors.AsType[*scripts.RejectedError](err); !rejected ||
			!strings.Contains(err.Error(), c.want) {
			t.Errorf("last %d, %v: got %v, want %q", c.last, c.list, err, c.want)
		}
	}
}

// A cancelled replay ends after the current registration and returns an error. No second replay runs meanwhile.
func TestReplayCancelled(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{})
	b.registerAll(minimal, minimal, minimal)
	list := []scripts.Script{b.script("fail-spin")}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var second error
	_, err := b.host.Replay(ctx, b.engine, b.store, list, 0, func(done, _ int) {
		if done == 1 {
			_, second = b.host.Replay(t.Context(), b.engine, b.store, list, 0, func(int, int) {})
			cancel()
		}
		if done == 2 {
			t.Error("the replay continued after it was cancelled")
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v, want %v", err, context.Canceled)
	}
	if !errors.Is(second, scripts.ErrConflict) {
		t.Errorf("a second one meanwhile: got %v, want %v", second, scripts.ErrConflict)
	}
	if got := b.replay(0, list); got.Failed != 3 {
		t.Errorf("afterwards: got %+v, want 3 failed", got)
	}
}

func TestReplayReturnsErrorOfItsSource(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{})
	b.registerAll(minimal, minimal)
	away := errors.New("the database went away")
	_, err := b.host.Replay(t.Context(), b.engine, &broken{b, away}, nil, 0, func(int, int) {})
	if !errors.Is(err, away) {
		t.Errorf("got %v, want %v", err, away)
	}
}

// A broken source fails after its first client.
type broken struct {
	*bench
	failure error
}

func (s *broken) CountClients(context.Context, int) (int, error) { return 2, nil }

func (s *broken) LatestClients(ctx context.Context, _ int) iter.Seq2[*engine.Client, error] {
	return func(yield func(*engine.Client, error) bool) {
		for c, err := range s.store.LatestClients(ctx, 1) {
			if !yield(c, err) {
				return
			}
		}
		yield(nil, s.failure)
	}
}

var _ host.ClientSource = (*broken)(nil)

func BenchmarkReplay(b *testing.B) {
	bench := newBench(b, engine.Options{})
	bodies := make([]string, 1000)
	const body = `{"redirect_uris":["https://app.example/cb"],"client_name":"Client %d","scope":"a b"}`
	for i := range bodies {
		bodies[i] = fmt.Sprintf(body, i)
	}
	bench.registerAll(bodies...)
	for _, name := range []string{"accept-all", "patch-metadata", "go-policy", "mcp-policy"} {
		list := []scripts.Script{bench.script(name)}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if got := bench.replay(0, list); got.Total != 1000 {
					b.Fatalf("got %+v", got)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(1000*b.N), "µs/registration")
		})
	}
}
