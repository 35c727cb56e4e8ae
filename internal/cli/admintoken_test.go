package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"registrar/internal/servertest"
	"registrar/internal/token"
)

func TestConfiguredToken(t *testing.T) {
	good := strings.Repeat("t", 32)
	for _, tt := range []struct {
		name      string
		variable  string // "-" means unset
		file      string // content; "-" means no file
		want, err string
	}{
		{"none", "-", "-", "", ""},
		{"the environment", good, "-", good, ""},
		{"a file", "-", good + "\n", good, ""},
		{"a file of another system", "-", good + "\r\n", good, ""},
		{"a file without a line break", "-", good, good, ""},
		{"both", good, good, "", "exclude each other"},
		{"an empty variable", "", "-", "", "at least 32 characters, this one has 0"},
		{"a short one", good[1:], "-", "", "this one has 31"},
		{"a short one in a file", "-", "short", "", "this one has 5"},
		{"a space", good + " " + good, "-", "", "visible ASCII"},
		{"a space behind it", "-", good + " \n", "", "visible ASCII"},
		{"another alphabet", strings.Repeat("ж", 32), "-", "", "visible ASCII"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.variable != "-" {
				t.Setenv(token.AdminVariable, tt.variable)
			}
			f := adminTokenFlags{}
			if tt.file != "-" {
				f.AdminTokenFile = servertest.File(t, "token", tt.file)
			}
			got, err := f.configured()
			if got != tt.want || (err == nil) != (tt.err == "") {
				t.Fatalf("got %q and %v, want %q", got, err, tt.want)
			}
			if err != nil && (!strings.Contains(err.Error(), tt.err) || strings.Contains(err.Error(), good[1:])) {
				t.Errorf("got %q, want %q in it, and no token", err, tt.err)
			}
		})
	}
}

func TestFoundTokenGoesOnlyToLoopback(t *testing.T) {
	token := strings.Repeat("f", 43)
	for _, place := range []string{"the state directory", "the working directory"} {
		t.Run(place, func(t *testing.T) {
			folder := t.TempDir()
			if err := os.WriteFile(filepath.Join(folder, "registrar.token"), []byte(token+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			t.Chdir(t.TempDir())
			if place == "the state directory" {
				t.Setenv("STATE_DIRECTORY", folder+":/elsewhere")
			} else {
				t.Chdir(folder)
				t.Setenv("STATE_DIRECTORY", t.TempDir()) // without a token
			}
			f := &adminTokenFlags{}
			for _, host := range []string{"127.0.0.1", "localhost", "::1"} {
				if got, err := f.forServer(host); got != token || err != nil {
					t.Errorf("%s: got %q and %v", host, got, err)
				}
			}
			for _, host := range []string{"registrar.example", "10.0.0.1", "127.0.0.1.example", "0.0.0.0"} {
				got, err := f.forServer(host)
				if got != "" || err == nil || !strings.Contains(err.Error(), "--admin-token-file") {
					t.Errorf("%s: got %q and %v", host, got, err)
				}
			}
			f.AdminTokenFile = filepath.Join(folder, "registrar.token")
			if got, err := f.forServer("registrar.example"); got != token || err != nil {
				t.Errorf("a named file: got %q and %v", got, err)
			}
		})
	}
}

func TestNoTokenIsFound(t *testing.T) {
	t.Chdir(t.TempDir())
	_, err := (&adminTokenFlags{}).forServer("127.0.0.1")
	if err == nil || !strings.Contains(err.Error(), "REGISTRAR_ADMIN_TOKEN") {
		t.Errorf("got %v, want REGISTRAR_ADMIN_TOKEN in it", err)
	}
}

func TestTokenFolder(t *testing.T) {
	for _, tt := range []struct{ database, state, want string }{
		{"sqlite:registrar.db", "/state", "."},
		{"sqlite:/var/lib/registrar/registrar.db", "/state", "/var/lib/registrar"},
		{"mysql:u@tcp(db)/registrar", "/state:/more", "/state"},
		{"mysql:u@tcp(db)/registrar", "", "."},
	} {
		t.Setenv("STATE_DIRECTORY", tt.state)
		if got := tokenFolder(tt.database); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.database, got, tt.want)
		}
	}
}

// A SQLite file is in $STATE_DIRECTORY unless the database is named.
func TestDefaultDatabase(t *testing.T) {
	for _, tt := range []struct {
		state, variable string
		args            []string
		want            string
	}{
		{"", "", nil, "sqlite:registrar.db"},
		{"/state:/more", "", nil, "sqlite:/state/registrar.db"},
		{"/state", "sqlite:v.db", nil, "sqlite:v.db"},
		{"/state", "sqlite:v.db", []string{"--database=sqlite:registrar.db"}, "sqlite:registrar.db"},
	} {
		t.Setenv("STATE_DIRECTORY", tt.state)
		if os.Unsetenv("REGISTRAR_DATABASE"); tt.variable != "" {
			t.Setenv("REGISTRAR_DATABASE", tt.variable)
		}
		var commands cli
		parser, err := newParser(&commands, &console{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse(append([]string{"serve"}, tt.args...)); err != nil ||
			commands.Serve.Database != tt.want {
			t.Errorf("%+v: got %s, %v", tt, commands.Serve.Database, err)
		}
	}
}
