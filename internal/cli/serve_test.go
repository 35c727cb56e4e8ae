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

// The log has the warnings about the discovery document before the server listens.
func TestServeLogsDiscoveryWarnings(t *testing.T) {
	document := servertest.File(t, "d.json", `{"issuer":"http://localhost:8080"}`)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	log := &servertest.Buffer{}
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"serve", "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0",
			"--discovery-document=" + document, "--database=sqlite:" + filepath.Join(t.TempDir(), "registrar.db")},
			&console{out: log, err: log})
	}()
	for deadline := time.Now().Add(time.Minute); !strings.Contains(log.String(), "msg=listening"); {
		if time.Now().After(deadline) {
			t.Fatalf("the server does not listen:\n%s", log)
		}
		time.Sleep(10 * time.Millisecond)
	}
	cancel()
	if code := <-ended; code != exitDone {
		t.Errorf("exit code %d", code)
	}
	before, _, _ := strings.Cut(log.String(), "msg=listening")
	if strings.Count(before, "the discovery document turns clients away") != 2 ||
		!strings.Contains(before, "level=WARN") || !strings.Contains(before,
		"code_challenge_methods_supported is missing") {
		t.Errorf("want two warnings in\n%s", log)
	}
}

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
