package engine

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

func TestAdvertisedBounds(t *testing.T) {
	every := everyMember[0]
	for _, b := range bounds() {
		t.Run(b.list+" "+b.member, func(t *testing.T) {
			if _, named := bodyMembers(t, every)[b.member]; !named {
				t.Fatalf("the request has no %s", b.member)
			}
			for _, list := range [][]string{{}, {"another"}} {
				c := Config{Options: Options{UnsupportedValues: UnsupportedRefuse},
					Advertised: func() (Advertised, error) { return Advertised{b.list: list}, nil }}
				_, err := register(t, c, every)
				wantRefusal(t, err, InvalidClientMetadata, "is not among the "+b.list)
			}
		})
	}
	narrow(t, every)
	scopes := Config{Advertised: func() (Advertised, error) { return Advertised{"scopes_supported": {}}, nil }}
	if _, err := register(t, scopes, every); err != nil {
		t.Errorf("with scopes_supported: got %v, want no error", err)
	}
	unknown := Config{Advertised: func() (Advertised, error) { return nil, ErrUnavailable }}
	if _, err := register(t, unknown, every); !errors.Is(err, ErrUnavailable) {
		t.Errorf("without metadata: got %v, want ErrUnavailable", err)
	}
	hybrid := Options{AllowedGrantTypes: []string{"authorization_code", "implicit"},
		AllowedResponseTypes: []string{"code id_token"}}
	words := Config{Options: hybrid,
		Advertised: func() (Advertised, error) {
			return Advertised{"response_types_supported": {"id_token code"}},
				nil
		}}
	body := `{"redirect_uris":["https://app.example/cb"],"response_types":["code id_token"]}`
	if _, err := register(t, words, body); err != nil {
		t.Errorf("the same words in another order: got %v, want no error", err)
	}
}

// narrow checks that a list loses the values that the discovery document does not list, and keeps the others.
func narrow(t *testing.T, body string) {
	t.Helper()
	for _, b := range bounds() {
		var list []string
		if json.Unmarshal(bodyMembers(t, body)[b.member], &list) != nil {
			continue
		}
		c := Config{Advertised: func() (Advertised, error) { return Advertised{b.list: list}, nil }}
		more := strings.NewReplacer(`"id_token_signed_response_alg":"ES256",`, "",
			`"`+b.member+`":[`, `"`+b.member+`":["another",`).Replace(body)
		got, err := register(t, c, more)
		if err != nil {
			t.Errorf("%s: %v", b.member, err)
			continue
		}
		if diff := cmp.Diff(asAny(list), got[b.member]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", b.member, diff)
		}
	}
}

func asAny(list []string) any {
	values := make([]any, len(list))
	for i, v := range list {
		values[i] = v
	}
	return values
}

func bodyMembers(t *testing.T, body string) map[string]jsontext.Value {
	t.Helper()
	var members map[string]jsontext.Value
	if err := json.Unmarshal([]byte(body), &members); err != nil {
		t.Fatal(err)
	}
	return members
}

// The limits apply to what scripts add. A violation after the validation steps is the script's failure.
func TestAdvertisedBoundsScripts(t *testing.T) {
	advertised := func() (Advertised, error) { return Advertised{"acr_values_supported": {"1"}}, nil }
	at := func(field func(*Steps) *StepFunc) Config {
		return Config{Advertised: advertised, Overrides: override(func(_ *Registration, s *Steps) {
			base := *field(s)
			*field(s) = func(ctx context.Context, r *Registration) error {
				r.Client.Metadata.DefaultACRValues = []string{"2"}
				return base(ctx, r)
			}
		})}
	}
	_, err := register(t, at(func(s *Steps) *StepFunc { return &s.SetIDTokenProperties }), minimal)
	wantRefusal(t, err, InvalidClientMetadata, "default_acr_values '2'")
	_, err = register(t, at(func(s *Steps) *StepFunc { return &s.AddClientID }), minimal)
	if _, breach := errors.AsType[*InvariantError](err); !breach {
		t.Errorf("got %v, want an InvariantError", err)
	}
}

func TestReadAdvertised(t *testing.T) {
	a, err := ReadAdvertised(bodyMembers(t,
		`{"issuer":"x","grant_types_supported":["a","b"],"scopes_supported":["c"],"subject_types_supported":null,`+
			`"claims_supported":[]}`))
	if diff := cmp.Diff(Advertised{"grant_types_supported": {"a", "b"}}, a); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	const words = "grant_types_supported must be a list"
	_, err = ReadAdvertised(bodyMembers(t, `{"grant_types_supported":"a"}`))
	if err == nil || !strings.Contains(err.Error(), words) {
		t.Errorf("got %v, want an error with %q", err, words)
	}
}
