package main

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"registrar/engine"
)

func newFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func outsideOf(t *testing.T, args ...string) (*outside, error) {
	t.Helper()
	commands, err := parse(t, append([]string{"serve"}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	return commands.Serve.outside(t.Context(), "https://register.example/", slog.New(slog.DiscardHandler))
}

func TestOutsideRefuses(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"issuer":"https://other.example"}`)
	}))
	defer other.Close()
	for _, tt := range []struct{ name, args, want string }{
		{"a document that is not there", "--discovery-document=/nowhere", "--discovery-document"},
		{"a document of another issuer", "--discovery-document=" + newFile(t, "d.json", `{"issuer":"https://other.example"}`), `its issuer is "https://other.example"`},
		{"a document that is no JSON", "--discovery-document=" + newFile(t, "d.json", `issuer: x`), "JSON object"},
		{"an upstream by http", "--discovery-upstream=http://auth.example/d", "https"},
		{"an upstream of another issuer", "--discovery-upstream=" + other.URL, `its issuer is "https://other.example"`},
		{"an issuer without keys", "--trusted-issuer=https://board.example", "ISSUER=SOURCE"},
		{"keys by http", "--trusted-issuer=https://board.example=http://board.example/jwks", "https"},
		{"keys that are not there", "--trusted-issuer=https://board.example=/nowhere", "/nowhere"},
		{"statements that nobody can have", "--require-software-statement", "--trusted-issuer"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := outsideOf(t, strings.Fields(tt.args)...)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestOutside(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"issuer":"http://localhost:8080","token_endpoint":"http://localhost:8080/token","grant_types_supported":["authorization_code"]}`)
	}))
	keys := newFile(t, "jwks.json", `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`)
	o, err := outsideOf(t, "--discovery-upstream="+upstream.URL+"/d?v=1", "--discovery-document="+newFile(t, "d.json", `{"grant_types_supported":["client_credentials"]}`),
		"--metadata-documents", "--trusted-issuer=https://board.example="+keys, "--require-software-statement", "--fetch-jwks-uri")
	if err != nil {
		t.Fatal(err)
	}
	document, err := o.discovery.Document()
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(document, &got); err != nil {
		t.Fatal(err)
	}
	if got["registration_endpoint"] != "https://register.example/register" || got["token_endpoint"] == nil || got["client_id_metadata_document_supported"] != true {
		t.Errorf("got %v", got)
	}
	var c engine.Config
	o.engine(&c)
	advertised, err := c.Advertised()
	if err != nil || len(advertised["grant_types_supported"]) != 1 || advertised["grant_types_supported"][0] != "client_credentials" {
		t.Errorf("got %v, %v", advertised, err)
	}
	if c.StatementKeys == nil || c.Fetch == nil || !c.Options.RequireSoftwareStatement || !c.Options.FetchJWKSURI || len(c.Options.StatementAudiences) != 3 {
		t.Errorf("got %+v", c.Options)
	}
	if err := o.ready(); err != nil {
		t.Error(err)
	}

	upstream.Close()
	away, err := outsideOf(t, "--discovery-upstream="+upstream.URL)
	if err != nil {
		t.Fatalf("an upstream that is away: %v", err)
	}
	if err := away.ready(); err == nil {
		t.Error("ready without knowing what bounds registrations")
	}
}

// Without options nobody is trusted and nothing is published.
func TestOutsideIsOff(t *testing.T) {
	o, err := outsideOf(t)
	if err != nil {
		t.Fatal(err)
	}
	var c engine.Config
	o.engine(&c)
	if o.discovery != nil || c.StatementKeys != nil || c.Advertised != nil || c.Fetch == nil || o.ready() != nil {
		t.Errorf("got %+v", c)
	}
	_, err = c.Fetch(t.Context(), "https://127.0.0.1/")
	if err == nil || !strings.Contains(err.Error(), "no public address") {
		t.Errorf("a client's URL on loopback: got %v", err)
	}
}
