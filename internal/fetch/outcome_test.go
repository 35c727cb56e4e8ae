package fetch

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"
)

// The observer is told the outcome and the time of each fetch.
func TestOutcomes(t *testing.T) {
	const limit = 100
	h := newHost(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/redirect":
			http.Redirect(w, r, "/", http.StatusFound)
		case "/status":
			w.WriteHeader(http.StatusTeapot)
		case "/same":
			w.WriteHeader(http.StatusNotModified)
			return
		case "/type":
			w.Header().Set("Content-Type", "text/html")
		case "/large":
			fmt.Fprintf(w, "%*d", limit+1, 1)
		case "/slow":
			<-r.Context().Done()
			panic(http.ErrAbortHandler) // returning would send a response, maybe before the client times out
		}
		io.WriteString(w, "{}")
	})
	var told []string
	c := Config{AllowPrivate: true, RootCAs: h.roots(), MaxBytes: limit, Timeout: time.Minute,
		Observe: func(outcome string, took time.Duration) { told = append(told, fmt.Sprint(outcome, took > 0)) }}
	hasty, guarded, distrustful := c, c, c
	hasty.Timeout = 50 * time.Millisecond
	guarded.AllowPrivate = false
	distrustful.RootCAs = nil
	known := Conditions{ETag: `"1"`}
	for _, tt := range []struct {
		want       string
		config     Config
		conditions Conditions
		url        string
	}{
		{OutcomeFetched, c, Conditions{}, h.URL},
		{OutcomeNotModified, c, known, h.URL + "/same"},
		{string(CodeURL), c, Conditions{}, "http://app.example/"},
		{string(CodeResolve), guarded, Conditions{}, h.URL},
		{string(CodeConnect), c, Conditions{}, "https://127.0.0.1:1/"},
		{string(CodeTLS), distrustful, Conditions{}, h.URL},
		{string(CodeTimeout), hasty, Conditions{}, h.URL + "/slow"},
		{string(CodeRedirect), c, Conditions{}, h.URL + "/redirect"},
		{string(CodeStatus), c, Conditions{}, h.URL + "/status"},
		{string(CodeStatus), c, Conditions{}, h.URL + "/same"},
		{string(CodeType), c, Conditions{}, h.URL + "/type"},
		{string(CodeSize), c, Conditions{}, h.URL + "/large"},
	} {
		told = nil
		_, err := newFetcher(tt.config).Get(t.Context(), tt.url, tt.conditions)
		if len(told) != 1 || told[0] != tt.want+"true" {
			t.Errorf("%s: the observer was told %q, want %s; the error is %v", tt.url, told, tt.want, err)
		}
	}
}
