package e2e

import (
	"database/sql"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"registrar/internal/servertest"
	"registrar/store/storetest"
)

// A checked is what check prints as JSON.
type checked struct {
	OK       bool           `json:"ok"`
	Findings []checkFinding `json:"findings"`
	Runs     map[string]any `json:"runs"`
	OpenTo   map[string]any `json:"open_to"`
}

type checkFinding struct {
	Severity string `json:"severity"`
	Code     string `json:"code"`
	About    string `json:"about"`
	Text     string `json:"text"`
}

// kinds returns the severities and codes of the findings.
func (c checked) kinds() (list []string) {
	for _, f := range c.Findings {
		list = append(list, f.Severity+" "+f.Code)
	}
	return list
}

// checkJSON runs check with JSON output and decodes it. args may name other addresses than the free ports.
func checkJSON(t testing.TB, folder string, variables []string, args ...string) (checked, result) {
	t.Helper()
	r := runWith(t, folder, variables, slices.Concat([]string{"check", "--output=json", "--listen=127.0.0.1:0",
		"--admin-listen=127.0.0.1:0", "--public-url=http://localhost:8080"}, args)...)
	var c checked
	if err := json.Unmarshal([]byte(r.out), &c, json.RejectUnknownMembers(true)); err != nil {
		t.Fatalf("%q: exit code %d, %v:\n%s\n%s", args, r.code, err, r.out, r.err)
	}
	return c, r
}

// closedAddress returns an address of this machine on which nothing listens.
func closedAddress(t *testing.T) string { return freePort(t) }

