package fetch

import (
	"cmp"
	"compress/gzip"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
)

// A host is an https server on loopback that counts what reaches it.
type host struct {
	*httptest.Server
	requests atomic.Int64
}

func newHost(t *testing.T, handler http.HandlerFunc) *host {
	h := &host{}
	h.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.requests.Add(1)
		handler(w, r)
	}))
	h.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	h.StartTLS()
	t.Cleanup(h.Close)
	return h
}

func (h *host) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(h.Certificate())
	return pool
}

func document(contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		io.WriteString(w, body)
	}
}

// answer answers with a good document, but another status.
func answer(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	io.WriteString(w, `{}`)
}

// compressed answers with a document in gzip.
func compressed(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		io.WriteString(z, body)
		z.Close()
	}
}

func newFetcher(c Config) *Fetcher {
	c.Logger = slog.New(slog.DiscardHandler)
	c.Timeout = cmp.Or(c.Timeout, time.Minute) // the machine may be slow
	return New(c)
}

// wantReason checks that err is an *Error whose reason contains words.
func wantReason(t *testing.T, err error, words string) {
	t.Helper()
	shown, ok := errors.AsType[*Error](err)
	if !ok || !strings.Contains(shown.Reason, words) {
		t.Errorf("got %v, want an *Error with %q", err, words)
	}
}

func TestFetch(t *testing.T) {
	for _, contentType := range []string{"application/json", "application/json; charset=utf-8", "Application/JSON",
		"application/jwk-set+json"} {
		h := newHost(t, document(contentType, `{"a":1}`))
		got, err := newFetcher(Config{AllowPrivate: true, RootCAs: h.roots()}).Fetch(t.Context(), h.URL+"/d?a=b")
		if err != nil || string(got) != `{"a":1}` {
			t.Errorf("%s: got %s, %v", contentType, got, err)
		}
	}
}

// A document may have as many bytes as are allowed, compressed or not.
func TestLargestDocument(t *testing.T) {
	t.Parallel()
	want := `{"a":"` + strings.Repeat("x", 5<<10-8) + `"}`
	for name, handler := range map[string]http.HandlerFunc{"plain": document("application/json", want),
		"compressed": compressed(want), "without a length": func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			document("application/json", want)(w, r)
		}} {
		h := newHost(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			handler(w, r)
		})
		f := newFetcher(Config{AllowPrivate: true, RootCAs: h.roots(), MaxBytes: 5 << 10})
		got, err := f.Fetch(t.Context(), h.URL)
		if err != nil || string(got) != want {
			t.Errorf("%s: got %d bytes, %v", name, len(got), err)
		}
	}
}

func TestRefusedResponses(t *testing.T) {
	elsewhere := newHost(t, document("application/json", `{}`))
	for name, tt := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"HTML": {document("text/html", `{}`), "Content-Type"},
		"no type": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = nil
			io.WriteString(w, "{}")
		}, "Content-Type"},
		"JSON by its name": {document("text/x+json", `{}`), "Content-Type"},
		"not found":        {http.NotFound, "status 404"},
		"no content": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
			"status 204"},
		"a redirect": {func(w http.ResponseWriter,
			r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusFound)
		}, "redirect 302"},
		"to metadata": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/latest/meta-data/", http.StatusTemporaryRedirect)
		}, "redirect 307"},
		"a byte too many": {document("application/json", strings.Repeat(" ", 1001)), "more than 1000 bytes"},
		"a length too high": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", "1099511627776")
			w.WriteHeader(http.StatusOK)
		}, "more than 1000 bytes"},
		"endless": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			for r.Context().Err() == nil {
				if _, err := io.WriteString(w, strings.Repeat(" ", 4096)); err != nil {
					return
				}
			}
		}, "more than 1000 bytes"},
		"huge headers": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X",
				strings.Repeat("x", 64<<10))
		}, "cannot be reached"},
		"slow headers": {func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			panic(http.ErrAbortHandler) // returning would send a response, maybe before the client times out
		}, "too long"},
		"a slow body": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			for r.Context().Err() == nil {
				io.WriteString(w, " ")
				w.(http.Flusher).Flush()
				time.Sleep(10 * time.Millisecond)
			}
		}, "too long"},
		"created": {func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusCreated) }, "status 201"},
		"partial": {func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusPartialContent) },
			"status 206"},
		"not modified, unasked": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotModified)
		}, "status 304"},
		"permanently": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusPermanentRedirect)
		}, "redirect 308"},
		"small, but large when decompressed": {compressed(strings.Repeat(" ", 1<<20)), "more than 1000 bytes"},
		"large, but nothing when decompressed": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Encoding", "gzip")
			for range 1000 { // each an empty member of gzip
				if err := gzip.NewWriter(w).Close(); err != nil {
					return
				}
			}
		}, "more than 1000 bytes"},
		"gzip that is none": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Encoding", "gzip")
			io.WriteString(w, `{"a":"long enough to have a header"}`)
		}, "Content-Encoding"},
		"another encoding": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Encoding", "br")
			io.WriteString(w, `{}`)
		}, "Content-Encoding"},
		"hangs up": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "cannot be reached"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, tt.handler)
			c := Config{AllowPrivate: true, RootCAs: h.roots(), MaxBytes: 1000}
			if tt.want == "too long" {
				c.Timeout = 100 * time.Millisecond
			}
			_, err := newFetcher(c).Fetch(t.Context(), h.URL)
			wantReason(t, err, tt.want)
		})
	}
	if n := elsewhere.requests.Load(); n != 0 {
		t.Errorf("a redirect was followed %d times", n)
	}
}

