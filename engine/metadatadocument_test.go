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
		"JWT":              {documentURL, with(`,"token_endpoint_auth_method":"client_secret_jwt"`), "needs a secret"},
		"metadata":         {documentURL, with(`,"logo_uri":"javascript:x"`), "logo_uri"},
		"a list":           {documentURL, `[]`, "JSON object"},
		"http":             {"http://app.example/c", `{}`, "https"},
		"no path":          {"https://app.example", `{}`, "path"},
		"a slash":          {"https://app.example/", `{}`, "path"},
		"a fragment":       {documentURL + "#a", `{}`, "fragment"},
		"a user":           {"https://a@app.example/c", `{}`, "user"},
		"dots":             {"https://app.example/a/../c", `{}`, "'..'"},
		"encoded dots":     {"https://app.example/a/%2e%2e/c", `{}`, "'..'"},
		"a capital scheme": {"HTTPS://app.example/c", `{}`, "lower case"},
		"a capital host":   {"https://App.example/c", `{}`, "lower case"},
		"long":             {documentURL + strings.Repeat("a", 2000), `{}`, "2000"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newEngine(t, Config{}).ResolveDocument(t.Context(), tt.url, []byte(tt.document), &Caller{}, "")
			wantRefusal(t, err, InvalidClientMetadata, tt.words)
		})
	}
}

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
