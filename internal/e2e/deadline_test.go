package e2e

import (
	"bytes"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"registrar/internal/token"
	"registrar/internal/wasmtest"
	"registrar/scripts"
	"registrar/server/adminapi"
	"registrar/store/storetest"
	"registrar/store/storetest/child"
)

// A call is a request that a test sends while the database hangs.
type call struct {
	name, method, url, token, mediaType, body string
	want                                      int
}

// A reply is what a call got.
type reply struct {
	call
	status int
	header http.Header
	body   []byte
	took   time.Duration
	err    error
}

// do sends a call.
func (c call) do() reply {
	began := time.Now()
	request, err := http.NewRequest(c.method, c.url, strings.NewReader(c.body))
	if err != nil {
		return reply{call: c, err: err}
	}
	if c.body != "" {
		request.Header.Set("Content-Type", c.mediaType)
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	response, err := (&http.Client{Timeout: patience}).Do(request)
	if err != nil {
		return reply{call: c, err: err}
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	return reply{c, response.StatusCode, response.Header, b, time.Since(began), err}
}

// sendAll sends calls at once and returns their replies.
func sendAll(calls []call) []reply {
	replies := make([]reply, len(calls))
	var all sync.WaitGroup
	for i, c := range calls {
		all.Go(func() { replies[i] = c.do() })
	}
	all.Wait()
	return replies
}

// stopped runs f while a process is stopped.
func stopped(t testing.TB, pid int, f func()) {
	t.Helper()
	check(t, child.Stop(pid))
	defer func() { check(t, child.Continue(pid)) }()
	f()
}

// A hanging database is one that a test has hang while it runs during.
type hanging struct {
	folder   string // of serve
	flag     string
	hang     func(during func())
	readable bool // reads are answered nevertheless
}

func TestDatabaseThatHangs(t *testing.T) {
	t.Parallel()
	t.Run("mysql", func(t *testing.T) {
		t.Parallel()
		server := storetest.NewServer(t)
		hang := func(during func()) { stopped(t, server.PID(), during) }
		testDatabaseThatHangs(t, hanging{t.TempDir(), "--database=mysql:" + server.Database(t), hang, false})
	})
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		folder := t.TempDir()
		hang := func(during func()) { defer lockFile(t, filepath.Join(folder, "registrar.db"))(); during() }
		testDatabaseThatHangs(t, hanging{folder, "--database=sqlite:registrar.db", hang, true})
	})
}

// lockFile has a SQLite file refuse all other writers until unlock is called.
func lockFile(t testing.TB, path string) (unlock func()) {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1) // a transaction is of its connection
	if _, err := db.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

// While the database hangs, each route answers by its bound. What was answered 503 is gone afterwards, what was
// acknowledged is stored, and a token has lost the uses of stored clients only.
func testDatabaseThatHangs(t *testing.T, database hanging) {
	p := start(t, database.folder, database.flag, "--request-timeout=1s")
	admin, err := token.ReadFile(filepath.Join(p.folder, "registrar.token"))
	if err != nil {
		t.Fatal(err)
	}
	limited := answer[adminapi.InitialAccessToken](t, p, "token", "create", "--label=CI", "--uses=1000").Token
	own := p.registerManaged(minimal)
	module := answer[scripts.Module](t, p, "script", "push", wasmtest.Path(t, "taken-id"))
	api := func(method, path, body string) call {
		return call{method + " " + path, method, p.admin + adminapi.Prefix + path, admin, "application/json", body, 503}
	}
	register := call{"register", "POST", p.public + "/register", "", "application/json", minimal, 503}
	withToken := register
	withToken.name, withToken.token = "register with a token", limited
	dryRun := api("POST", "/dry-run", `{"request":`+minimal+`}`)
	calls := []call{
		{"read", "GET", own.uri(), own.Token, "", "", 503},
		{"update", "PUT", own.uri(), own.Token, "application/json", fmt.Sprintf(
			`{"client_id":%q,"redirect_uris":["https://app.example/other"]}`, own.ID), 503},
		{"delete", "DELETE", own.uri(), own.Token, "", "", 503},
		{"healthy", "GET", p.admin + "/healthz", "", "", "", 200},
		api("GET", "/clients", ""), api("GET", "/clients/"+own.ID, ""), api("GET", "/modules", ""),
		api("GET", "/deployments/current", ""), api("POST", "/initial-access-tokens", `{"label":"x"}`),
		api("POST", "/clients/seen", `{"client_ids":["a"]}`), dryRun,
		api("POST", "/deployments", `{"scripts":[{"name":"ids","module":"`+module.Digest+`"}]}`),
		api("POST", "/clients/"+own.ID+"/rotate-secret", "{}"), api("DELETE", "/clients/unknown", ""),
	}
	if database.readable {
		for i, c := range calls {
			if c.method == "GET" || strings.HasSuffix(c.name, "/dry-run") {
				calls[i].want = http.StatusOK
			}
		}
	}
	for range 40 {
		calls = append(calls, register, withToken)
	}
	var before, during []reply
	loaded := make(chan bool)
	go func() { // some of the statements are running when the database stops
		defer close(loaded)
		for range 3 {
			before = append(before, sendAll(calls[len(calls)-80:])...)
		}
	}()
	eventually(t, "clients register", func() bool {
		return p.metric("registrar_registrations_total", "outcome=registered") > 30
	})
	database.hang(func() {
		if !database.readable {
			// All that it reads is the admin token, which a server keeps for a second.
			eventually(t, "a dry run is refused", func() bool { return dryRun.do().status == dryRun.want })
		}
		during = sendAll(calls)
		<-loaded
	})
	acknowledged, uses := map[string]bool{own.ID: true}, 0
	var latest time.Duration
	for _, r := range append(before, during...) {
		if r.err != nil {
			t.Errorf("%s: %v", r.name, r.err)
			continue
		}
		if r.status == http.StatusCreated && strings.HasPrefix(r.name, "register") {
			var client registration
			if err := json.Unmarshal(r.body, &client); err != nil {
				t.Fatal(err)
			}
			acknowledged[client.ClientID] = true
			if r.token != "" {
				uses++
			}
			continue
		}
		latest = max(latest, r.took)
		if r.status != r.want {
			t.Errorf("%s: got %d %s, want %d", r.name, r.status, r.body, r.want)
		}
		if r.want == 503 && r.header.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", r.name)
		}
		if r.want == 503 && strings.Contains(r.url, p.public) &&
			!bytes.Contains(r.body, []byte(`"temporarily_unavailable"`)) {
			t.Errorf("%s: got %s", r.name, r.body)
		}
	}
	t.Logf("the last 503 came after %v", latest)
	wantStored(t, p, acknowledged)
	list := answer[adminapi.InitialAccessTokens](t, p, "token", "list")
	for _, tok := range list.Tokens {
		if tok.Label == "CI" && *tok.UsesLeft != int64(1000-uses) {
			t.Errorf("%d uses are left, want %d", *tok.UsesLeft, 1000-uses)
		}
	}
	if p.logged("registrations are in doubt: the database has not answered in time; "+
		"what it stores of them will be removed") == nil {
		t.Error("the log does not say that registrations were in doubt")
	}
}

