package fetch

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// A clock is a time that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Now()} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// newCache returns a Cache of what h says, and its clock.
func newCache(h *host) (*Cache, *clock) {
	time := newClock()
	f := newFetcher(Config{AllowPrivate: true, RootCAs: h.roots(), Now: time.Now})
	valid := func(document []byte) bool { return !bytes.Contains(document, []byte("bad")) }
	return NewCache(CacheConfig{Get: f.Get, Valid: valid, Size: 8, Now: time.Now}), time
}

// A fresh document is kept. One that is not is validated by its ETag and its date, whose answer counts from then on.
func TestCacheValidates(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	asked := []string{}
	h := newHost(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, r.Header.Get("If-None-Match")+" "+r.Header.Get("If-Modified-Since"))
		w.Header()["Date"] = nil // the host's clock is not the test's
		w.Header().Set("Cache-Control", "max-age=60")
		if len(asked) == 3 {
			w.Header().Set("ETag", `"2"`)
			document("application/json", `{"a":2}`)(w, r)
			return
		}
		if r.Header.Get("If-None-Match") == `"1"` {
			w.Header().Set("Cache-Control", "max-age=120")
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("ETag", `"1"`)
		w.Header().Set("Last-Modified", "Fri, 02 Jan 2026 03:04:05 GMT")
		document("application/json", `{"a":1}`)(w, r)
	})
	cache, clock := newCache(h)
	for _, step := range []struct {
		passes time.Duration
		want   string
		asked  int
	}{
		{0, `{"a":1}`, 1},
		{50 * time.Second, `{"a":1}`, 1},
		{20 * time.Second, `{"a":1}`, 2}, // not modified, and fresh for 120 s
		{100 * time.Second, `{"a":1}`, 2},
		{21 * time.Second, `{"a":2}`, 3},
		{0, `{"a":2}`, 3},
	} {
		clock.pass(step.passes)
		r, err := cache.Get(t.Context(), h.URL)
		if err != nil || string(r.Body) != step.want || r.NotModified || len(asked) != step.asked {
			t.Fatalf("got %+v, %v after %d requests, want %s after %d", r, err, len(asked), step.want, step.asked)
		}
	}
	if known := `"1" Fri, 02 Jan 2026 03:04:05 GMT`; asked[0] != " " || asked[1] != known || asked[2] != known {
		t.Errorf("the requests had the conditions %q", asked)
	}
}

// What fails, is refused or must not be stored is asked for again each time.
func TestCacheKeepsNothingBad(t *testing.T) {
	t.Parallel()
	answers, conditions := make(chan http.HandlerFunc, 1), make(chan string, 3)
	h := newHost(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		conditions <- r.Header.Get("If-None-Match")
		(<-answers)(w, r)
	})
	cache, clock := newCache(h)
	stored := func(control, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", control)
			document("application/json", body)(w, r)
		}
	}
	good := stored("max-age=60", `{"a":1}`)
	for name, answer := range map[string]http.HandlerFunc{
		"a failure":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
		"not valid":   stored("max-age=60", `{"bad":1}`),
		"no-store":    stored("no-store", `{"a":2}`),
		"private":     stored("private, max-age=60", `{"a":2}`),
		"not in time": stored("max-age=0", `{"a":2}`),
	} {
		before := h.requests.Load()
		answers <- answer
		_, _ = cache.Get(t.Context(), h.URL)
		answers <- good
		r, err := cache.Get(t.Context(), h.URL)
		if err != nil || string(r.Body) != `{"a":1}` || h.requests.Load() != before+2 {
			t.Errorf("after %s: got %+v, %v", name, r, err)
		}
		if <-conditions != "" || <-conditions != "" && name != "not in time" {
			t.Errorf("after %s: a request had conditions, so something was kept", name)
		}
		clock.pass(2 * time.Minute) // a document that was good, and is no longer fresh, does not count
		answers <- func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }
		_, err = cache.Get(t.Context(), h.URL)
		wantReason(t, err, "status 403")
		<-conditions
		cache.kept.Remove(h.URL)
	}
}

// What a host says of a document is bounded before it is kept.
func TestValidatorsAreBounded(t *testing.T) {
	t.Parallel()
	h := newHost(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("ETag", `"`+strings.Repeat("x", maxValidator)+`"`)
		w.Header().Set("Last-Modified", "yesterday")
		io.WriteString(w, "{}")
	})
	r, err := newFetcher(Config{AllowPrivate: true, RootCAs: h.roots()}).Get(t.Context(), h.URL, Conditions{})
	if err != nil || r.Conditions() != (Conditions{}) {
		t.Errorf("got %+v, %v, want no validators", r, err)
	}
}
