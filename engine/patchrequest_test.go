package engine

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

// patching returns overrides in which a script patches the request, before the base of a step or after it. They store
// the error of PatchRequest in err.
func patching(step string, late bool, patch string, err *error) Overrides {
	return override(func(r *Registration, s *Steps) {
		field := StepTable()[stepNumber(step)].Field(s)
		base := *field
		apply := func() { *err = r.PatchRequest(Patcher{Step: step, Script: "policy"}, []byte(patch)) }
		*field = func(ctx context.Context, r *Registration) error {
			if !late {
				apply()
				return base(ctx, r)
			}
			if err := base(ctx, r); err != nil {
				return err
			}
			apply()
			return nil
		}
	})
}

// Built-in steps that have not begun read the patched request, and check it as one that was sent.
func TestPatchRequest(t *testing.T) {
	const sent = `{"redirect_uris":["https://app.example/cb"],"client_name":"Sent","client_name#de":"Gesendet",` +
		`"scope":"a b","require_client_secret":true,"contacts":["a","b"],"x":1}`
	for _, tt := range []struct{ name, step, patch, want string }{
		{"a public client that asked for a secret", "set_grant_types",
			`{"token_endpoint_auth_method":"none","require_client_secret":null}`,
			`{"token_endpoint_auth_method":"none","require_client_secret":null,"client_secret":null}`},
		{"from the first step", "validate_software_statement", `{"software_id":"s","client_name":"B"}`,
			`{"software_id":"s","client_name":"B","client_name#de":"Gesendet"}`},
		{"a language tag", "set_client_name", `{"client_name#de":null,"client_name#ja":"\u540d"}`,
			`{"client_name":"Sent","client_name#de":null,"client_name#ja":"名"}`},
		{"an empty string is a missing member", "set_client_name", `{"client_name":""}`, `{"client_name":null}`},
		{"repeated values", "set_client_name", `{"contacts":["c","c"]}`, `{"contacts":["c"]}`},
		{"scopes", "set_scopes", `{"scope":"c  c d"}`, `{"scope":"c d"}`},
		{"default scopes", "set_scopes", `{"scope":null}`, `{"scope":"default"}`},
		{"nothing", "set_scopes", `{}`, `{"client_name":"Sent","scope":"a b"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var err error
			o := patching(tt.step, false, tt.patch, &err)
			got, refused := register(t, Config{Overrides: o, Options: Options{DefaultScopes: []string{"default"}}},
				sent)
			if err != nil || refused != nil {
				t.Fatalf("the patch: %v, the registration: %v", err, refused)
			}
			checkMembers(t, got, tt.want)
		})
	}
}

// A patched request is refused where the same request would be refused if it were sent.
func TestPatchedRequestsAreValidated(t *testing.T) {
	for _, tt := range []struct {
		name, step, patch string
		code              Code
		why               string
	}{
		{"by a step", "set_redirect_uris", `{"redirect_uris":["http://evil.example/cb"]}`, InvalidRedirectURI,
			"redirect_uris[0] must be https"},
		{"without redirect URIs", "set_grant_types", `{"redirect_uris":null}`, InvalidRedirectURI, "at least one URI"},
		{"members that contradict each other", "set_grant_types",
			`{"token_endpoint_auth_method":"none","require_client_secret":true}`, InvalidClientMetadata,
			"require_client_secret is true, but token_endpoint_auth_method is none"},
		{"an unknown method", "set_grant_types", `{"token_endpoint_auth_method":"magic"}`, InvalidClientMetadata,
			"magic"},
		{"private keys", "set_secrets", `{"jwks":{"keys":[{"kty":"oct","k":"AAAA"}]}}`, InvalidClientMetadata, "jwks"},
		{"an unsafe URI", "set_client_name", `{"logo_uri":"javascript:alert(1)"}`,
			InvalidClientMetadata, "logo_uri"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var err error
			_, refused := register(t, Config{Overrides: patching(tt.step, false, tt.patch, &err)}, minimal)
			if err != nil {
				t.Fatalf("the patch: %v", err)
			}
			wantRefusal(t, refused, tt.code, tt.why)
		})
	}
}

// A patch that is not allowed changes nothing.
func TestPatchesOfARequestThatAreRejected(t *testing.T) {
	const sent = `{"redirect_uris":["https://app.example/cb"],"client_name":"Sent","scope":"a"}`
	for _, tt := range []struct {
		name, step string
		late       bool // after the base
		patch, why string
	}{
		{"not an object", "set_scopes", false, `[]`, "strict JSON object"},
		{"null", "set_scopes", false, `null`, "strict JSON object"},
		{"a member given twice", "set_scopes", false, `{"scope":"a","scope":"b"}`, "strict JSON object"},
		{"too deep", "set_scopes", false, `{"jwks":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`,
			"nests deeper than 100"},
		{"too large", "set_scopes", false, `{"client_name":"` + strings.Repeat("a", 256<<10) + `"}`, "at most 262144"},
		{"a wrong type", "set_scopes", false, `{"client_name":1}`, "client_name must be a string"},
		{"a wrong character", "set_scopes", false, `{"client_name":"a\u202eb"}`, "client_name"},
		{"too many scopes", "set_scopes", false, `{"scope":"` + strings.Repeat("a ", 501) + `"}`, "at most 500"},
		{"the client ID", "set_scopes", false, `{"client_id":"x"}`, "client_id, which only the server sets"},
		{"the client secret", "set_scopes", false, `{"client_secret":"x"}`,
			"client_secret, which only the server sets"},
		{"the registration access token", "set_scopes", false, `{"registration_access_token":"x"}`,
			"registration_access_token, which only the server sets"},
		{"a software statement", "validate_software_statement", false, `{"software_statement":"x"}`,
			"software_statement, which only the client sends"},
		{"an extension member", "set_scopes", false, `{"tier":"gold"}`, "tier, which no built-in step reads"},
		{"one of several", "set_scopes", false, `{"scope":"b","tier":"gold"}`, "tier, which no built-in step reads"},
		{"a member of an earlier step", "set_scopes", false, `{"redirect_uris":["https://b.example/cb"]}`,
			"redirect_uris, but set_redirect_uris comes before"},
		{"after the base", "set_scopes", true, `{"scope":"b"}`, "scope, but set_scopes comes before"},
		{"in the nested step", "set_default_scopes", false, `{"scope":"b"}`, "scope, but set_scopes comes before"},
		{"the removal of a member of an earlier step", "set_client_name", true, `{"scope":null}`,
			"scope, but set_scopes comes before"},
		{"after validation", "add_client_id", false, `{"client_name":"B"}`,
			"client_name, but set_client_name comes before"},
		{"in the last step", "build_response", false, `{"client_name#ja":"B"}`, "comes before"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var err error
			patch := patching(tt.step, tt.late, tt.patch, &err)
			var r *Registration
			o := func(is *Registration, s Steps) (Steps, func()) { r = is; return patch(is, s) }
			body := sent
			if tt.step == "set_default_scopes" {
				body = minimal
			}
			got, refused := register(t, Config{Overrides: o, Options: Options{EchoExtensions: []string{"tier"}}}, body)
			if refused != nil {
				t.Fatal(refused)
			}
			if err == nil || !strings.Contains(err.Error(), tt.why) {
				t.Errorf("got %v, want an error with %q", err, tt.why)
			}
			if r.Request != r.sent || string(r.Request.Raw) != body {
				t.Errorf("the request is now %s", r.Request.Raw)
			}
			if body == sent {
				checkMembers(t, got, sent)
			}
		})
	}
}

// A script that leaves its base out cannot patch the members of that step in a later one: no step would check them.
func TestPatchAfterAReplacedStep(t *testing.T) {
	var err error
	o := override(func(r *Registration, s *Steps) {
		s.SetRedirectURIs = func(_ context.Context, r *Registration) error {
			return r.PatchMetadata(Patcher{Step: "set_redirect_uris"},
				[]byte(`{"redirect_uris":["https://app.example/cb"],"application_type":"web"}`))
		}
		base := s.SetScopes
		s.SetScopes = func(ctx context.Context, r *Registration) error {
			err = r.PatchRequest(Patcher{Step: "set_scopes"}, []byte(`{"redirect_uris":["http://evil.example"]}`))
			return base(ctx, r)
		}
	})
	if _, refused := register(t, Config{Overrides: o}, minimal); refused != nil {
		t.Fatal(refused)
	}
	if err == nil || !strings.Contains(err.Error(), "set_redirect_uris comes before") {
		t.Errorf("got %v", err)
	}
}

// A base that refused has begun, also if its changes are undone.
func TestPatchAfterARefusedBase(t *testing.T) {
	var err error
	o := override(func(r *Registration, s *Steps) {
		base := s.SetScopes
		s.SetScopes = func(ctx context.Context, r *Registration) error {
			entry := r.Snapshot()
			if err := base(ctx, r); err == nil {
				t.Error("the base did not refuse")
			}
			r.Restore(&entry)
			err = r.PatchRequest(Patcher{Step: "set_scopes"}, []byte(`{"scope":"a"}`))
			return nil
		}
	})
	if _, refused := register(t, Config{Overrides: o},
		`{"redirect_uris":["https://app.example/cb"],"scope":"\""}`); refused != nil {
		t.Fatal(refused)
	}
	if err == nil || !strings.Contains(err.Error(), "set_scopes comes before") {
		t.Errorf("got %v", err)
	}
}

// A software statement's claims take precedence over what scripts patch, as over what a client sends.
func TestClaimsTakePrecedenceOverPatches(t *testing.T) {
	board := newIssuer("board")
	claims := `{"iss":"board","client_name":"Claim","software_id":"claim","logo_uri":null}`
	body := withStatement(board.sign(t, claims, nil))
	for _, tt := range []struct{ name, step, patch, why, want string }{
		{"a claim", "validate_software_statement", `{"software_id":"mine","client_name":"Mine"}`, "",
			`{"software_id":"claim","client_name":"Claim","client_name#fr":null}`},
		{"a claim that is verified", "set_grant_types", `{"client_name":"Mine"}`,
			"client_name, which the software statement has", `{"client_name":"Claim"}`},
		{"a language of a claim", "set_grant_types", `{"client_name#fr":"Mine"}`,
			"client_name#fr, which the software statement has", `{"client_name#fr":null}`},
		{"a member without a claim", "set_grant_types", `{"contacts":["a"]}`, "",
			`{"contacts":["a"],"software_id":"claim","client_name":"Claim","tier":"body"}`},
		{"a claim that is null", "set_grant_types", `{"logo_uri":"https://app.example/b"}`, "",
			`{"logo_uri":"https://app.example/b","client_name":"Claim"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var err error
			c := board.trusting(Options{EchoExtensions: []string{"tier"}})
			c.Overrides = patching(tt.step, false, tt.patch, &err)
			got, refused := register(t, c, body)
			if refused != nil {
				t.Fatal(refused)
			}
			if (err == nil) != (tt.why == "") || err != nil && !strings.Contains(err.Error(), tt.why) {
				t.Errorf("got %v, want %q", err, tt.why)
			}
			checkMembers(t, got, tt.want)
		})
	}
	// In a dry run, the claims are given from the beginning, but verified in the same step.
	request, err := ParseRequest([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Statement = []byte(claims)
	var patched error
	r, err := newEngine(t, Config{}).Preview(t.Context(), request, &Caller{Auth: AuthNone},
		patching("validate_software_statement", false, `{"software_id":"mine"}`, &patched))
	if err != nil || patched != nil || r.Client.Metadata.SoftwareID != "claim" {
		t.Errorf("a dry run: got %v, %v and %q, want the claim", err, patched, r.Client.Metadata.SoftwareID)
	}
}

// A patch makes no metadata document's client one that needs a secret: documents are public.
func TestPatchedMetadataDocuments(t *testing.T) {
	document := []byte(`{"client_id":"` + documentURL + `","redirect_uris":["https://app.example/cb"]}`)
	for patch, why := range map[string]string{
		`{"token_endpoint_auth_method":"client_secret_basic"}`: "a metadata document is public",
		`{"client_name":"Patched"}`:                            "",
	} {
		var err error
		e := newEngine(t, Config{Overrides: patching("set_grant_types", false, patch, &err)})
		r, refused := e.ResolveDocument(t.Context(), documentURL, document, &Caller{Auth: AuthNone}, "")
		if refused != nil {
			t.Fatal(refused)
		}
		if (err == nil) != (why == "") || err != nil && !strings.Contains(err.Error(), why) {
			t.Errorf("%s: got %v, want %q", patch, err, why)
		}
		if name := r.Client.Metadata.ClientName; why == "" && name != "Patched" {
			t.Errorf("the name is %q", name)
		}
	}
}

// An update reads the patched request too. A rotation runs no step that does.
func TestPatchRequestOfAnUpdate(t *testing.T) {
	var update, rotation error
	both := patching("set_client_name", false, `{"client_name":"Patched"}`, &update)
	store := &memory{}
	e, r := managed(t, store, func(r *Registration, s Steps) (Steps, func()) {
		s, release := both(r, s)
		base := s.GenerateSecret
		s.GenerateSecret = func(ctx context.Context, r *Registration) error {
			rotation = r.PatchRequest(Patcher{Step: StepGenerateSecret}, []byte(`{"client_name":"Rotated"}`))
			return base(ctx, r)
		}
		return s, release
	})
	updated, err := e.Update(t.Context(), store.clients[r.Client.ID], r.Token,
		updateOf(t, `"redirect_uris":["https://app.example/cb"],"client_name":"Sent"`, r.Client))
	if err != nil || update != nil || updated.Client.Metadata.ClientName != "Patched" {
		t.Fatalf("got %v, %v and %q", err, update, updated.Client.Metadata.ClientName)
	}
	rotation = nil
	if _, err := e.RotateSecret(t.Context(), store.clients[r.Client.ID], 0, "", &AdminCall{}); err != nil {
		t.Fatal(err)
	}
	if rotation == nil || !strings.Contains(rotation.Error(), "set_client_name comes before") {
		t.Errorf("in a rotation: got %v", rotation)
	}
	if name := store.clients[r.Client.ID].Metadata.ClientName; name != "Patched" {
		t.Errorf("the name after the rotation is %q", name)
	}
}

// Scripts read the patched request; Restore discards a patch, and a rerun begins with the request as sent.
func TestPatchedRequestIsRestored(t *testing.T) {
	var entry Snapshot
	var err error
	var read string
	patch := patching("set_grant_types", false, `{"client_name":"Patched"}`, &err)
	e := newEngine(t, Config{Overrides: func(r *Registration, s Steps) (Steps, func()) {
		entry = r.Snapshot()
		s, release := patch(r, s)
		base := s.SetScopes
		s.SetScopes = func(ctx context.Context, r *Registration) error {
			read = string(r.Request.Raw)
			return base(ctx, r)
		}
		return s, release
	}})
	request, parsed := ParseRequest([]byte(`{"redirect_uris":["https://app.example/cb"],"client_name":"Sent","x":1.50}`))
	if parsed != nil {
		t.Fatal(parsed)
	}
	r, refused := e.Register(t.Context(), request, &Caller{Auth: AuthNone})
	if err != nil || refused != nil {
		t.Fatal(err, refused)
	}
	want := `{"client_name":"Patched","redirect_uris":["https://app.example/cb"],"x":1.50}`
	if read != want {
		t.Errorf("scripts read %s, want %s", read, want)
	}
	later := r.Snapshot()
	if got := entry.TouchedRequest(&later); !slices.Equal(got, []string{"client_name"}) {
		t.Errorf("touched: %q", got)
	}
	again, refused := r.Rerun(t.Context(), ModeShadow, override(func(*Registration, *Steps) {}))
	if refused != nil || again.Client.Metadata.ClientName != "Sent" || again.Request != request {
		t.Errorf("the rerun: %v, %q", refused, again.Client.Metadata.ClientName)
	}
	r.Restore(&entry)
	if r.Request != request || r.Request.Metadata.ClientName != "Sent" {
		t.Errorf("restored: %s", r.Request.Raw)
	}
}

// Every patch leaves a request that would be read if it were sent, or leaves the request as it was.
func FuzzPatchRequest(f *testing.F) {
	f.Add("set_grant_types", []byte(`{"token_endpoint_auth_method":"none","require_client_secret":null}`))
	f.Add("set_client_name", []byte(`{"client_name#ja":"x","client_name":null}`))
	f.Add("set_secrets", []byte(`{"jwks":{"keys":[{"kty":null}]}}`))
	f.Add("build_response", []byte(`{"client_id":"x","software_statement":""}`))
	const sent = `{"redirect_uris":["https://app.example/cb"],"jwks":{"keys":[{"kty":"RSA"}]},"client_id":"x","y":[1.0]}`
	e := newEngine(f, Config{})
	f.Fuzz(func(t *testing.T, step string, patch []byte) {
		request, err := ParseRequest([]byte(sent))
		if err != nil {
			t.Fatal(err)
		}
		r, err := e.newRegistration(request, &Caller{Auth: AuthNone}, ModeEnforce)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.PatchRequest(Patcher{Step: step}, patch); err != nil {
			if r.Request != request {
				t.Fatalf("%v, but the request is %s", err, r.Request.Raw)
			}
			return
		}
		again, err := ParseRequest(r.Request.Raw)
		if err != nil {
			t.Fatalf("the patched request %s: %v", r.Request.Raw, err)
		}
		if names := changedMembers(&again.Metadata, &r.Request.Metadata); names != nil {
			t.Fatalf("the steps and the scripts read other values of %q", names)
		}
		var members map[string]any
		if err := json.Unmarshal(r.Request.Raw, &members); err != nil || members["client_id"] != "x" {
			t.Fatalf("the protected member is %v, %v", members["client_id"], err)
		}
	})
}
