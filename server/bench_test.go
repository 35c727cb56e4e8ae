package server_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"registrar/engine"
	"registrar/internal/alloctest"
	"registrar/server"
)

// discarding is a store that stores nothing.
type discarding struct{}

func (discarding) AddClient(context.Context, *engine.Client) error    { return nil }
func (discarding) UpdateClient(context.Context, *engine.Client) error { return nil }

// typicalRequest is a request that make bench sends: the metadata of a confidential web client.
const typicalRequest = `{"client_name":"Example Application 17",` +
	`"redirect_uris":["https://app17.example.com/oauth/callback",` +
	`"https://app17.example.com/oauth/silent-renew"],"grant_types":["authorization_code","refresh_token"],` +
	`"response_types":["code"],"token_endpoint_auth_method":"client_secret_basic",` +
	`"scope":"openid profile email offline_access","client_uri":"https://www.example.com/",` +
	`"contacts":["ops@example.com"],"software_id":"4NRB1-0XZABZI9E6-5SM3R","software_version":"2.17.1"}`

// registering returns a function that registers a client through the handlers and the engine, without network, scripts
// and database.
func registering(t testing.TB) (register func()) {
	e, err := engine.New(engine.Config{Store: discarding{},
		Options: engine.Options{RegistrationEndpoint: "https://as.example/register"}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.New(server.Config{Engine: e, Registration: server.RegistrationOpen, Administrator: findAdmin,
		RateLimit: 1e9, // no request reaches it, but each is counted
		Logger:    slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		request := httptest.NewRequest(http.MethodPost, "/register", strings.NewReader(typicalRequest))
		request.Header.Set("Content-Type", "application/json")
		request.RemoteAddr = "127.0.0.1:40000"
		w := httptest.NewRecorder()
		s.Public().ServeHTTP(w, request)
		if w.Code != http.StatusCreated {
			t.Fatal(w.Code, w.Body)
		}
	}
}

// BenchmarkRegister measures the handlers and the engine.
func BenchmarkRegister(b *testing.B) {
	register := registering(b)
	b.ReportAllocs()
	for b.Loop() {
		register()
	}
}

// TestAllocationsOfRegister limits the allocations of a registration, those of the test's request and response
// included. Lower the number with the change that lowers it; do not raise it.
func TestAllocationsOfRegister(t *testing.T) {
	alloctest.AtMost(t, 76, 200, registering(t))
}
