package baresqlite_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"registrar/bench/baresqlite"
	"registrar/engine"
	"registrar/store"
)

// database makes a database with that many clients.
func database(t *testing.T, name string, clients int) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), name)
	s, err := store.Open(t.Context(), store.Config{Database: "sqlite:" + file, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	for range clients {
		c := &engine.Client{ID: uuid.NewString(), RegistrationID: uuid.New(), IssuedAt: time.Now(),
			Caller:   engine.Caller{Auth: engine.AuthNone},
			Metadata: engine.Metadata{ClientName: "Template"}}
		if err := s.AddClient(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestRunInsertsTheTemplate(t *testing.T) {
	c := baresqlite.Config{File: database(t, "empty.db", 0), Template: database(t, "template.db", 1), Callers: 4,
		Duration: 50 * time.Millisecond}
	r, err := baresqlite.Run(t.Context(), c)
	if err != nil || r.Rows < 1 || r.Seconds < 0.05 {
		t.Fatalf("got %+v, %v", r, err)
	}
	s, err := store.Open(t.Context(), store.Config{Database: "sqlite:" + c.File})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	page, err := s.Clients(t.Context(), engine.ClientFilter{}, 0, 1000)
	clients := page.Clients
	if err != nil || len(clients) != min(r.All, 1000) || r.All < r.Rows ||
		clients[0].Metadata.ClientName != "Template" {
		t.Errorf("%d rows, stored: %d, %v", r.Rows, len(clients), err)
	}
}

func TestRunNeedsATemplate(t *testing.T) {
	empty := database(t, "empty.db", 0)
	if _, err := baresqlite.Run(t.Context(), baresqlite.Config{File: empty, Template: empty, Callers: 1,
		Duration: time.Millisecond}); err == nil {
		t.Error("it took a row from nowhere")
	}
}
