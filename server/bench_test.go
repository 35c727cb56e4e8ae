package server_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"registrar/bench/load"
	"registrar/engine"
	"registrar/server"
)

// discarding is a store that is as fast as can be.
type discarding struct{}

func (discarding) AddClient(context.Context, *engine.Client) error    { return nil }
func (discarding) UpdateClient(context.Context, *engine.Client) error { return nil }

// BenchmarkRegister is a registration from the request to the answer, without network, scripts and database: what the
// handlers add to the engine.
func BenchmarkRegister(b *testing.B) {
	e, err := engine.New(engine.Config{Store: discarding{}, Options: engine.Options{RegistrationEndpoint: "https://as.example/register"}})
	if err != nil {
		b.Fatal(err)
	}
	s, err := server.New(server.Config{Engine: e, Registration: server.RegistrationOpen, AdminTokens: adminTokens,
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		b.Fatal(err)
	}
	body := load.Body(17)
	b.ReportAllocs()
	for b.Loop() {
		request := httptest.NewRequest(http.MethodPost, "/register", bytes.NewReader(body))
		request.Header.Set("Content-Type", "application/json")
		request.RemoteAddr = "127.0.0.1:40000"
		w := httptest.NewRecorder()
		s.Public().ServeHTTP(w, request)
		if w.Code != http.StatusCreated {
			b.Fatal(w.Code, w.Body)
		}
	}
}