// listening returns the address of a listener that answers nothing.
func listening(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

// answering returns the URL of a server that answers everything with a JSON text.
func answering(t *testing.T, text string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, text)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// check names each misconfiguration, and exits as serve does.
func TestCheckNames(t *testing.T) {
	t.Parallel()
	const keys = `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`
	const warned = `{"issuer":"http://localhost:8080","code_challenge_methods_supported":["S256"]%s}`
	document := func(more string) string {
		return "--discovery-document=" + servertest.File(t, "d.json", fmt.Sprintf(warned, more))
	}
	taken, free, closed := listening(t), freePort(t), closedAddress(t)
	_, freePortOnly, _ := strings.Cut(free, ":")
	here, other := servertest.Certificate(t), servertest.Certificate(t)
	notAFolder := filepath.Join(servertest.File(t, "file", "x"), "registrar.db")
	upstream, otherIssuer := answering(t, keys), answering(t, `{"issuer":"https://other.example"}`)
	jwt := func(url string) []string {
		return []string{"--jwt-issuer=https://i.example=" + url, "--jwt-scope=registration"}
	}
	for _, tt := range []struct {
		name      string
		variables []string
		args      []string
		code      int
		finding   string // severity and code; "" means that nothing of the kind after the comma is found
		says      string // part of the finding's text
		serve     bool   // whether serve ends with the same code and text
	}{
		{"one address for both", nil, []string{"--listen=" + free, "--admin-listen=" + free}, exitUsage,
			"error configuration", "--admin-listen " + free, true},
		{"one address in all of them", nil, []string{"--listen=:" + freePortOnly, "--admin-listen=" + free}, exitUsage,
			"error configuration", "same address", true},
		{"one address by a name", nil, []string{"--listen=" + free, "--admin-listen=localhost:" + freePortOnly,
			"--public-url=http://" + free}, exitFailed, "error address", "same address as that of --listen", false},
		{"a public address in use", nil, []string{"--listen=" + taken}, exitFailed, "error address",
			"--listen " + taken + ": another process", false},
		{"an admin address in use", nil, []string{"--admin-listen=" + taken}, exitFailed, "error address",
			"--admin-listen " + taken + ": another process", false},
		{"an address of another machine", nil, []string{"--listen=192.0.2.1:8080"}, exitFailed, "error address",
			"--listen 192.0.2.1:8080", false},
		{"an address that is none", nil, []string{"--listen=127.0.0.1"}, exitUsage, "error configuration",
			"--listen 127.0.0.1", true},
		{"an admin address for all", nil, []string{"--admin-listen=0.0.0.0:0", "--admin-insecure",
			"--issuer=http://localhost:8080"}, exitDone, "warning admin_exposed", "--admin-listen 0.0.0.0:0", false},
		{"a plain admin address for all", nil, []string{"--admin-listen=0.0.0.0:0"}, exitUsage, "error configuration",
			"--admin-insecure", true},
		{"plain HTTP for all", nil, []string{"--listen=0.0.0.0:0"}, exitDone, "warning plain_http", "--tls-cert",
			false},
		{"open to everyone", nil, []string{"--registration=open"}, exitDone, "warning registration_open", "everyone",
			false},
		{"open to this machine", nil, nil, exitDone, "note local_proxy", "--registration token", false},
		{"pages of elsewhere", nil, []string{"--cors-origin=https://app.example"}, exitDone, "warning cors_origin",
			"https://app.example", false},
		{"no limit", nil, []string{"--rate-limit=0"}, exitDone, "warning rate_limit", "--rate-limit 0", false},

		{"a public URL where nothing listens", nil, []string{"--listen=" + free, "--public-url=http://" + closed},
			exitFailed, "error public_url", "nothing listens on port", false},
		{"an issuer where nothing listens", nil, []string{"--listen=" + free, "--public-url=", "--issuer=http://" +
			closed}, exitFailed, "error public_url", "--issuer http://" + closed, false},
		{"a public URL by https for plain HTTP", nil, []string{"--listen=" + free, "--public-url=https://" + free},
			exitFailed, "error public_url", "serves http there", false},
		{"a public URL of an unknown host", nil, []string{"--public-url=https://registrar.invalid"}, exitDone,
			"warning public_url", "https://registrar.invalid", false},
		{"a port that the server chooses", nil, nil, exitDone, "warning public_url", "port 0", false},

		{"a key of another certificate", nil, []string{here[0], other[1]}, exitUsage, "error configuration",
			"--tls-cert and --tls-key", true},
		{"a key that is not there", nil, []string{here[0], "--tls-key=/nowhere"}, exitUsage, "error configuration",
			"/nowhere", true},
		{"a certificate that has expired", nil, append(certificateFor(t, "localhost", -time.Minute), "--listen="+free,
			"--public-url=https://localhost:"+freePortOnly), exitFailed, "error certificate", "expired", false},
		{"a certificate that expires", nil, append(certificateFor(t, "localhost", time.Hour), "--listen="+free,
			"--public-url=https://localhost:"+freePortOnly), exitDone, "warning certificate", "expires on", false},
		{"a certificate for another host", nil, append(certificateFor(t, "other.example", 1000*time.Hour),
			"--listen="+free, "--public-url=https://localhost:"+freePortOnly), exitDone, "warning certificate",
			"other.example", false},

		{"access tokens of an issuer that is away", nil, jwt("http://" + closed + "/jwks"), exitFailed, "error keys",
			"--jwt-issuer https://i.example", false},
		{"access tokens of an issuer without keys", nil, jwt(otherIssuer), exitFailed, "error keys",
			"--jwt-issuer https://i.example", false},
		{"statements of an issuer that is away", nil, []string{"--trusted-issuer=https://i.example=http://" + closed +
			"/jwks"}, exitFailed, "error keys", "--trusted-issuer https://i.example", false},
		{"statements of an issuer whose keys are a file that is not there", nil,
			[]string{"--trusted-issuer=https://i.example=/nowhere"}, exitUsage, "error configuration",
			"--trusted-issuer", true},
		{"an issuer that is there", nil, append(jwt(upstream), "--trusted-issuer=https://i.example="+upstream),
			exitDone, ", keys", "", false},

		{"an upstream that is away", nil, []string{"--discovery-upstream=http://" + closed + "/d"}, exitFailed,
			"error discovery", "no client could register", false},
		{"an upstream of another issuer", nil, []string{"--discovery-upstream=" + otherIssuer}, exitUsage,
			"error discovery", "https://other.example", true},
		{"a document that keeps clients away", nil, []string{document("")}, exitDone, "warning discovery",
			"token_endpoint_auth_methods_supported is missing", false},
		{"metadata documents without none", nil, []string{"--metadata-documents",
			document(`,"token_endpoint_auth_methods_supported":["private_key_jwt"]`)}, exitDone,
			"warning metadata_documents", "does not list none", false},
		{"metadata documents without the list", nil, []string{"--metadata-documents", document("")}, exitDone,
			"warning metadata_documents", "does not list none", false},
		{"metadata documents with secrets only", nil, []string{"--metadata-documents",
			document(`,"token_endpoint_auth_methods_supported":["client_secret_basic"]`)}, exitFailed,
			"error metadata_documents", "no client could be", false},
		{"metadata documents with none", nil, []string{"--metadata-documents",
			document(`,"token_endpoint_auth_methods_supported":["none"]`)}, exitDone, ", metadata_documents", "",
			false},

		{"a misspelt variable", []string{"REGISTRAR_REGISTRATON=token"}, nil, exitUsage, "error variable",
			"did you mean REGISTRAR_REGISTRATION?", true},
		{"a negated variable", []string{"REGISTRAR_NO_MANAGEMENT=true"}, nil, exitUsage, "error variable",
			"REGISTRAR_MANAGEMENT=false", true},
		{"an unknown variable", []string{"REGISTRAR_FAVOURITE_COLOUR=blue"}, nil, exitDone, "warning variable",
			"REGISTRAR_FAVOURITE_COLOUR", false},
		{"variables of Kubernetes", []string{"REGISTRAR_PORT=tcp://10.0.0.1:80", "REGISTRAR_PORT_80_TCP_ADDR=10.0.0.1",
			"REGISTRAR_SERVICE_HOST=10.0.0.1", "REGISTRAR_ADMIN_SERVICE_PORT_HTTP=81"}, nil, exitDone, ", variable", "",
			false},
		{"a variable with an invalid value", []string{"REGISTRAR_PUBLIC_URL=auth.example"},
			[]string{"--public-url=auth.example"}, exitUsage, "error configuration", "--public-url", true},

		{"a token file that is not there", nil, []string{"--admin-token-file=/nowhere"}, exitUsage,
			"error configuration", "/nowhere", true},
		{"a folder that is not there", nil, []string{"--database=sqlite:/nowhere/registrar.db"}, exitFailed,
			"error database", "/nowhere", false},
		{"a folder that is a file", nil, []string{"--database=sqlite:" + notAFolder}, exitFailed, "error database",
			notAFolder, false},
		{"a database that is a folder", nil, []string{"--database=sqlite:" + t.TempDir()}, exitFailed, "error database",
			"not a file", false},
		{"a database that is none", nil, []string{"--database=sqlite:" +
			servertest.File(t, "x.db", strings.Repeat("x", 5000))}, exitFailed, "error database", "x.db", false},
		{"a database of an unknown kind", nil, []string{"--database=postgres:hidden-password"}, exitFailed,
			"error database", "sqlite:FILE", true},
		{"a database that is away", nil, []string{"--database=mysql:user:hidden-password@tcp(" + closed +
			")/registrar"}, exitFailed, "error database", closed, false},
		{"a database to come", nil, nil, exitDone, "note database", "serve creates the file", false},
		{"no database, and no migration", nil, []string{"--no-migrate"}, exitFailed, "error database",
			"registrar migrate", false},
		{"an empty file", nil, []string{"--database=sqlite:" + servertest.File(t, "empty.db", "")}, exitDone,
			"note schema", "the database is empty", false},
		{"an empty file, and no migration", nil, []string{"--no-migrate", "--database=sqlite:" +
			servertest.File(t, "empty.db", "")}, exitFailed, "error schema", "registrar migrate", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			folder := t.TempDir()
			c, r := checkJSON(t, folder, tt.variables, tt.args...)
			if r.code != tt.code || c.OK != (tt.code == exitDone) || strings.Contains(r.out+r.err, "hidden-password") {
				t.Errorf("exit code %d and %t, want %d:\n%s\n%s", r.code, c.OK, tt.code, r.out, r.err)
			}
			severity, kind, none := strings.Cut(tt.finding, ", ")
			found := slices.IndexFunc(c.Findings, func(f checkFinding) bool {
				return f.Severity+" "+f.Code == tt.finding && strings.Contains(f.Text, tt.says) || none &&
					f.Code == kind
			})
			if found >= 0 == none {
				t.Errorf("want %s with %q:\n%s", tt.finding, tt.says, r.out)
			}
			if strings.HasPrefix(severity, "error") && !strings.Contains(r.err, tt.says) {
				t.Errorf("standard error lacks %q:\n%s", tt.says, r.err)
			}
			if left := servertest.Files(t, folder); len(left) != 0 {
				t.Errorf("check left %q", left)
			}
			if !tt.serve {
				return
			}
			args := append([]string{"serve", "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0"}, tt.args...)
			if got := runWith(t, folder, tt.variables, args...); got.code != tt.code ||
				!strings.Contains(got.err, tt.says) {
				t.Errorf("serve exits with %d, want %d:\n%s", got.code, tt.code, got.err)
			}
		})
	}
}

