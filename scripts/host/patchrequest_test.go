package host_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"registrar/engine"
	"registrar/internal/wasmtest"
	"registrar/scripts"
	"registrar/scripts/host"
)

const confidential = `{"redirect_uris":["https://app.example/cb"],"require_client_secret":true,"client_name":"Sent"}`

// A script that patches the request decides what its base reads, and the client's provenance says so.
func TestPatchedRequest(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{})
	b.deployFixtures("accept-all", "patch-request")
	r, err := b.register(confidential)
	if err != nil {
		t.Fatal(err)
	}
	c, err := b.store.Client(t.Context(), r.Client.ID)
	if err != nil {
		t.Fatal(err)
	}
	if m := c.Metadata; m.TokenEndpointAuthMethod != "none" || m.RequireClientSecret != nil || c.Secret != nil ||
		m.ClientName != "patched" {
		t.Errorf("the client has %+v and the secret %v", m, c.Secret)
	}
	var got []engine.Act
	for _, act := range c.Provenance.Acts {
		if act.Script == "patch-request" || act.Request != nil {
			got = append(got, act)
		}
	}
	digest := scripts.Digest(wasmtest.Wasm(t, "patch-request"))
	want := []engine.Act{
		{Step: "set_grant_types", Script: "patch-request", Module: digest,
			Request: []string{"token_endpoint_auth_method", "require_client_secret"}},
		{Step: "set_client_name", Script: "patch-request", Module: digest, Request: []string{"client_name"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the acts that patched the request, want (-) and got (+):\n%s", diff)
	}
	if log := b.log.String(); strings.Contains(log, "overwrote") {
		t.Errorf("the log warns of an overwritten patch:\n%s", log)
	}
}

// A script that fails leaves the request as it was sent.
func TestFailedScriptsLeaveTheRequest(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{})
	failing := b.script("fail-patched-request")
	b.deploy(failing)
	_, err := b.register(confidential)
	if failure, ok := errors.AsType[*host.ScriptError](err); !ok || !strings.Contains(failure.Reason, "unreachable") {
		t.Errorf("got %v, want a failure", err)
	}
	failing.OnFailure, failing.FailOpen = scripts.OnFailureBase, []string{"set_client_name"}
	b.deploy(failing)
	r, err := b.register(confidential)
	if err != nil {
		t.Fatal(err)
	}
	if m := r.Client.Metadata; m.ClientName != "Sent" || m.Contacts != nil || r.Client.Provenance.Acts != nil {
		t.Errorf("the client has the name %q, the contacts %q and the acts %v", m.ClientName, m.Contacts,
			r.Client.Provenance.Acts)
	}
}

// A shadow patches a request of its own, and reads the request as sent, not as the scripts that act patched it.
func TestShadowsPatchTheirOwnRequest(t *testing.T) {
	t.Parallel()
	got := shadowed(t, "accept-all", "patch-request", confidential, 2)
	if got.Changed != 2 || !strings.Contains(string(got.Differences[0].Changes), `"new":"none"`) {
		t.Errorf("got %+v and %+v, want two clients that the shadow makes public", got.ShadowCounts, got.Differences)
	}
	// With both, the shadow changes nothing more: each run begins with the request as sent.
	if got := shadowed(t, "patch-request", "accept-all", confidential, 2); got.Same != 2 {
		t.Errorf("got %+v and %+v, want no difference", got.ShadowCounts, got.Differences)
	}
}

// A dry run shows what scripts changed in the request, and which of their patches had no effect.
func TestDryRunShowsPatches(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{})
	run := func(names ...string) scripts.DryRun {
		t.Helper()
		var list []scripts.Script
		for _, name := range names {
			list = append(list, b.script(name))
		}
		request, err := engine.ParseRequest([]byte(confidential))
		if err != nil {
			t.Fatal(err)
		}
		got, err := b.host.DryRun(t.Context(), b.engine, request, &engine.Caller{Auth: engine.AuthNone}, list)
		if err != nil || got.Outcome != scripts.OutcomeRegistered {
			t.Fatalf("got %v and %+v", err, got.Error)
		}
		return got
	}
	requests := map[string]string{}
	for _, s := range run("patch-request").Steps {
		if s.Request != nil {
			requests[s.Step+" "+s.Script] = string(s.Request)
		}
	}
	want := map[string]string{
		"set_grant_types patch-request": `{"require_client_secret":null,"token_endpoint_auth_method":"none"}`,
		"set_client_name patch-request": `{"client_name":"patched"}`,
	}
	if diff := cmp.Diff(want, requests); diff != "" {
		t.Errorf("changes of the request, want (-) and got (+):\n%s", diff)
	}

	overwrote := map[string][]scripts.Overwrite{}
	early := run("accept-all", "patch-early")
	for _, s := range early.Steps {
		if s.Overwrote != nil {
			overwrote[s.Step+" "+s.Script] = s.Overwrote
		}
	}
	lost := map[string][]scripts.Overwrite{
		"set_client_name ": {{Member: "client_name", Script: "patch-early", Step: "set_grant_types"}}}
	if diff := cmp.Diff(lost, overwrote); diff != "" {
		t.Errorf("overwritten patches, want (-) and got (+):\n%s", diff)
	}
	warning := "set_client_name overwrote client_name, which patch-early patched in set_grant_types"
	if got := early.Warnings(); len(got) != 1 || !strings.HasPrefix(got[0], warning) {
		t.Errorf("got the warnings %q, want %q", got, warning)
	}
}

// The log warns of an overwritten patch once a minute, however many clients register; each deployment has its own.
func TestOverwrittenPatchesAreLogged(t *testing.T) {
	t.Parallel()
	var minutes atomic.Int64
	b := newBench(t, engine.Options{}, func(c *host.Config) {
		c.Now = func() time.Time { return time.UnixMilli(0).Add(time.Duration(minutes.Load()) * time.Minute) }
	})
	warnings := func() int { return strings.Count(b.log.String(), "a built-in step overwrote the patch of a script") }
	register := func(want int) {
		t.Helper()
		for range 3 {
			if _, err := b.register(confidential); err != nil {
				t.Fatal(err)
			}
		}
		if got := warnings(); got != want {
			t.Errorf("%d warnings, want %d:\n%s", got, want, b.log)
		}
	}
	b.deployFixtures("patch-early")
	register(1)
	minutes.Add(1)
	register(2)
	b.deployFixtures("patch-early")
	register(3)
	line := `level=WARN msg="a built-in step overwrote the patch of a script" member=client_name script=patch-early ` +
		`step=set_grant_types overwritten_by=set_client_name deployment=1`
	if log := b.log.String(); !strings.Contains(log, line) {
		t.Errorf("the log lacks %s:\n%s", line, log)
	}
	b.deployFixtures("patch-metadata")
	register(3)
}
