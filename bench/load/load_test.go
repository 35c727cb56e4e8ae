package load

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// serve responds to the nth registration, from 1, with what answer returns.
func serve(t *testing.T, answer func(n int64, body []byte) (int, string)) Target {
	t.Helper()
	var n atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPost || r.URL.Path != "/register" ||
			r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("got %s %s, %v", r.Method, r.URL, err)
		}
		status, s := answer(n.Add(1), body)
		w.WriteHeader(status)
		io.WriteString(w, s)
	}))
	t.Cleanup(server.Close)
	return Target{Name: "test", URL: server.URL + "/register"}
}

func TestRunCountsResponses(t *testing.T) {
	var answered atomic.Int64
	target := serve(t, func(n int64, body []byte) (int, string) {
		answered.Store(n)
		return http.StatusCreated, fmt.Sprintf(`{"client_id_issued_at":1,"client_id": "id-%d"}`, n)
	})
	r, err := Run(t.Context(), target, 3, 60*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if int64(r.All) != answered.Load() || r.Requests < 1 || r.Requests > r.All || r.Seconds < 0.06 ||
		r.P50 <= 0 || r.P99 < r.P50 {
		t.Errorf("got %+v of %d responses", r, answered.Load())
	}
}

func TestRunRefusesOtherResponses(t *testing.T) {
	tests := map[string]struct {
		status       int
		answer, want string
	}{
		"another status": {http.StatusServiceUnavailable, `{"error":"temporarily_unavailable"}`,
			`503: {"error":"temporarily_unavailable"}`},
		"no ID":        {http.StatusCreated, `{"client_id_issued_at":1}`, "201: "},
		"an empty ID":  {http.StatusCreated, `{"client_id":""}`, "201: "},
		"one ID twice": {http.StatusCreated, `{"client_id":"same"}`, "two responses have the client_id same"},
		"a secret":     {http.StatusOK, `{"client_id":"a","client_secret":"hush"}`, `"client_secret":"[redacted]"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			target := serve(t, func(int64, []byte) (int, string) { return test.status, test.answer })
			_, err := Run(t.Context(), target, 2, 50*time.Millisecond)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hush") {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	target := serve(t, func(n int64, _ []byte) (int, string) {
		return http.StatusCreated,
			fmt.Sprintf(`{"client_id":"%d"}`, n)
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, target, 1, time.Hour); err == nil {
		t.Error("got no error, want one")
	}
}

func TestBodiesVary(t *testing.T) {
	seen := map[string]bool{}
	for i := range 100 {
		b := Body(i)
		var members map[string]any
		if err := json.Unmarshal(b, &members); err != nil || len(b) < 450 || len(b) > 650 || seen[string(b)] {
			t.Errorf("%d: %v, %d bytes: %s", i, err, len(b), b)
		}
		seen[string(b)] = true
	}
}

// clients are two clients; only the first has a secret.
var clients = []Client{{ID: "one", Secret: "hush", Token: "token-one"}, {ID: "two", Token: "token-two"}}

// respond serves a function of the request and its body.
func respond(t *testing.T, answer func(r *http.Request, body string) (int, string)) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		status, s := answer(r, string(body))
		w.WriteHeader(status)
		io.WriteString(w, s)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestCallsAskForTheirClients(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		calls               *Calls
		method, path, token string
		begin               string // of the first request's body
		answer, other       string // that are right for the first client and wrong
	}{
		"look-ups": {LookUps(clients, "admin"), "GET", "/admin/v1/clients/one", "admin", "",
			`{"client_id":"one","metadata":{"redirect_uris":["https://a"]}}`,
			`{"client_id":"two","metadata":{"redirect_uris":["https://a"]}}`},
		"verifications": {Verifications(clients, "admin", false), "POST", "/admin/v1/clients/one/verify-secret", "admin",
			`{"client_secret":"hush"}`, `{"valid":true}`, `{"valid":false}`},
		"updates": {Updates(clients), "PUT", "/register/one", "token-one", `{"client_id":"one","client_name":`,
			`{"client_id":"one","client_name":"Example Application 0"}`,
			`{"client_id":"one","client_name":"Example Application 1"}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.calls.Number = 1
			for _, answer := range []string{test.answer, test.other} {
				url := respond(t, func(r *http.Request, body string) (int, string) {
					if r.Method != test.method || r.URL.Path != test.path ||
						r.Header.Get("Authorization") != "Bearer "+test.token || !strings.HasPrefix(body, test.begin) {
						t.Errorf("got %s %s with %q: %s", r.Method, r.URL, r.Header, body)
					}
					return http.StatusOK, answer
				})
				// One request ends within the warm-up, which is the error of a run that is right.
				_, err := Run(t.Context(), Target{Name: name, URL: url, Calls: test.calls}, 1, time.Minute)
				want := map[bool]string{true: "within the warm-up", false: "the response is 200: "}[answer == test.answer]
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%s: got %v, want %s", answer, err, want)
				}
			}
		})
	}
}

