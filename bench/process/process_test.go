package process_test

import (
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"registrar/bench/load"
	"registrar/bench/process"
)

func TestRegistrarRuns(t *testing.T) {
	folder := t.TempDir()
	program, err := process.Build(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	p, err := process.Registrar(t.Context(), process.Options{Program: program, Folder: folder,
		Database: "sqlite:registrar.db", Args: []string{"--request-timeout=1m"}})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(p.URL, "http://127.0.0.1:") || !strings.HasPrefix(p.AdminURL, "http://127.0.0.1:") ||
		p.URL == p.AdminURL || p.Token == "" {
		t.Errorf("got %q, %q", p.URL, p.AdminURL)
	}
	if _, err := load.Run(t.Context(), load.Target{Name: "registrar", URL: p.URL + "/register"}, 2,
		200*time.Millisecond); err != nil {
		t.Error(err)
	}
	now, peak, err := p.RSS()
	if err != nil || now <= 1<<20 || peak < now {
		t.Errorf("memory: got %d, peak %d, %v", now, peak, err)
	}
	if cpu, err := p.CPU(); err != nil || cpu <= 0 {
		t.Errorf("processor time: got %v, %v", cpu, err)
	}
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
	if err := p.Stop(); err == nil {
		t.Error("stopping again: got no error, want one")
	}
}

func TestErrorOfStartHasTheLog(t *testing.T) {
	_, err := process.Start(t.Context(), exec.Command("sh", "-c", "echo no luck; exit 3"),
		filepath.Join(t.TempDir(), "log"))
	if err == nil || !strings.Contains(err.Error(), "no luck") || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("got %v", err)
	}
}

func TestStartAtAwaitsTheAnswer(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := asked.Add(1); n < 3 || r.URL.Path != "/ready" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	p, err := process.StartAt(t.Context(), exec.Command("sleep", "600"), filepath.Join(t.TempDir(), "log"), server.URL,
		"/ready")
	if err != nil {
		t.Fatal(err)
	}
	if p.URL != server.URL || asked.Load() != 3 {
		t.Errorf("got %q after %d requests, want %q after 3", p.URL, asked.Load(), server.URL)
	}
	if err := p.Stop(); err == nil {
		t.Error("got no error of a program that SIGTERM kills, want one")
	}
}
