package load

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
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
	if int64(r.All) != answered.Load() || r.Registrations < 1 || r.Registrations > r.All || r.Seconds < 0.06 ||
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
