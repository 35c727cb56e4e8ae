package e2e

import (
	"database/sql"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"registrar/internal/servertest"
	"registrar/internal/wasmtest"
	"registrar/store/storetest"
)

// A readiness is the answer of /readyz.
type readiness struct {
	status  int
	Status  string   `json:"status"`
	Reasons []string `json:"reasons"`
}

// ready asks a listener whether the server is ready. It fails the test if that takes a second.
func (p *process) ready(base string) (r readiness) {
	p.t.Helper()
	began := time.Now()
	response, err := http.Get(base + "/readyz")
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if took := time.Since(began); err != nil || took > time.Second {
		p.t.Errorf("/readyz answered after %v, %v", took, err)
	}
	if err := json.Unmarshal(b, &r); err != nil {
		p.t.Fatalf("%v: %s", err, b)
	}
	r.status = response.StatusCode
	return r
}

// wantUnready waits until a server is not ready on both listeners for a reason that says text. How long it took is only
// logged, since other tests keep the machine busy.
func (p *process) wantUnready(text string) {
	p.t.Helper()
	began := time.Now()
	for {
		admin, public := p.ready(p.admin), p.ready(p.public)
		says := slices.ContainsFunc(admin.Reasons, func(r string) bool { return strings.Contains(r, text) })
		if admin.status == 503 && public.status == 503 && says {
			if public.Reasons != nil {
				p.t.Errorf("got the reasons %q in public", public.Reasons)
			}
			p.t.Logf("not ready after %v: %q", time.Since(began), admin.Reasons)
			return
		}
		if time.Since(began) > patience {
			p.t.Fatalf("after %v: got %+v and %+v, want 503 and %q", patience, admin, public, text)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// wantReady waits until a server is ready on both listeners.
func (p *process) wantReady() {
	p.t.Helper()
	eventually(p.t, "ready", func() bool { return p.ready(p.admin).status == 200 && p.ready(p.public).status == 200 })
}

// A server is not ready while a MySQL database is read-only or locked, hangs or is gone, and is ready again afterwards.
func TestReadinessOfMySQL(t *testing.T) {
	t.Parallel()
	server := storetest.NewServer(t)
	dsn := server.Database(t)
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1) // FLUSH TABLES WITH READ LOCK is of its connection
	exec := func(query string) {
		t.Helper()
		if _, err := db.Exec(query); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	// An administrator may write to a server that is read-only.
	name := dsn[strings.LastIndex(dsn, "/")+1:]
	name, _, _ = strings.Cut(name, "?")
	exec("CREATE USER app@localhost IDENTIFIED BY 'secret'")
	exec("GRANT ALL ON " + name + ".* TO app@localhost")
	p := start(t, t.TempDir(), "--database=mysql:"+strings.Replace(dsn, "root@", "app:secret@", 1))
	p.wantReady()

	exec("SET GLOBAL read_only = 1")
	p.wantUnready("the database cannot be written: ")
	if got := p.register(minimal); got.status != http.StatusServiceUnavailable {
		t.Errorf("registering: got %+v", got)
	}
	exec("SET GLOBAL read_only = 0")
	p.wantReady()

	exec("FLUSH TABLES WITH READ LOCK")
	p.wantUnready("the database cannot be written: it does not answer")
	exec("UNLOCK TABLES")
	p.wantReady()

	stopped(t, server.PID(), func() { p.wantUnready("the database cannot be written: it does not answer") })
	p.wantReady()

	server.Kill()
	p.wantUnready("the database cannot be written: ")
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	p.wantReady()
	if got := p.register(minimal); got.status != http.StatusCreated {
		t.Errorf("registering: got %+v", got)
	}
	if p.logged("not ready") == nil || p.logged("ready again") == nil {
		t.Errorf("the log does not tell:\n%s", p.log)
	}
}

// A server is not ready while another process has locked a SQLite file.
func TestReadinessOfALockedFile(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	p.wantReady()
	unlock := lockFile(t, filepath.Join(p.folder, "registrar.db"))
	p.wantUnready("the database cannot be written: ")
	unlock()
	p.wantReady()
}

// A server is not ready while the disk of a SQLite file is full or read-only.
func TestReadinessOfAFullDisk(t *testing.T) {
	t.Parallel()
	disk := mountDisk(t, "size=8m")
	p := start(t, disk, "--script-cache="+filepath.Join(t.TempDir(), "cache"))
	p.wantReady()
	ballast := filepath.Join(disk, "ballast")
	fill(t, ballast)
	p.wantUnready("the database cannot be written: ")
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	p.wantReady()
	if got := p.register(minimal); got.status != http.StatusCreated {
		t.Errorf("registering: got %+v", got)
	}
}

// fill writes a file until its disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, size := range []int{1 << 16, 1} {
		for block := make([]byte, size); err == nil; {
			_, err = f.Write(block)
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
		err = nil
	}
}

func TestHealthAndReadiness(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	for _, url := range []string{p.public + "/healthz", p.admin + "/healthz"} {
		must(t, runBinary(t, p.folder, "health", "--url", url))
	}
	must(t, runBinary(t, p.folder, "health", "--url", p.admin+"/readyz"))
	if r := runBinary(t, p.folder, "health", "--url", p.public+"/nowhere"); r.code != exitFailed {
		t.Errorf("a 404 is healthy: exit code %d", r.code)
	}
	p.stop()
	if r := runBinary(t, p.folder, "health", "--url", p.public+"/healthz"); r.code != exitFailed {
		t.Errorf("a stopped server is healthy: exit code %d", r.code)
	}
}

// While the deployment in force is not loaded no client can register, since its scripts may be policies.
func TestDeploymentThatDoesNotLoad(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	p := start(t, folder)
	must(t, p.command("script", "push", wasmtest.Path(t, "wrap-id"), "--deploy"))
	p.stop()

	p = start(t, folder, "--script-memory=64KiB") // half of the module's initial memory
	if got := p.register(minimal); got.status != http.StatusServiceUnavailable {
		t.Errorf("registering: status %d", got.status)
	}
	if status := p.status(p.admin + "/readyz"); status != http.StatusServiceUnavailable {
		t.Errorf("/readyz: status %d", status)
	}
	if status := p.status(p.public + "/healthz"); status != http.StatusOK {
		t.Errorf("/healthz: status %d", status)
	}
	if p.logged("loading the deployment in force") == nil {
		t.Errorf("the log does not have the reason:\n%s", p.log)
	}
	if r := runCheck(t, folder, "--script-memory=64KiB"); r.code != exitFailed ||
		!strings.Contains(r.err, "wrap-id") {
		t.Errorf("check: exit code %d: %s", r.code, r.err)
	}
	// A deployment that loads makes the server ready.
	must(t, p.command("script", "deploy", servertest.File(t, "none.json", `{"scripts":[]}`)))
	if got := p.register(minimal); got.status != http.StatusCreated {
		t.Errorf("after another deployment: status %d", got.status)
	}
	if status := p.status(p.admin + "/readyz"); status != http.StatusOK {
		t.Errorf("/readyz after another deployment: status %d", status)
	}
}
