package e2e

import (
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"registrar/store/storetest"
)

// starting runs serve, as start does, but does not wait until it listens.
func starting(t *testing.T, args ...string) *process {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	args = append([]string{"serve", "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0", "--log-format=json"}, args...)
	p := &process{t: t, cmd: exec.Command(path, args...), exited: make(chan struct{}), log: &buffer{},
		folder: t.TempDir()}
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = p.folder, p.log, p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.exited)
		_ = p.cmd.Wait() // see ProcessState
	}()
	t.Cleanup(func() { p.cmd.Process.Kill(); <-p.exited })
	return p
}

// A server that starts before its database waits for it.
func TestStartBeforeTheDatabase(t *testing.T) {
	t.Parallel()
	server := storetest.NewServer(t)
	database := "--database=mysql:" + server.Database(t)
	waiting := func(p *process) {
		t.Helper()
		eventually(t, "it waits", func() bool { return p.logged("waiting for the database") != nil })
	}
	server.Kill()
	p := starting(t, database, "--startup-timeout=5m")
	waiting(p)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	p.awaitListening()
	if got := p.register(minimal); got.status != http.StatusCreated {
		t.Errorf("registering: got %+v", got)
	}
	p.stop()

	stopped(t, server.PID(), func() { // it accepts connections, and does not answer
		p = starting(t, database, "--startup-timeout=5m")
		waiting(p)
	})
	p.awaitListening()
	p.stop()

	server.Kill()
	p = starting(t, database, "--startup-timeout=5m")
	waiting(p)
	if code := p.stop(); code != exitDone {
		t.Errorf("a signal while it waits: exit code %d:\n%s", code, p.log)
	}
	began := time.Now()
	if code := starting(t, database, "--startup-timeout=1s").wait(); code != exitFailed ||
		time.Since(began) < time.Second {
		t.Errorf("after the timeout: exit code %d after %v", code, time.Since(began))
	}
	if r := runCheck(t, p.folder, database); r.code != exitFailed {
		t.Errorf("check: exit code %d: %s", r.code, r.err)
	}
}

// A server whose SQLite file another process has locked waits for it too.
func TestStartWithALockedFile(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	p := start(t, folder)
	before := p.register(minimal)
	p.stop()
	// The schema is not the latest, so that the start has to write.
	must(t, runBinary(t, folder, "migrate", "--to=2", "--yes"))
	unlock := lockFile(t, filepath.Join(folder, "registrar.db"))
	p = starting(t, "--database=sqlite:"+filepath.Join(folder, "registrar.db"), "--startup-timeout=5m")
	eventually(t, "it waits", func() bool { return p.logged("waiting for the database") != nil })
	unlock()
	p.awaitListening()
	if got := p.register(minimal); got.status != http.StatusCreated || got.ClientID == before.ClientID {
		t.Errorf("registering: got %+v", got)
	}
}

// What waiting does not mend ends the start at once.
func TestStartWithoutWaiting(t *testing.T) {
	t.Parallel()
	dsn := storetest.MySQL(t)
	for name, database := range map[string]string{
		"a wrong password":   "mysql:" + strings.Replace(dsn, "root@", "stranger:secret@", 1),
		"a missing database": "mysql:" + strings.Replace(dsn, "/registrar_test", "/none", 1),
		"a missing folder":   "sqlite:none/registrar.db",
	} {
		p := starting(t, "--database="+database, "--startup-timeout=5m")
		if code := p.wait(); code != exitFailed || p.logged("waiting for the database") != nil {
			t.Errorf("%s: exit code %d:\n%s", name, code, p.log)
		}
	}
}

func TestUnavailableDatabase(t *testing.T) {
	t.Parallel()
	const database = "--database=mysql:user:hidden-password@tcp(127.0.0.1:1)/registrar"
	for _, command := range [][]string{{"serve", "--startup-timeout=1s"},
		{"check", "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0"}, {"migrate"}} {
		r := runBinary(t, t.TempDir(), append(command, database)...)
		if r.code != exitFailed || !strings.Contains(r.err, "127.0.0.1:1") ||
			strings.Contains(r.err+r.out, "hidden-password") {
			t.Errorf("%s: exit code %d: %s", command, r.code, r.err)
		}
	}
}
