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

// documents is a Config.Fetch that knows some documents and counts who asks.
type documents struct {
	byURL map[string]string
	asked int
}

func (d *documents) fetch(_ context.Context, url string) ([]byte, error) {
	d.asked++
	document, ok := d.byURL[url]
	if !ok {
		return nil, errors.New("it answers with the status 404, not 200")
	}
	return []byte(document), nil
}

func wantRefusal(t *testing.T, err error, code Code, words string) {
	t.Helper()
	refusal, ok := errors.AsType[*Error](err)
	if !ok || refusal.Code != code || !strings.Contains(refusal.Description, words) {
		t.Errorf("got %v, want %s with %q", err, code, words)
	}
}

func TestSectorIdentifier(t *testing.T) {
	d := &documents{byURL: map[string]string{
		"https://a.example/good":   ` ["https://b.example/","https://a.example/","https://c.example/"]`,
		"https://a.example/short":  `["https://a.example/"]`,
		"https://a.example/object": `{"redirect_uris":["https://a.example/","https://b.example/"]}`,
		"https://a.example/mixed":  `["https://a.example/","https://b.example/",1]`,
		"https://a.example/broken": `["https://a.example/","https://b.example/"`,
		"https://a.example/deep":   strings.Repeat("[", 200) + strings.Repeat("]", 200),
		"https://a.example/null":   `null`,
	}}
	body := func(path string) string {
		return `{"redirect_uris":["https://a.example/","https://b.example/"],"subject_type":"pairwise","sector_identifier_uri":"https://a.example/` + path + `"}`
	}
	got, err := register(t, Config{Fetch: d.fetch}, body("good"))
	if err != nil || got["sector_identifier_uri"] != "https://a.example/good" || d.asked != 1 {
		t.Errorf("got %v, %v after %d questions", got, err, d.asked)
	}
	for path, words := range map[string]string{"short": "redirect_uris[1] is not in the list", "object": "must be a list", "mixed": "must be a list",
		"broken": "no valid JSON", "deep": "no valid JSON", "null": "must be a list", "missing": "status 404"} {
		_, err := register(t, Config{Fetch: d.fetch}, body(path))
		wantRefusal(t, err, InvalidClientMetadata, words)
	}
}

