package storetest

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"registrar/scripts"
	"registrar/store"
)

// replicas returns the replicas by their ID.
func replicas(t *testing.T, s *store.Store) map[string]scripts.Replica {
	t.Helper()
	list, err := s.Replicas(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	byID := map[string]scripts.Replica{}
	for _, r := range list {
		byID[r.ID] = r
	}
	return byID
}

func mustBeat(t *testing.T, s *store.Store, r scripts.Replica) scripts.Replica {
	t.Helper()
	if err := s.Beat(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	return replicas(t, s)[s.ReplicaID()]
}

func testReplicas(t *testing.T, database string) {
	one, other := open(t, database), open(t, database)
	if list, err := one.Replicas(t.Context()); err != nil || list == nil || len(list) != 0 {
		t.Errorf("before the first beat: got %v and %v", list, err)
	}
	number := int64(7)
	first := mustBeat(t, one, scripts.Replica{Version: "v1.2.3", Address: "[::1]:8081", Problem: "é🦀"})
	mustBeat(t, other, scripts.Replica{Version: "v1.2.4", Address: "b:8081"})
	second := mustBeat(t, one, scripts.Replica{Version: "v1.2.3", Address: "[::1]:8081", Deployment: &number})
	if now := time.Now(); now.Sub(second.BeatAt).Abs() > time.Minute || now.Sub(second.StartedAt) < 0 ||
		now.Sub(second.StartedAt) > 5*time.Minute || second.BeatAt.Before(first.BeatAt) {
		t.Errorf("at %v: got %+v after %+v", now, second, first)
	}
	want := scripts.Replica{ID: one.ReplicaID(), Version: "v1.2.3", Address: "[::1]:8081", Problem: "é🦀", Live: true,
		StartedAt: first.StartedAt, BeatAt: first.BeatAt}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Errorf("the first beat, want (-) and got (+):\n%s", diff)
	}
	want.Deployment, want.Problem, want.BeatAt = &number, "", second.BeatAt
	if diff := cmp.Diff(want, second); diff != "" {
		t.Errorf("the second beat, want (-) and got (+):\n%s", diff)
	}
	if got := mustBeat(t, one, scripts.Replica{Problem: "a\xff\xfeb"}).Problem; got != "a\uFFFDb" {
		t.Errorf("a problem that is not UTF-8: got %q", got)
	}
	long := mustBeat(t, one, scripts.Replica{Problem: strings.Repeat("ü", 5000)})
	if got := []rune(long.Problem); len(got) != 2000 || got[1999] != '…' {
		t.Errorf("a long problem: got %d characters", len(got))
	}
	if err := one.RemoveReplica(t.Context()); err != nil {
		t.Fatal(err)
	}
	if list := replicas(t, other); len(list) != 1 || list[other.ReplicaID()].Version != "v1.2.4" {
		t.Errorf("after one was removed: got %+v", list)
	}
}

func testDeadReplicas(t *testing.T, database string) {
	living := open(t, database)
	silent, dead := open(t, database), open(t, database)
	for _, s := range []*store.Store{living, silent, dead} {
		mustBeat(t, s, scripts.Replica{})
	}
	db := raw(t, database)
	age := func(s *store.Store, by time.Duration) {
		t.Helper()
		const layout = "2006-01-02 15:04:05.000000"
		at := replicas(t, s)[s.ReplicaID()].BeatAt.Add(-by).Format(layout)
		if strings.HasPrefix(database, "sqlite:") {
			at = strings.Replace(at, " ", "T", 1) + "Z"
		}
		if result, err := db.Exec("UPDATE replicas SET beat_at = ? WHERE id = ?", at, s.ReplicaID()); err != nil {
			t.Fatal(err)
		} else if n, err := result.RowsAffected(); err != nil || n != 1 {
			t.Fatal(n, err)
		}
	}
	age(silent, 20*time.Second)
	age(dead, time.Hour+time.Second)
	list := replicas(t, living)
	if _, listed := list[dead.ReplicaID()]; listed || len(list) != 2 || !list[living.ReplicaID()].Live ||
		list[silent.ReplicaID()].Live {
		t.Errorf("got %+v, want a live one and a silent one", list)
	}
	if err := living.DropDeadReplicas(t.Context()); err != nil {
		t.Fatal(err)
	}
	var rows int
	if err := db.QueryRow("SELECT COUNT(*) FROM replicas").Scan(&rows); err != nil || rows != 2 {
		t.Errorf("%d rows are left, %v; want 2", rows, err)
	}
	if !mustBeat(t, dead, scripts.Replica{}).Live { // it was only stopped
		t.Error("a replica whose row was removed does not come back")
	}
}
