package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"registrar/internal/servertest"
	"registrar/store/storetest"
)

// The database's URL in a file, named by a flag, a variable or a member, for every command that reaches the database.
func TestDatabaseURLInAFile(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := servertest.File(t, "url", "mysql:"+storetest.MySQL(t)+"\n")
	must(t, runBinary(t, folder, "migrate", "--database-url-file", file))
	config := servertest.File(t, "registrar.yaml", "database-url-file: "+file+"\n")
	must(t, runBinary(t, folder, "check", "--config", config))
	p := start(t, folder, "--database-url-file="+file, "--no-migrate")
	if got := p.register(minimal); got.ClientID == "" {
		t.Errorf("registering: got %+v", got)
	}
	p.stop()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	check := exec.Command(path, "check", "--no-migrate")
	check.Dir, check.Env = folder, append(os.Environ(), "REGISTRAR_DATABASE_FILE="+file)
	if out, err := check.CombinedOutput(); err != nil || !strings.Contains(string(out), "mysql:") {
		t.Errorf("check: %v\n%s", err, out)
	}
	check = exec.Command(path, "serve", "--database=sqlite:registrar.db")
	check.Dir, check.Env = folder, append(os.Environ(), "REGISTRAR_DATABASE_FILE="+file)
	if out, _ := check.CombinedOutput(); check.ProcessState.ExitCode() != exitUsage ||
		!strings.Contains(string(out), "--database and REGISTRAR_DATABASE_FILE exclude each other") {
		t.Errorf("serve with two databases: exit code %d\n%s", check.ProcessState.ExitCode(), out)
	}

	// The authority reaches the store, which refuses it for a socket.
	authority := "--database-ca=" + servertest.File(t, "ca.pem", servertest.NewAuthority(t).PEM)
	for _, command := range []string{"serve", "check", "migrate"} {
		r := runBinary(t, folder, command, "--database-url-file", file, authority)
		if r.code != exitFailed || !strings.Contains(r.err, "a unix socket has none") {
			t.Errorf("%s %s: exit code %d: %s", command, authority, r.code, r.err)
		}
	}
}

// A token that every user may read is refused by the commands, by the server that made it, and by check.
func TestTokenFileThatOthersMayRead(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	must(t, p.command("client", "list"))
	path := filepath.Join(p.folder, "registrar.token")
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	wantRefused := func(r result, code int) {
		t.Helper()
		const why = "registrar.token: every user of this machine may read or change it (mode 0644): chmod o= "
		if r.code != code || !strings.Contains(r.err, why) {
			t.Errorf("exit code %d, want %d: %s", r.code, code, r.err)
		}
	}
	wantRefused(p.command("client", "list"), exitFailed)
	wantRefused(p.command("client", "list", "--admin-token-file", path), exitFailed)
	p.stop()
	wantRefused(runBinary(t, p.folder, "serve", "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0"), exitFailed)
	wantRefused(runBinary(t, p.folder, "serve", "--admin-token-file", path), exitUsage)
	wantRefused(runBinary(t, p.folder, "check"), exitFailed)
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	must(t, start(t, p.folder).command("client", "list"))
}
