package engine

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
)

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
	r, err := newEngine(t, c).ResolveDocument(t.Context(), documentURL,
		[]byte(`{"client_id":"`+documentURL+`","client_name":"App","redirect_uris":["https://app.example/cb"]}`),
		&Caller{Auth: AuthNone}, "")
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(r.Response, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"client_id": documentURL, "client_name": "App",
		"redirect_uris": []any{"https://app.example/cb"}, "application_type": "web",
		"token_endpoint_auth_method": "none", "grant_types": []any{"authorization_code"},
		"response_types": []any{"code"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("response (-want +got):\n%s", diff)
	}
	if len(store.clients) != 0 {
		t.Error("a client is stored, want none")
	}
	if i := strings.Join(steps, " "); strings.Contains(i, "add_client") || !strings.HasSuffix(i, "build_response") ||
		!strings.HasPrefix(i, "validate_software_statement") {
		t.Errorf("the steps are %s", i)
	}
	again, err := r.Rerun(t.Context(), ModeShadow, override(func(*Registration, *Steps) {}))
	if err != nil || again.Operation != OperationMetadataDocument || string(again.Response) != string(r.Response) {
		t.Errorf("rerun: got %v with %s, want %s", err, again.Response, r.Response)
	}
}

func TestDocumentsThatAreRefused(t *testing.T) {
	with := func(members string) string {
		return `{"client_id":"` + documentURL + `","redirect_uris":["https://app.example/cb"]` + members + `}`
	}
	for name, tt := range map[string]struct{ url, document, words string }{
		"no ID":        {documentURL, minimal, "client_id must be the URL"},
		"another's ID": {documentURL + "?a", with(""), "client_id must be the URL"},
		"an ID of a number": {documentURL, `{"client_id":1,"redirect_uris":["https://app.example/cb"]}`,
			"client_id must be the URL"},
		"a secret": {documentURL, with(`,"client_secret":"x"`), "client_secret must not be in"},
		"a secret's end": {documentURL, with(`,"client_secret_expires_at":0`),
			"client_secret_expires_at must not be in"},
		"basic": {documentURL, with(`,"token_endpoint_auth_method":"client_secret_basic"`),
			"needs a secret"},
		"post": {documentURL, with(`,"token_endpoint_auth_method":"client_secret_post"`),
			"needs a secret"},
		"JWT":               {documentURL, with(`,"token_endpoint_auth_method":"client_secret_jwt"`), "needs a secret"},
		"metadata":          {documentURL, with(`,"logo_uri":"javascript:x"`), "logo_uri"},
		"a list":            {documentURL, `[]`, "JSON object"},
		"http":              {"http://app.example/c", `{}`, "https"},
		"no path":           {"https://app.example", `{}`, "path"},
		"a fragment":        {documentURL + "#a", `{}`, "fragment"},
		"a user":            {"https://a@app.example/c", `{}`, "user"},
		"dots":              {"https://app.example/a/../c", `{}`, "'..'"},
		"encoded dots":      {"https://app.example/a/%2e%2e/c", `{}`, "'..'"},
		"a capital scheme":  {"HTTPS://app.example/c", `{}`, "lower case"},
		"long":              {documentURL + strings.Repeat("a", 2020), `{}`, "2048"},
		"an unknown method": {documentURL, with(`,"token_endpoint_auth_method":"telepathy"`), "is not known"},
		"methods that are no list": {documentURL, with(`,"token_endpoint_auth_methods_supported":"none"`),
			"must be a list of strings"},
		"keys missing": {documentURL, with(`,"token_endpoint_auth_method":"private_key_jwt"`), "needs jwks or jwks_uri"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newEngine(t, Config{}).ResolveDocument(t.Context(), tt.url, []byte(tt.document), &Caller{}, "")
			wantRefusal(t, err, InvalidClientMetadata, tt.words)
		})
	}
}

// The URL is the ID byte for byte: what the draft only discourages is no error.
func TestDocumentURLs(t *testing.T) {
	for _, url := range []string{"https://app.example/", "https://App.Example/Client.json", "https://app.example:443/c",
		"https://app.example:8443/c?a=%2F&b", "https://app.example/" + strings.Repeat("a", MaxDocumentURL-20)} {
		r, err := newEngine(t, Config{}).ResolveDocument(t.Context(), url,
			[]byte(`{"client_id":"`+url+`","redirect_uris":["https://app.example/cb"]}`), &Caller{}, "")
		if err != nil || r.Client.ID != url {
			t.Errorf("%s: got %v", url, err)
		}
	}
}

