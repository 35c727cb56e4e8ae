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

// On a terminal the server prints a command that registers a client.
func TestPrintedCommandWorks(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Fatal("curl not found; make install installs it")
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
			command := append([]string{"serve", "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0",
				"--database=sqlite:" + filepath.Join(folder, "registrar.db")}, args...)
			go func() { ended <- run(ctx, command, &console{out: printed, err: printed, terminal: true}) }()
			var curl string
			for deadline := time.Now().Add(time.Minute); curl == ""; time.Sleep(10 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatalf("no command printed:\n%s", printed)
				}
				if _, after, _ := strings.Cut(printed.String(), "Try it:\n"); strings.Contains(after, "\n\n") {
					curl, _, _ = strings.Cut(after, "\n")
				}
			}
			out, err := exec.Command("sh", "-c", strings.Replace(curl, "curl ", "curl -s ", 1)).Output()
			if err != nil || !bytes.Contains(out, []byte(`"client_id"`)) {
				t.Errorf("%s: %v: %s", curl, err, out)
			}
			cancel()
			if code := <-ended; code != exitDone {
				t.Errorf("exit code %d:\n%s", code, printed)
			}
		})
	}
}