// Only a registration that counts, or a dry run, asks the hosts that a client names.
func TestShadowsAskNobody(t *testing.T) {
	d := &documents{byURL: map[string]string{"https://a.example/": `["https://app.example/cb"]`}}
	request, err := ParseRequest([]byte(`{"redirect_uris":["https://app.example/cb"],"sector_identifier_uri":"https://a.example/"}`))
	if err != nil {
		t.Fatal(err)
	}
	r, err := newEngine(t, Config{Fetch: d.fetch}).Register(t.Context(), request, &Caller{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Rerun(t.Context(), ModeShadow, override(func(*Registration, *Steps) {})); err != nil || d.asked != 1 {
		t.Errorf("got %v after %d questions, want 1", err, d.asked)
	}
}

func TestKeySetThere(t *testing.T) {
	d := &documents{byURL: map[string]string{
		"https://a.example/good":      `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`,
		"https://a.example/symmetric": `{"keys":[{"kty":"oct","k":"AA"}]}`,
		"https://a.example/list":      `[]`,
		"https://a.example/empty":     `{"keys":[]}`,
	}}
	c := Config{Fetch: d.fetch, Options: Options{FetchJWKSURI: true}}
	body := func(path string) string {
		return `{"redirect_uris":["https://app.example/cb"],"token_endpoint_auth_method":"private_key_jwt","jwks_uri":"https://a.example/` + path + `"}`
	}
	if got, err := register(t, c, body("good")); err != nil || got["jwks"] != nil {
		t.Errorf("got %v, %v", got, err)
	}
	for path, words := range map[string]string{"symmetric": "jwks.keys[0] is a symmetric key", "list": "must be an object", "empty": "at least one key", "missing": "status 404"} {
		_, err := register(t, c, body(path))
		wantRefusal(t, err, InvalidClientMetadata, "jwks_uri: ")
		wantRefusal(t, err, InvalidClientMetadata, words)
	}
	before := d.asked
	if _, err := register(t, Config{Fetch: d.fetch}, body("symmetric")); err != nil || d.asked != before {
		t.Errorf("without the option: %v after %d questions", err, d.asked-before)
	}
}

// What is the server's own trouble is not the client's fault.
func TestFetchingEndsWithTheRequest(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := Config{Fetch: func(context.Context, string) ([]byte, error) { cancel(); return nil, context.Canceled }}
	request, _ := ParseRequest([]byte(`{"redirect_uris":["https://app.example/cb"],"sector_identifier_uri":"https://a.example/"}`))
	if _, err := newEngine(t, c).Register(ctx, request, &Caller{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
}

const documentURL = "https://app.example/client.json"

func TestResolveDocument(t *testing.T) {
	store := &memory{}
	var steps []string
	c := Config{Store: store, Overrides: override(func(r *Registration, s *Steps) {
		if r.Operation != OperationMetadataDocument || r.Client.ID != documentURL {
			t.Errorf("scripts see the operation %s of %s", r.Operation, r.Client.ID)
		}
		for _, step := range StepTable() {
			base := *step.Field(s)
			*step.Field(s) = func(ctx context.Context, r *Registration) error {
				steps = append(steps, step.Name)
				return base(ctx, r)
			}
		}
	})}
	r, err := newEngine(t, c).ResolveDocument(t.Context(), documentURL, []byte(`{"client_id":"`+documentURL+`","client_name":"App","redirect_uris":["https://app.example/cb"]}`), &Caller{Auth: AuthNone}, "")
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(r.Response, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"client_id": documentURL, "client_name": "App", "redirect_uris": []any{"https://app.example/cb"}, "application_type": "web",
		"token_endpoint_auth_method": "none", "grant_types": []any{"authorization_code"}, "response_types": []any{"code"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("response (-want +got):\n%s", diff)
	}
	if len(store.clients) != 0 {
		t.Error("a client is stored")
	}
	if i := strings.Join(steps, " "); strings.Contains(i, "add_client") || !strings.HasSuffix(i, "build_response") || !strings.HasPrefix(i, "validate_software_statement") {
		t.Errorf("the steps are %s", i)
	}
	again, err := r.Rerun(t.Context(), ModeShadow, override(func(*Registration, *Steps) {}))
	if err != nil || again.Operation != OperationMetadataDocument || string(again.Response) != string(r.Response) {
		t.Errorf("again: %v with %s", err, again.Response)
	}
}

func TestDocumentsThatAreRefused(t *testing.T) {
	with := func(members string) string {
		return `{"client_id":"` + documentURL + `","redirect_uris":["https://app.example/cb"]` + members + `}`
	}
	for name, tt := range map[string]struct{ url, document, words string }{
		"no ID":             {documentURL, minimal, "client_id must be the URL"},
		"another's ID":      {documentURL + "?a", with(""), "client_id must be the URL"},
		"an ID of a number": {documentURL, `{"client_id":1,"redirect_uris":["https://app.example/cb"]}`, "client_id must be the URL"},
		"a secret":          {documentURL, with(`,"client_secret":"x"`), "client_secret must not stand"},
		"a secret's end":    {documentURL, with(`,"client_secret_expires_at":0`), "client_secret_expires_at must not stand"},
		"basic":             {documentURL, with(`,"token_endpoint_auth_method":"client_secret_basic"`), "needs a secret"},
		"post":              {documentURL, with(`,"token_endpoint_auth_method":"client_secret_post"`), "needs a secret"},
		"JWT":               {documentURL, with(`,"token_endpoint_auth_method":"client_secret_jwt"`), "needs a secret"},
		"metadata":          {documentURL, with(`,"logo_uri":"javascript:x"`), "logo_uri"},
		"a list":            {documentURL, `[]`, "JSON object"},
		"http":              {"http://app.example/c", `{}`, "https"},
		"no path":           {"https://app.example", `{}`, "path"},
		"a slash":           {"https://app.example/", `{}`, "path"},
		"a fragment":        {documentURL + "#a", `{}`, "fragment"},
		"a user":            {"https://a@app.example/c", `{}`, "user"},
		"dots":              {"https://app.example/a/../c", `{}`, "'..'"},
		"encoded dots":      {"https://app.example/a/%2e%2e/c", `{}`, "'..'"},
		"a capital scheme":  {"HTTPS://app.example/c", `{}`, "small letters"},
		"a capital host":    {"https://App.example/c", `{}`, "small letters"},
		"long":              {documentURL + strings.Repeat("a", 2000), `{}`, "2000"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newEngine(t, Config{}).ResolveDocument(t.Context(), tt.url, []byte(tt.document), &Caller{}, "")
			wantRefusal(t, err, InvalidClientMetadata, tt.words)
		})
	}
}

// A script cannot give a document's client another name.
func TestDocumentInvariants(t *testing.T) {
	c := Config{Overrides: override(func(_ *Registration, s *Steps) {
		s.SetClientName = func(_ context.Context, r *Registration) error { r.Client.ID = "other"; return nil }
	})}
	_, err := newEngine(t, c).ResolveDocument(t.Context(), documentURL, []byte(`{"client_id":"`+documentURL+`","redirect_uris":["https://app.example/cb"]}`), &Caller{}, "")
	if _, breach := errors.AsType[*InvariantError](err); !breach {
		t.Errorf("got %v, want an InvariantError", err)
	}
}

func TestAdvertisedBounds(t *testing.T) {
	every := everyMember[0]
	for _, b := range bounds() {
		t.Run(b.list+" "+b.member, func(t *testing.T) {
			if _, named := bodyMembers(t, every)[b.member]; !named {
				t.Fatalf("no request holds %s", b.member)
			}
			for _, list := range [][]string{{}, {"another"}} {
				c := Config{Advertised: func() (Advertised, error) { return Advertised{b.list: list}, nil }}
				_, err := register(t, c, every)
				wantRefusal(t, err, InvalidClientMetadata, "is not among the "+b.list)
			}
		})
	}
	if _, err := register(t, Config{Advertised: func() (Advertised, error) { return Advertised{"scopes_supported": {}}, nil }}, every); err != nil {
		t.Errorf("scopes_supported bounds: %v", err)
	}
	if _, err := register(t, Config{Advertised: func() (Advertised, error) { return nil, ErrUnavailable }}, every); !errors.Is(err, ErrUnavailable) {
		t.Errorf("before anything is known: %v", err)
	}
	hybrid := Options{AllowedGrantTypes: []string{"authorization_code", "implicit"}, AllowedResponseTypes: []string{"code id_token"}}
	words := Config{Options: hybrid, Advertised: func() (Advertised, error) { return Advertised{"response_types_supported": {"id_token code"}}, nil }}
	if _, err := register(t, words, `{"redirect_uris":["https://app.example/cb"],"response_types":["code id_token"]}`); err != nil {
		t.Errorf("the same words in another order: %v", err)
	}
}

func bodyMembers(t *testing.T, body string) map[string]jsontext.Value {
	t.Helper()
	var members map[string]jsontext.Value
	if err := json.Unmarshal([]byte(body), &members); err != nil {
		t.Fatal(err)
	}
	return members
}

// What a script adds is bounded too: where it is found out late, it is the script's failure.
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
	a, err := ReadAdvertised(bodyMembers(t, `{"issuer":"x","grant_types_supported":["a","b"],"scopes_supported":["c"],"subject_types_supported":null,"claims_supported":[]}`))
	if diff := cmp.Diff(Advertised{"grant_types_supported": {"a", "b"}}, a); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if _, err := ReadAdvertised(bodyMembers(t, `{"grant_types_supported":"a"}`)); err == nil || !strings.Contains(err.Error(), "grant_types_supported must be a list") {
		t.Errorf("got %v", err)
	}
}
