package e2e

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"registrar/internal/servertest"
	"registrar/internal/token"
	"registrar/internal/wasmtest"
	"registrar/scripts"
	"registrar/server/adminapi"
)

// Scripts are deployed, replaced and rolled back without a restart.
func TestScriptsChangeARunningServer(t *testing.T) {
	onEachBackend(t, func(t *testing.T, flag string) {
		p := start(t, t.TempDir(), flag)
		if id := p.register(minimal).ClientID; !regexp.MustCompile(`^[0-9a-f-]{36}$`).MatchString(id) {
			t.Errorf("the first client ID is %q", id)
		}

		pushed := answer[scripts.Deployment](t, p, "script", "push", wasmtest.Path(t, "prefix-id"), "--deploy")
		if pushed.Number != 1 || len(pushed.Scripts) != 1 || pushed.Scripts[0].Name != "prefix-id" {
			t.Errorf("pushing deployed %+v", pushed)
		}
		if id := p.register(minimal).ClientID; !strings.HasPrefix(id, "acme-") {
			t.Errorf("with the script the client ID is %q", id)
		}

		file := servertest.File(t, "none.json", `{"scripts":[],"comment":"none","if_current":1}`)
		if d := answer[scripts.Deployment](t, p, "script", "deploy", file); d.Number != 2 || d.Comment != "none" {
			t.Errorf("deploying gave %+v", d)
		}
		if id := p.register(minimal).ClientID; strings.HasPrefix(id, "acme-") {
			t.Errorf("without the script the client ID is %q", id)
		}
		if r := p.command("script", "deploy", file); r.code != exitFailed ||
			!strings.Contains(r.err, "deployment 2 is in force, not 1") {
			t.Errorf("deploying on an outdated deployment: exit code %d: %s", r.code, r.err)
		}

		if d := answer[scripts.Deployment](t, p, "script", "rollback", "1"); d.Number != 3 || d.CopyOf != 1 {
			t.Errorf("rolling back gave %+v", d)
		}
		if id := p.register(minimal).ClientID; !strings.HasPrefix(id, "acme-") {
			t.Errorf("after the rollback the client ID is %q", id)
		}
		if list := answer[adminapi.Deployments](t, p, "script", "deployments"); len(list.Deployments) != 3 ||
			list.Deployments[0].Number != 3 {
			t.Errorf("the deployments are %+v", list)
		}
		if list := answer[adminapi.Modules](t, p, "script", "list"); len(list.Modules) != 1 ||
			list.Modules[0].Digest != pushed.Scripts[0].Module {
			t.Errorf("the modules are %+v", list)
		}
		if code := p.stop(); code != exitDone {
			t.Errorf("exit code %d:\n%s", code, p.log)
		}
	})
}

// A pushed module replaces the one of its name and keeps its place and settings.
func TestPushKeepsPlaceAndSettings(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	ids := answer[scripts.Module](t, p, "script", "push", wasmtest.Path(t, "prefix-id"))
	policy := answer[scripts.Module](t, p, "script", "push", wasmtest.Path(t, "go-policy"))
	must(t, p.command("script", "deploy", servertest.File(t, "two.json", fmt.Sprintf(
		`{"scripts":[{"name":"ids","module":"%s","config":{"a":1},"mode":"enforce","on_failure":"base"},`+
			`{"name":"policy","module":"%s","config":{"hosts":["app.example"]}}]}`,
		ids.Digest, policy.Digest))))

	r := must(t, p.command("script", "push", wasmtest.Path(t, "wrap-id"), "--name=ids", "--deploy", "--output=json"))
	wrap := answer[scripts.Module](t, p, "script", "push", wasmtest.Path(t, "wrap-id"))
	current := answer[adminapi.Deployments](t, p, "script", "deployments").Deployments[0]
	if len(current.Scripts) != 2 || current.Scripts[0].Module != wrap.Digest ||
		string(current.Scripts[0].Config) != `{"a":1}` ||
		current.Scripts[0].OnFailure != scripts.OnFailureBase || current.Scripts[1].Module != policy.Digest {
		t.Errorf("got %+v", current.Scripts)
	}
	if r.err != "" {
		t.Errorf("an outermost script gets a warning: %s", r.err)
	}

	r = must(t, p.command("script", "push", wasmtest.Path(t, "rust-prefix-id"), "--name=inner", "--deploy"))
	if !strings.Contains(r.err, "warning: ids is further out and replaces add_client_id too") {
		t.Errorf("no warning of the outer script: %q", r.err)
	}
	if !strings.Contains(r.out, "deployment 3 is in force: ids, policy, inner\n") {
		t.Errorf("got %s", r.out)
	}
	if id := p.register(minimal).ClientID; !strings.HasPrefix(id, "wrapped-rust-") {
		t.Errorf("the client ID is %q", id)
	}
}