func TestEachClientIsCalledOnce(t *testing.T) {
	t.Parallel()
	var many []Client
	for i := range 500 {
		many = append(many, Client{ID: fmt.Sprint("client-", i), Secret: "hush"})
	}
	var mu sync.Mutex
	asked := map[string]int{}
	url := respond(t, func(r *http.Request, _ string) (int, string) {
		mu.Lock()
		defer mu.Unlock()
		asked[r.URL.Path]++
		return http.StatusOK, `{"valid":true}`
	})
	// The minute is longer than the requests take, so that they end the run, in its warm-up.
	target := Target{Name: "test", URL: url, Calls: Verifications(many, "admin", true)}
	_, err := Run(t.Context(), target, 4, time.Minute)
	if err == nil || !strings.Contains(err.Error(), "within the warm-up") {
		t.Errorf("got %v, want that the requests ended within the warm-up", err)
	}
	for path, n := range asked {
		if n != 1 {
			t.Errorf("%s was asked for %d times", path, n)
		}
	}
	if len(asked) != len(many) {
		t.Errorf("%d of %d clients were asked for", len(asked), len(many))
	}
}

// A server that stalls makes all requests late that should have begun meanwhile.
func TestAnOpenLoopCountsTheWaiting(t *testing.T) {
	t.Parallel()
	const stall = 200 * time.Millisecond
	var n atomic.Int64
	url := respond(t, func(*http.Request, string) (int, string) {
		if n.Add(1) == 2 {
			time.Sleep(stall) // what the test measures
		}
		return http.StatusOK, `{"valid":true}`
	})
	target := Target{Name: "test", URL: url, Calls: Verifications(clients[:1], "admin", false), Rate: 1000}
	r, err := Run(t.Context(), target, 1, stall)
	if err != nil {
		t.Fatal(err)
	}
	// Of the requests that begin in the stall, half wait longer than half of it; without the intended times, two would.
	if r.P50 < stall/10 {
		t.Errorf("p50: got %v of %d requests, want over %v", r.P50, r.Requests, stall/10)
	}
}

func TestAnOpenLoopKeepsItsRate(t *testing.T) {
	t.Parallel()
	url := respond(t, func(*http.Request, string) (int, string) { return http.StatusOK, `{"valid":true}` })
	target := Target{Name: "test", URL: url, Calls: Verifications(clients[:1], "admin", false), Rate: 100}
	begun := time.Now()
	r, err := Run(t.Context(), target, 4, 150*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	// A slow machine sends fewer.
	if most := int(time.Since(begun).Seconds()*target.Rate) + 1; r.All > most {
		t.Errorf("got %d requests, want at most %d", r.All, most)
	}
}

func TestConnectionsAreSpread(t *testing.T) {
	t.Parallel()
	var asked [2]atomic.Int64
	var urls []string
	for i := range asked {
		urls = append(urls, respond(t, func(*http.Request, string) (int, string) {
			asked[i].Add(1)
			return http.StatusOK, `{"valid":true}`
		}))
	}
	target := Target{Name: "test", URL: urls[0], More: urls[1:], Calls: Verifications(clients[:1], "admin", false)}
	if _, err := Run(t.Context(), target, 2, 60*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if asked[0].Load() == 0 || asked[1].Load() == 0 {
		t.Errorf("got %d and %d requests", asked[0].Load(), asked[1].Load())
	}
}
