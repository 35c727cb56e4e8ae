package discovery

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"registrar/engine"
)

const issuer = "https://auth.example"

func newSource(c Config) (*Source, error) {
	c.Issuer, c.RegistrationEndpoint = issuer, issuer+"/register"
	c.Logger = slog.New(slog.DiscardHandler)
	return New(c)
}

// check compares the published document with want.
func check(t *testing.T, s *Source, want map[string]any) {
	t.Helper()
	document, err := s.Document()
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(document, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("document (-want +got):\n%s", diff)
	}
}

func TestDocument(t *testing.T) {
	s, err := newSource(Config{Document: []byte(`{"issuer":"https://auth.example",
		"registration_endpoint":"https://old.example","signed_metadata":"a.b.c",
		"grant_types_supported":["authorization_code"],"x":{"y":[1]}}`)})
	if err != nil {
		t.Fatal(err)
	}
	check(t, s, map[string]any{"issuer": issuer, "registration_endpoint": issuer + "/register",
		"grant_types_supported": []any{"authorization_code"}, "x": map[string]any{"y": []any{1.0}}})
	advertised, err := s.Advertised()
	if diff := cmp.Diff(engine.Advertised{"grant_types_supported": {"authorization_code"}}, advertised); diff != "" ||
		err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	on, err := newSource(Config{MetadataDocuments: true,
		Document: []byte(`{"issuer":"https://auth.example","client_id_metadata_document_supported":false}`)})
	if err != nil {
		t.Fatal(err)
	}
	check(t, on, map[string]any{"issuer": issuer, "registration_endpoint": issuer + "/register",
		"client_id_metadata_document_supported": true})
}

func TestRefusedDocuments(t *testing.T) {
	for document, want := range map[string]string{
		`[]`: "JSON object", `null`: "JSON object", ``: "JSON object",
		`{"issuer":"https://auth.example","issuer":"https://auth.example"}`: "JSON object",
		`{}`: "has no issuer", `{"issuer":1}`: "has no issuer",
		`{"issuer":"https://auth.example/"}`:                                   `its issuer is "https://auth.example/"`,
		`{"issuer":"https://auth.example","subject_types_supported":"public"}`: "subject_types_supported must be a list",
	} {
		if _, err := newSource(Config{Document: []byte(document)}); !errors.Is(err, ErrInvalid) ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want ErrInvalid with %q", document, err, want)
		}
	}
	if _, err := newSource(Config{Document: []byte(`{"issuer":"https://other.example"}`),
		Upstream: "https://auth.example/d"}); !errors.Is(err, ErrInvalid) {
		t.Errorf("with an upstream: got %v", err)
	}
}

// An upstream serves a document that tests set.
type upstream struct {
	answer atomic.Pointer[string] // nil means unavailable
}

func (u *upstream) say(document string) { u.answer.Store(&document) }

func (u *upstream) fetch(context.Context, string) ([]byte, error) {
	answer := u.answer.Load()
	if answer == nil {
		return nil, io.ErrUnexpectedEOF
	}
	return []byte(*answer), nil
}

func TestUpstreamIsMerged(t *testing.T) {
	u := &upstream{}
	u.say(`{"issuer":"https://auth.example","token_endpoint":"https://auth.example/token",` +
		`"grant_types_supported":["password"],"jwks_uri":"https://auth.example/jwks"}`)
	s, err := newSource(Config{Upstream: "https://auth.example/d", Fetch: u.fetch,
		Document: []byte(`{"grant_types_supported":["authorization_code"],"jwks_uri":null}`)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Document(); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("before Load: got %v, want ErrUnavailable", err)
	}
	if _, err := s.Advertised(); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("before Load: got %v, want ErrUnavailable", err)
	}
	if err := s.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	check(t, s, map[string]any{"issuer": issuer, "registration_endpoint": issuer + "/register",
		"token_endpoint": "https://auth.example/token", "grant_types_supported": []any{"authorization_code"}})
}

func TestFollowKeepsTheLastDocument(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &upstream{}
		s, err := newSource(Config{Upstream: "https://auth.example/d", Fetch: u.fetch})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Load(t.Context()); err == nil || errors.Is(err, ErrInvalid) {
			t.Errorf("unavailable at first: got %v, want an error that is not ErrInvalid", err)
		}
		go s.Follow(t.Context())
		follows := func(after time.Duration, version float64) {
			t.Helper()
			time.Sleep(after)
			synctest.Wait()
			check(t, s, map[string]any{"issuer": issuer, "registration_endpoint": issuer + "/register", "v": version})
		}
		const interval, retry = 5 * time.Minute, 15 * time.Second // the defaults
		u.say(`{"issuer":"https://auth.example","v":1}`)
		follows(retry, 1)
		u.answer.Store(nil)
		follows(interval, 1)
		u.say(`{"issuer":"https://other.example","v":2}`)
		follows(retry, 1)
		u.say(`{"issuer":"https://auth.example","v":3}`)
		follows(retry-1, 1)
		follows(1, 3)
		u.say(`{"issuer":"https://auth.example","v":4}`)
		follows(interval-1, 3)
		follows(1, 4)
	})
}
