package server_test

import (
	"cmp"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"registrar/engine"
	"registrar/internal/fetch"
	"registrar/internal/servertest"
	"registrar/server"
)

func testFetchedKeys(t *testing.T) {
	const public = `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"`
	host := newWebHost(t)
	config := host.fetching()
	keys := fetch.NewCache(fetch.CacheConfig{Get: fetch.New(config).Get, Size: 8,
		Valid: func(document []byte) bool { return engine.CheckKeySet(document) == nil }})
	s := newSite(t, setup{options: engine.Options{FetchJWKSURI: true},
		engine: func(c *engine.Config) { c.Fetch = keys.Fetch }})
	register := func(path string) string { return `{` + web + `,"jwks_uri":"` + host.URL + path + `"}` }
	for path, tt := range map[string]struct{ keys, want string }{
		"/private":   {public + `,"d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}`, "private"},
		"/symmetric": {`{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr0"}`, "oct"},
	} {
		host.say(path, `{"keys":[`+tt.keys+`]}`)
		for range 2 { // it is not kept
			s.refused(register(path), "invalid_client_metadata", tt.want)
		}
		s.refused(`{`+web+`,"jwks":{"keys":[`+tt.keys+`]}}`, "invalid_client_metadata", tt.want)
	}
	if n := host.asked.Load(); n != 4 {
		t.Errorf("%d requests were sent, want 4", n)
	}
	host.say("/public", `{"keys":[`+public+`}]}`)
	for range 3 {
		s.registered(register("/public"))
	}
	if n := host.asked.Load(); n != 5 {
		t.Errorf("%d requests were sent, want one for the keys that are kept", n-4)
	}
	// A set that was refused is fetched again, and counts once it is good.
	body := `{"keys":[]}`
	host.mux.HandleFunc("/repaired", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/jwk-set+json")
		io.WriteString(w, body)
	})
	s.refused(register("/repaired"), "invalid_client_metadata", "at least one key")
	body = `{"keys":[` + public + `}]}`
	s.registered(register("/repaired"))
}

// Keys are part of the answer where they are asked for.
func TestDocumentKeys(t *testing.T) {
	t.Parallel()
	const set = `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`
	host := newWebHost(t)
	config := host.fetching()
	config.MaxFresh = time.Hour
	keys := fetch.NewCache(fetch.CacheConfig{Get: fetch.New(config).Get, Size: 8})
	s := newSite(t, setup{server: server.Config{FetchDocument: host.fetcher().Get, FetchKeys: keys.Get}})
	say := func(path, members string) string {
		host.say(path, `{"client_id":"`+host.URL+path+`","redirect_uris":["https://app.example/cb"]`+members+`}`)
		return "/admin/v1/metadata-documents?url=" + host.URL + path
	}
	host.say("/keys", set)
	host.say("/private", strings.Replace(set, `"x"`, `"d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x"`, 1))
	there := say("/there", `,"jwks_uri":"`+host.URL+`/keys"`)
	inside := say("/inside", `,"jwks":`+set)
	var want map[string]any
	if err := json.Unmarshal([]byte(set), &want); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		checkMembers(t, s.call("GET", there+"&keys=1", "").want(http.StatusOK).json(), map[string]any{"keys": want})
	}
	if n := host.asked.Load(); n != 2 {
		t.Errorf("%d requests were sent, want one for the document and one for its keys", n)
	}
	checkMembers(t, s.call("GET", inside+"&keys=1", "").want(http.StatusOK).json(), map[string]any{"keys": want})
	checkMembers(t, s.call("GET", there, "").want(http.StatusOK).json(), map[string]any{"keys": nil})
	checkMembers(t, s.call("GET", say("/none", "")+"&keys=1", "").want(http.StatusOK).json(),
		map[string]any{"keys": nil})
	for path, words := range map[string]string{"/private": "private member", "/missing": "status 404"} {
		e := s.call("GET", say(path+"-keys", `,"jwks_uri":"`+host.URL+path+`"`)+"&keys=1", "")
		if e.wantCode("keys"); !strings.Contains(e.body, words) || !strings.Contains(e.body, "jwks_uri: ") {
			t.Errorf("%s: got %s, want %q", path, e.body, words)
		}
	}
	e := s.call("GET", there+"&keys=yes", "").want(http.StatusBadRequest)
	if !strings.Contains(e.body, "keys must be 1") {
		t.Errorf("got %s, want what keys must be", e.body)
	}
}