// Scripts that are pushed concurrently are all deployed.
func TestConcurrentPushes(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	names := []string{"prefix-id", "custom-secret", "log-lines", "patch-metadata"}
	var pushes sync.WaitGroup
	for _, name := range names {
		pushes.Go(func() {
			if r := p.command("script", "push", wasmtest.Path(t, name), "--deploy"); r.code != exitDone {
				t.Errorf("pushing %s: exit code %d: %s", name, r.code, r.err)
			}
		})
	}
	pushes.Wait()
	current := answer[adminapi.Deployments](t, p, "script", "deployments").Deployments[0]
	if current.Number != 4 || len(current.Scripts) != 4 {
		t.Errorf("in force: %+v", current)
	}
}

func TestClientCommands(t *testing.T) {
	onEachBackend(t, func(t *testing.T, flag string) {
		p := start(t, t.TempDir(), flag)
		var ids []string
		for i := range 5 {
			r := p.register(fmt.Sprintf(`{"redirect_uris":["https://app.example/cb"],"client_name":"Client %d"}`, i))
			ids = append(ids, r.ClientID)
		}
		first := answer[adminapi.Clients](t, p, "client", "list", "--limit=2")
		page := answer[adminapi.Clients](t, p, "client", "list", "--limit=2", "--after", first.Next)
		if len(page.Clients) != 2 || page.Clients[0].ClientID != ids[2] || page.Clients[1].ClientID != ids[1] {
			t.Errorf("the page after %s is %+v, want those of %v", first.Next, page.Clients, ids)
		}
		if found := answer[adminapi.Clients](t, p, "client", "list", "--q=client 3"); len(found.Clients) != 1 ||
			found.Clients[0].ClientID != ids[3] {
			t.Errorf("searching found %+v", found.Clients)
		}
		if text := must(t, p.command("client", "list")).out; !strings.HasPrefix(text, "CLIENT ID ") ||
			strings.Count(text, "\n") != 6 || !strings.Contains(text, "Client 4") {
			t.Errorf("the list is\n%s", text)
		}
		one := answer[adminapi.Client](t, p, "client", "get", ids[2])
		if one.ClientID != ids[2] || !one.HasSecret || !strings.Contains(string(one.Metadata), "Client 2") {
			t.Errorf("got %+v", one)
		}
		if text := must(t, p.command("client", "get", ids[2])).out; !strings.Contains(text, "never expires") ||
			!strings.Contains(text, `"client_name": "Client 2"`) {
			t.Errorf("got\n%s", text)
		}
		if r := must(t, p.command("client", "delete", ids[2], "--output=json")); r.out != "" {
			t.Errorf("deleting answers %q", r.out)
		}
		for _, verb := range []string{"get", "delete"} {
			if r := p.command("client", verb, ids[2]); r.code != exitFailed ||
				!strings.HasPrefix(r.err, "registrar: client "+ids[2]) {
				t.Errorf("%s of a deleted client: exit code %d: %s", verb, r.code, r.err)
			}
		}
	})
}

func TestAdminTokenIsNeeded(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	wrong := servertest.File(t, "token", strings.Repeat("w", 43))
	for name, r := range map[string]result{
		"none":              runBinary(t, t.TempDir(), "client", "list", "--server", p.admin),
		"a wrong one":       p.command("client", "list", "--admin-token-file", wrong),
		"another server":    runBinary(t, p.folder, "client", "list", "--server", "http://registrar.example:8081"),
		"not the admin API": runBinary(t, p.folder, "client", "list", "--server", p.public),
		"no server":         runBinary(t, p.folder, "client", "list", "--server", "http://127.0.0.1:1"),
		"a missing file":    p.command("client", "list", "--admin-token-file", "/nowhere"),
	} {
		if r.code != exitFailed || !strings.HasPrefix(r.err, "registrar: ") {
			t.Errorf("%s: exit code %d: %s", name, r.code, r.err)
		}
	}
	if status := p.status(p.admin + "/admin/v1/clients"); status != http.StatusUnauthorized {
		t.Errorf("without a token the admin API answers %d", status)
	}
	if status := p.status(p.public + "/admin/v1/clients"); status != http.StatusNotFound {
		t.Errorf("the admin API is on the public address: %d", status)
	}
}

