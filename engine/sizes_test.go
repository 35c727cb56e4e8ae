package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// repeated returns n elements, separated by commas; %d in the element counts.
func repeated(n int, element string) string {
	list := make([]string, n)
	for i := range list {
		list[i] = strings.ReplaceAll(element, "%d", fmt.Sprint(i))
	}
	return strings.Join(list, ",")
}

// Each list has a bound, which a refusal names.
func TestListsAreBounded(t *testing.T) {
	const uri = `"redirect_uris":["https://app.example/cb"],`
	words := func(n int) string {
		return strings.ReplaceAll(strings.ReplaceAll(repeated(n, `s%d`), ",", " "), `"`, "")
	}
	for _, tt := range []struct {
		name    string
		bound   int
		members func(n int) string
		words   string
	}{
		{"redirect_uris", 200, func(n int) string {
			return `"redirect_uris":[` + repeated(n, `"https://a%d.example/"`) + `]`
		}, "redirect_uris has 201 values: at most 200"},
		{"scope", 500, func(n int) string { return uri + `"scope":"` + words(n) + `"` },
			"scope has 501 values: at most 500"},
		{"repeated scope", 500, func(n int) string { return uri + `"scope":" ` + strings.Repeat("ab  ", n) + `"` },
			"scope has 501 values: at most 500"},
		{"language tags", 50, func(n int) string { return uri + repeated(n, `"client_name#x-%d":"a"`) },
			"client_name has more than 50 language tags"},
		{"language tags of a page", 50, func(n int) string {
			return uri + repeated(n, `"tos_uri#x-%d":"https://a.example/"`)
		}, "tos_uri has more than 50 language tags"},
		{"keys", 100, func(n int) string { return uri + `"jwks":{"keys":[` + repeated(n, `{"kty":"A"}`) + `]}` },
			"jwks.keys has 101 values: at most 100"},
		{"members of a key", 50, func(n int) string {
			return uri + `"jwks":{"keys":[{"kty":"A",` + repeated(n-1, `"a%d":[1,2]`) + `}]}`
		}, "jwks.keys[0] has more than 50 members"},
		{"members", 3000, func(n int) string { return uri + repeated(n-1, `"a%d":[1,2]`) }, "more than 3000 members"},
		{"contacts", 100, func(n int) string { return uri + `"contacts":[` + repeated(n, `"a%d"`) + `]` },
			"contacts has 101 values: at most 100"},
		{"grant_types", 100, func(n int) string {
			return uri + `"grant_types":["authorization_code",` + repeated(n-1, `"a%d"`) + `]`
		}, "grant_types has 101 values: at most 100"},
		{"post_logout_redirect_uris", 100, func(n int) string {
			return uri + `"post_logout_redirect_uris":[` + repeated(n, `"https://a%d.example/"`) + `]`
		}, "post_logout_redirect_uris has 101 values: at most 100"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := register(t, Config{}, `{`+tt.members(tt.bound)+`}`); err != nil {
				t.Errorf("%d: %v", tt.bound, err)
			}
			code := InvalidClientMetadata
			if tt.name == "redirect_uris" {
				code = InvalidRedirectURI
			}
			_, err := register(t, Config{}, `{`+tt.members(tt.bound+1)+`}`)
			wantRefusal(t, err, code, tt.words)
		})
	}
	one := Config{Options: Options{MaxRedirectURIs: 1}}
	_, err := register(t, one, `{"redirect_uris":["https://a.example/","https://b.example/"]}`)
	wantRefusal(t, err, InvalidRedirectURI, "redirect_uris has 2 values: at most 1")
	_, err = register(t, Config{}, `{`+uri+`"client_name#x-`+strings.Repeat("a-", 50)+`a":"b"}`)
	wantRefusal(t, err, InvalidClientMetadata, "at most 100")
}

// Scripts cannot make lists that are longer.
func TestScriptsAreBounded(t *testing.T) {
	for name, change := range map[string]func(m *Metadata){
		"redirect_uris": func(m *Metadata) {
			m.RedirectURIs = strings.Split(strings.ReplaceAll(repeated(201, `https://a%d.example/`), `"`, ""), ",")
		},
		"scope":    func(m *Metadata) { m.Scope = strings.Repeat("a ", 501) },
		"contacts": func(m *Metadata) { m.Contacts = strings.Split(repeated(101, "a"), ",") },
	} {
		c := Config{Overrides: override(func(_ *Registration, s *Steps) {
			base := s.AddClientID
			s.AddClientID = func(ctx context.Context, r *Registration) error {
				change(&r.Client.Metadata)
				return base(ctx, r)
			}
		})}
		_, err := register(t, c, minimal)
		if _, breach := errors.AsType[*InvariantError](err); !breach || !strings.Contains(err.Error(), name+" has ") {
			t.Errorf("%s: got %v, want an InvariantError", name, err)
		}
	}
}

// A caller who has left stops the steps.
func TestStepsLookAtTheContext(t *testing.T) {
	request, err := ParseRequest([]byte(minimal))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ran := 0
	overrides := override(func(_ *Registration, s *Steps) {
		s.SetScopes = func(context.Context, *Registration) error { cancel(); return nil }
		s.SetSecrets = func(context.Context, *Registration) error { ran++; return nil }
	})
	_, err = newEngine(t, Config{}).Preview(ctx, request, &Caller{Auth: AuthNone}, overrides)
	if !errors.Is(err, context.Canceled) || ran > 0 {
		t.Errorf("got %v after %d more steps, want %v", err, ran, context.Canceled)
	}
}

// The worst bodies end, and each is registered or refused.
func TestWorstBodies(t *testing.T) {
	e := worstEngine(t)
	for name, body := range worstBodies() {
		if len(body) > worstBody {
			t.Errorf("%s has %d bytes", name, len(body))
		}
		err := e.tryBody(t, body)
		if err != nil && strings.HasSuffix(name, "most") && strings.Contains(err.Error(), "at most") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
