package cli

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"registrar/internal/app"
	"registrar/internal/servertest"
)

// documentsOf returns the server that these flags describe, with its discovery document loaded.
func documentsOf(t *testing.T, args ...string) (app.Config, error) {
	t.Helper()
	commands, err := parse(t, append([]string{"serve", "--public-url=https://register.example/"}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	c, err := commands.Serve.parse(slog.New(slog.DiscardHandler), nil)
	if err != nil {
		return c, err
	}
	return c, loadDiscovery(t.Context(), c.Discovery)
}

func TestDocumentsRefuse(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"issuer":"https://other.example"}`)
	}))
	defer other.Close()
	for _, tt := range []struct{ name, args, want string }{
		{"a missing document", "--discovery-document=/nowhere", "--discovery-document"},
		{"a document of another issuer", "--discovery-document=" + servertest.File(t, "d.json",
			`{"issuer":"https://other.example"}`), `its issuer is "https://other.example"`},
		{"a document that is not JSON", "--discovery-document=" + servertest.File(t, "d.json", `issuer: x`),
			"JSON object"},
		{"an upstream by http", "--discovery-upstream=http://auth.example/d", "https"},
		{"an upstream of another issuer", "--discovery-upstream=" + other.URL, `its issuer is "https://other.example"`},
		{"an issuer without keys", "--trusted-issuer=https://board.example", "ISSUER=JWKS"},
		{"keys by http", "--trusted-issuer=https://board.example=http://board.example/jwks", "https"},
		{"missing keys", "--trusted-issuer=https://board.example=/nowhere", "/nowhere"},
		{"no room for documents", "--max-documents=0", "at least 1"},
		{"a copy that is served for too long", "--metadata-documents --document-stale=366d", "0 to 365d"},
		{"an outage of documents that are off", "--document-stale=1d", "need --metadata-documents"},
		{"required statements without an issuer", "--require-software-statement", "--trusted-issuer"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := documentsOf(t, strings.Fields(tt.args)...)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestDocuments(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w,
			`{"issuer":"http://localhost:8080","token_endpoint":"http://localhost:8080/token",`+
				`"grant_types_supported":["authorization_code"]}`)
	}))
	keys := servertest.File(t, "jwks.json",
		`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`)
	c, err := documentsOf(t, "--discovery-upstream="+upstream.URL+"/d?v=1", "--discovery-document="+servertest.File(t,
		"d.json", `{"grant_types_supported":["client_credentials"]}`),
		"--metadata-documents", "--trusted-issuer=https://board.example="+keys, "--require-software-statement",
		"--fetch-jwks-uri")
	if err != nil {
		t.Fatal(err)
	}
	document, err := c.Discovery.Document()
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(document, &got); err != nil {
		t.Fatal(err)
	}
	if got["registration_endpoint"] != "https://register.example/register" || got["token_endpoint"] == nil ||
		got["client_id_metadata_document_supported"] != true {
		t.Errorf("got %v", got)
	}
	advertised, err := c.Discovery.Advertised()
	if err != nil || len(advertised["grant_types_supported"]) != 1 ||
		advertised["grant_types_supported"][0] != "client_credentials" {
		t.Errorf("got %v, %v", advertised, err)
	}
	e := c.Engine
	if e.StatementKeys == nil || e.Fetch == nil || !e.Options.RequireSoftwareStatement || !e.Options.FetchJWKSURI ||
		len(e.Options.StatementAudiences) != 3 {
		t.Errorf("got %+v", e.Options)
	}
	if c.Server.FetchDocument == nil || c.Server.FetchKeys == nil {
		t.Error("metadata documents are not fetched")
	}

	upstream.Close()
	away, err := documentsOf(t, "--discovery-upstream="+upstream.URL)
	if err == nil || isUsage(err) {
		t.Fatalf("an unavailable upstream: got %v, want an error that is not the user's", err)
	}
	if _, err := away.Discovery.Document(); err == nil {
		t.Error("ready without the upstream's metadata")
	}
}

// check prints what in the discovery document turns clients away, and does not fail.
func TestCheckWarnsOfDiscoveryDocuments(t *testing.T) {
	const missing = "code_challenge_methods_supported is missing"
	database := "--database=sqlite:" + t.TempDir() + "/registrar.db"
	check := func(document string) string {
		return must(t, runHere(t, "check", database, "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0",
			"--discovery-document="+servertest.File(t, "d.json", document))).out
	}
	got := check(`{"issuer":"http://localhost:8080"}`)
	if strings.Count(got, "warning  discovery document: ") != 2 || !strings.Contains(got, missing) {
		t.Errorf("got\n%s\nwant two warnings", got)
	}
	got = check(`{"issuer":"http://localhost:8080","code_challenge_methods_supported":["S256"],
		"token_endpoint_auth_methods_supported":["none","private_key_jwt"]}`)
	if strings.Contains(got, "warning  discovery") || !strings.Contains(got, "deployment") {
		t.Errorf("got\n%s\nwant no warning", got)
	}
}

// By default no issuer is trusted and nothing is published.
func TestNoDocuments(t *testing.T) {
	c, err := documentsOf(t)
	if err != nil {
		t.Fatal(err)
	}
	if c.Discovery != nil || c.Engine.StatementKeys != nil || c.Server.FetchDocument != nil || c.Engine.Fetch == nil {
		t.Errorf("got %+v", c.Engine)
	}
	_, err = c.Engine.Fetch(t.Context(), "https://127.0.0.1/")
	if err == nil || !strings.Contains(err.Error(), "no public address") {
		t.Errorf("a client's URL on loopback: got %v", err)
	}
}
