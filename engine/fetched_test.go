package engine

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// documents provides a Config.Fetch that serves documents by URL and counts its calls.
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
		return `{"redirect_uris":["https://a.example/","https://b.example/"],"subject_type":"pairwise",` +
			`"sector_identifier_uri":"https://a.example/` + path + `"}`
	}
	got, err := register(t, Config{Fetch: d.fetch}, body("good"))
	if err != nil || got["sector_identifier_uri"] != "https://a.example/good" || d.asked != 1 {
		t.Errorf("got %v, %v after %d fetches; want the sector after 1", got, err, d.asked)
	}
	for path, words := range map[string]string{"short": "redirect_uris[1] is not in the list",
		"object": "must be a list", "mixed": "must be a list", "broken": "not valid JSON", "deep": "not valid JSON",
		"null": "must be a list", "missing": "status 404"} {
		_, err := register(t, Config{Fetch: d.fetch}, body(path))
		wantRefusal(t, err, InvalidClientMetadata, words)
	}
}

// A shadow does not fetch documents that its registration fetched.
func TestShadowsFetchNothing(t *testing.T) {
	d := &documents{byURL: map[string]string{"https://a.example/": `["https://app.example/cb"]`}}
	request, err := ParseRequest([]byte(withSector))
	if err != nil {
		t.Fatal(err)
	}
	r, err := newEngine(t, Config{Fetch: d.fetch}).Register(t.Context(), request, &Caller{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Rerun(t.Context(), ModeShadow, override(func(*Registration, *Steps) {})); err != nil ||
		d.asked != 1 {
		t.Errorf("got %v after %d fetches, want 1", err, d.asked)
	}
}

const withSector = `{"redirect_uris":["https://app.example/cb"],"sector_identifier_uri":"https://a.example/"}`

func TestKeySetThere(t *testing.T) {
	d := &documents{byURL: map[string]string{
		"https://a.example/good": `{"keys":[{"kty":"OKP","crv":"Ed25519",` +
			`"x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`,
		"https://a.example/symmetric": `{"keys":[{"kty":"oct","k":"AA"}]}`,
		"https://a.example/list":      `[]`,
		"https://a.example/empty":     `{"keys":[]}`,
	}}
	c := Config{Fetch: d.fetch, Options: Options{FetchJWKSURI: true}}
	body := func(path string) string {
		return `{"redirect_uris":["https://app.example/cb"],"token_endpoint_auth_method":"private_key_jwt",` +
			`"jwks_uri":"https://a.example/` + path + `"}`
	}
	if got, err := register(t, c, body("good")); err != nil || got["jwks"] != nil {
		t.Errorf("got %v, %v", got, err)
	}
	for path, words := range map[string]string{"symmetric": "jwks.keys[0] is a symmetric key",
		"list": "must be an object", "empty": "at least one key", "missing": "status 404"} {
		_, err := register(t, c, body(path))
		wantRefusal(t, err, InvalidClientMetadata, "jwks_uri: ")
		wantRefusal(t, err, InvalidClientMetadata, words)
	}
	before := d.asked
	if _, err := register(t, Config{Fetch: d.fetch}, body("symmetric")); err != nil || d.asked != before {
		t.Errorf("without the option: got %v after %d fetches, want none", err, d.asked-before)
	}
}

// A fetch that the end of the request cancels is not a refusal.
func TestFetchingEndsWithTheRequest(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := Config{Fetch: func(context.Context, string) ([]byte, error) { cancel(); return nil, context.Canceled }}
	request, _ := ParseRequest([]byte(withSector))
	if _, err := newEngine(t, c).Register(ctx, request, &Caller{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
}
