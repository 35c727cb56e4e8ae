package keyset_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"registrar/engine"
	"registrar/internal/keyset"
)

// An issuer serves keys over TLS and signs with them.
type issuer struct {
	*httptest.Server
	asked atomic.Int64
	mu    sync.Mutex
	serve http.HandlerFunc
}

func newIssuer(t *testing.T, keys ...jose.JSONWebKey) *issuer {
	i := &issuer{}
	i.publish(keys...)
	i.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.asked.Add(1)
		i.mu.Lock()
		serve := i.serve
		i.mu.Unlock()
		serve(w, r)
	}))
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) answer(serve http.HandlerFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.serve = serve
}

func (i *issuer) publish(keys ...jose.JSONWebKey) {
	document := set(keys...)
	i.answer(func(w http.ResponseWriter, _ *http.Request) { w.Write(document) })
}

// set returns the public JWK set of private keys.
func set(keys ...jose.JSONWebKey) []byte {
	s := jose.JSONWebKeySet{}
	for _, k := range keys {
		s.Keys = append(s.Keys, k.Public())
	}
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return b
}

func ecKey(t *testing.T, kid string, curve elliptic.Curve) jose.JSONWebKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(curve, rand.Reader)
	return key(t, kid, k, err)
}

func key(t *testing.T, kid string, private crypto.PrivateKey, err error) jose.JSONWebKey {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return jose.JSONWebKey{Key: private, KeyID: kid}
}

// sign returns a signed object, parsed as its recipient would.
func sign(t *testing.T, k jose.JSONWebKey, alg jose.SignatureAlgorithm) *jose.JSONWebSignature {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: k}, nil)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign([]byte("payload"))
	if err != nil {
		t.Fatal(err)
	}
	compact, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jose.ParseSignedCompact(compact, engine.TrustedAlgorithms())
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// A clock advances only by hand.
type clock struct{ seconds atomic.Int64 }

func (c *clock) now() time.Time { return time.Unix(1e9+c.seconds.Load(), 0) }

func open(t *testing.T, c keyset.Config) *keyset.Set {
	t.Helper()
	c.Logger = slog.New(slog.DiscardHandler)
	s, err := keyset.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func remote(t *testing.T, i *issuer, c *clock) *keyset.Set {
	t.Helper()
	return open(t, keyset.Config{Source: i.URL, Transport: i.Client().Transport, Now: c.now})
}

func wantVerdict(t *testing.T, s *keyset.Set, signed *jose.JSONWebSignature, want error) {
	t.Helper()
	payload, err := s.Verify(t.Context(), signed)
	if !errors.Is(err, want) || err == nil && string(payload) != "payload" {
		t.Errorf("got %q and %v, want %v", payload, err, want)
	}
}

func TestAlgorithms(t *testing.T) {
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	rsaKey := key(t, "rsa", r, err)
	_, e, err := ed25519.GenerateKey(rand.Reader)
	edKey := key(t, "ed", e, err)
	ec := ecKey(t, "ec", elliptic.P256())
	file := filepath.Join(t.TempDir(), "jwks.json")
	if err := os.WriteFile(file, set(rsaKey, edKey, ec), 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, keyset.Config{Source: file})
	for _, alg := range []jose.SignatureAlgorithm{jose.RS256, jose.RS512, jose.PS256} {
		wantVerdict(t, s, sign(t, rsaKey, alg), nil)
	}
	wantVerdict(t, s, sign(t, edKey, jose.EdDSA), nil)
	wantVerdict(t, s, sign(t, ec, jose.ES256), nil)
	anonymous := ec
	anonymous.KeyID = ""
	wantVerdict(t, s, sign(t, anonymous, jose.ES256), nil)

	wantVerdict(t, s, sign(t, ecKey(t, "ec", elliptic.P256()), jose.ES256), keyset.ErrSignature)
	wantVerdict(t, s, sign(t, ecKey(t, "ec", elliptic.P384()), jose.ES384), keyset.ErrUnknownKey)
	for _, alg := range []jose.SignatureAlgorithm{"none", jose.HS256, "", jose.ES256} {
		if keys, err := s.Keys(t.Context(), "rsa", alg); err == nil {
			t.Errorf("%s: got %v, want an error", alg, keys)
		}
	}
}

// Keys are used only for their declared use, and unusable keys are ignored.
func TestUnfitKeys(t *testing.T) {
	good := ecKey(t, "good", elliptic.P256())
	encryption, other := ecKey(t, "enc", elliptic.P256()), ecKey(t, "alg", elliptic.P256())
	encryption.Use, other.Algorithm = "enc", "ES512"
	short := `{"kty":"RSA","kid":"short","e":"AQAB","n":"` + strings.Repeat("x", 170) + `w"}`
	document := strings.TrimSuffix(string(set(good, encryption, other)), "]}") +
		`,` + short + `,{"kty":"oct","kid":"oct","k":"GawgguFyGrWKav7AX4VKUg"},{"kty":"new","kid":"new"},{"kty":"EC",` +
		`"kid":"broken","crv":"P-256","x":"AA","y":"AA"}]}`
	file := filepath.Join(t.TempDir(), "jwks.json")
	if err := os.WriteFile(file, []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, keyset.Config{Source: file})
	wantVerdict(t, s, sign(t, good, jose.ES256), nil)
	for _, k := range []jose.JSONWebKey{encryption, other} {
		wantVerdict(t, s, sign(t, jose.JSONWebKey{Key: k.Key, KeyID: k.KeyID}, jose.ES256), keyset.ErrUnknownKey)
	}
	for _, kid := range []string{"short", "oct", "new", "broken"} {
		for _, alg := range []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.HS256} {
			if _, err := s.Keys(t.Context(), kid, alg); !errors.Is(err, keyset.ErrUnknownKey) {
				t.Errorf("%s by %s: got %v, want %v", kid, alg, err, keyset.ErrUnknownKey)
			}
		}
	}
}