// The last good copy serves while what is at a URL in the document cannot be fetched; but not if it is withdrawn.
func TestDocumentWithKeysDown(t *testing.T) {
	t.Parallel()
	host := newChangingHost(t)
	host.stale = 24 * time.Hour
	var down atomic.Int64 // the status of the host of the keys; 0 means that it is up
	host.mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(cmp.Or(int(down.Load()), http.StatusOK))
		io.WriteString(w, `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`)
	})
	host.says(`"jwks_uri":"`+host.URL+`/keys"`, "max-age=60")
	resolving := host.resolving()
	resolving.options.FetchJWKSURI = true
	s := newSite(t, host.fetched(resolving))
	s.resolve(host.url).want(http.StatusOK)
	host.now.Add(int64(time.Hour))
	down.Store(http.StatusServiceUnavailable)
	for range 2 {
		s.resolve(host.url).want(http.StatusOK).wantMembers(map[string]any{"stale": true,
			"failure": map[string]any{"code": "keys", "status": 503.0, "family": "ipv4"}})
	}
	down.Store(0)
	s.resolve(host.url).want(http.StatusOK).wantMembers(map[string]any{"stale": nil})
	host.now.Add(int64(time.Hour))
	for _, status := range []int64{http.StatusNotFound, http.StatusServiceUnavailable} {
		down.Store(status)
		s.refusesDocument(host.url,
			fmt.Sprint("jwks_uri: the document cannot be fetched: it answers with the status ", status))
	}
}

func testDocumentFreshness(t *testing.T) {
	r := newResolver(t, func(c *fetch.Config) { c.MinFresh, c.MaxFresh = 5*time.Minute, 24*time.Hour })
	day := time.Now().Add(24 * time.Hour).UTC().Format(http.TimeFormat)
	for i, tt := range []struct {
		headers []string
		want    time.Duration // that the document is fresh; 0 means that it is fetched each time
	}{
		{nil, 5 * time.Minute},
		{[]string{"Cache-Control: max-age=3600"}, time.Hour},
		{[]string{"Cache-Control: max-age=60, s-maxage=7200"}, 2 * time.Hour},
		{[]string{"Cache-Control: max-age=7200", "Age: 3600"}, time.Hour},
		{[]string{"Expires: " + day}, 24 * time.Hour},
		{[]string{"Cache-Control: max-age=1"}, 5 * time.Minute},
		{[]string{"Cache-Control: max-age=31536000"}, 24 * time.Hour},
		{[]string{"Cache-Control: no-cache"}, 5 * time.Minute},
		{[]string{"Cache-Control: no-store, max-age=3600"}, 0},
		{[]string{"Cache-Control: private"}, 0},
	} {
		path := fmt.Sprintf("/%d", i)
		r.answer(path, http.StatusOK, tt.headers...)
		asked, began := r.host.asked.Load(), time.Now()
		var expires time.Time
		for range 2 {
			var err error
			e := r.resolve(r.host.URL + path).want(http.StatusOK)
			if expires, err = time.Parse(time.RFC3339, e.json()["expires_at"].(string)); err != nil {
				t.Fatal(err)
			}
		}
		// The header has whole seconds, and the machine may be slow.
		if least, most := began.Add(tt.want-2*time.Second-time.Since(began)), time.Now().Add(tt.want); expires.Before(
			least) || expires.After(most) {
			t.Errorf("%q: it expires at %v, want %v from now", tt.headers, expires, tt.want)
		}
		want := int64(1)
		if tt.want == 0 {
			want = 2
		}
		if n := r.host.asked.Load() - asked; n != want {
			t.Errorf("%q: %d requests were sent, want %d", tt.headers, n, want)
		}
	}
}

func testDocumentFailuresAreNotKept(t *testing.T) {
	r := newResolver(t, nil)
	answers := []func(w http.ResponseWriter, good string){
		func(w http.ResponseWriter, _ string) { w.WriteHeader(http.StatusServiceUnavailable) },
		func(w http.ResponseWriter, _ string) { io.WriteString(w, `{"client_id":"https://other.example/"}`) },
		func(w http.ResponseWriter, _ string) { io.WriteString(w, `[]`) },
		func(w http.ResponseWriter, good string) { io.WriteString(w, good) },
	}
	r.host.mux.HandleFunc("/c", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "max-age=3600")
		answers[r.host.asked.Load()-1](w, r.document("/c", 0))
	})
	for range 3 {
		r.resolve(r.host.URL + "/c").want(http.StatusUnprocessableEntity)
	}
	for range 2 {
		r.resolve(r.host.URL + "/c").want(http.StatusOK)
	}
	if n := r.host.asked.Load(); n != 4 {
		t.Errorf("%d requests were sent, want 4", n)
	}
}

