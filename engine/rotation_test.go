package engine

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A client that does not know of a rotation gets a new secret for its old one, while that has its grace.
func TestUpdateAfterRotation(t *testing.T) {
	c := renew(t, Options{SecretLifetime: lifetime}, nil)
	second, err := c.engine.RotateSecret(t.Context(), c.stored(), time.Hour, "", &AdminCall{})
	if err != nil {
		t.Fatal(err)
	}
	c.kept(second)
	c.at(time.Hour - 1)
	third := c.renewed(c.secret)
	c.verify([]Plaintext{c.secret, third}, second)
	c.at(time.Hour)
	if _, err := c.put(c.secret); err == nil {
		t.Error("an update with the old secret succeeds after its grace time")
	}
	if _, err := c.engine.RotateSecret(t.Context(), c.stored(), 0, "", &AdminCall{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.put(third); err == nil {
		t.Error("an update with a revoked secret succeeds")
	}
}

// Steps see a renewal, and a rotation, as operations whose request is the registered metadata.
func TestRotationAsScriptsSeeIt(t *testing.T) {
	type view struct {
		Operation      Operation
		Step           string
		Mode           Mode
		Auth           Auth
		Subject        string
		Request, Given string // the members and the ID
	}
	var seen []view
	c := renew(t, Options{SecretLifetime: lifetime, DefaultScopes: []string{"basic"}},
		override(func(_ *Registration, s *Steps) {
			for _, step := range StepTable() {
				base := *step.Field(s)
				*step.Field(s) = func(ctx context.Context, r *Registration) error {
					if r.Operation == OperationRotateSecret {
						seen = append(seen, view{r.Operation, step.Name, r.Mode, r.Caller.Auth, r.Caller.Subject,
							string(r.Request.Raw), r.Request.ID})
					}
					return base(ctx, r)
				}
			}
		}))
	c.at(lifetime)
	request := updateOf(t, `"redirect_uris":["https://app.example/cb"],"unknown":1,"client_secret":"`+
		c.secret.Reveal()+`"`, c.stored())
	request.ID = "request-1"
	r, err := c.engine.Update(t.Context(), c.stored(), c.token, request)
	if err != nil {
		t.Fatal(err)
	}
	if r.Operation != OperationUpdate || !strings.Contains(string(r.Request.Raw), "unknown") {
		t.Errorf("after the renewal, the operation is %s and the request %s", r.Operation, r.Request.Raw)
	}
	current := c.stored()
	if _, err := c.engine.RotateSecret(t.Context(), current, time.Hour, "request-2", &AdminCall{}); err != nil {
		t.Fatal(err)
	}
	const registered = `{"redirect_uris":["https://app.example/cb"],` +
		`"token_endpoint_auth_method":"client_secret_basic","grant_types":["authorization_code"],` +
		`"response_types":["code"],"scope":"basic","application_type":"web"}`
	want := []view{
		{OperationRotateSecret, StepGenerateSecret, ModeEnforce, AuthRegistrationAccessToken, "alice", registered,
			"request-1"},
		{OperationRotateSecret, StepGenerateSecret, ModeEnforce, AuthNone, "alice", registered, "request-2"},
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("seen (-want +got):\n%s", diff)
	}
	if current.Updated == nil || !current.Updated.At.Equal(c.now) {
		t.Errorf("the rotation is recorded as %+v", current.Updated)
	}
}

// A rotation checks the metadata only where a script changed it, and keeps the rest of the client.
func TestRotationOfAnOlderClient(t *testing.T) {
	patch := ""
	c := renew(t, Options{EchoExtensions: []string{"tier"}}, override(func(_ *Registration, s *Steps) {
		base := s.GenerateSecret
		s.GenerateSecret = func(ctx context.Context, r *Registration) error {
			if r.Operation == OperationRotateSecret && patch != "" {
				if err := r.PatchMetadata(Patcher{Step: StepGenerateSecret}, []byte(patch)); err != nil {
					t.Error(err)
				}
			}
			return base(ctx, r)
		}
	}))
	c.engine.options.MaxRedirectURIs = 1
	older := c.stored()
	older.Metadata.RedirectURIs = []string{"https://app.example/1", "https://app.example/2"}
	c.store.clients[c.id] = older
	if _, err := c.engine.RotateSecret(t.Context(), c.stored(), 0, "", &AdminCall{}); err != nil {
		t.Errorf("a client that could not register any more: %v", err)
	}
	if got := c.stored(); len(got.Metadata.RedirectURIs) != 2 || got.TokenHash == nil || got.Caller.Subject != "alice" {
		t.Errorf("the rotation changed the client: %+v", got)
	}
	patch = `{"client_name":"patched"}`
	_, err := c.engine.RotateSecret(t.Context(), c.stored(), 0, "", &AdminCall{})
	if _, breach := errors.AsType[*InvariantError](err); !breach {
		t.Errorf("a script that changes it: got %v, want an InvariantError", err)
	}
	patch = `{"redirect_uris":["https://app.example/1"],"tier":"gold"}`
	if _, err := c.engine.RotateSecret(t.Context(), c.stored(), 0, "", &AdminCall{}); err != nil {
		t.Errorf("a script that mends it: %v", err)
	}
	if got := string(c.stored().Metadata.Other["tier"]); got != `"gold"` {
		t.Errorf("tier: got %s", got)
	}
}

func TestRotateSecret(t *testing.T) {
	for _, tt := range []struct {
		name            string
		grace, lifetime time.Duration
		until           time.Duration // how long the old secret stays valid
	}{{"at once", 0, 0, 0}, {"with grace", time.Hour, 0, time.Hour},
		{"with grace beyond its own end", time.Hour, time.Minute, time.Minute}} {
		store, now := &memory{}, arrival
		e := newEngine(t, Config{Store: store, Now: func() time.Time { return now },
			Options: Options{SecretLifetime: tt.lifetime}})
		request, _ := ParseRequest([]byte(minimal))
		r, err := e.Register(t.Context(), request, &Caller{Auth: AuthNone})
		if err != nil {
			t.Fatal(err)
		}
		secret, err := e.RotateSecret(t.Context(), r.Client, tt.grace, "", &AdminCall{})
		c := store.clients[r.Client.ID]
		if err != nil || !e.VerifySecret(c, secret) || c.Version != 1 || r.Client.Version != 1 {
			t.Errorf("%s: got %v, and %+v stored", tt.name, err, c)
		}
		for _, at := range []time.Duration{0, tt.until - time.Second, tt.until} {
			now = arrival.Truncate(time.Second).Add(at)
			if got, want := e.VerifySecret(c, r.Secret), at >= 0 && at < tt.until; at >= 0 && got != want {
				t.Errorf("%s: after %v the old secret verifies: got %t, want %t", tt.name, at, got, want)
			}
		}
	}
}
