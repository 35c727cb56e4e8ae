package server_test

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"registrar/engine"
	"registrar/server"
)

// A witness is an Observer that records its calls.
type witness struct {
	mu   sync.Mutex
	told []string
}

func (w *witness) Answered(method, route string, status int, took time.Duration) {
	w.tell(fmt.Sprint(method, " ", route, " ", status, " ", took > 0))
}

func (w *witness) Registered(outcome string) { w.tell(outcome) }

func (w *witness) Refused(code engine.Code, step string) { w.tell(fmt.Sprint(code, " in ", step)) }

func (w *witness) AddressUnread() { w.tell("address unread") }

func (w *witness) tell(s string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, s)
}

func TestObserverIsToldOfAnswers(t *testing.T) {
	w := &witness{}
	metrics := http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/plain; version=0.0.4")
		fmt.Fprint(rw, "counted")
	})
	s := newSite(t, setup{server: server.Config{Observer: w, Metrics: metrics}})
	s.registered(`{"redirect_uris":["https://app.example/cb"]}`)
	s.register(`{`).want(http.StatusBadRequest)
	s.register(`{}`, "Authorization: Bearer x").want(http.StatusUnauthorized)
	s.do("GET", s.public.URL+"/register", "").want(http.StatusMethodNotAllowed)
	s.do("GET", s.public.URL+"/a/path/of/the/caller's", "").want(http.StatusNotFound)
	s.call("GET", "/admin/v1/clients/a-client", "").want(http.StatusNotFound)
	if got := s.do("GET", s.admin.URL+"/metrics", "").want(http.StatusOK).body; got != "counted" {
		t.Errorf("/metrics: got %q, want counted", got)
	}
	s.do("GET", s.public.URL+"/metrics", "").want(http.StatusNotFound)
	want := []string{
		"registered", "POST /register 201 true",
		"invalid_client_metadata in request", "refused", "POST /register 400 true",
		"POST /register 401 true",
		"GET /register 405 true",
		"GET  404 true",
		"GET /admin/v1/clients/:id 404 true",
		"GET /metrics 200 true",
		"GET  404 true",
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Equal(w.told, want) {
		t.Errorf("got  %q\nwant %q", w.told, want)
	}
}