// What a good server would be is the same document each time. docs/check.md describes its members.
func TestCheckAsJSON(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	c, r := checkJSON(t, folder, nil, "--admin-token-file="+servertest.File(t, "token", strings.Repeat("c", 32)),
		"--registration=token", "--cors-origin=https://APP.example")
	if r.code != exitDone || r.err != "" || strings.Count(r.out, "\n") != 1 {
		t.Errorf("exit code %d:\n%s%s", r.code, r.out, r.err)
	}
	want := checked{OK: true,
		Findings: []checkFinding{
			{"warning", "public_url", "--public-url",
				"--listen 127.0.0.1:0: with port 0 the server has another port each " +
					"time, but clients would be sent to http://localhost:8080"},
			{"note", "database", "--database", "--database sqlite:registrar.db: serve creates the file"},
		},
		Runs: map[string]any{"version": c.Runs["version"], "listen": "127.0.0.1:0", "tls": false,
			"tls_until": nil, "admin_tls": false, "admin_tls_until": nil, "traces": "",
			"admin_listen": "127.0.0.1:0", "public_url": "http://localhost:8080", "issuer": "http://localhost:8080",
			"database": "sqlite:registrar.db", "schema": nil, "schema_needed": c.Runs["schema_needed"],
			"deployment": "none: the built-in steps", "discovery": false, "metadata_documents": false},
		OpenTo: map[string]any{"registration": "token", "management": true, "origins": []any{"https://app.example"},
			"rate_limit": 10.0, "token_issuers": []any{}, "trusted_proxies": []any{}, "admin": "loopback",
			"admin_token": "configured", "admin_client_certificates": false, "admin_issuers": []any{},
			"admin_subjects": []any{}},
	}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	c, r = checkJSON(t, folder, nil, "--issuer=http://auth.example")
	if r.code != exitUsage || c.OK || c.Runs != nil || c.OpenTo != nil || len(c.Findings) != 1 {
		t.Errorf("an invalid configuration: exit code %d:\n%s", r.code, r.out)
	}
}

