package keyset

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"registrar/engine"
)

const publicKey = `{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`

func TestParseIssuers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys=1.json")
	if err := os.WriteFile(file, []byte(`{"keys":[`+publicKey+`]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for entry, issuer := range map[string]string{
		"https://issuer.example=" + file:                                "https://issuer.example",
		"software board=" + file:                                        "software board",
		"https://issuer.example=https://issuer.example/jwks?format=a=b": "https://issuer.example",
		"https://issuer.example/?a=b=https://issuer.example/jwks":       "https://issuer.example/?a=b",
	} {
		issuers, err := ParseIssuers([]string{entry}, Config{})
		if err != nil || issuers[issuer] == nil {
			t.Errorf("%s: got %v, %v, want the issuer %q", entry, issuers, err, issuer)
		}
	}
	for _, tt := range []struct {
		want string
		list []string
	}{
		{"must be ISSUER=JWKS", []string{"https://issuer.example"}},
		{"must be ISSUER=JWKS", []string{"=" + file}},
		{"must be ISSUER=JWKS", []string{"https://issuer.example="}},
		{"given twice", []string{"a=" + file, "a=" + file}},
		{"no such file", []string{"a=" + file + ".not"}},
		{"must be https", []string{"a=http://issuer.example/jwks"}},
	} {
		if _, err := ParseIssuers(tt.list, Config{}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: got %v, want an error with %q", tt.list, err, tt.want)
		}
	}
}

func TestCutIssuer(t *testing.T) {
	issuers := Issuers{"a": nil, "a=b": nil, "https://i.example": nil, "https://i.example/?t=1": nil}
	for entry, want := range map[string][2]string{
		"a=x":                        {"a", "x"},
		"a=b=x":                      {"a=b", "x"}, // the longest issuer
		"a=b":                        {"a", "b"},
		"a=":                         {"a", ""},
		"a":                          {"", "a"},
		"ab=x":                       {"", "ab=x"},
		"":                           {"", ""},
		"https://i.example=none":     {"https://i.example", "none"},
		"https://i.example/=none":    {"", "https://i.example/=none"},
		"https://i.example/?t=1=x=y": {"https://i.example/?t=1", "x=y"},
	} {
		if issuer, value := issuers.CutIssuer(entry); issuer != want[0] || value != want[1] {
			t.Errorf("%q: got %q and %q, want %q", entry, issuer, value, want)
		}
	}
}

func TestStatementKeys(t *testing.T) {
	away := false
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if away {
			http.Error(w, "away", http.StatusBadGateway)
			return
		}
		w.Write([]byte(`{"keys":[` + publicKey + `]}`))
	}))
	defer host.Close()
	issuers, err := ParseIssuers([]string{"board=" + host.URL}, Config{Pause: 1})
	if err != nil {
		t.Fatal(err)
	}
	if keys, err := issuers.StatementKeys(t.Context(), "board", "a", jose.EdDSA); err != nil || len(keys) != 1 {
		t.Errorf("got %v, %v, want one key", keys, err)
	}
	if keys, err := issuers.StatementKeys(t.Context(), "board", "b", jose.EdDSA); err != nil || len(keys) != 0 {
		t.Errorf("a key of another ID: got %v, %v, want none", keys, err)
	}
	if _, err := issuers.StatementKeys(t.Context(), "unknown", "a", jose.EdDSA); !errors.Is(err, engine.ErrUntrusted) {
		t.Errorf("another issuer: got %v, want ErrUntrusted", err)
	}
	away = true
	if _, err := issuers.StatementKeys(t.Context(), "board", "c", jose.EdDSA); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("unavailable keys: got %v, want ErrUnavailable", err)
	}
}
