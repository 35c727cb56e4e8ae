package app

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"registrar/store"
)

// A server is not ready within three seconds after the last write.
func TestUnwrittenLimit(t *testing.T) {
	s, err := store.Open(t.Context(), store.Config{
		Database: "sqlite:" + filepath.Join(t.TempDir(), "registrar.db"), Migrate: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	synctest.Test(t, func(t *testing.T) {
		h := &heart{store: s, begun: true, written: time.Now()}
		time.Sleep(2 * time.Second)
		if err := h.problem(); err != nil {
			t.Errorf("after two seconds without a write: %v", err)
		}
		time.Sleep(time.Second)
		if err := h.problem(); err == nil {
			t.Error("after three seconds without a write, there is no problem")
		}
	})
}
