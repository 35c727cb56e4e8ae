package fetch

import (
	"context"
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

	"golang.org/x/net/dns/dnsmessage"
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

func newFetcher(c Config) *Fetcher {
	c.Logger = slog.New(slog.DiscardHandler)
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
		"hangs up": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "cannot be reached"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, tt.handler)
			start := time.Now()
			_, err := newFetcher(Config{AllowPrivate: true, RootCAs: h.roots(), MaxBytes: 1000,
				Timeout: 500 * time.Millisecond}).Fetch(t.Context(), h.URL)
			wantReason(t, err, tt.want)
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
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

func TestPrivateAddresses(t *testing.T) {
	h := newHost(t, document("application/json", `{}`))
	port := h.Listener.Addr().(*net.TCPAddr).Port
	f := newFetcher(Config{RootCAs: h.roots(), Timeout: time.Second})
	for _, address := range []string{"127.0.0.1", "127.1.2.3", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1",
		"100.100.100.200", "169.254.169.254",
		"168.63.129.16", "192.0.0.192", "224.0.0.1", "255.255.255.255", "[::1]", "[::]", "[::ffff:127.0.0.1]",
		"[fe80::1]", "[fd00:ec2::254]",
		"[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[2001:db8::1]"} {
		_, err := f.Fetch(t.Context(), fmt.Sprintf("https://%s:%d/", address, port))
		wantReason(t, err, "no public address")
	}
	if n := h.requests.Load(); n != 0 {
		t.Errorf("%d requests reached a private address", n)
	}
}

// A name that is public at the first look-up and private when the connection is made. httptest's certificate is valid
// for example.com, so that only the address check prevents the connection.
func TestRebinding(t *testing.T) {
	h := newHost(t, document("application/json", `{"secret":true}`))
	target := fmt.Sprintf("https://example.com:%d/", h.Listener.Addr().(*net.TCPAddr).Port)
	for name, second := range map[string][]string{"private": {"127.0.0.1"}, "public beside private": {"127.0.0.1",
		"127.0.0.2"}} {
		t.Run(name, func(t *testing.T) {
			public := netip.MustParseAddr("93.184.215.14")
			resolver := names(t, func(query int) []netip.Addr {
				if query == 0 {
					return []netip.Addr{public}
				}
				var list []netip.Addr
				for _, s := range second {
					list = append(list, netip.MustParseAddr(s))
				}
				return list
			})
			looked, err := resolver.LookupNetIP(t.Context(), "ip4", "example.com")
			if err != nil || looked[0].Unmap() != public {
				t.Fatalf("the first look-up: got %v, %v", looked, err)
			}
			_, err = newFetcher(Config{RootCAs: h.roots(), Resolver: resolver}).Fetch(t.Context(), target)
			wantReason(t, err, "no public address")
			if n := h.requests.Load(); n != 0 {
				t.Fatalf("%d requests reached the private address", n)
			}
		})
	}
	// Without the check the connection succeeds.
	resolver := names(t, func(int) []netip.Addr { return []netip.Addr{netip.MustParseAddr("127.0.0.1")} })
	if _, err := newFetcher(Config{AllowPrivate: true, RootCAs: h.roots(), Resolver: resolver}).Fetch(t.Context(),
		target); err != nil {
		t.Fatal(err)
	}
}

// The error does not reveal whether a private name exists.
func TestUnknownNamesLookPrivate(t *testing.T) {
	resolver := names(t, func(int) []netip.Addr { return nil })
	_, err := newFetcher(Config{Resolver: resolver}).Fetch(t.Context(), "https://nobody.example/")
	wantReason(t, err, "no public address")
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

// The timeout of a caller is less than the time that it has left, so that it can respond.
func TestTimeLeft(t *testing.T) {
	t.Parallel()
	h := newHost(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	f := newFetcher(Config{AllowPrivate: true, RootCAs: h.roots()})
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second) // a quarter is left for the answer
	defer cancel()
	_, err := f.Fetch(ctx, h.URL)
	wantReason(t, err, "too long")
	if ctx.Err() != nil {
		t.Error("no time is left to respond")
	}
}

// names returns a resolver that answers the nth query for IPv4 addresses with answer(n), and has no IPv6 addresses.
func names(t *testing.T, answer func(query int) []netip.Addr) *net.Resolver {
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	go func() {
		buffer := make([]byte, 1500)
		for query := 0; ; {
			n, from, err := server.ReadFrom(buffer)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buffer[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			q := m.Questions[0]
			m.Response, m.Additionals = true, nil
			if q.Type == dnsmessage.TypeA {
				for _, a := range answer(query) {
					m.Answers = append(m.Answers, dnsmessage.Resource{
						Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class},
						Body:   &dnsmessage.AResource{A: a.As4()},
					})
				}
				query++
			}
			if m.Answers == nil && answer(query) == nil {
				m.RCode = dnsmessage.RCodeNameError
			}
			if packed, err := m.Pack(); err == nil {
				server.WriteTo(packed, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
}
