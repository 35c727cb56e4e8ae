package e2e

import (
	"bytes"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-sql-driver/mysql"

	"registrar/internal/wasmtest"
	"registrar/server/adminapi"
	"registrar/store/storetest"
	"registrar/store/storetest/mariadb"
)

// A backedUp is a client with what it keeps of its registration.
type backedUp struct {
	managed
	Secret string `json:"client_secret"`
}

// registerAll registers clients until stop is closed, and returns a function that returns those that were acknowledged
// so far.
func registerAll(t *testing.T, p *process, stop <-chan struct{},
	done *sync.WaitGroup) (acknowledged func() []backedUp) {
	var mu sync.Mutex
	var clients []backedUp
	for range 4 {
		done.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				response, err := http.Post(p.public+"/register", "application/json", strings.NewReader(minimal))
				if err != nil {
					t.Error(err)
					return
				}
				var c backedUp
				err = json.UnmarshalRead(response.Body, &c)
				response.Body.Close()
				if err != nil || response.StatusCode != http.StatusCreated {
					t.Errorf("registering: %d, %v", response.StatusCode, err)
					return
				}
				mu.Lock()
				clients = append(clients, c)
				mu.Unlock()
			}
		})
	}
	return func() []backedUp {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(clients)
	}
}

// documented returns the line of a page's blocks that begins with command, with replacements.
func documented(t *testing.T, page, command string, replacements ...string) string {
	t.Helper()
	var found []string
	for _, b := range blocksOf(t, page) {
		for line := range strings.Lines(b.code) {
			if line = strings.TrimPrefix(strings.TrimSpace(line), "$ "); strings.HasPrefix(line, command) {
				found = append(found, line)
			}
		}
	}
	if len(found) != 1 {
		t.Fatalf("%s has the lines %q, want one that begins with %q", page, found, command)
	}
	return strings.NewReplacer(replacements...).Replace(found[0])
}

// shell runs a command of a page in a folder.
func shell(t *testing.T, folder, command string) {
	t.Helper()
	cmd := exec.Command("sh", "-ec", command)
	cmd.Dir = folder
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
}

// checkBackup takes a backup while clients register. backUp does so, and restore brings it into an empty database,
// whose flag it returns.
func checkBackup(t *testing.T, flag string, backUp func(p *process), restore func(folder string) (flag string)) {
	t.Helper()
	p := start(t, t.TempDir(), flag, "--rate-limit=0")
	must(t, p.command("script", "push", wasmtest.Path(t, "prefix-id"), "--deploy"))
	stop := make(chan struct{})
	var registering sync.WaitGroup
	acknowledged := registerAll(t, p, stop, &registering)
	end := sync.OnceFunc(func() { close(stop); registering.Wait() })
	defer end()
	eventually(t, "clients register", func() bool { return len(acknowledged()) >= 100 })
	before := acknowledged()
	backUp(p)
	eventually(t, "clients register afterwards", func() bool { return len(acknowledged()) >= len(before)+20 })
	end()
	p.stop()

	folder := t.TempDir()
	flag = restore(folder)
	token, err := os.ReadFile(filepath.Join(p.folder, "registrar.token"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "registrar.token"), token, 0o600); err != nil {
		t.Fatal(err)
	}
	q := start(t, folder, flag, "--rate-limit=0")
	for i, c := range before {
		if c.p = q; c.want(http.MethodGet, "", http.StatusOK)["client_id"] != c.ID {
			t.Fatalf("%s got another client", c.ID)
		}
		if i%10 == 0 && !q.verifies(strings.TrimSpace(string(token)), c) {
			t.Errorf("the secret of %s is not valid", c.ID)
		}
	}
	if list := answer[adminapi.Deployments](t, q, "script", "deployments"); len(list.Deployments) != 1 {
		t.Errorf("the deployments are %+v", list)
	}
	if id := q.register(minimal).ClientID; !strings.HasPrefix(id, "acme-") {
		t.Errorf("a new client has the ID %q: the deployment is not in force", id)
	}
	q.stop()
}

// verifies asks the admin API whether a client's secret is valid.
func (p *process) verifies(token string, c backedUp) bool {
	p.t.Helper()
	request, err := http.NewRequest(http.MethodPost, p.admin+"/admin/v1/clients/"+url.PathEscape(c.ID)+"/verify-secret",
		strings.NewReader(`{"client_secret":"`+c.Secret+`"}`))
	if err != nil {
		p.t.Fatal(err)
	}
	request.Header = http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + token}}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	var verdict struct {
		Valid bool `json:"valid"`
	}
	if err := json.UnmarshalRead(response.Body, &verdict); err != nil || response.StatusCode != http.StatusOK {
		p.t.Fatalf("verifying a secret: %d, %v", response.StatusCode, err)
	}
	return verdict.Valid
}

// A backup of SQLite that is taken while clients register holds every client that was acknowledged before.
func TestBackupOfSQLite(t *testing.T) {
	t.Parallel()
	needs(t, "sqlite3")
	backup := filepath.Join(t.TempDir(), "backup.db")
	checkBackup(t, "--database=sqlite:registrar.db", func(p *process) {
		shell(t, p.folder, documented(t, "docs/operations.md", "sqlite3 ",
			"/var/lib/registrar/registrar.db", "registrar.db", "/var/backups/registrar.db", backup))
	}, func(folder string) string {
		shell(t, folder, documented(t, "docs/operations.md", "cp /var/backups",
			"/var/backups/registrar.db", backup, "/var/lib/registrar/registrar.db", "registrar.db"))
		return "--database=sqlite:registrar.db"
	})
}

// The same for MariaDB.
func TestBackupOfMariaDB(t *testing.T) {
	t.Parallel()
	needs(t, "mariadb-dump", "mariadb")
	first, second := storetest.On(t, mariadb.MariaDB), storetest.On(t, mariadb.MariaDB)
	backup := filepath.Join(t.TempDir(), "registrar.sql")
	command := func(name, dsn string) string {
		cfg, err := mysql.ParseDSN(dsn)
		if err != nil {
			t.Fatal(err)
		}
		return documented(t, "docs/databases.md", name, "--host db --user registrar --password registrar",
			"--socket "+cfg.Addr+" --user "+cfg.User+" "+cfg.DBName, "registrar.sql", backup)
	}
	checkBackup(t, "--database=mysql:"+first, func(p *process) {
		shell(t, p.folder, command("mariadb-dump ", first))
		b, err := os.ReadFile(backup)
		if err != nil || !bytes.Contains(b, []byte("-- Dump completed")) {
			t.Errorf("the dump is not complete: %v", err)
		}
	}, func(folder string) string {
		shell(t, folder, command("mariadb ", second))
		return "--database=mysql:" + second
	})
}
