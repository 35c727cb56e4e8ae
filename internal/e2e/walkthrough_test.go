package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The walkthrough of the documentation works, word for word; but for the ports, which somebody else may have.
func TestWalkthrough(t *testing.T) {
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join("docs", "walkthrough.md"))
	if err != nil {
		t.Fatal(err)
	}
	public, admin := freePort(t), freePort(t)
	script := "set -eux -o pipefail\n" + strings.ReplaceAll(shellOf(t, string(text)), "127.0.0.1:8080", public)

	bin := t.TempDir() // where the program is called as its users call it
	if err := os.Symlink(path, filepath.Join(bin, "registrar")); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	out, err := os.Create(filepath.Join(folder, "output")) // a file: the server, too, holds it
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	shell := exec.CommandContext(t.Context(), "bash", "-c", script)
	shell.Dir, shell.Stdout, shell.Stderr = folder, out, out
	shell.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "REGISTRAR_LISTEN="+public, "REGISTRAR_ADMIN_LISTEN="+admin,
		"REGISTRAR_SERVER=http://"+admin, "REGISTRAR_URL=http://"+public+"/healthz")
	shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that the server ends with it
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	err = shell.Wait()
	_ = syscall.Kill(-shell.Process.Pid, syscall.SIGKILL)
	said, _ := os.ReadFile(out.Name())
	if err != nil {
		t.Fatalf("%v:\n%s", err, said)
	}
	for _, want := range []string{"3 passed, 0 failed", "invalid_redirect_uri", "deployment 3 is in force"} {
		if !strings.Contains(string(said), want) {
			t.Errorf("it does not say %q:\n%s", want, said)
		}
	}
}

// shellOf returns the shell blocks of a Markdown text, one after the other.
func shellOf(t *testing.T, text string) string {
	t.Helper()
	var shell strings.Builder
	for i, block := range strings.Split(text, "\n```") {
		if code, ok := strings.CutPrefix(block, "sh\n"); ok && i%2 == 1 {
			shell.WriteString(code + "\n")
		}
	}
	if shell.Len() == 0 {
		t.Fatal("there is no shell block")
	}
	return shell.String()
}

// freePort returns an address of this machine that nobody has yet.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return fmt.Sprint(l.Addr())
}
