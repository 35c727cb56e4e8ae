package discovery

import (
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestWarnings(t *testing.T) {
	const challenge, method = "code_challenge_methods_supported", "token_endpoint_auth_methods_supported"
	for members, want := range map[string][]string{
		``: {challenge + " is missing: MCP clients", method + " is missing: MCP clients"},
		`,"code_challenge_methods_supported":null,` +
			`"token_endpoint_auth_methods_supported":null`: {challenge + " is missing", method + " is missing"},
		`,"code_challenge_methods_supported":["plain"],` +
			`"token_endpoint_auth_methods_supported":["client_secret_basic"]`: {challenge + " does not list S256",
			method + " does not list none"},
		`,"code_challenge_methods_supported":"S256",` +
			`"token_endpoint_auth_methods_supported":[]`: {challenge + " does not list S256", method + " does not list none"},
		`,"code_challenge_methods_supported":["S256"],` +
			`"token_endpoint_auth_methods_supported":["private_key_jwt"]`: {method + " does not list none"},
		`,"code_challenge_methods_supported":["plain","S256"],"token_endpoint_auth_methods_supported":["none"]`: nil,
	} {
		s, err := newSource(Config{Document: []byte(`{"issuer":"https://auth.example"` + members + `}`)})
		if err != nil {
			t.Fatal(err)
		}
		got := s.Warnings()
		if !slices.EqualFunc(got, want, strings.HasPrefix) {
			t.Errorf("%s: got %q, want %q", members, got, want)
		}
	}
}

// Follow logs warnings when they change, and not with every fetch.
func TestFollowLogsWarnings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const good = `"code_challenge_methods_supported":["S256"],"token_endpoint_auth_methods_supported":["none"]`
		u := &upstream{}
		var log strings.Builder
		s, err := New(Config{Issuer: issuer, Upstream: "https://auth.example/d", Fetch: u.fetch,
			Logger: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		if s.Warnings() != nil {
			t.Errorf("before upstream was read: got %q", s.Warnings())
		}
		go s.Follow(t.Context())
		for _, step := range []struct {
			members string
			want    int // lines in all
		}{{`"a":1`, 2}, {`"a":2`, 2}, {good, 2}, {`"a":3`, 4}, {`"a":4`, 4}} {
			u.say(`{"issuer":"https://auth.example",` + step.members + `}`)
			time.Sleep(5 * time.Minute)
			synctest.Wait()
			if got := strings.Count(log.String(), "turns clients away"); got != step.want {
				t.Errorf("with %s: %d lines, want %d:\n%s", step.members, got, step.want, log.String())
			}
		}
	})
}
