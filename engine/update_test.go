package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const endpoint = "https://auth.example/register"

// managed returns an engine whose clients manage their registrations, and the registration of one.
func managed(t *testing.T, store *memory, o Overrides) (*Engine, *Registration) {
	t.Helper()
	e := newEngine(t, Config{Store: store, Overrides: o, Options: Options{RegistrationEndpoint: endpoint}})
	request, err := ParseRequest([]byte(minimal))
	if err != nil {
		t.Fatal(err)
	}
	r, err := e.Register(t.Context(), request,
		&Caller{Auth: AuthNone, Issuer: "https://idp.example", Subject: "alice", Scopes: []string{"register"}})
	if err != nil {
		t.Fatal(err)
	}
	return e, r
}

func updateOf(t *testing.T, members string, c *Client) *Request {
	t.Helper()
	request, err := ParseRequest(fmt.Appendf(nil, `{"client_id":%q,%s}`, c.ID, members))
	if err != nil {
		t.Fatal(err)
	}
	return request
}

// In an update, scripts see the caller that registered the client, and no secret.
func TestUpdateAsScriptsSeeIt(t *testing.T) {
	var steps []string
	var raw string
	var caller Caller
	o := override(func(r *Registration, s *Steps) {
		if r.Operation != OperationUpdate {
			return
		}
		caller, raw = *r.Caller, string(r.Request.Raw)
		for _, step := range StepTable() {
			base := *step.Field(s)
			*step.Field(s) = func(ctx context.Context, r *Registration) error {
				steps = append(steps, step.Name)
				return base(ctx, r)
			}
		}
	})
	store := &memory{}
	e, r := managed(t, store, o)
	request := updateOf(t,
		`"redirect_uris":["https://app.example/\u0063b"],"a":{"client_secret":1},"client_secret":"`+
			r.Secret.Reveal()+`","z":[1.50]`, r.Client)
	updated, err := e.Update(t.Context(), store.clients[r.Client.ID], r.Token, request)
	if err != nil {
		t.Fatal(err)
	}
	want := Caller{Auth: AuthRegistrationAccessToken, Issuer: "https://idp.example", Subject: "alice",
		Scopes: []string{"register"}}
	if diff := cmp.Diff(want, caller, cmpopts.EquateComparable(want.IP)); diff != "" {
		t.Errorf("caller (-want +got):\n%s", diff)
	}
	if got := updated.Client.Caller.Auth; got != AuthNone {
		t.Errorf("the stored caller has auth %s, want %s", got, AuthNone)
	}
	wantRaw := fmt.Sprintf(
		`{"client_id":%q,"redirect_uris":["https://app.example/\u0063b"],"a":{"client_secret":1},"z":[1.50]}`,
		r.Client.ID)
	if raw != wantRaw {
		t.Errorf("request: got %s, want %s", raw, wantRaw)
	}
	for _, name := range steps {
		if name == StepAddClientID || name == StepAddClientSecret || name == StepGenerateSecret {
			t.Errorf("%s ran", name)
		}
	}
	if len(steps) != 15 { // 14 validation steps, including set_default_scopes, and build_response
		t.Errorf("%d steps ran, want 15: %v", len(steps), steps)
	}
}

// An update based on an old version of the client changes nothing.
func TestUpdateConflict(t *testing.T) {
	store := &memory{}
	e, r := managed(t, store, nil)
	stale := *store.clients[r.Client.ID]
	for i, want := range []error{nil, ErrConflict} {
		_, err := e.Update(t.Context(), &stale, r.Token,
			updateOf(t, fmt.Sprintf(`"redirect_uris":["https://app.example/%d"]`, i), r.Client))
		if !errors.Is(err, want) {
			t.Errorf("update %d: got %v, want %v", i, err, want)
		}
	}
	if got := store.clients[r.Client.ID]; got.Metadata.RedirectURIs[0] != "https://app.example/0" || got.Version != 1 {
		t.Errorf("the store has %v as version %d, want the first update as version 1", got.Metadata.RedirectURIs,
			got.Version)
	}
	if _, err := e.RotateSecret(t.Context(), &stale, 0, "", &AdminCall{}); !errors.Is(err, ErrConflict) {
		t.Errorf("rotating: got %v, want %v", err, ErrConflict)
	}
}

// No step can change the client's identity, its secret or its token.
func TestUpdateInvariants(t *testing.T) {
	for name, change := range map[string]func(*Registration){
		"another ID":      func(r *Registration) { r.Client.ID = "other" },
		"another version": func(r *Registration) { r.Client.Version++ },
		"another token":   func(r *Registration) { r.Token += "x" },
		"no token":        func(r *Registration) { r.Client.TokenHash = nil },
		"another secret":  func(r *Registration) { r.Client.Secret = HashSecret(Plaintext(strings.Repeat("x", 32))) },
	} {
		store := &memory{}
		e, r := managed(t, store, override(func(r *Registration, s *Steps) {
			if r.Operation == OperationUpdate {
				s.BuildResponse = func(_ context.Context, r *Registration) error { change(r); return nil }
			}
		}))
		_, err := e.Update(t.Context(), store.clients[r.Client.ID], r.Token,
			updateOf(t, `"redirect_uris":["https://app.example/"]`, r.Client))
		if _, breach := errors.AsType[*InvariantError](err); !breach || store.clients[r.Client.ID].Version != 0 {
			t.Errorf("%s: got %v, want an InvariantError", name, err)
		}
	}
}

// A rerun of an update is an update.
func TestRerunOfAnUpdate(t *testing.T) {
	store := &memory{}
	e, r := managed(t, store, nil)
	updated, err := e.Update(t.Context(), store.clients[r.Client.ID], r.Token,
		updateOf(t, `"redirect_uris":["https://app.example/"],"client_secret":"`+r.Secret.Reveal()+`"`, r.Client))
	if err != nil {
		t.Fatal(err)
	}
	again, err := updated.Rerun(t.Context(), ModeShadow, override(func(*Registration, *Steps) {}))
	if err != nil || again.Operation != OperationUpdate || again.Mode != ModeShadow || again.Client.ID != r.Client.ID {
		t.Errorf("got %+v, %v", again, err)
	}
	if again.Token == r.Token || store.clients[r.Client.ID].Version != 1 {
		t.Error("the rerun has the client's token, or was stored")
	}
}

// registration_client_uri ends with the escaped client ID.
func TestClientURI(t *testing.T) {
	e := newEngine(t, Config{Options: Options{RegistrationEndpoint: endpoint}})
	for id, want := range map[string]string{"abc": "abc", "a/b": "a%2Fb", "a%2Fb": "a%252Fb", "a?b#c": "a%3Fb%23c",
		"...": "..."} {
		document, err := e.Information(&Client{ID: id, IssuedAt: arrival}, "token")
		var got struct {
			URI string `json:"registration_client_uri"`
		}
		if err = errors.Join(err, json.Unmarshal(document, &got)); err != nil || got.URI != endpoint+"/"+want {
			t.Errorf("%s: got %s and %v, want %s", id, got.URI, err, want)
		}
	}
}
