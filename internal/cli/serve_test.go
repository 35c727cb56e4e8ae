package cli

import (
	"bytes"
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"registrar/internal/servertest"
)

// On a terminal the server prints a command that registers a client as it stands.
func TestPrintedCommandWorks(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Fatal("there is no curl, which make install installs")
	}
	for name, args := range map[string][]string{
		"plain HTTP":    nil,
		"every address": {"--listen=:0", "--registration=open"},
		"TLS":           servertest.Certificate(t),
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			printed := &servertest.Buffer{}
			ended := make(chan int, 1)
			folder := t.TempDir()
			args := append([]string{"serve", "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0", "--database=sqlite:" + filepath.Join(folder, "registrar.db")}, args...)
			go func() { ended <- run(ctx, args, &console{out: printed, err: printed, terminal: true}) }()
			var command string
			for deadline := time.Now().Add(time.Minute); command == ""; time.Sleep(10 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatalf("no command is printed:\n%s", printed)
				}
				if _, after, _ := strings.Cut(printed.String(), "Try it:\n"); strings.Contains(after, "\n\n") {
					command, _, _ = strings.Cut(after, "\n")
				}
			}
			out, err := exec.Command("sh", "-c", strings.Replace(command, "curl ", "curl -s ", 1)).Output()
			if err != nil || !bytes.Contains(out, []byte(`"client_id"`)) {
				t.Errorf("%s: %v: %s", command, err, out)
			}
			cancel()
			if code := <-ended; code != exitDone {
				t.Errorf("exit code %d:\n%s", code, printed)
			}
		})
	}
}