func testDocumentBudgets(t *testing.T) {
	const hour = 1. / 3600
	for name, tt := range map[string]struct {
		limits fetch.Limits
		want   int
	}{
		"of a host": {fetch.Limits{HostRate: hour, HostBurst: 2}, http.StatusTooManyRequests},
		"in all":    {fetch.Limits{Rate: hour, Burst: 2}, http.StatusServiceUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			r := newResolver(t, func(c *fetch.Config) { c.Budget = fetch.NewBudget(tt.limits) })
			for _, path := range []string{"/a", "/b", "/c"} {
				r.answer(path, http.StatusOK)
			}
			r.resolve(r.host.URL + "/a").want(http.StatusOK)
			r.resolve(r.host.URL + "/b").want(http.StatusOK)
			e := r.resolve(r.host.URL + "/c").want(tt.want)
			if after := e.header.Get("Retry-After"); len(after) < 2 { // most of an hour
				t.Errorf("Retry-After is %q", after)
			}
			r.resolve(r.host.URL + "/a").want(http.StatusOK) // it is kept
			if n := r.host.asked.Load(); n != 2 {
				t.Errorf("%d requests were sent, want 2", n)
			}
		})
	}
}

// Each failure has its code in the answer, in the log and for the metric. The answer has nothing that the host sent.
func testDocumentCodes(t *testing.T) {
	log := &servertest.Buffer{}
	var mu sync.Mutex
	var outcomes []string
	configure := func(c *fetch.Config) {
		c.Logger = slog.New(slog.NewTextHandler(log, nil))
		c.Observe = func(outcome string, _ time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			outcomes = append(outcomes, outcome)
		}
	}
	r := newResolver(t, configure)
	guarded := newResolver(t, func(c *fetch.Config) { configure(c); c.AllowPrivate = false })
	distrustful := newResolver(t, func(c *fetch.Config) { configure(c); c.RootCAs = nil })
	hasty := newResolver(t, func(c *fetch.Config) { configure(c); c.Timeout = 100 * time.Millisecond })
	hasty.host.mux.HandleFunc("/c", func(_ http.ResponseWriter, q *http.Request) {
		<-q.Context().Done()
		panic(http.ErrAbortHandler)
	})
	const hidden = "what-the-host-sent"
	secret := func(path string, status int, headers ...string) string {
		r.send(path, status, strings.Repeat(hidden, 1000), headers...)
		return r.host.URL + path
	}
	for code, tt := range map[fetch.Code]struct {
		at   *resolver
		id   string
		want map[string]any
	}{
		fetch.CodeResolve:  {guarded, guarded.host.URL + "/c", map[string]any{"family": nil, "status": nil}},
		fetch.CodeConnect:  {r, "https://127.0.0.1:1/c", map[string]any{"family": "ipv4", "status": nil}},
		fetch.CodeTLS:      {distrustful, distrustful.host.URL + "/c", map[string]any{"family": "ipv4", "status": nil}},
		fetch.CodeTimeout:  {hasty, hasty.host.URL + "/c", map[string]any{"status": nil, "size": nil}},
		fetch.CodeStatus:   {r, secret("/status", 418), map[string]any{"status": 418, "family": "ipv4"}},
		fetch.CodeRedirect: {r, secret("/moved", 302, "Location: /c"), map[string]any{"status": 302}},
		fetch.CodeType:     {r, secret("/type", 200, "Content-Type: text/html"), map[string]any{"status": 200}},
		fetch.CodeSize: {r, secret("/size", 200, "Content-Length: 18000"),
			map[string]any{"status": 200, "size": 18000, "family": "ipv4"}},
	} {
		t.Run(string(code), func(t *testing.T) {
			e := tt.at.resolve(tt.id)
			checkMembers(t, e.wantCode(code), tt.want)
			if strings.Contains(e.body, hidden) {
				t.Errorf("the answer has what the host sent: %s", e.body)
			}
			if s := log.String(); !strings.Contains(s, "code="+string(code)+" ") || strings.Contains(s, hidden) {
				t.Errorf("the log has no code %s, or what the host sent: %s", code, s)
			}
			mu.Lock()
			defer mu.Unlock()
			if last := outcomes[len(outcomes)-1]; last != string(code) {
				t.Errorf("the metric has %s, want %s", last, code)
			}
		})
	}
}