func TestConfiguredAdminToken(t *testing.T) {
	t.Parallel()
	token := servertest.File(t, "token", strings.Repeat("c", 32)+"\n")
	p := start(t, t.TempDir(), "--admin-token-file", token)
	must(t, p.command("client", "list", "--admin-token-file", token))
	for _, file := range servertest.Files(t, p.folder) {
		if strings.Contains(file, "token") {
			t.Errorf("the server created %s", file)
		}
	}
}

func TestCheckPrintsWhatWouldRun(t *testing.T) {
	onEachBackend(t, func(t *testing.T, flag string) {
		folder := t.TempDir()
		p := start(t, folder, flag)
		must(t, p.command("script", "push", wasmtest.Path(t, "prefix-id"), "--deploy"))
		got := must(t, runCheck(t, folder, flag, "--issuer=https://auth.example")).out
		for _, want := range []string{"https://auth.example", "1: prefix-id", "token required", "in the database"} {
			if !strings.Contains(got, want) {
				t.Errorf("check does not print %q:\n%s", want, got)
			}
		}
	})
}

func TestCheckChangesNothing(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	got := must(t, runCheck(t, folder))
	if !strings.Contains(got.out, "serve creates the file") {
		t.Errorf("check printed\n%s", got.out)
	}
	if made := servertest.Files(t, folder); len(made) != 0 {
		t.Errorf("check created %v", made)
	}
	if err := os.WriteFile(filepath.Join(folder, "registrar.token"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, runBinary(t, folder, "migrate"))
	if r := runCheck(t, folder); r.code != exitFailed || !strings.Contains(r.err, "move it away") {
		t.Errorf("a file without a token in the database: exit code %d: %s", r.code, r.err)
	}
}

// No secret is in the log, the database or the output of commands, neither the server's nor a script's.
func TestSecretsDoNotLeak(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	admin, err := token.ReadFile(filepath.Join(p.folder, "registrar.token"))
	if err != nil {
		t.Fatal(err)
	}
	const sent = "a-secret-that-a-client-sent-0123456789"
	secrets, modules := map[string]bool{admin: true, sent: true}, []byte{}
	for _, script := range []string{"", "prefix-id", "custom-secret", "log-secret", "id-and-secret"} {
		if script != "" {
			must(t, p.command("script", "push", wasmtest.Path(t, script), "--deploy", "--name=ids", "--replace"))
			wasm, err := os.ReadFile(wasmtest.Path(t, script))
			if err != nil {
				t.Fatal(err)
			}
			modules = append(modules, wasm...)
		}
		p.register(`{"redirect_uris":["https://app.example/cb"],"client_secret":"` + sent +
			`","registration_access_token":"` + sent + `"}`)
		for _, secret := range registerMany(p, 100) {
			secrets[secret] = true
		}
	}
	shown := must(t, p.command("client", "list", "--limit=1000", "--output=json")).out
	before := databaseBytes(t, p.folder) // with the write-ahead log
	if code := p.stop(); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	if len(secrets) < 300 {
		t.Fatalf("only %d secrets to look for", len(secrets))
	}
	for place, content := range map[string][]byte{
		"the log":                                []byte(p.log.String()),
		"the list of clients":                    []byte(shown),
		"the database":                           databaseBytes(t, p.folder),
		"the database and its log, while it ran": before,
	} {
		if len(content) < 1000 {
			t.Errorf("%s has %d bytes", place, len(content))
		}
		for secret := range secrets {
			// The module of a script that has a constant secret is stored in the database.
			known := strings.HasPrefix(place, "the database") && bytes.Contains(modules, []byte(secret))
			if !known && bytes.Contains(content, []byte(secret)) {
				t.Errorf("%s contains a secret", place)
			}
		}
	}
}

// registerMany registers clients, four at a time, and returns their secrets.
func registerMany(p *process, n int) []string {
	p.t.Helper()
	secrets := make([]string, n)
	var clients sync.WaitGroup
	for worker := range 4 {
		clients.Go(func() {
			for i := worker; i < n; i += 4 {
				r := p.register(minimal)
				if r.status != http.StatusCreated || len(r.Secret) < 32 {
					p.t.Errorf("status %d, a secret of %d characters", r.status, len(r.Secret))
				}
				secrets[i] = r.Secret
			}
		})
	}
	clients.Wait()
	return secrets
}

func TestTLS(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir(), servertest.Certificate(t)...)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		ForceAttemptHTTP2: true}}
	response, err := client.Post(p.public+"/register", "application/json", strings.NewReader(minimal))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusCreated || response.ProtoMajor != 2 {
		t.Errorf("status %d by HTTP/%d", response.StatusCode, response.ProtoMajor)
	}
	if !strings.HasPrefix(p.public, "https://") {
		t.Errorf("logged address: got %s, want https", p.public)
	}
}