// A script makes the ID. While its row is in doubt it is neither free nor taken, and the client can register with it
// afterwards.
func TestSameIDWhileTheDatabaseHangs(t *testing.T) {
	t.Parallel()
	server := storetest.NewServer(t)
	p := start(t, t.TempDir(), "--database=mysql:"+server.Database(t), "--request-timeout=500ms")
	must(t, p.command("script", "push", wasmtest.Path(t, "taken-id"), "--deploy"))
	stopped(t, server.PID(), func() {
		for range 3 {
			if got := p.register(minimal); got.status != http.StatusServiceUnavailable {
				t.Errorf("while the database hangs: got %+v", got)
			}
		}
	})
	var got registration
	eventually(t, "the ID is free", func() bool {
		if got = p.register(minimal); got.status == http.StatusBadRequest {
			t.Fatalf("the ID is taken by a client that was not acknowledged: %+v", got)
		}
		return got.status == http.StatusCreated
	})
	wantStored(t, p, map[string]bool{got.ClientID: true})
	if again := p.register(minimal); again.status != http.StatusBadRequest {
		t.Errorf("another client with the ID: got %+v", again)
	}
}

// A process that is killed while registrations are in doubt may leave their rows, which are never seen.
func TestKilledWhileTheDatabaseHangs(t *testing.T) {
	t.Parallel()
	server := storetest.NewServer(t)
	flags := []string{"--database=mysql:" + server.Database(t), "--request-timeout=300ms"}
	folder := t.TempDir()
	p := start(t, folder, flags...)
	acknowledged := map[string]bool{p.register(minimal).ClientID: true}
	stopped(t, server.PID(), func() {
		if got := p.register(minimal); got.status != http.StatusServiceUnavailable {
			t.Errorf("got %+v", got)
		}
		p.cmd.Process.Kill()
		p.wait()
	})
	p = start(t, folder, flags...)
	for _, c := range answer[adminapi.Clients](t, p, "client", "list").Clients {
		if !acknowledged[c.ClientID] && c.SeenAt != nil {
			t.Errorf("client %s was not acknowledged, but seen", c.ClientID)
		}
		delete(acknowledged, c.ClientID)
	}
	if len(acknowledged) > 0 {
		t.Errorf("%v is not stored", acknowledged)
	}
}

// wantStored waits until no registration is in doubt, and then checks that exactly these clients are stored.
func wantStored(t testing.TB, p *process, want map[string]bool) {
	t.Helper()
	eventually(t, "no registration is in doubt",
		func() bool { return p.metric("registrar_registrations_in_doubt") == 0 })
	list := answer[adminapi.Clients](t, p, "client", "list", "--limit=1000")
	stored := map[string]bool{}
	for _, c := range list.Clients {
		stored[c.ClientID] = true
		if !want[c.ClientID] {
			t.Errorf("client %s is stored, but was not acknowledged", c.ClientID)
		}
	}
	for id := range want {
		if !stored[id] {
			t.Errorf("client %s was acknowledged, but is not stored", id)
		}
	}
}
