package keyset_test

import (
	"crypto/elliptic"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"registrar/internal/keyset"
)

// The observer is told the outcome and the time of each attempt to read the keys.
func TestOutcomes(t *testing.T) {
	i := newIssuer(t, ecKey(t, "k", elliptic.P256()))
	text := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	for _, tt := range []struct {
		want    string
		answer  http.HandlerFunc // nil means the keys
		trusted bool
		source  string // "" means that of the issuer
	}{
		{want: keyset.OutcomeRead, trusted: true},
		{want: keyset.OutcomeCertificate},
		{want: keyset.OutcomeUnreachable, trusted: true, source: "https://127.0.0.1:1/"},
		{want: keyset.OutcomeStatus, trusted: true, answer: text(http.StatusNotFound, "{}")},
		{want: keyset.OutcomeTooLarge, trusted: true, answer: text(http.StatusOK, strings.Repeat(" ", 1<<20))},
		{want: keyset.OutcomeInvalid, trusted: true, answer: text(http.StatusOK, "{}")},
	} {
		if tt.answer != nil {
			i.answer(tt.answer)
		}
		var mu sync.Mutex
		var told []string
		config := keyset.Config{Source: i.URL, Logger: slog.New(slog.DiscardHandler),
			Observe: func(outcome string, took time.Duration) {
				mu.Lock()
				defer mu.Unlock()
				if told = append(told, outcome); took <= 0 {
					t.Errorf("%s took %v", outcome, took)
				}
			}}
		if tt.source != "" {
			config.Source = tt.source
		}
		if tt.trusted {
			config.Transport = i.Client().Transport
		}
		s, err := keyset.New(config)
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Keys(t.Context(), "k", jose.ES256)
		mu.Lock()
		if len(told) != 1 || told[0] != tt.want {
			t.Errorf("the observer was told %q, want %s; the error is %v", told, tt.want, err)
		}
		mu.Unlock()
	}
}