func TestRotation(t *testing.T) {
	first, second := ecKey(t, "1", elliptic.P256()), ecKey(t, "2", elliptic.P256())
	i, c := newIssuer(t, first), &clock{}
	s := remote(t, i, c)
	wantVerdict(t, s, sign(t, first, jose.ES256), nil)
	i.publish(second)
	c.seconds.Add(9)
	for range 5 {
		wantVerdict(t, s, sign(t, second, jose.ES256), keyset.ErrUnknownKey)
	}
	if n := i.asked.Load(); n != 1 {
		t.Errorf("got %d requests, want once", n)
	}
	c.seconds.Add(1)
	wantVerdict(t, s, sign(t, second, jose.ES256), nil)
	wantVerdict(t, s, sign(t, first, jose.ES256), keyset.ErrUnknownKey)
	if n := i.asked.Load(); n != 2 {
		t.Errorf("got %d requests, want twice", n)
	}
}

// A heldTransport answers each request with a document once release is closed.
type heldTransport struct {
	requests atomic.Int64
	release  chan struct{}
	document []byte
}

func (h *heldTransport) RoundTrip(*http.Request) (*http.Response, error) {
	h.requests.Add(1)
	<-h.release
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(h.document))}, nil
}

// Concurrent callers wait for the same request.
func TestOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := ecKey(t, "1", elliptic.P256())
		held := &heldTransport{release: make(chan struct{}), document: set(k)}
		s, signed := open(t, keyset.Config{Source: "https://issuer.example/jwks", Transport: held}),
			sign(t, k, jose.ES256)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() { wantVerdict(t, s, signed, nil) })
		}
		synctest.Wait()
		close(held.release)
		wg.Wait()
		if n := held.requests.Load(); n != 1 {
			t.Errorf("got %d requests, want 1", n)
		}
	})
}

func TestKeysGrowOld(t *testing.T) {
	k := ecKey(t, "1", elliptic.P256())
	i, c := newIssuer(t, k), &clock{}
	s, signed := remote(t, i, c), sign(t, k, jose.ES256)
	wantVerdict(t, s, signed, nil)
	i.publish(ecKey(t, "2", elliptic.P256()))
	c.seconds.Add(15 * 60)
	wantVerdict(t, s, signed, nil) // without waiting for the new keys
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if _, err := s.Verify(t.Context(), signed); errors.Is(err, keyset.ErrUnknownKey) {
			return
		}
	}
	t.Error("the keys were not read again")
}

