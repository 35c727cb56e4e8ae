package cli

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"registrar/engine"
	"registrar/internal/fetch"
	"registrar/internal/servertest"
	"registrar/server"
)

// caOf returns a file with the certificate of a server.
func caOf(t *testing.T, s *httptest.Server) string {
	t.Helper()
	return servertest.File(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE",
		Bytes: s.Certificate().Raw})))
}

func TestFetchFlagsRefuse(t *testing.T) {
	for _, tt := range []struct{ name, args, want string }{
		{"loopback documents of a public server", "--allow-loopback-documents",
			"clients reach this server at https://register.example/: --public-url must be on loopback"},
		{"a large document", "--document-size=65KiB", "--document-size 66560: must be at most 64KiB"},
		{"a missing authority", "--document-ca=/nowhere", "--document-ca: open /nowhere"},
		{"an authority that is none", "--document-ca=" + servertest.File(t, "ca.pem", "x"), "--document-ca"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := documentsOf(t, strings.Fields(tt.args)...)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q in it", err, tt.want)
			}
		})
	}
	for value, want := range map[string]string{"5m": "not a range", "": "not a range", "x..1h": "not a duration",
		"5m..x": "not a duration", "2h..1h": "not above the second", "-1s..1h": "0 or more", "0s..0s": "1s to 365d",
		"5m..366d": "1s to 365d"} {
		if _, err := parse(t, "serve", "--document-cache="+value); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("--document-cache=%s: got %v, want %q", value, err, want)
		}
	}
}

// The flags bound documents, and in development let them come from this machine.
func TestFetchFlags(t *testing.T) {
	const size = 2 << 10
	host := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "max-age=31536000")
		switch r.URL.Path {
		case "/large":
			io.WriteString(w, strings.Repeat(" ", size+1))
		case "/short":
			w.Header().Set("Cache-Control", "max-age=1")
		}
		io.WriteString(w, "{}")
	}))
	defer host.Close()
	commands, err := parse(t, "serve", "--metadata-documents", "--allow-loopback-documents", "--document-size=2KiB",
		"--document-cache=1m..1h", "--document-ca="+caOf(t, host))
	if err != nil {
		t.Fatal(err)
	}
	c, err := commands.Serve.parse(slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for path, want := range map[string]time.Duration{"/": time.Hour, "/short": time.Minute} {
		r, err := c.Server.FetchDocument(t.Context(), host.URL+path, fetch.Conditions{})
		if err != nil {
			t.Fatal(err)
		}
		if least, most := began.Add(want-time.Second), time.Now().Add(want); r.FreshUntil.Before(least) ||
			r.FreshUntil.After(most) {
			t.Errorf("%s is fresh until %v, want %v from now", path, r.FreshUntil, want)
		}
	}
	_, err = c.Server.FetchDocument(t.Context(), host.URL+"/large", fetch.Conditions{})
	if err == nil || !strings.Contains(err.Error(), "more than 2048 bytes") {
		t.Errorf("a large document: got %v", err)
	}
	// Other documents of clients have 64 KiB, whatever --document-size says.
	if document, err := c.Engine.Fetch(t.Context(), host.URL+"/large"); err != nil || len(document) != size+3 {
		t.Errorf("a large list: got %d bytes, %v", len(document), err)
	}
}

// By default documents have 5 KiB, and come neither from this machine nor from hosts of other authorities.
func TestFetchFlagsByDefault(t *testing.T) {
	commands, err := parse(t, "serve")
	if err != nil {
		t.Fatal(err)
	}
	f := commands.Serve.fetchFlags
	if f.DocumentSize != 5<<10 || f.DocumentCache != (documentCache{5 * time.Minute, 24 * time.Hour}) ||
		f.warnings() != nil {
		t.Errorf("got %+v", f)
	}
	if roots, err := f.roots(); roots != nil || err != nil {
		t.Errorf("got %v, %v, want the system's authorities", roots, err)
	}
}

// The system's authorities stay trusted beside that of --document-ca.
func TestDocumentCAIsOneMore(t *testing.T) {
	host := httptest.NewTLSServer(http.NotFoundHandler())
	defer host.Close()
	f := fetchFlags{DocumentCA: caOf(t, host)}
	roots, err := f.roots()
	if err != nil {
		t.Fatal(err)
	}
	want, err := x509.SystemCertPool()
	if err != nil {
		t.Fatal(err)
	}
	want.AddCert(host.Certificate())
	if !roots.Equal(want) {
		t.Error("the pool is not that of the system with one more authority")
	}
}

// The first log line and check warn of what is for development.
func TestFetchFlagsAreWarnedOf(t *testing.T) {
	host := httptest.NewTLSServer(http.NotFoundHandler())
	defer host.Close()
	ca := caOf(t, host)
	commands, err := parse(t, "check", "--allow-loopback-documents", "--document-ca="+ca)
	if err != nil {
		t.Fatal(err)
	}
	warnings := commands.Check.fetchFlags.warnings()
	var log strings.Builder
	logger := slog.New(slog.NewTextHandler(&log, nil))
	logStart(t.Context(), logger, server.RegistrationToken, warnings)
	if s := log.String(); !strings.Contains(s, "level=WARN") ||
		!strings.Contains(s, `allow_loopback_documents="is for`) ||
		!strings.Contains(s, `document_ca="`+ca) {
		t.Errorf("got %s", s)
	}
	log.Reset()
	logStart(t.Context(), logger, server.RegistrationToken, nil)
	if s := log.String(); !strings.Contains(s, "level=INFO") {
		t.Errorf("without warnings: got %s", s)
	}
	config, err := commands.Check.parse(slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	r := &checkReport{}
	commands.Check.describe(r, config)
	commands.Check.locality(r, config)
	var about []string
	for _, f := range r.Findings {
		if f.Code == codeDocuments && f.Severity == severityWarning && strings.HasPrefix(f.Text, f.About+" ") {
			about = append(about, f.About)
		}
	}
	if got := strings.Join(about, " "); got != "--allow-loopback-documents --document-ca" {
		t.Errorf("check warns of %q", got)
	}
}

// What is not the client's fault is no refusal.
func TestUnavailable(t *testing.T) {
	busy := fetch.NewBudget(fetch.Limits{Rate: 1e-9, Burst: 1})
	f := fetch.New(fetch.Config{Budget: busy, Logger: slog.New(slog.DiscardHandler)})
	get := unavailable(f.Fetch)
	if _, err := get(t.Context(), "https://127.0.0.1/"); err == nil || errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("a private address: got %v", err)
	}
	if _, err := get(t.Context(), "https://127.0.0.1/"); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("a budget that is spent: got %v", err)
	}
}