// A document names its methods for many servers, and the client uses one that this server has.
func TestDocumentMethods(t *testing.T) {
	for name, tt := range map[string]struct {
		members    string
		advertised []string // nil means that no list is advertised
		want       string   // "" means that the document is refused
	}{
		"left out":                     {``, []string{"none", "client_secret_basic"}, "none"},
		"left out, no list":            {``, nil, "none"},
		"kept":                         {keyed + `,"token_endpoint_auth_methods_supported":["none"]`, nil, "private_key_jwt"},
		"kept, advertised":             {keyed, []string{"none", "private_key_jwt"}, "private_key_jwt"},
		"not advertised":               {keyed, []string{"none"}, ""},
		"not advertised, another is":   {keyed + both, []string{"none"}, "none"},
		"no list has one of the other": {keyed + both, []string{"client_secret_basic"}, ""},
		"unknown, another is": {`,"token_endpoint_auth_method":"telepathy"` + both, []string{"none"},
			"none"},
		"keys missing, so not used": {both, []string{"private_key_jwt", "none"}, "none"},
		"shared secrets are passed over": {
			`,"token_endpoint_auth_methods_supported":["client_secret_basic","none"]`,
			[]string{"client_secret_basic", "none"}, "none"},
	} {
		t.Run(name, func(t *testing.T) {
			c := Config{}
			if tt.advertised != nil {
				c.Advertised = func() (Advertised, error) { return Advertised{authMethods: tt.advertised}, nil }
			}
			r, err := newEngine(t, c).ResolveDocument(t.Context(), documentURL, []byte(`{"client_id":"`+documentURL+
				`","redirect_uris":["https://app.example/cb"]`+tt.members+`}`), &Caller{}, "")
			if tt.want == "" {
				wantRefusal(t, err, InvalidClientMetadata, "token_endpoint_auth_method")
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			m := r.Client.Metadata
			if m.TokenEndpointAuthMethod != tt.want || (m.TokenEndpointAuthSigningAlg != "") != (tt.want != "none") &&
				strings.Contains(tt.members, "RS256") {
				t.Errorf("got %s with %q, want %s", m.TokenEndpointAuthMethod, m.TokenEndpointAuthSigningAlg, tt.want)
			}
		})
	}
}

// Members of documents: a method with keys, and a list of methods.
const (
	keyed = `,"token_endpoint_auth_method":"private_key_jwt","token_endpoint_auth_signing_alg":"RS256",` +
		`"jwks_uri":"https://app.example/keys"`
	both = `,"token_endpoint_auth_methods_supported":["private_key_jwt","none"]`
)

// A script cannot change the client ID of a metadata document.
func TestDocumentInvariants(t *testing.T) {
	c := Config{Overrides: override(func(_ *Registration, s *Steps) {
		s.SetClientName = func(_ context.Context, r *Registration) error { r.Client.ID = "other"; return nil }
	})}
	_, err := newEngine(t, c).ResolveDocument(t.Context(), documentURL,
		[]byte(`{"client_id":"`+documentURL+`","redirect_uris":["https://app.example/cb"]}`), &Caller{}, "")
	if _, breach := errors.AsType[*InvariantError](err); !breach {
		t.Errorf("got %v, want an InvariantError", err)
	}
}

// A software statement does not bring a method with a secret into a metadata document.
func TestStatementOfDocument(t *testing.T) {
	t.Parallel()
	board := newIssuer("board")
	e := newEngine(t, board.trusting(Options{}))
	resolve := func(claims string) (*Registration, error) {
		return e.ResolveDocument(t.Context(), documentURL, []byte(`{"client_id":"`+documentURL+`",`+
			`"redirect_uris":["https://app.example/cb"],"software_statement":"`+board.sign(t, claims, nil)+`"}`),
			&Caller{Auth: AuthNone}, "")
	}
	r, err := resolve(`{"iss":"board","client_name":"Claim"}`)
	if err != nil || r.Client.Metadata.ClientName != "Claim" || r.Client.ID != documentURL {
		t.Errorf("got %+v and %v, want the name of the statement", r, err)
	}
	for _, method := range []string{"client_secret_basic", "client_secret_post", "client_secret_jwt"} {
		_, err := resolve(`{"iss":"board","token_endpoint_auth_method":"` + method + `"}`)
		if refusal, ok := errors.AsType[*DocumentError](err); !ok || refusal.Code != DocumentSecret ||
			!strings.Contains(refusal.Error(), method+" needs a secret") {
			t.Errorf("%s: got %v, want a refusal with the code %s", method, err, DocumentSecret)
		}
	}
}
