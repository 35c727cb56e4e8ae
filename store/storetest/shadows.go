package storetest

import (
	"bytes"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"registrar/scripts"
)

// testKeys tests that all stores on a database get the same key for a name.
func testKeys(t *testing.T, database string) {
	var keys [8][]byte
	var wg sync.WaitGroup
	for i := range keys {
		s := open(t, database)
		wg.Go(func() {
			key, err := s.Key(t.Context(), "canary")
			if err != nil {
				t.Error(err)
			}
			keys[i] = key
		})
	}
	wg.Wait()
	for _, key := range keys {
		if len(key) != 32 || !bytes.Equal(key, keys[0]) {
			t.Fatalf("keys of %d and %d bytes differ", len(key), len(keys[0]))
		}
	}
	other, err := open(t, database).Key(t.Context(), "other")
	if err != nil || bytes.Equal(other, keys[0]) {
		t.Errorf("two names have one key, %v", err)
	}
}

func testShadows(t *testing.T, database string) {
	s := open(t, database)
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	difference := func(n int) scripts.ShadowDifference {
		return scripts.ShadowDifference{At: at.Add(time.Duration(n) * time.Second), Outcome: "changed",
			Changes: jsontext.Value(`{"n":` + strconv.Itoa(n) + `}`)}
	}
	add := func(deployment int64, script string, counts scripts.ShadowCounts, differences ...scripts.ShadowDifference) {
		t.Helper()
		err := s.AddShadow(t.Context(), scripts.Shadow{Deployment: deployment, Script: script, Module: "sha256:0",
			ShadowCounts: counts, Differences: differences})
		if err != nil {
			t.Fatal(err)
		}
	}
	add(7, "one", scripts.ShadowCounts{Same: 1, Changed: 2, Refused: 3, Failed: 4, Dropped: 5}, difference(1),
		difference(2))
	add(7, "one", scripts.ShadowCounts{Same: 10, Dropped: 20}, difference(3))
	add(7, "two", scripts.ShadowCounts{Same: 1})
	add(8, "one", scripts.ShadowCounts{Failed: 1}, difference(4))

	want := []scripts.Shadow{
		{Deployment: 8, Script: "one", Module: "sha256:0", ShadowCounts: scripts.ShadowCounts{Failed: 1},
			Differences: []scripts.ShadowDifference{difference(4)}},
		{Deployment: 7, Script: "one", Module: "sha256:0",
			ShadowCounts: scripts.ShadowCounts{Same: 11, Changed: 2, Refused: 3, Failed: 4, Dropped: 25},
			Differences:  []scripts.ShadowDifference{difference(3), difference(2), difference(1)}},
	}
	got, err := s.Shadows(t.Context(), "one", 10)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if got, err := s.Shadows(t.Context(), "", 0); err != nil || len(got) != 3 || len(got[0].Differences) != 0 {
		t.Errorf("all: got %+v, %v", got, err)
	}

	// The latest 1,000 differences of a script are kept, of all deployments together.
	var many []scripts.ShadowDifference
	for n := range 1100 {
		many = append(many, difference(n))
	}
	add(9, "one", scripts.ShadowCounts{Changed: 1100}, many...)
	got, err = s.Shadows(t.Context(), "one", 1000)
	if err != nil || len(got) != 3 || len(got[0].Differences) != 1000 ||
		len(got[1].Differences)+len(got[2].Differences) != 0 {
		t.Errorf("after 1,100 more: %d lists, %v", len(got), err)
	}
	if first := got[0].Differences[0]; string(first.Changes) != `{"n":1099}` {
		t.Errorf("the newest is %s", first.Changes)
	}
}