// The page has what is worst first, and then what would run.
func TestCheckOrdersBySeverity(t *testing.T) {
	t.Parallel()
	args := []string{"--listen=" + freePort(t), "--public-url=http://" + closedAddress(t), "--rate-limit=0"}
	c, _ := checkJSON(t, t.TempDir(), nil, args...)
	want := []string{"error public_url", "warning rate_limit", "note local_proxy", "note database", "note admin_token"}
	if got := c.kinds(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	r := runCheck(t, t.TempDir(), args...)
	at := -1
	for _, words := range []string{"error ", "\nwarning ", "\nnote ", "\nWhat would run\n",
		"\nWhat would be open to whom\n"} {
		next := strings.Index(r.out, words)
		if next <= at {
			t.Errorf("%q is missing, or too early:\n%s", words, r.out)
		}
		at = next
	}
}

// A database that serve would migrate is no failure, and is not changed.
func TestCheckOfOldSchemas(t *testing.T) {
	onEachBackend(t, func(t *testing.T, flag string) {
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, "registrar.db"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		schema := func(want string, args ...string) {
			t.Helper()
			c, r := checkJSON(t, folder, nil, append(args, flag)...)
			if !slices.Contains(c.kinds(), want) || c.OK != strings.HasPrefix(want, "note") {
				t.Errorf("exit code %d, want %s:\n%s", r.code, want, r.out)
			}
		}
		schema("note schema")
		schema("error schema", "--no-migrate")
		must(t, runBinary(t, folder, "migrate", "--to=1", flag))
		for range 2 {
			schema("note schema")
			schema("error schema", "--no-migrate")
		}
		must(t, runBinary(t, folder, "migrate", flag))
		c, r := checkJSON(t, folder, nil, flag)
		if !c.OK || c.Runs["schema"] != c.Runs["schema_needed"] {
			t.Errorf("exit code %d:\n%s", r.code, r.out)
		}
	})
}

// A running registrar does not keep check from passing: it is stopped before the next one starts.
func TestCheckBesideARunningServer(t *testing.T) {
	t.Parallel()
	for name, flags := range map[string][]string{"plain HTTP": nil, "https": servertest.Certificate(t)} {
		folder := t.TempDir()
		p := start(t, folder, flags...)
		scheme, public, _ := strings.Cut(p.public, "://")
		c, r := checkJSON(t, folder, nil, append(flags, "--listen="+public,
			"--admin-listen="+strings.TrimPrefix(p.admin, "http://"),
			"--public-url="+scheme+"://"+public)...)
		running := slices.DeleteFunc(c.kinds(), func(s string) bool { return s != "warning already_running" })
		if r.code != exitDone || len(running) != 2 {
			t.Errorf("%s: exit code %d:\n%s", name, r.code, r.out)
		}
		if rows := p.stop(); rows != exitDone {
			t.Errorf("%s: the server exits with %d", name, rows)
		}
	}
}

// A database that takes no writes is named, although it can be read.
func TestCheckOfDatabasesThatTakeNoWrites(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		disk := mountDisk(t, "size=8m")
		must(t, runBinary(t, t.TempDir(), "migrate", "--database=sqlite:"+disk+"/registrar.db"))
		makeReadOnly(t, disk)
		for _, file := range []string{"registrar.db", "new.db"} {
			c, r := checkJSON(t, t.TempDir(), nil, "--database=sqlite:"+disk+"/"+file)
			if r.code != exitFailed || !slices.Contains(c.kinds(), "error database") ||
				!strings.Contains(r.err, "read-only file system") {
				t.Errorf("%s: exit code %d:\n%s", file, r.code, r.out)
			}
		}
	})
	t.Run("mysql", func(t *testing.T) {
		server := storetest.NewServer(t)
		dsn := server.Database(t)
		flag := "--database=mysql:" + dsn
		must(t, runBinary(t, t.TempDir(), "migrate", flag))
		if c, r := checkJSON(t, t.TempDir(), nil, flag); !c.OK {
			t.Fatalf("before: exit code %d:\n%s", r.code, r.out)
		}
		db, err := sql.Open("mysql", dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		name, _, _ := strings.Cut(dsn[strings.LastIndex(dsn, "/")+1:], "?")
		for _, query := range []string{"CREATE USER app@localhost IDENTIFIED BY 'secret'",
			"GRANT ALL ON " + name + ".* TO app@localhost",
			"SET GLOBAL read_only = 1"} { // an administrator may still write
			if _, err := db.Exec(query); err != nil {
				t.Fatalf("%s: %v", query, err)
			}
		}
		c, r := checkJSON(t, t.TempDir(), nil, strings.Replace(flag, "root@", "app:secret@", 1))
		if r.code != exitFailed || !slices.Contains(c.kinds(), "error database") ||
			!strings.Contains(r.err, "writing to") {
			t.Errorf("exit code %d:\n%s", r.code, r.out)
		}
	})
}