func TestRefusedURLs(t *testing.T) {
	for raw, want := range map[string]string{
		"http://app.example/": "not https", "ftp://app.example/": "not https", "file:///etc/passwd": "not a valid URL",
		"//app.example/": "not https",
		"https://":       "not a valid URL", "https://a:b@app.example/": "not a valid URL",
		"https://app.example/\x00": "not a valid URL", "http://127.0.0.1/": "not https",
	} {
		_, err := newFetcher(Config{}).Fetch(t.Context(), raw)
		wantReason(t, err, want)
	}
	_, err := newFetcher(Config{AllowPrivate: true}).Fetch(t.Context(), "http://app.example/")
	wantReason(t, err, "not https")
}

func TestCertificatesAreChecked(t *testing.T) {
	h := newHost(t, document("application/json", `{}`))
	_, err := newFetcher(Config{AllowPrivate: true}).Fetch(t.Context(), h.URL)
	wantReason(t, err, "certificate")
	if h.requests.Load() != 0 {
		t.Error("a request was sent")
	}
}

// The error does not reveal whether a private name exists.
func TestUnknownNamesLookPrivate(t *testing.T) {
	resolver := names(t, func(int) []netip.Addr { return nil })
	_, unknown := newFetcher(Config{Resolver: resolver}).Fetch(t.Context(), "https://nobody.example/")
	wantReason(t, unknown, "no public address")
	_, private := newFetcher(Config{}).Fetch(t.Context(), "https://127.0.0.1/")
	if diff := gocmp.Diff(unknown, private); diff != "" {
		t.Errorf("a name that does not exist (-) is told from a private one (+):\n%s", diff)
	}
}

func TestLogHasNoQuery(t *testing.T) {
	var log strings.Builder
	f := New(Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	_, err := f.Fetch(t.Context(), "https://127.0.0.1/hidden?token=hidden")
	wantReason(t, err, "no public address")
	if s := log.String(); !strings.Contains(s, "host=127.0.0.1") || !strings.Contains(s, "prohibited") ||
		strings.Contains(s, "hidden") {
		t.Errorf("got %s", s)
	}
}

func TestProxiesOfTheEnvironmentAreNotUsed(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	h := newHost(t, document("application/json", `{}`))
	// Go never uses a proxy for loopback names.
	target := fmt.Sprintf("https://example.com:%d/", h.Listener.Addr().(*net.TCPAddr).Port)
	resolver := names(t, func(int) []netip.Addr { return []netip.Addr{netip.MustParseAddr("127.0.0.1")} })
	f := newFetcher(Config{AllowPrivate: true, RootCAs: h.roots(), Resolver: resolver})
	if f.client.Transport.(*http.Transport).Proxy != nil {
		t.Error("the transport uses a proxy")
	}
	if _, err := f.Fetch(t.Context(), target); err != nil {
		t.Error(err)
	}
}
