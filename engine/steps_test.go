package engine

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

func TestStepTableHoldsEachFieldOnce(t *testing.T) {
	var steps Steps
	fields := map[*StepFunc]string{}
	v := reflect.ValueOf(&steps).Elem()
	for i := range v.NumField() {
		fields[v.Field(i).Addr().Interface().(*StepFunc)] = v.Type().Field(i).Name
	}
	for i, step := range StepTable() {
		name, ok := fields[step.Field(&steps)]
		if !ok {
			t.Fatalf("%s is in the table twice, or has no field", step.Name)
		}
		delete(fields, step.Field(&steps))
		if got := v.Type().Field(i).Name; got != name {
			t.Errorf("row %d is %s, but field %[1]d is %s", i, step.Name, got)
		}
		if got := strings.ReplaceAll(step.Name, "_", ""); got != strings.ToLower(name) {
			t.Errorf("%s names the field %s", step.Name, name)
		}
	}
	for _, name := range fields {
		t.Errorf("%s is not in the table", name)
	}
}

func TestEveryStepRunsOnceInOrder(t *testing.T) {
	var got, want []string
	o := override(func(_ *Registration, s *Steps) {
		for _, step := range StepTable() {
			base := *step.Field(s)
			*step.Field(s) = func(ctx context.Context, r *Registration) error {
				got = append(got, step.Name)
				return base(ctx, r)
			}
		}
	})
	if _, err := register(t, Config{Overrides: o}, minimal); err != nil {
		t.Fatal(err)
	}
	for _, step := range StepTable() {
		want = append(want, step.Name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

// everyMember lists requests that together have every member of Metadata.
var everyMember = []string{
	`{"redirect_uris":["https://app.example/cb"],"token_endpoint_auth_method":"tls_client_auth",
	"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"client_name":"App",
	"client_name#ja":"アプリ","client_uri":"https://app.example/","client_uri#ja":"https://app.example/ja",
	"logo_uri":"https://app.example/logo","scope":"read","contacts":["ops@app.example"],
	"tos_uri":"https://app.example/tos","policy_uri":"https://app.example/policy","jwks_uri":"https://app.example/jwks",
	"software_id":"4","software_version":"1","application_type":"web",
	"sector_identifier_uri":"https://app.example/sector","subject_type":"pairwise",
	"id_token_signed_response_alg":"ES256","id_token_encrypted_response_alg":"RSA-OAEP",
	"id_token_encrypted_response_enc":"A128GCM","userinfo_signed_response_alg":"none",
	"userinfo_encrypted_response_alg":"ECDH-ES","userinfo_encrypted_response_enc":"A256GCM",
	"request_object_signing_alg":"PS256","request_object_encryption_alg":"RSA-OAEP-256",
	"request_object_encryption_enc":"A256GCM","token_endpoint_auth_signing_alg":"ES256","default_max_age":0,
	"require_auth_time":false,"default_acr_values":["1"],"initiate_login_uri":"https://app.example/login",
	"request_uris":["https://app.example/r#hash"],"post_logout_redirect_uris":["https://app.example/bye"],
	"frontchannel_logout_uri":"https://app.example:443/fc","frontchannel_logout_session_required":true,
	"backchannel_logout_uri":"https://app.example/bc","backchannel_logout_session_required":false,
	"tls_client_auth_san_dns":"app.example","tls_client_certificate_bound_access_tokens":true,
	"require_signed_request_object":true,"require_pushed_authorization_requests":true,
	"authorization_details_types":["payment"],"dpop_bound_access_tokens":true,
	"introspection_signed_response_alg":"RS256","introspection_encrypted_response_alg":"RSA-OAEP",
	"introspection_encrypted_response_enc":"A128GCM","authorization_signed_response_alg":"ES256",
	"authorization_encrypted_response_alg":"RSA-OAEP","authorization_encrypted_response_enc":"A128GCM",
	"absolute_refresh_token_lifetime":0,"access_token_lifetime":60,"access_token_type":"Reference",
	"allowed_cors_origins":["https://app.example"],"allowed_identity_token_signing_algorithms":["RS256"],
	"allow_remember_consent":true,"authorization_code_lifetime":60,"consent_lifetime":60,
	"coordinate_lifetime_with_user_session":true,"enable_local_login":false,"identity_provider_restrictions":["idp"],
	"identity_token_lifetime":60,"refresh_token_expiration":"Sliding","refresh_token_usage":"ReUse",
	"require_client_secret":false,"require_consent":true,"sliding_refresh_token_lifetime":60,
	"update_access_token_claims_on_refresh":true}`,
	`{"redirect_uris":["https://app.example/cb"],
	"jwks":{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}}`,
	`{"redirect_uris":["https://app.example/cb"],"tls_client_auth_subject_dn":"CN=app"}`,
	`{"redirect_uris":["https://app.example/cb"],"tls_client_auth_san_uri":"https://app.example"}`,
	`{"redirect_uris":["https://app.example/cb"],"tls_client_auth_san_ip":"192.0.2.1"}`,
	`{"redirect_uris":["https://app.example/cb"],"tls_client_auth_san_email":"app@app.example"}`,
}

// The steps set the members that docs/metadata.md says.
func TestEachMemberBelongsToTheDocumentedStep(t *testing.T) {
	got := map[string]string{"software_statement": "validate_software_statement"} // needs a trusted issuer
	for _, body := range everyMember {
		o := override(func(_ *Registration, s *Steps) {
			for _, step := range StepTable() {
				base := *step.Field(s)
				*step.Field(s) = func(ctx context.Context, r *Registration) error {
					before := r.Client.Metadata
					err := base(ctx, r)
					if step.Name == "set_scopes" {
						return err // set_default_scopes, which it calls, sets scope too
					}
					for _, member := range changed(before, r.Client.Metadata) {
						if other, set := got[member]; set && other != step.Name {
							t.Errorf("%s is set by %s and by %s", member, other, step.Name)
						}
						got[member] = step.Name
					}
					return err
				}
			}
		})
		if _, err := register(t, Config{Overrides: o}, body); err != nil {
			t.Fatalf("%v for %s", err, body)
		}
	}
	got["scope"] = "set_scopes"
	if diff := cmp.Diff(documented(t), got); diff != "" {
		t.Errorf("the step of each member (-docs/metadata.md +engine):\n%s", diff)
	}
	for _, name := range memberNames() {
		if got[name] == "" {
			t.Errorf("no step sets %s", name)
		}
	}
}

func changed(before, after Metadata) (members []string) {
	b, a := reflect.ValueOf(before), reflect.ValueOf(after)
	for i, name := range memberNames() {
		if !reflect.DeepEqual(b.Field(i).Interface(), a.Field(i).Interface()) {
			members = append(members, name)
		}
	}
	return members
}

// documented reads the table "| `member` | `step` | … |".
func documented(t *testing.T) map[string]string {
	t.Helper()
	f, err := os.Open("../docs/metadata.md")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	steps := map[string]string{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		cells := strings.Split(lines.Text(), "|")
		if len(cells) < 4 || !strings.HasPrefix(cells[1], " `") {
			continue
		}
		member, step := strings.Trim(cells[1], " `"), strings.Trim(cells[2], " `")
		if _, twice := steps[member]; twice {
			t.Errorf("%s is in docs/metadata.md twice", member)
		}
		steps[member] = step
	}
	return steps
}

// Replacing a step leaves out the members that it copies.
func TestReplacedStepLeavesItsMembersOut(t *testing.T) {
	o := override(func(_ *Registration, s *Steps) {
		s.SetUserInterfaceProperties = func(context.Context, *Registration) error { return nil }
	})
	got, err := register(t, Config{Overrides: o}, `{"redirect_uris":["https://app.example/cb"],"client_name":"App",`+
		`"logo_uri":"https://app.example/l","client_uri#ja":"https://app.example/ja"}`)
	if err != nil {
		t.Fatal(err)
	}
	if got["client_name"] != "App" || got["logo_uri"] != nil || got["client_uri#ja"] != nil {
		t.Errorf("got %v, want client_name and neither logo_uri nor client_uri#ja", got)
	}
}

// Built-in steps call overrides of nested steps.
func TestNestedOverrides(t *testing.T) {
	o := override(func(_ *Registration, s *Steps) {
		s.SetDefaultScopes = func(_ context.Context, r *Registration) error { r.Client.Metadata.Scope = "nested"; return nil }
		s.GenerateSecret = func(_ context.Context, r *Registration) error {
			return r.SetSecret(Plaintext(strings.Repeat("s", MinSecret)), r.DefaultSecretExpiry())
		}
	})
	got, err := register(t, Config{Overrides: o}, minimal)
	if err != nil {
		t.Fatal(err)
	}
	if got["scope"] != "nested" || got["client_secret"] != strings.Repeat("s", MinSecret) {
		t.Errorf("scope %v, client_secret %v", got["scope"], got["client_secret"])
	}
}

// checkLists checks every list of strings in Metadata.
func TestChecklistOfLists(t *testing.T) {
	var m Metadata
	v := reflect.ValueOf(&m).Elem()
	for i, name := range memberNames() {
		if v.Field(i).Type() != reflect.TypeFor[[]string]() {
			continue
		}
		for _, element := range []string{`null`, `""`} {
			_, err := ParseRequest([]byte(`{"` + name + `":["a",` + element + `]}`))
			if err == nil || !strings.Contains(err.Error(), name+"[1]") {
				t.Errorf("%s in %s: got %v", element, name, err)
			}
		}
	}
	if !slices.Contains(memberNames(), "redirect_uris") {
		t.Error("memberNames does not return redirect_uris")
	}
}

// A dry run takes Request.Statement as verified claims; a registration ignores it.
func TestVerifiedStatement(t *testing.T) {
	request, err := ParseRequest([]byte(`{"redirect_uris":["https://app.example/cb"],"software_statement":"a.b.c"}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Statement = []byte(`{"software_id":"x"}`)
	caller := &Caller{Auth: AuthNone}
	var seen string
	see := override(func(r *Registration, _ *Steps) { seen = string(r.Statement) })
	e := newEngine(t, Config{Overrides: see})
	r, err := e.Preview(t.Context(), request, caller, see)
	if err != nil || seen != `{"software_id":"x"}` || r.Client.Metadata.SoftwareStatement != "a.b.c" {
		t.Errorf("dry run: got %v and the claims %q, want no error and the claims of the request", err, seen)
	}
	_, err = e.Register(t.Context(), request, caller)
	if refusal, ok := errors.AsType[*Error](err); !ok || refusal.Code != UnapprovedSoftwareStatement || seen != "" {
		t.Errorf("registration: got %v and the claims %q, want a refusal and no claims", err, seen)
	}
}

// A built-in client ID depends only on Config.Now and Config.Random.
func TestClientIDIsOfClockAndRandom(t *testing.T) {
	response, err := register(t, Config{Random: bytes.NewReader(make([]byte, 96))}, minimal)
	if err != nil {
		t.Fatal(err)
	}
	id := uuid.MustParse(response["client_id"].(string))
	// 2026-05-04T03:02:01.999999Z: the milliseconds, then 999/1000 of a millisecond in 12 bits.
	want := fmt.Sprintf("%012x%s", arrival.UnixMilli(), "7ffb8000000000000000")
	if strings.ReplaceAll(id.String(), "-", "") != want {
		t.Errorf("got %s, want %s", id, want)
	}
	if id.Version() != 7 || id.Variant() != uuid.RFC4122 {
		t.Errorf("%s has version %d and variant %s", id, id.Version(), id.Variant())
	}
}
