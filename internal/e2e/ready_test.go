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

// wantUnready waits until a server is not ready on both listeners for a reason that says text, which it is within limit.
func (p *process) wantUnready(limit time.Duration, text string) {
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
		if time.Since(began) > limit {
			p.t.Fatalf("after %v: got %+v and %+v, want 503 and %q", limit, admin, public, text)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// wantReady waits until a server is ready on both listeners.
func (p *process) wantReady() {
	p.t.Helper()
	eventually(p.t, "ready", func() bool { return p.ready(p.admin).status == 200 && p.ready(p.public).status == 200 })
}

// unreadyLimit is how long it takes until /readyz answers 503. A machine that is busy with other tests may take longer.
const unreadyLimit = 3*time.Second + 2*time.Second

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
	p.wantUnready(unreadyLimit, "the database cannot be written: ")
	if got := p.register(minimal); got.status != http.StatusServiceUnavailable {
		t.Errorf("registering: got %+v", got)
	}
	exec("SET GLOBAL read_only = 0")
	p.wantReady()

	exec("FLUSH TABLES WITH READ LOCK")
	p.wantUnready(unreadyLimit, "the database cannot be written: it does not answer")
	exec("UNLOCK TABLES")
	p.wantReady()

	stopped(t, server.PID(), func() { p.wantUnready(unreadyLimit, "the database cannot be written: it does not answer") })
	p.wantReady()

	server.Kill()
	p.wantUnready(unreadyLimit, "the database cannot be written: ")
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
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(p.folder, "registrar.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	p.wantUnready(unreadyLimit, "the database cannot be written: ")
	if _, err := db.Exec("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	p.wantReady()
}

// A server is not ready while the disk of a SQLite file is full or read-only.
func TestReadinessOfAFullDisk(t *testing.T) {
	t.Parallel()
	disk := t.TempDir()
	if err := syscall.Mount("none", disk, "tmpfs", 0, "size=8m"); err != nil {
		t.Skip("this user may not mount file systems: ", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) })
	p := start(t, disk, "--rate-limit=0", "--script-cache="+filepath.Join(t.TempDir(), "cache"))
	p.wantReady()
	ballast := filepath.Join(disk, "ballast")
	fill(t, ballast)
	p.wantUnready(unreadyLimit, "the database cannot be written: ")
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
