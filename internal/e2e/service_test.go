package e2e

import (
	"database/sql"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"registrar/internal/servertest"
	"registrar/internal/wasmtest"
)

// A service is a server that was started as systemd starts one: with a socket for its reports, a watchdog, and a folder
// for its state.
type service struct {
	*process
	reports <-chan string
	state   string
}

// startService starts a server as systemd does.
func startService(t *testing.T, args ...string) *service {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	folder, err := os.MkdirTemp("", "") // the path of a socket is limited to about a hundred bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	address := filepath.Join(folder, "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	reports := make(chan string, 1000)
	go func() {
		b := make([]byte, 4096)
		for {
			n, err := socket.Read(b)
			if err != nil {
				return
			}
			for line := range strings.SplitSeq(string(b[:n]), "\n") {
				reports <- line
			}
		}
	}()

	args = append([]string{"serve", "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0", "--log-format=json"}, args...)
	s := &service{reports: reports, state: t.TempDir()}
	s.process = &process{t: t, cmd: exec.Command(path, args...), exited: make(chan struct{}), log: &buffer{},
		folder: t.TempDir()}
	s.cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+address, "WATCHDOG_USEC=5000000", "STATE_DIRECTORY="+s.state)
	s.cmd.Dir, s.cmd.Stdout, s.cmd.Stderr = s.folder, s.log, s.log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(s.exited)
		_ = s.cmd.Wait() // see ProcessState
	}()
	t.Cleanup(func() { s.cmd.Process.Kill(); <-s.exited })
	return s
}

// awaitReports waits for reports with lines that begin with these, in any order.
func (s *service) awaitReports(lines ...string) {
	s.t.Helper()
	deadline := time.After(patience)
	for len(lines) > 0 {
		select {
		case line := <-s.reports:
			if i := slices.IndexFunc(lines, func(want string) bool { return strings.HasPrefix(line, want) }); i >= 0 {
				lines = slices.Delete(lines, i, i+1)
			}
		case <-deadline:
			s.t.Fatalf("no reports %q:\n%s", lines, s.log)
		}
	}
}

// A server reports to systemd that it listens, that it lives, whether clients can register, and that it stops. Its
// default database is in $STATE_DIRECTORY.
func TestServiceReports(t *testing.T) {
	t.Parallel()
	s := startService(t, "--drain=2s")
	s.awaitReports("READY=1", "STATUS=ready")
	s.awaitListening()
	s.awaitReports("WATCHDOG=1", "WATCHDOG=1")
	if got := s.register(minimal); got.status != http.StatusCreated {
		t.Errorf("registering: got %+v", got)
	}
	for folder, want := range map[string]string{s.state: "registrar.db", s.folder: ""} {
		found, err := filepath.Glob(filepath.Join(folder, "registrar.*"))
		if err != nil || (want != "") != (len(found) > 0) {
			t.Errorf("%s holds %q, %v; want %q", folder, found, err, want)
		}
	}
	if _, err := os.Stat(filepath.Join(s.state, "registrar.token")); err != nil {
		t.Errorf("the admin token: %v", err)
	}
	for range 2 {
		if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		s.awaitReports("RELOADING=1", "MONOTONIC_USEC=", "READY=1")
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.awaitReports("STOPPING=1", "STATUS=stopping", "WATCHDOG=1") // also while it drains
	if code := s.wait(); code != exitDone {
		t.Errorf("exit code %d:\n%s", code, s.log)
	}
}

// Systemd shows why clients cannot register. A server that waits for its database lives.
func TestServiceReportsWhyItIsNotReady(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	s := startService(t, "--database=sqlite:"+filepath.Join(folder, "registrar.db"))
	s.awaitReports("READY=1", "STATUS=ready")
	s.awaitListening()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(folder, "registrar.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	s.awaitReports("STATUS=not ready: the database cannot be written: ", "WATCHDOG=1", "WATCHDOG=1")
	if _, err := db.Exec("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	s.awaitReports("STATUS=ready")
	s.stop()
}

// The unit is one that systemd accepts, and is confined.
func TestUnit(t *testing.T) {
	t.Parallel()
	needs(t, "systemd-analyze")
	program, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile("deploy/registrar.service")
	if err != nil {
		t.Fatal(err)
	}
	// verify wants the program to be there.
	unit := servertest.File(t, "registrar.service", strings.ReplaceAll(string(b), "/usr/local/bin/registrar", program))
	if out, err := exec.Command("systemd-analyze", "verify", "--man=no", unit).CombinedOutput(); err != nil ||
		len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	out, err := exec.Command("systemd-analyze", "security", "--offline=yes", "--threshold=15", unit).CombinedOutput()
	if err != nil {
		t.Errorf("systemd-analyze security: %v\n%s", err, out)
	}
}

// The unit works with real systemd: with the drop-ins of docs/operations.md, a credential that names the database, and
// a watchdog that ends a server that stands still.
func TestUnitRuns(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	work := installable(t, folder)
	drops := 0
	for _, b := range blocksOf(t, "docs/operations.md") {
		name, isFile := strings.CutPrefix(b.code, "# /etc/systemd/system/registrar.service.d/")
		if b.language != "ini" || !isFile {
			continue
		}
		drops++
		name, _, _ = strings.Cut(name, "\n")
		if err := os.WriteFile(filepath.Join(work, name), []byte(b.code), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if drops != 2 {
		t.Errorf("docs/operations.md has %d drop-ins, want that of the database and that of ports", drops)
	}
	said, code := inMachine(t, folder, "set -eu\n"+asService+`trap 'test $? = 0 || journalctl -u registrar --no-pager' EXIT
set -x
printf '[Service]\nWatchdogSec=2s\n' > watchdog.conf
install -D -m 644 -t /etc/systemd/system/registrar.service.d *.conf
echo sqlite:/var/lib/registrar/other.db > /etc/registrar/database-url
chmod 600 /etc/registrar/database-url
echo 'listen: 127.0.0.1:80' >> /etc/registrar/registrar.yaml
systemctl daemon-reload
systemctl start registrar
test -e /var/lib/registrar/other.db
test "$(curl -sS http://127.0.0.1/readyz)" = '{"status":"ready"}'
test -d /var/cache/registrar/registrar-scripts
grep -E '^(NoNewPrivs:.1|CapBnd:.0000000000000400|Seccomp:.2)$' /proc/$(systemctl show -P MainPID registrar)/status
registrar script push prefix-id.wasm --deploy --admin-token-file /var/lib/registrar/registrar.token
systemctl reload registrar
until journalctl -u registrar --no-pager | grep 'there is no certificate to read again'; do sleep 0.1; done
systemctl kill --kill-whom=main -s STOP registrar
set +x
until test "$(systemctl show -P NRestarts registrar)" = 1; do sleep 0.1; done
until test "$(systemctl is-active registrar)" = active; do sleep 0.1; done
set -x
systemctl stop registrar
test "$(systemctl show -P Result registrar)" = success
`)
	if code != exitDone {
		t.Fatalf("exit code %d:\n%s", code, said)
	}
}

// installable returns the folder work beneath a folder, with the program, the unit and a module in it.
func installable(t *testing.T, folder string) (work string) {
	t.Helper()
	program, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	work = filepath.Join(folder, "work")
	if err := os.CopyFS(filepath.Join(work, "deploy"), os.DirFS("deploy")); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{"registrar": program, "prefix-id.wasm": wasmtest.Path(t, "prefix-id")} {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(work, name), b, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return work
}
