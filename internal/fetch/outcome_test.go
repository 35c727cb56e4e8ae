package fetch

import (
	"context"
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
		case "/type":
			w.Header().Set("Content-Type", "text/html")
		case "/large":
			fmt.Fprintf(w, "%*d", limit+1, 1)
		case "/slow":
			<-r.Context().Done()
		}
		io.WriteString(w, "{}")
	})
	var told []string
	c := Config{AllowPrivate: true, RootCAs: h.roots(), MaxBytes: limit, Timeout: 5 * time.Second,
		Observe: func(outcome string, took time.Duration) { told = append(told, fmt.Sprint(outcome, took > 0)) }}
	hasty, guarded, distrustful := c, c, c
	hasty.Timeout = 50 * time.Millisecond
	guarded.AllowPrivate = false
	distrustful.RootCAs = nil
	ended, end := context.WithCancel(t.Context())
	end()
	for _, tt := range []struct {
		want   string
		config Config
		ctx    context.Context
		url    string
	}{
		{OutcomeFetched, c, t.Context(), h.URL},
		{OutcomeCanceled, c, ended, h.URL},
		{OutcomeURL, c, t.Context(), "http://app.example/"},
		{OutcomeAddress, guarded, t.Context(), h.URL},
		{OutcomeUnreachable, c, t.Context(), "https://127.0.0.1:1/"},
		{OutcomeCertificate, distrustful, t.Context(), h.URL},
		{OutcomeTimeout, hasty, t.Context(), h.URL + "/slow"},
		{OutcomeRedirect, c, t.Context(), h.URL + "/redirect"},
		{OutcomeStatus, c, t.Context(), h.URL + "/status"},
		{OutcomeType, c, t.Context(), h.URL + "/type"},
		{OutcomeTooLarge, c, t.Context(), h.URL + "/large"},
	} {
		told = nil
		_, err := newFetcher(tt.config).Fetch(tt.ctx, tt.url)
		if len(told) != 1 || told[0] != tt.want+"true" {
			t.Errorf("%s: the observer was told %q, want %s; the error is %v", tt.url, told, tt.want, err)
		}
	}
}