// If an issuer is unavailable or answers nonsense, its old keys stay in force.
func TestOldKeysStay(t *testing.T) {
	k, unknown := ecKey(t, "1", elliptic.P256()), ecKey(t, "2", elliptic.P256())
	elsewhere := newIssuer(t, unknown)
	for name, serve := range map[string]http.HandlerFunc{
		"an error": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
		"no set":   func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>")) },
		"no keys":  func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{"keys":[]}`)) },
		"too much": func(w http.ResponseWriter,
			_ *http.Request) {
			w.Write(append(set(unknown), make([]byte, 256<<10)...))
		},
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL,
				http.StatusFound)
		},
		"a break":    func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"no content": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
	} {
		t.Run(name, func(t *testing.T) {
			i, c := newIssuer(t, k), &clock{}
			s := remote(t, i, c)
			wantVerdict(t, s, sign(t, k, jose.ES256), nil)
			i.answer(serve)
			c.seconds.Add(10)
			wantVerdict(t, s, sign(t, unknown, jose.ES256), keyset.ErrUnavailable)
			wantVerdict(t, s, sign(t, k, jose.ES256), nil)
			i.publish(k, unknown)
			c.seconds.Add(10)
			wantVerdict(t, s, sign(t, unknown, jose.ES256), nil)
		})
	}
	if n := elsewhere.asked.Load(); n != 0 {
		t.Errorf("a redirect was followed %d times", n)
	}
}

// Load reads the keys at once, and says why it cannot; the keys read before stay.
func TestLoad(t *testing.T) {
	k := ecKey(t, "a", elliptic.P256())
	i := newIssuer(t, k)
	s := remote(t, i, &clock{})
	if err := s.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	for words, answer := range map[string]http.HandlerFunc{
		"404": http.NotFound,
		"key": func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"keys":[]}`) },
	} {
		i.answer(answer)
		if err := s.Load(t.Context()); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("got %v, want %q in it", err, words)
		}
	}
	i.Close()
	if err := s.Load(t.Context()); err == nil {
		t.Error("an issuer that is away: got no error, want one")
	}
	wantVerdict(t, s, sign(t, k, jose.ES256), nil)
}

func TestSlowIssuer(t *testing.T) {
	k := ecKey(t, "1", elliptic.P256())
	i := newIssuer(t, k)
	i.answer(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	s, signed := remote(t, i, &clock{}), sign(t, k, jose.ES256)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := s.Verify(ctx, signed); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a caller with a deadline: got %v", err)
	}
	begin := time.Now()
	wantVerdict(t, s, signed, keyset.ErrUnavailable)
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("a slow issuer took %s", took)
	}
}

func TestSources(t *testing.T) {
	folder := t.TempDir()
	empty := filepath.Join(folder, "empty.json")
	if err := os.WriteFile(empty, []byte(`{"keys":[]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for source, words := range map[string]string{
		"":                                   "missing",
		"http://issuer.example/jwks":         "https",
		"HTTP://issuer.example/jwks":         "https",
		"http://localhost.example/jwks":      "https",
		"https://user:pass@issuer.example/j": "password",
		"https:///jwks":                      "not a URL",
		filepath.Join(folder, "none.json"):   "none.json",
		empty:                                "no public key",
	} {
		if _, err := keyset.New(keyset.Config{Source: source}); err == nil || !strings.Contains(err.Error(), words) ||
			strings.Contains(err.Error(), "user:pass") {
			t.Errorf("%q: got %v, want an error with %q", source, err, words)
		}
	}
	for _, source := range []string{"https://issuer.example/jwks", "http://localhost:1/jwks", "http://127.0.0.1/jwks",
		"http://[::1]:1/jwks"} {
		if _, err := keyset.New(keyset.Config{Source: source}); err != nil {
			t.Errorf("%q: %v", source, err)
		}
	}
}
