package engine

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/go-json-experiment/json"
)

// unoffered is a request with values that this server does not offer, and left what is registered of it.
const (
	unoffered = `"redirect_uris":["https://app.example/cb"],"application_type":"browser","jwks":{"keys":[]},
		"grant_types":["authorization_code","refresh_token","urn:ietf:params:oauth:grant-type:jwt-bearer"],
		"response_types":["code","code id_token"],"default_acr_values":["2"],
		"authorization_details_types":["payment","account"]`
	left = `{"application_type":"web","jwks":null,"grant_types":["authorization_code"],"response_types":["code"],
		"default_acr_values":null,"authorization_details_types":["payment"]}`
)

func limited() Config {
	return Config{Store: &memory{}, Options: Options{RegistrationEndpoint: endpoint},
		Advertised: func() (Advertised, error) {
			return Advertised{"grant_types_supported": {"authorization_code", "client_credentials"},
				"acr_values_supported": {"1"}, "authorization_details_types_supported": {"payment"},
				"token_endpoint_auth_methods_supported": {"client_secret_post", "private_key_jwt"}}, nil
		}}
}

// Every kind of registration loses the values that are not offered.
func TestEveryDoorNarrows(t *testing.T) {
	board := newIssuer("board")
	config := limited()
	config.StatementKeys = board.trusting(Options{}).StatementKeys
	e := newEngine(t, config)
	parse := func(body string) *Request {
		t.Helper()
		request, err := ParseRequest([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		return request
	}
	caller := &Caller{Auth: AuthNone}
	for door, open := range map[string]func() (*Registration, error){
		"registration": func() (*Registration, error) {
			return e.Register(t.Context(), parse(`{`+unoffered+`}`), caller)
		},
		"update": func() (*Registration, error) {
			r, err := e.Register(t.Context(), parse(minimal), caller)
			if err != nil {
				return nil, err
			}
			return e.Update(t.Context(), r.Client, r.Token, updateOf(t, unoffered, r.Client))
		},
		"metadata document": func() (*Registration, error) {
			document := fmt.Appendf(nil, `{"client_id":%q,"token_endpoint_auth_method":"private_key_jwt",
				"jwks_uri":"https://app.example/jwks",%s}`, documentURL, unoffered)
			return e.ResolveDocument(t.Context(), documentURL, document, caller, "")
		},
		"statement in a request": func() (*Registration, error) {
			return e.Register(t.Context(), parse(`{"software_statement":"`+
				board.sign(t, `{"iss":"board",`+unoffered+`}`, nil)+`"}`), caller)
		},
		"dry run": func() (*Registration, error) {
			return e.Preview(t.Context(), parse(`{`+unoffered+`}`), caller, override(func(*Registration, *Steps) {}))
		},
		"rerun": func() (*Registration, error) {
			r, err := e.Register(t.Context(), parse(`{`+unoffered+`}`), caller)
			if err != nil {
				return nil, err
			}
			return r.Rerun(t.Context(), ModeShadow, override(func(*Registration, *Steps) {}))
		},
	} {
		t.Run(door, func(t *testing.T) {
			r, err := open()
			if err != nil {
				t.Fatal(err)
			}
			var got map[string]any
			if err := json.Unmarshal(r.Response, &got); err != nil {
				t.Fatal(err)
			}
			checkMembers(t, got, left)
		})
	}
}

// A client may send back what it was answered.
func TestNarrowedClientsUpdateThemselves(t *testing.T) {
	only := limited()
	only.Advertised = func() (Advertised, error) {
		return Advertised{"grant_types_supported": {"client_credentials"}},
			nil
	}
	for name, c := range map[string]Config{"code": limited(), "client credentials": only} {
		e := newEngine(t, c)
		request, err := ParseRequest([]byte(`{` + unoffered + `,"default_max_age":60}`))
		if err != nil {
			t.Fatal(err)
		}
		if name == "client credentials" {
			request.Metadata.GrantTypes = append(request.Metadata.GrantTypes, "client_credentials")
		}
		r, err := e.Register(t.Context(), request, &Caller{Auth: AuthNone})
		if err != nil {
			t.Fatal(err)
		}
		metadata, err := r.Client.EncodedMetadata()
		if err != nil {
			t.Fatal(err)
		}
		answered := string(metadata[1 : len(metadata)-1])
		updated, err := e.Update(t.Context(), r.Client, r.Token, updateOf(t, answered, r.Client))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		again, err := updated.Client.EncodedMetadata()
		if err != nil || string(again) != string(metadata) {
			t.Errorf("%s: got %s, %v; want %s", name, again, err, metadata)
		}
		if _, err := e.Replay(t.Context(), r.Client, override(func(*Registration, *Steps) {})); err != nil {
			t.Errorf("%s: replay: %v", name, err)
		}
	}
}

// A client with a metadata document gets the first method that is offered and needs no secret.
func TestDocumentsTakeAnOfferedMethod(t *testing.T) {
	e := newEngine(t, limited())
	for members, want := range map[string]string{
		`,"jwks_uri":"https://app.example/jwks"`: authMethodPrivateKeyJWT,
		``:                                       "",
	} {
		document := `{"client_id":"` + documentURL + `","redirect_uris":["https://app.example/cb"]` + members + `}`
		r, err := e.ResolveDocument(t.Context(), documentURL, []byte(document), &Caller{Auth: AuthNone}, "")
		if want == "" {
			wantRefusal(t, err, InvalidClientMetadata, "token_endpoint_auth_method is missing")
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Client.Metadata.TokenEndpointAuthMethod; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// An empty key set in a statement does not replace the body's keys.
func TestEmptyKeysInAStatement(t *testing.T) {
	board := newIssuer("board")
	for _, keys := range []string{`{}`, `{"keys":[]}`, `null`} {
		statement := board.sign(t, `{"iss":"board","jwks":`+keys+`}`, nil)
		got, err := register(t, board.trusting(Options{}), `{"redirect_uris":["https://app.example/cb"],
			"jwks_uri":"https://app.example/jwks","software_statement":"`+statement+`"}`)
		if err != nil {
			t.Fatal(err)
		}
		checkMembers(t, got, `{"jwks":null,"jwks_uri":"https://app.example/jwks"}`)
	}
}

// Scripts cannot leave out response_types, add values that are not offered, or register an empty key set.
func TestScriptsAreNarrowed(t *testing.T) {
	patched := func(patch string) (map[string]any, error) {
		c := limited()
		c.Overrides = override(func(_ *Registration, s *Steps) {
			base := s.AddClientID
			s.AddClientID = func(ctx context.Context, r *Registration) error {
				if err := r.PatchMetadata(Patcher{Step: StepAddClientID}, []byte(patch)); err != nil {
					return err
				}
				return base(ctx, r)
			}
		})
		return register(t, c, `{"grant_types":["client_credentials"]}`)
	}
	got, err := patched(`{"response_types":null,"jwks":{"keys":[]}}`)
	if err != nil {
		t.Fatal(err)
	}
	checkMembers(t, got, `{"response_types":[],"jwks":null}`)
	for _, patch := range []string{`{"grant_types":["client_credentials","password"]}`, `{"default_acr_values":["2"]}`,
		`{"application_type":"browser"}`, `{"token_endpoint_auth_method":"client_secret_basic"}`} {
		_, err = patched(patch)
		if _, breach := errors.AsType[*InvariantError](err); !breach {
			t.Errorf("%s: got %v, want an InvariantError", patch, err)
		}
	}
}
