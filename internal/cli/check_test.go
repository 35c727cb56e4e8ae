package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"registrar/internal/wasmtest"
)

// docs/check.md describes the codes of the findings, each of which the source declares once.
func TestCheckCodesAreDocumented(t *testing.T) {
	read := func(path string, find *regexp.Regexp) (list []string) {
		b, err := os.ReadFile(filepath.Join(wasmtest.Root(), path))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range find.FindAllStringSubmatch(string(b), -1) {
			list = append(list, m[1])
		}
		slices.Sort(list)
		return list
	}
	declared := read("internal/cli/checkreport.go", regexp.MustCompile(`(?m)^\tcode\w+ +code = "(\w+)"$`))
	documented := read("docs/check.md", regexp.MustCompile("(?m)^\\| `(\\w+)` \\|"))
	if !slices.Equal(declared, documented) || len(declared) < 15 {
		t.Errorf("declared are %q, documented %q", declared, documented)
	}
}

// On a terminal, errors are not printed twice.
func TestCheckOnATerminal(t *testing.T) {
	var out, err strings.Builder
	args := []string{"check", "--issuer=http://auth.example"}
	if code := run(t.Context(), args, &console{out: &out, err: &err, terminal: true}); code != exitUsage {
		t.Errorf("exit code %d", code)
	}
	if !strings.HasPrefix(out.String(), "error    --issuer") || err.String() != "registrar: check found errors: 1\n" {
		t.Errorf("got %q and %q", out.String(), err.String())
	}
}

func TestVariables(t *testing.T) {
	k, err := newParser(&cli{}, &console{})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"REGISTRAR_LISTEN":                       "",
		"REGISTRAR_CONFIG":                       "",
		"REGISTRAR_ADMIN_TOKEN":                  "",
		"REGISTRAR_SERVER":                       "",
		"REGISTRAR_TEST_DATABASE":                "",
		"REGISTRAR_PORT":                         "",
		"REGISTRAR_PORT_8080_TCP":                "",
		"REGISTRAR_PORT_8080_TCP_PROTO":          "",
		"REGISTRAR_SERVICE_PORT_HTTP":            "",
		"REGISTRAR_ADMIN_SERVICE_HOST":           "",
		"REGISTRARLISTN":                         "",
		"HOME":                                   "",
		"REGISTRAR_LISTN":                        "REGISTRAR_LISTEN",
		"REGISTRAR_RATELIMIT":                    "REGISTRAR_RATE_LIMIT",
		"REGISTRAR_listen":                       "REGISTRAR_LISTEN",
		"REGISTRAR_CORS_ORIGINS":                 "REGISTRAR_CORS_ORIGIN",
		"REGISTRAR_NO_WEB_LOOPBACK":              "REGISTRAR_WEB_LOOPBACK=false",
		"REGISTRAR_TRUSTED_PROXIES":              "REGISTRAR_TRUSTED_PROXY",
		"REGISTRAR_FAVOURITE_COLOUR":             "unknown",
		"REGISTRAR_":                             "unknown",
		"REGISTRAR_" + strings.Repeat("X", 1000): "unknown",
	} {
		got, found := "", readVariables(k.Model.Node, []string{name + "=hidden-password"})
		switch {
		case len(found.misspelt) == 1 && found.misspelt[0].name == name:
			got = found.misspelt[0].meant
		case len(found.unknown) == 1 && found.unknown[0] == name:
			got = "unknown"
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
		if err := found.refuse(); err != nil && strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: the error shows the value: %v", name, err)
		}
	}
}

func TestDistinctAddresses(t *testing.T) {
	for _, tt := range []struct {
		public, admin string
		distinct      bool
	}{
		{"127.0.0.1:8080", "127.0.0.1:8081", true},
		{"127.0.0.1:8080", "127.0.0.2:8080", true},
		{"127.0.0.1:0", "127.0.0.1:0", true},
		{"127.0.0.1:8080", "[::1]:8080", true},
		{"127.0.0.1:8080", "127.0.0.1:8080", false},
		{"127.0.0.1:8080", "127.0.0.1:08080", false},
		{":8080", "127.0.0.1:8080", false},
		{"127.0.0.1:8080", "0.0.0.0:8080", false},
		{"[::1]:8080", "[::]:8080", false},
		{"10.0.0.1:8080", "[::ffff:0.0.0.0]:8080", false},
		{":8080", ":8080", false},
	} {
		if err := checkDistinct(tt.public, tt.admin); (err == nil) != tt.distinct {
			t.Errorf("%s and %s: got %v", tt.public, tt.admin, err)
		}
	}
}

func TestOwnURL(t *testing.T) {
	for address, want := range map[string]string{
		"127.0.0.1:8080": "http://127.0.0.1:8080",
		"localhost:8080": "http://localhost:8080",
		"[::1]:8080":     "http://[::1]:8080",
		":8080":          "http://127.0.0.1:8080",
		"0.0.0.0:8080":   "http://127.0.0.1:8080",
		"[::]:8080":      "http://[::1]:8080",
		"10.0.0.1:8080":  "http://10.0.0.1:8080",
		"127.0.0.1:0":    "",
		"127.0.0.1":      "",
		"":               "",
	} {
		u, err := ownURL("--listen", address, false)
		if err == nil && u.String() != want || (err != nil) != (want == "") {
			t.Errorf("%s: got %v and %v, want %q", address, u, err, want)
		}
	}
}
